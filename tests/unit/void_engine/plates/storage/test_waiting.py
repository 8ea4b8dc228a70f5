from __future__ import annotations

import threading
import time

import pytest

from void_engine.errors import MissingFrameError, PlateError, RemovalCancelled
from void_engine.plates.storage.waiting import Patience, with_need


class Attempts:
    """Fails a given number of times with an obstacle, then returns how often it was called."""

    def __init__(self, failures: int, obstacle: str = "waiting for frame 7") -> None:
        self.failures = failures
        self.obstacle = obstacle
        self.count = 0

    def __call__(self) -> int:
        self.count += 1
        if self.count <= self.failures:
            raise MissingFrameError("frame 7 is missing", obstacle=self.obstacle)
        return self.count


def test_tries_until_the_obstacle_is_gone_and_tells_once() -> None:
    told: list[str] = []
    assert Patience(20.0, told.append).insist(Attempts(2)) == 3
    assert told == ["waiting for frame 7", ""]


def test_without_patience_there_is_one_attempt() -> None:
    attempts = Attempts(1)
    with pytest.raises(MissingFrameError, match=r"frame 7 is missing$"):
        Patience().insist(attempts)
    assert attempts.count == 1


def test_an_error_that_does_not_pass_comes_at_once() -> None:
    attempts = Attempts(1, obstacle="")
    with pytest.raises(PlateError):
        Patience(60.0).insist(attempts)
    assert attempts.count == 1


def test_the_limit_is_named() -> None:
    with pytest.raises(MissingFrameError, match=r"frame 7 is missing \(waited 0.5 s for it\)"):
        Patience(60.0).insist(Attempts(10**6), limit_s=0.5)


def test_a_wait_can_be_cancelled() -> None:
    stop = threading.Event()

    def check() -> None:
        if stop.is_set():
            raise RemovalCancelled

    patience = Patience(60.0, lambda text: stop.set(), check)
    began = time.monotonic()
    with pytest.raises(RemovalCancelled):
        patience.insist(Attempts(10**6))
    assert time.monotonic() - began < 5


def test_two_that_wait_are_told_of_one_after_the_other() -> None:
    told: list[str] = []
    patience = Patience(20.0, told.append)
    threads = [
        threading.Thread(target=patience.insist, args=(Attempts(failures, f"obstacle {failures}"),))
        for failures in (1, 3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert set(told) == {"obstacle 1", "obstacle 3", ""}
    assert told[-2:] == ["obstacle 3", ""]


def test_the_need_is_said_of_a_full_volume_only() -> None:
    full = "output volume full: 0 B left"
    assert with_need(full, 3_100_000_000) == f"{full}, needs about 3.1 GB"
    assert with_need("output folder /x is read-only", 5) == "output folder /x is read-only"
