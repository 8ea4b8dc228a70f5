"""Plans the main memory of a removal by propagation before anything is read.

It is an upper bound: the engine works on a region of the plate, which may be all of it.
"""

from __future__ import annotations

from void_engine.propagation.ahead import frames_at_a_time
from void_engine.propagation.working_set import (
    ANALYSIS_BYTES,
    FEWEST_FRAMES,
    FULL_SIZE_BYTES,
    MOST_ANALYSED,
    MOST_FULL,
    analysis_scale,
)

_PROCESS_BYTES = 350 * 2**20
"""What a process holds with its libraries, and the frames that are read ahead and written behind."""
_HELD_BYTES = 26
"""Bytes of a pixel of a full-size frame that is held: the plate, four mattes' planes and where they count."""
_ANALYSED_BYTES = 14
"""Bytes of a pixel of an analysis frame."""
_WORKED_BYTES = 100
"""Bytes of a pixel of a frame that is being worked on, measured on 3840x2160."""


def main_memory(width: int, height: int, frames: int, threads: int) -> int:
    """Return the bytes of main memory that a shot needs at most.

    Args:
        width: pixels of the plate at the scale of the work; ``height`` likewise.
        frames: length of the shot.
        threads: how many cores the process may use.
    """
    pixels = width * height
    scale = analysis_scale(width, height)
    most = max(FULL_SIZE_BYTES, FEWEST_FRAMES * pixels * _HELD_BYTES)
    held = min(min(frames, MOST_FULL) * pixels * _HELD_BYTES, most)
    analysed = min(round(min(frames, MOST_ANALYSED) * pixels * scale**2 * _ANALYSED_BYTES), ANALYSIS_BYTES)
    at_a_time = min(frames, threads, frames_at_a_time(pixels))
    return _PROCESS_BYTES + held + analysed + at_a_time * pixels * _WORKED_BYTES
