"""A review as a timeline for players: OpenRV, xStudio and mrv2 open OpenTimelineIO."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from void_engine.plates.sequence.pattern import FramePattern
from void_server.review.catalogue import ReviewShot
from void_server.review.errors import ReviewError

SUFFIX = ".otio"


def write_timeline(shots: Sequence[ReviewShot], fps: float, path: Path) -> None:
    """Write one timeline with all shots one after another, and a track for each thing to look at: ``plate``,
    ``result`` (the newest version) and ``matte`` (the first matte that lies in files; gaps elsewhere).

    Args:
        shots: the shots, in their order.
        fps: the rate of the timeline.
        path: the ``.otio`` file.

    Raises:
        ReviewError: when OpenTimelineIO is not installed, or the file cannot be written.
    """
    try:
        import opentimelineio as otio
    except ModuleNotFoundError as error:
        raise ReviewError("timelines need OpenTimelineIO; install the extra 'review'") from error
    timeline = otio.schema.Timeline(name=path.stem)
    tracks = {
        name: otio.schema.Track(name=name, kind=otio.schema.TrackKind.Video)
        for name in ("plate", "result", "matte")
    }
    for shot in shots:
        job = shot.job
        newest = next((version for version in reversed(shot.versions) if version.frames), None)
        mattes = [matte.pattern for matte in job.mattes if matte.role == "remove"]
        sources = {
            "plate": job.shot.plate,
            "result": "" if newest is None else newest.pattern,
            "matte": mattes[0] if mattes else "",
        }
        for name, pattern in sources.items():
            item = _clip(otio, job.shot.name, pattern, job.shot.frame_numbers, fps)
            if newest is not None and name == "result":
                item.metadata["void"] = {"version": newest.job.output.version, "job_id": newest.job.job_id}
            tracks[name].append(item)
    timeline.tracks.extend(tracks.values())
    try:
        otio.adapters.write_to_file(timeline, str(path))
    except Exception as error:
        raise ReviewError(f"{path}: the timeline cannot be written ({error})") from error


def _clip(otio: Any, name: str, pattern: str, numbers: range, fps: float) -> Any:
    used = otio.opentime.TimeRange(
        otio.opentime.RationalTime(numbers[0], fps), otio.opentime.RationalTime(len(numbers), fps)
    )
    if not pattern:
        return otio.schema.Gap(source_range=otio.opentime.TimeRange(duration=used.duration))
    files = FramePattern.parse(pattern)
    if files.is_still:
        media = otio.schema.ExternalReference(
            target_url=files.path(0).absolute().as_posix(), available_range=used
        )
    else:
        media = otio.schema.ImageSequenceReference(
            # A path, not a file:// address: players hand it on as it is, with %04d in place of the number,
            # and a blank that is written as %20 would be another token.
            target_url_base=f"{files.folder.absolute().as_posix()}/",
            name_prefix=files.prefix,
            name_suffix=files.suffix,
            start_frame=numbers[0],
            frame_step=1,
            rate=fps,
            frame_zero_padding=files.padding or 0,
            available_range=used,
        )
    return otio.schema.Clip(name=name, media_reference=media, source_range=used)
