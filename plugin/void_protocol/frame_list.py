"""Frames as people write them: ``1001-1040``, ``1001-1010x2,1020``; read and written here and nowhere else.

The syntax is the one of Nuke and of render managers. A removal covers a whole range, so that most places take
only a list without gaps: they call :func:`parse_frame_range`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from void_protocol.errors import FrameListError
from void_protocol.job import MAX_FRAMES

_MOST_DIGITS = 9
_SHOWN_RUNS = 6
_RANGE = re.compile(
    r"(?P<first>-?\d+)(?:(?:\s*-\s*|\s*to\s*|\s+)(?P<last>-?\d+)(?:\s*x\s*(?P<step>\d+))?)?", re.ASCII
)


def parse_frames(text: str) -> list[int]:
    """Read a list of frames: numbers, ranges (``1001-1010``, also ``1001 to 1010`` and ``1001 1010``) and
    ranges with a step (``1001-1010x2``), parted by commas. Frames may be negative.

    Returns:
        The frames in ascending order, each once.

    Raises:
        FrameListError: when the text is none, a range runs backwards, a step is 0, or there are more than
            :data:`~void_protocol.job.MAX_FRAMES`. The message shows what is wrong and how to write it.
    """
    return sorted({frame for part in _parts(text) for frame in part})


def parse_frame_range(text: str) -> tuple[int, int]:
    """Read a list of frames that has no gaps, such as ``1001-1040`` or ``1001``.

    Returns:
        The first frame and the last, both included.

    Raises:
        FrameListError: as for :func:`parse_frames`, and when frames between the first and the last are left
            out.
    """
    frames = parse_frames(text)
    first, last = frames[0], frames[-1]
    if len(frames) != last - first + 1:
        raise FrameListError(
            f"{text.strip()!r} leaves out frames, and a removal needs all of them; write {first}-{last}"
        )
    return first, last


def _parts(text: str) -> list[range]:
    parts = [_part(part.strip(), text) for part in text.split(",")]
    if sum(map(len, parts)) > MAX_FRAMES:
        raise FrameListError(f"{text.strip()!r} names more than {MAX_FRAMES} frames; write fewer")
    return parts


def _part(part: str, text: str) -> range:
    match = _RANGE.fullmatch(part)
    if match is None or any(len((number or "").lstrip("-")) > _MOST_DIGITS for number in match.groups()):
        which = f"{part!r} in {text.strip()!r}" if "," in text else repr(part)
        raise FrameListError(f"{which} is no frame range; write it like 1001-1040")
    first = int(match["first"])
    last = first if match["last"] is None else int(match["last"])
    if last < first:
        raise FrameListError(f"the frame range {part!r} runs backwards; write {last}-{first}")
    step = int(match["step"] or 1)
    if step < 1:
        raise FrameListError(f"the frame range {part!r} has a step of 0; write e.g. {first}-{last}x2")
    return range(first, last + 1, step)


def runs(numbers: Iterable[int]) -> list[tuple[int, int]]:
    """Ascending numbers as runs without a gap: the first and the last number of each."""
    found: list[tuple[int, int]] = []
    for number in numbers:
        if found and number == found[-1][1] + 1:
            found[-1] = (found[-1][0], number)
        else:
            found.append((number, number))
    return found


def describe_frames(numbers: Sequence[int]) -> str:
    """Ascending frame numbers for a message, at most six runs: ``frame 1003``, ``frames 1003, 1010-1012``."""
    found = runs(numbers)
    words = [f"{first}" if first == last else f"{first}-{last}" for first, last in found[:_SHOWN_RUNS]]
    if len(found) > _SHOWN_RUNS:
        words.append("...")
    return ("frame " if len(numbers) == 1 else "frames ") + ", ".join(words)
