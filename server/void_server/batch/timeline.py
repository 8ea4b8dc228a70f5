"""Reads editorial timelines through OpenTimelineIO; each clip of the cut is a shot.

OpenTimelineIO reads ``.otio``, ``.otioz`` and ``.otiod`` itself, and other formats (EDL, AAF, FCP XML)
through adapters where they are installed; ``otio-cmx3600-adapter`` reads EDL.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from void_engine.errors import PlateError
from void_engine.plates.sequence.pattern import FramePattern
from void_server.batch.clip_range import used_frames
from void_server.batch.errors import ManifestError
from void_server.batch.listed import BadShot, Listed
from void_server.batch.manifest_row import ManifestRow, jobs_of
from void_server.errors import message_of
from void_server.shot_files import absolute_pattern

TIMELINE_SUFFIXES = (".otio", ".otioz", ".otiod", ".edl", ".aaf", ".xml", ".fcpxml")
METADATA_KEY = "void"
"""The key in a clip's metadata under which it may carry fields of :class:`ManifestRow`."""
_EDL_KEY = "cmx_3600"
"""The key under which the EDL adapter keeps an event's reel."""
_NO_REELS = ("AX", "BL", "")
"""The words that an EDL writes where it knows no reel."""


@dataclass(frozen=True, kw_only=True)
class TimelineOptions:
    """What a timeline may leave open."""

    fps: float | None = None
    """Frames per second of an EDL, which does not say its rate."""
    handles: int = 0
    """How many frames more than the cut uses are cleaned at both ends, where the media has them."""


@dataclass
class _Use:
    """What the cut uses of a shot, over all clips of its name."""

    row: ManifestRow
    media: str
    first: int
    last: int


def read_timeline(path: Path, defaults: ManifestRow, options: TimelineOptions) -> Listed:
    """Make one job for each shot that the cut uses, in the cut's order. A shot that comes again is one job
    over all frames that are used of it: retimes and dissolves of the cut included, and the handles.

    Frame numbers are those of the media, at the media's rate. Where the clip refers to an image sequence or a
    file with a frame token, that is the plate, unless ``defaults.plate`` says otherwise. Disabled clips,
    sound, stills and what is generated are passed over.

    Raises:
        ManifestError: when the timeline cannot be read, or an EDL comes without its rate.
    """
    try:
        import opentimelineio as otio
    except ModuleNotFoundError as error:
        raise ManifestError(f"{path}: timelines need OpenTimelineIO; install the extra 'farm'") from error
    timeline = _read(otio, path, options)
    listed = Listed()
    uses: dict[str, _Use | BadShot] = {}
    for clip in timeline.find_clips():
        name = str(clip.name).strip() or "shot"
        reason = _passed_over(otio, clip)
        if reason:
            if reason is not _SOUND:
                listed.notes.append(f"{path}: {name} is passed over: {reason}")
            continue
        try:
            use = _use_of(otio, clip, name, defaults, options, path)
        except (ManifestError, PlateError) as error:
            uses[name] = BadShot(name, error)
            continue
        if use is not None:
            uses[name] = _joined(uses.get(name), use, path)
    for name, found in uses.items():
        if isinstance(found, BadShot):
            listed.shots.append(found)
            continue
        row = found.row
        row = msgspec.structs.replace(row, frames=row.frames or f"{found.first}-{found.last}")
        listed.shots += jobs_of(row, path.parent, f"{path}, clip {name}")
    return listed


def _read(otio: Any, path: Path, options: TimelineOptions) -> Any:
    words: dict[str, Any] = {}
    if path.suffix.lower() == ".edl":
        if options.fps is None:
            raise ManifestError(
                f"{path}: an EDL does not say its frame rate; give it as --fps, e.g. --fps 24"
            )
        words["rate"] = options.fps
    try:
        return otio.adapters.read_from_file(str(path), **words)
    except Exception as error:
        raise ManifestError(
            f"{path} cannot be read as a timeline: {message_of(error)}; its format may need an "
            "OpenTimelineIO adapter"
        ) from error


_SOUND = "it is sound"


def _passed_over(otio: Any, clip: Any) -> str:
    """Say why a clip is no shot; empty for a shot."""
    above = clip
    while above is not None:
        if isinstance(above, otio.schema.Track) and above.kind != otio.schema.TrackKind.Video:
            return _SOUND
        if not getattr(above, "enabled", True):
            return "it is disabled" if above is clip else f"{above.name or 'its track'} is disabled"
        above = above.parent()
    reference = clip.media_reference
    if isinstance(reference, otio.schema.GeneratorReference):
        return f"it is generated ({reference.generator_kind or 'no kind given'})"
    available = getattr(reference, "available_range", None)
    if available is not None and available.duration.to_frames() == 1:
        return "its media is a still"
    if isinstance(reference, otio.schema.ExternalReference) and _is_still(reference.target_url or ""):
        return "its media is a still"
    return ""


def _is_still(url: str) -> bool:
    """Whether a file is one picture: it has a picture's ending and no number or token for a frame."""
    name = Path(url.rpartition("/")[2])
    return name.suffix.lower() in (
        ".jpg",
        ".jpeg",
        ".png",
        ".tif",
        ".tiff",
        ".psd",
        ".tga",
        ".bmp",
    ) and not any(sign in name.stem for sign in "%#@0123456789")


def _use_of(
    otio: Any, clip: Any, name: str, defaults: ManifestRow, options: TimelineOptions, path: Path
) -> _Use | None:
    """Read what the cut uses of a clip; None where it refers to no picture."""
    reference = clip.media_reference
    media = _media_of(otio, clip)
    plate = defaults.plate or media
    if not plate:
        return None
    own = dict(clip.metadata.get(METADATA_KEY, {}))
    try:
        own_row = msgspec.convert(own, ManifestRow, strict=False)
    except msgspec.ValidationError as error:
        raise ManifestError(f"{path}, clip {name}: metadata {METADATA_KEY!r}: {error}") from error
    used = used_frames(otio, clip, reference, options.handles, f"{path}, clip {name}")
    files = FramePattern.parse(absolute_pattern(plate.replace("{shot}", name), path.parent))
    first, last = used.on_disk(lambda number: files.path(number).exists())
    row = msgspec.structs.replace(defaults, plate=plate, shot=name)
    row = msgspec.structs.replace(row, **{field: getattr(own_row, field) for field in own})
    return _Use(row, media or _reel(clip), first, last)


def _joined(before: _Use | BadShot | None, use: _Use, path: Path) -> _Use | BadShot:
    """What the cut uses of a shot whose name came before."""
    if before is None:
        return use
    if isinstance(before, BadShot):
        return before
    if before.media != use.media and not (before.row.frames and use.row.frames):
        name = use.row.shot
        return BadShot(
            name,
            ManifestError(
                f"{path}: two clips are called {name} and use different media, {before.media} and "
                f"{use.media}; give them names of their own"
            ),
        )
    before.first, before.last = min(before.first, use.first), max(before.last, use.last)
    return before


def _media_of(otio: Any, clip: Any) -> str:
    reference = clip.media_reference
    if isinstance(reference, otio.schema.ImageSequenceReference):
        padding = max(1, reference.frame_zero_padding)
        folder = otio.url_utils.filepath_from_url(reference.target_url_base)
        return str(Path(folder) / f"{reference.name_prefix}%0{padding}d{reference.name_suffix}")
    if isinstance(reference, otio.schema.ExternalReference) and reference.target_url:
        return str(otio.url_utils.filepath_from_url(reference.target_url))
    return ""


def _reel(clip: Any) -> str:
    """The reel of an EDL's event, which tells its media where it names no file."""
    reel = str(clip.metadata.get(_EDL_KEY, {}).get("reel", ""))
    return "" if reel in _NO_REELS else f"reel {reel}"
