"""Memory of what was made: bounded, and made once however many threads ask."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from void_engine.propagation.memo import Memo


def test_what_is_held_is_not_made_again_and_the_least_recently_used_is_dropped() -> None:
    made: list[int] = []

    def make(number: int) -> int:
        made.append(number)
        return 10 * number

    memo: Memo[int] = Memo(2)
    assert [memo.get(n, make) for n in (1, 2, 1, 3, 1, 2)] == [10, 20, 10, 30, 10, 20]
    assert made == [1, 2, 3, 2]


def test_the_bound_is_in_the_measure_of_the_size_but_the_fewest_are_held() -> None:
    made: list[int] = []

    def make(number: int) -> bytes:
        made.append(number)
        return bytes(100)

    memo: Memo[bytes] = Memo(50, len, fewest=2)
    for number in (1, 2, 1, 2, 3, 1):
        memo.get(number, make)
    assert made == [1, 2, 3, 1]


def test_many_threads_that_ask_at_a_time_get_the_one_value_that_is_made() -> None:
    made: list[int] = []
    all_ask = threading.Barrier(6)

    def make(number: int) -> object:
        made.append(number)
        return object()

    memo: Memo[object] = Memo(4)

    def ask(_: int) -> object:
        all_ask.wait(10)
        return memo.get(7, make)

    with ThreadPoolExecutor(6) as pool:
        found = set(pool.map(ask, range(6)))
    assert len(found) == 1
    assert made == [7]


def test_different_values_are_made_at_the_same_time() -> None:
    both = threading.Barrier(2)
    memo: Memo[int] = Memo(4)

    def make(number: int) -> int:
        both.wait(10)
        return number

    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(lambda n: memo.get(n, make), (1, 2))) == [1, 2]


def test_an_error_reaches_who_asks_and_the_value_is_tried_anew() -> None:
    memo: Memo[int] = Memo(4)

    def fail(number: int) -> int:
        raise ValueError(f"no {number}")

    for _ in range(2):
        with pytest.raises(ValueError, match="no 3"):
            memo.get(3, fail)
    assert memo.get(3, lambda number: number) == 3
