"""The plan of main memory against what was measured, and what it grows with."""

from __future__ import annotations

import pytest

from void_engine.propagation.memory_plan import main_memory

MIB = 2**20


@pytest.mark.parametrize(
    ("width", "height", "frames", "threads", "measured_mib"),
    [(1920, 1080, 8, 2, 919), (3840, 2160, 8, 1, 1790), (3840, 2160, 6, 1, 1380)],
)
def test_it_is_a_bound_and_not_a_wide_one(
    width: int, height: int, frames: int, threads: int, measured_mib: int
) -> None:
    """Peaks of processes of ``tests.bench.propagation_memory``, libraries included."""
    planned = main_memory(width, height, frames, threads)
    assert measured_mib * MIB < planned < 1.5 * measured_mib * MIB


def test_it_does_not_grow_with_the_length_once_the_caches_are_full() -> None:
    assert main_memory(1920, 1080, 1000, 2) == main_memory(1920, 1080, 10000, 2)
    assert main_memory(960, 540, 10, 1) < main_memory(960, 540, 20, 1) < main_memory(1920, 1080, 20, 1)
    assert main_memory(960, 540, 100, 1) < main_memory(960, 540, 100, 2)


def test_a_shot_on_its_side_needs_as_much() -> None:
    assert main_memory(1080, 1920, 8, 2) == main_memory(1920, 1080, 8, 2)
