"""Which frames of its media a clip of a timeline shows: its cut, retime, dissolves and handles."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from void_server.batch.errors import ManifestError


@dataclass(frozen=True)
class UsedFrames:
    """Frames of a clip's media, by the numbers in its file names, both ends included."""

    first: int
    last: int
    """What the cut shows for certain."""
    widest_first: int
    widest_last: int
    """What it may show beyond that, and the handles: wanted where there are files for it."""

    def on_disk(self, exists: Callable[[int], bool]) -> tuple[int, int]:
        """Return the first and the last frame, as wide as there are files without a gap."""
        first, last = self.first, self.last
        while first > self.widest_first and exists(first - 1):
            first -= 1
        while last < self.widest_last and exists(last + 1):
            last += 1
        return first, last


def used_frames(otio: Any, clip: Any, reference: Any, handles: int, where: str) -> UsedFrames:
    """Return which frames of the media the cut shows of a clip.

    A dissolve shows frames beyond the clip's own range. With a linear retime by ``s``, frame ``t`` after the
    clip's start shows the media ``s * t`` after it; a negative ``s`` plays the range backwards. Whether a
    clip's range is written in frames of the cut or of the media differs between writers, so the shorter of
    the two is certain and the longer one is wanted. Frames that the media does not have are left out, where
    it says what it has.

    Args:
        handles: how many frames more are wanted at both ends.
        where: names the clip in errors.

    Raises:
        ManifestError: for a retime that is not linear, or a range outside of the media.
    """
    speed = abs(_time_scale(otio, clip, where))
    own, shown = clip.trimmed_range(), clip.visible_range()
    rate = _rate(reference, own)
    start = own.start_time.rescaled_to(rate).value
    before = max(0.0, (own.start_time - shown.start_time).rescaled_to(rate).value)
    frames = own.duration.rescaled_to(rate).value
    after = max(0.0, shown.duration.rescaled_to(rate).value - frames - before)

    def range_at(stretch: float) -> tuple[int, int]:
        first = math.floor(start - before * stretch + _SLACK)
        return first, max(first, math.ceil(start + (frames + after) * stretch - 1 - _SLACK))

    certain, widest = range_at(min(1.0, speed)), range_at(max(1.0, speed))
    widest = widest[0] - handles, widest[1] + handles
    available = _available(reference, rate)
    if available is not None:
        if certain[1] < available[0] or certain[0] > available[1]:
            raise ManifestError(
                f"{where}: the cut uses the frames {certain[0]}-{certain[1]}, its media has "
                f"{available[0]}-{available[1]}; relink the clip"
            )
        certain = max(certain[0], available[0]), min(certain[1], available[1])
        widest = max(widest[0], available[0]), min(widest[1], available[1])
    numbers = (_numbered(otio, reference, frame, rate) for frame in (*certain, *widest))
    return UsedFrames(*numbers)


_SLACK = 1e-6
"""What rounding may add to a whole number of frames."""


def _time_scale(otio: Any, clip: Any, where: str) -> float:
    """The speed at which the cut plays a clip; of several retimes the product."""
    scale = 1.0
    above = clip
    while above is not None:
        for effect in getattr(above, "effects", ()):
            if isinstance(effect, otio.schema.FreezeFrame):
                scale = 0.0
            elif isinstance(effect, otio.schema.LinearTimeWarp):
                if above is not clip and effect.time_scalar != 1.0:
                    raise ManifestError(
                        f"{where}: {above.name or 'the track'} around it is retimed, so that the frames "
                        "which the cut shows of it cannot be told; give its frames in its metadata "
                        "'void', or retime the clip itself"
                    )
                scale *= effect.time_scalar
            elif isinstance(effect, otio.schema.TimeEffect):
                raise ManifestError(
                    f"{where}: the retime {effect.effect_name or effect.name or type(effect).__name__} is "
                    "not linear; render the clip, or give its frames in its metadata 'void'"
                )
        above = above.parent()
    return scale


def _rate(reference: Any, own: Any) -> float:
    """Frames per second of the media's numbers."""
    rate = getattr(reference, "rate", 0)
    if isinstance(rate, (int, float)) and rate > 0:
        return float(rate)
    available = getattr(reference, "available_range", None)
    if available is not None:
        return float(available.start_time.rate)
    return float(own.start_time.rate)


def _available(reference: Any, rate: float) -> tuple[int, int] | None:
    """The first and last frame that the media has, counted as the clip's; None where it does not say."""
    available = getattr(reference, "available_range", None)
    if available is None:
        return None
    first = round(available.start_time.rescaled_to(rate).value)
    return first, first + max(1, round(available.duration.rescaled_to(rate).value)) - 1


def _numbered(otio: Any, reference: Any, frame: int, rate: float) -> int:
    """The number in the name of the file that holds a frame."""
    if isinstance(reference, otio.schema.ImageSequenceReference):
        return int(reference.frame_for_time(otio.opentime.RationalTime(frame, rate)))
    return frame
