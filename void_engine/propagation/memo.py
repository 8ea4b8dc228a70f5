"""Bounded memory of what was made, for several threads: each value is made once, by whoever asks first."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future
from typing import Generic, TypeVar

_Value = TypeVar("_Value")


def _one(_: object) -> int:
    return 1


class Memo(Generic[_Value]):
    """Values by number; the least recently used are dropped first.

    A value may be asked for by several threads at a time: the first one makes it, and the others wait for it.
    Different values are made at the same time.
    """

    def __init__(self, most: int, size: Callable[[_Value], int] = _one, fewest: int = 1) -> None:
        """Prepare to hold values.

        Args:
            most: the most that is held, in the measure of ``size``.
            size: tells how large a value is, for example in bytes; by default each counts 1.
            fewest: so many values are held however large they are.
        """
        self._most = most
        self._size = size
        self._fewest = fewest
        self._held: OrderedDict[int, Future[_Value]] = OrderedDict()
        self._total = 0
        self._lock = threading.Lock()

    def get(self, number: int, make: Callable[[int], _Value]) -> _Value:
        """The value of ``number``, made by ``make`` when it is not held.

        An error of ``make`` reaches all who wait for the value, and it is made anew when asked for again.
        """
        with self._lock:
            known = self._held.get(number)
            if known is not None:
                self._held.move_to_end(number)
            else:
                making: Future[_Value] = Future()
                self._held[number] = making
        if known is not None:
            return known.result()
        try:
            made = make(number)
        except BaseException as error:
            with self._lock:
                del self._held[number]
            making.set_exception(error)
            raise
        making.set_result(made)
        with self._lock:
            self._total += self._size(made)
            self._drop()
        return made

    def _drop(self) -> None:
        for number in list(self._held):
            if self._total <= self._most or len(self._held) <= self._fewest:
                return
            if self._held[number].done():
                self._total -= self._size(self._held.pop(number).result())
