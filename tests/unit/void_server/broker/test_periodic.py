from __future__ import annotations

import contextlib
from collections.abc import Callable

import pytest

from void_server.broker.periodic import PeriodicTask, run_due


def at_once(action: Callable[[], None]) -> None:
    action()


def test_each_task_keeps_its_own_interval_and_their_order() -> None:
    done: list[str] = []
    tasks = [
        PeriodicTask(0.5, lambda: done.append("often")),
        PeriodicTask(2.0, lambda: done.append("seldom")),
    ]
    times = []
    for step in range(9):
        now = 100.0 + 0.25 * step
        run_due(tasks, now, at_once)
        times += [(now, name) for name in done]
        done.clear()
    assert times == [
        (100.0, "often"), (100.0, "seldom"), (100.5, "often"), (101.0, "often"), (101.5, "often"),
        (102.0, "often"), (102.0, "seldom"),
    ]  # fmt: skip


def test_a_turn_that_was_late_is_not_made_up_for() -> None:
    done: list[float] = []
    now = 0.0
    task = PeriodicTask(1.0, lambda: done.append(now))
    for now in (0.0, 7.3, 7.4, 8.2, 8.3):
        run_due([task], now, at_once)
    assert done == [0.0, 7.3, 8.3]


def test_a_clock_that_goes_back_holds_nothing_up() -> None:
    task = PeriodicTask(600.0, lambda: None)
    assert task.take_if_due(5000.0)
    assert task.take_if_due(10.0)
    assert not task.take_if_due(609.0)
    assert task.take_if_due(610.0)


def test_a_task_that_fails_keeps_neither_the_others_nor_its_next_turn() -> None:
    done: list[str] = []

    def fail() -> None:
        done.append("failing")
        raise RuntimeError("a fault")

    def guard(action: Callable[[], None]) -> None:
        with contextlib.suppress(RuntimeError):
            action()

    tasks = [PeriodicTask(1.0, fail), PeriodicTask(1.0, lambda: done.append("other"))]
    for now in (0.0, 0.5, 1.0):
        run_due(tasks, now, guard)
    assert done == ["failing", "other", "failing", "other"]


def test_what_the_guard_lets_through_ends_the_turn() -> None:
    def fail() -> None:
        raise RuntimeError("the store is gone")

    with pytest.raises(RuntimeError, match="the store is gone"):
        run_due([PeriodicTask(1.0, fail)], 0.0, at_once)
