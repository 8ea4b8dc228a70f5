"""Works on several frames at a time, so that no core waits while another one works; the order stays.

Most of propagation is numpy and OpenCV, which let other Python threads run, but each frame is a long
chain of small steps, of which OpenCV itself can spread only a small part over cores. So whole frames are
spread: what belongs to one frame alone is begun for the next few while the first is still being worked on.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Protocol, TypeVar

import cv2
from threadpoolctl import threadpool_limits

_MOST_PIXELS = 16_000_000
"""How many full-size pixels may be worked on at a time, in all frames together: it bounds the memory."""
_MOST_FRAMES = 16
_THREADS_VARIABLE = "OMP_NUM_THREADS"
"""The environment variable by which farms and servers give a process its share of the cores."""

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


class Ahead(Protocol):
    """Applies a function to items, in order."""

    def __call__(
        self, work: Callable[[_Item], _Result], items: Iterable[_Item], share: float = 1.0
    ) -> Iterator[_Result]:
        """Yield ``work(item)`` for each of ``items`` in order, and begin the next ones meanwhile.

        Items are drawn one after another in the caller's thread, the work is done in others. ``share`` of
        the threads, but at least one, have an item each at a time.
        """


def frames_at_a_time(pixels: int) -> int:
    """How many frames of so many pixels are worked on at a time: as many as there are cores, unless they are
    large, or the environment gives this process fewer threads."""
    cores = cv2.getNumberOfCPUs()
    given = os.environ.get(_THREADS_VARIABLE, "")
    if given.isdecimal() and int(given):
        cores = min(cores, int(given))
    return max(1, min(cores, _MOST_FRAMES, _MOST_PIXELS // max(1, pixels)))


@contextmanager
def working_ahead(frames: int) -> Iterator[Ahead]:
    """Work on up to ``frames`` frames at a time; with 1, everything is done in the caller's thread.

    Meanwhile numpy's linear algebra keeps to one thread: its own threads would wait for each other on cores
    that frames are worked on, and an answer might differ in its last bit with their number.
    """
    with threadpool_limits(1, user_api="blas"):
        if frames <= 1:
            yield _one_by_one
        else:
            with _in_threads(frames) as ahead:
                yield ahead


@contextmanager
def _in_threads(frames: int) -> Iterator[Ahead]:
    pool = ThreadPoolExecutor(frames, thread_name_prefix="void-frame")

    def ahead(
        work: Callable[[_Item], _Result], items: Iterable[_Item], share: float = 1.0
    ) -> Iterator[_Result]:
        most = max(1, round(frames * share))
        begun: deque[Future[_Result]] = deque()
        for item in items:
            begun.append(pool.submit(work, item))
            while begun and (len(begun) >= most or begun[0].done()):
                yield begun.popleft().result()
        while begun:
            yield begun.popleft().result()

    try:
        yield ahead
    finally:
        # After an error or a stop, what has not begun is dropped, and what runs sees the stop by itself.
        pool.shutdown(cancel_futures=True)


def _one_by_one(
    work: Callable[[_Item], _Result], items: Iterable[_Item], share: float = 1.0
) -> Iterator[_Result]:
    return map(work, items)
