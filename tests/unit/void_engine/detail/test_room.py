"""Work that is large waits until there is room, and can be stopped while it waits."""

from __future__ import annotations

import threading

import pytest

from void_engine.detail.room import Room
from void_engine.errors import RemovalCancelled


def nothing() -> None:
    pass


def test_what_fits_beside_others_does_not_wait_and_what_does_not_waits() -> None:
    room = Room(10)
    looked, entered = threading.Event(), threading.Event()

    def third() -> None:
        with room.taken(5, looked.set):
            entered.set()

    with room.taken(4, nothing):
        with room.taken(6, nothing):
            thread = threading.Thread(target=third)
            thread.start()
            assert looked.wait(10)
            assert not entered.is_set()
        assert entered.wait(10)
    thread.join()


def test_what_is_larger_than_the_room_has_it_alone() -> None:
    room = Room(10)
    with room.taken(25, nothing), pytest.raises(RemovalCancelled), room.taken(1, _stop):
        pass
    with room.taken(10, _stop):  # What was left behind by neither the stop nor the large one.
        pass


def _stop() -> None:
    raise RemovalCancelled
