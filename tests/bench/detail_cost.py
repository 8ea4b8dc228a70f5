"""Measures what plate detail costs: processor time, memory, and how long a stop may have to wait.

    python -m tests.bench.detail_cost                   seconds a frame over frame sizes, areas and lengths
    python -m tests.bench.detail_cost --memory 40 200   peak memory of shots of so many small frames

Processor time counts, so that a busy machine does not. Propagation is included.
"""

from __future__ import annotations

import argparse
import multiprocessing
import resource
import sys
import threading
import time

import cv2
import numpy as np

from void_engine.arrays import Float32Array
from void_engine.detail.shot import restore_shot
from void_engine.engines.interface import EngineRequest, ShotFrame
from void_engine.propagation.in_memory import SilentMonitor

_SMALLER = 3
_CASES = (
    (480, 270, 0.05, 6),
    (480, 270, 0.10, 6),
    (960, 540, 0.025, 6),
    (960, 540, 0.10, 6),
    (480, 270, 0.05, 24),
)
"""Width, height, the share of the frame that is replaced, and the number of frames."""


class Panning:
    """A slow pan over noise, with a flat box that crosses; frames are made on demand."""

    pixel_aspect = 1.0

    def __init__(self, width: int, height: int, share: float, frames: int) -> None:
        self.width, self.height, self.frame_numbers = width, height, range(1, frames + 1)
        noise = np.random.default_rng(0).normal(0, 1, (height, 2 * width, 3)).astype(np.float32)
        total = sum(cv2.GaussianBlur(noise, (0, 0), sigma) * sigma for sigma in (1.0, 3.0, 9.0))
        self._still = np.asarray(0.4 + 0.12 * total / np.std(total), np.float32)
        self._side = round((share * width * height) ** 0.5)

    def truth(self, number: int) -> Float32Array:
        """What the frame shows without the box."""
        shift = np.array([[1, 0, self.width * (0.5 + 0.4 * np.sin(number / 40))], [0, 1, 0]], np.float32)
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        moved = cv2.warpAffine(self._still, shift, (self.width, self.height), flags=flags)
        return np.asarray(moved, np.float32)

    def frame(self, number: int) -> ShotFrame:
        plate = self.truth(number)
        remove = np.zeros((self.height, self.width), np.float32)
        top = (self.height - self._side) // 2
        left = number * 4 % max(1, self.width - self._side)
        remove[top : top + self._side, left : left + self._side] = 1
        plate[remove > 0] = 2.0
        quadmask = np.where(remove > 0, 0, 255).astype(np.uint8)
        return ShotFrame(number, plate, remove, np.zeros_like(remove), remove, quadmask)

    def anchor(self, number: int) -> Float32Array | None:
        return None

    def answer(self, number: int) -> Float32Array:
        """What a model would say of the frame, soft and small."""
        size = (self.width // _SMALLER, self.height // _SMALLER)
        small = cv2.resize(self.truth(number), size, interpolation=cv2.INTER_AREA)
        return np.asarray(cv2.GaussianBlur(small, (0, 0), 0.7), np.float32)


class _Looking(SilentMonitor):
    """Notes the longest time, of a thread's processor time, between two looks for a stop."""

    def __init__(self) -> None:
        self.longest = 0.0
        self._last: dict[int, float] = {}

    def check_cancelled(self) -> None:
        thread, now = threading.get_ident(), time.thread_time()
        self.longest = max(self.longest, now - self._last.get(thread, now))
        self._last[thread] = now


def _run(shot: Panning) -> tuple[float, float]:
    """The processor time of a frame, and the longest between two looks, in seconds."""
    looking = _Looking()
    begun = time.process_time()
    numbers = shot.frame_numbers
    answers = ((number, shot.answer(number)) for number in numbers)
    canvas = (shot.height // _SMALLER, shot.width // _SMALLER)
    for _ in restore_shot(shot, numbers, answers, canvas, EngineRequest(), looking):
        pass
    return (time.process_time() - begun) / len(numbers), looking.longest


def _memory(frames: int) -> None:
    seconds, _ = _run(Panning(160, 90, 0.06, frames))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    mib = peak / (2**20 if sys.platform == "darwin" else 1024)
    print(f"{frames:5d} frames of 160x90: peak {mib:.0f} MiB, {seconds:.2f} s a frame", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--memory", type=int, nargs="+", default=[])
    arguments = parser.parse_args()
    if arguments.memory:
        context = multiprocessing.get_context("spawn")
        for frames in arguments.memory:
            child = context.Process(target=_memory, args=(frames,))
            child.start()
            child.join()
        return
    for width, height, share, frames in _CASES:
        seconds, longest = _run(Panning(width, height, share, frames))
        replaced = round(share * width * height)
        print(
            f"{width}x{height}, {replaced:6d} pixels replaced, {frames:3d} frames: {seconds:.2f} s a frame; "
            f"the longest between two looks for a stop {longest:.2f} s",
            flush=True,
        )


if __name__ == "__main__":
    main()
