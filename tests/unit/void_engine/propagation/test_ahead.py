"""Working on several frames at a time: the order stays, errors come out, and few frames are in work."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import cv2
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from void_engine.propagation.ahead import frames_at_a_time, working_ahead


@pytest.mark.parametrize("frames", [1, 2, 5])
def test_the_order_is_kept(frames: int) -> None:
    with working_ahead(frames) as ahead:
        doubled = ahead(lambda number: 2 * number, iter(range(20)))
        assert list(ahead(lambda number: number + 1, doubled, 0.25)) == [2 * n + 1 for n in range(20)]


def test_frames_are_worked_on_at_the_same_time() -> None:
    together = threading.Barrier(3)

    def work(number: int) -> int:
        together.wait(10)
        return number

    with working_ahead(3) as ahead:
        assert list(ahead(work, range(3))) == [0, 1, 2]


@pytest.mark.parametrize("frames", [1, 3])
def test_linear_algebra_keeps_to_one_thread_meanwhile(frames: int) -> None:
    def threads() -> list[int]:
        return [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"]

    with threadpool_limits(2, user_api="blas"):
        before = threads()
        with working_ahead(frames) as ahead:
            found = list(ahead(lambda _: threads(), range(3)))
        assert before
        assert all(count == 1 for one in found for count in one)
        assert threads() == before


def test_no_more_are_begun_than_may_be_in_work() -> None:
    drawn: list[int] = []

    def items() -> Iterator[int]:
        for number in range(50):
            drawn.append(number)
            yield number

    release = threading.Event()
    with working_ahead(4) as ahead:
        found = ahead(lambda number: release.wait(10) and number, items())
        release.set()
        next(found)
        assert len(drawn) <= 5
        list(found)
    assert len(drawn) == 50


def test_an_error_comes_out_at_its_place_and_nothing_more_is_begun() -> None:
    begun: list[int] = []

    def work(number: int) -> int:
        begun.append(number)
        if number == 3:
            raise ValueError("the third")
        return number

    found: list[int] = []

    def collect() -> None:
        with working_ahead(2) as ahead:
            found.extend(ahead(work, range(100)))

    with pytest.raises(ValueError, match="the third"):
        collect()
    assert found == [0, 1, 2]
    assert max(begun) < 10


def test_large_frames_are_worked_on_one_by_one_and_the_environment_bounds_the_threads(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(cv2, "getNumberOfCPUs", lambda: 64)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    assert frames_at_a_time(960 * 540) == 16
    assert frames_at_a_time(1920 * 1080) == 7
    assert frames_at_a_time(3840 * 2160) == 1
    assert frames_at_a_time(8192 * 8192) == 1
    for given, expected in (("3", 3), ("1", 1), ("0", 16), ("many", 16), ("", 16)):
        monkeypatch.setenv("OMP_NUM_THREADS", given)
        assert frames_at_a_time(960 * 540) == expected
