"""Reads editorial timelines through OpenTimelineIO; each clip of the cut is a shot.

OpenTimelineIO reads ``.otio``, ``.otioz`` and ``.otiod`` itself, and other formats (EDL, AAF, FCP XML)
through adapters where they are installed; ``otio-cmx3600-adapter`` reads EDL.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from void_protocol.job import RemovalJob
from void_server.batch.errors import ManifestError
from void_server.batch.manifest_row import ManifestRow, job_of

TIMELINE_SUFFIXES = (".otio", ".otioz", ".otiod", ".edl", ".aaf", ".xml", ".fcpxml")
METADATA_KEY = "void"
"""The key in a clip's metadata under which it may carry fields of :class:`ManifestRow`."""


def read_timeline(path: Path, defaults: ManifestRow) -> list[RemovalJob]:
    """Make one job for each clip whose media the cut uses, in the cut's order. A clip that comes again is one
    shot over all frames that are used of it.

    Frame numbers are those of the media: a clip's source range, at the media's rate. Where the clip refers to
    an image sequence or a file with a frame token, that is the plate, unless ``defaults.plate`` says
    otherwise.

    Raises:
        ManifestError: when the timeline cannot be read, or a clip lacks what a job needs.
    """
    try:
        import opentimelineio as otio
    except ModuleNotFoundError as error:
        raise ManifestError(f"{path}: timelines need OpenTimelineIO; install the extra 'farm'") from error
    try:
        timeline = otio.adapters.read_from_file(str(path))
    except (otio.exceptions.OTIOError, OSError, ValueError) as error:
        raise ManifestError(
            f"{path} cannot be read as a timeline: {error}; its format may need an OpenTimelineIO adapter"
        ) from error
    found: dict[str, tuple[ManifestRow, int, int]] = {}
    for clip in timeline.find_clips():
        made = _shot_of(otio, clip, defaults, path)
        if made is None:
            continue
        row, first, last = made
        if row.shot in found:
            before = found[row.shot]
            first, last = min(first, before[1]), max(last, before[2])
        found[row.shot] = (row, first, last)
    return [
        job_of(
            msgspec.structs.replace(row, frames=row.frames or f"{first}-{last}"),
            path.parent,
            f"{path}, clip {name}",
        )
        for name, (row, first, last) in found.items()
    ]


def _shot_of(otio: Any, clip: Any, defaults: ManifestRow, path: Path) -> tuple[ManifestRow, int, int] | None:
    """Read what a clip says of its shot; None where it refers to no picture."""
    reference = clip.media_reference
    plate = defaults.plate or _plate_of(otio, reference)
    if not plate:
        return None
    used = clip.trimmed_range()
    first = round(used.start_time.value)
    last = round(used.end_time_inclusive().value)
    if isinstance(reference, otio.schema.ImageSequenceReference):
        first, last = (
            reference.frame_for_time(used.start_time),
            reference.frame_for_time(used.end_time_inclusive()),
        )
    own = dict(clip.metadata.get(METADATA_KEY, {}))
    row = msgspec.structs.replace(defaults, plate=plate, shot=_name(clip))
    try:
        own_row = msgspec.convert(own, ManifestRow, strict=False)
    except msgspec.ValidationError as error:
        raise ManifestError(f"{path}, clip {clip.name}: metadata {METADATA_KEY!r}: {error}") from error
    return msgspec.structs.replace(row, **{name: getattr(own_row, name) for name in own}), first, last


def _name(clip: Any) -> str:
    return str(clip.name).strip() or "shot"


def _plate_of(otio: Any, reference: Any) -> str:
    if isinstance(reference, otio.schema.ImageSequenceReference):
        padding = max(1, reference.frame_zero_padding)
        folder = otio.url_utils.filepath_from_url(reference.target_url_base)
        return str(Path(folder) / f"{reference.name_prefix}%0{padding}d{reference.name_suffix}")
    if isinstance(reference, otio.schema.ExternalReference) and reference.target_url:
        return str(otio.url_utils.filepath_from_url(reference.target_url))
    return ""
