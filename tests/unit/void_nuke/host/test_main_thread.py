"""Marshalling that neither dead-locks nor swallows."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable

import pytest

from void_nuke.errors import MainThreadError
from void_nuke.host.main_thread import MainThread


class Loop:
    """An event loop that a test turns by hand."""

    def __init__(self) -> None:
        self.tasks: deque[Callable[[], None]] = deque()

    def turn(self, until: Callable[[], bool]) -> None:
        while not until():
            if self.tasks:
                self.tasks.popleft()()

    def turn_all(self) -> None:
        while self.tasks:
            self.tasks.popleft()()


def _in_thread(function: Callable[[], object]) -> tuple[threading.Thread, list[object]]:
    heard: list[object] = []

    def run() -> None:
        try:
            heard.append(function())
        except Exception as error:  # noqa: BLE001 - handed to the test
            heard.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    return thread, heard


@pytest.mark.parametrize("error", [ValueError("bad knob"), TimeoutError("its own")])
def test_exceptions_reach_the_caller(error: Exception) -> None:
    loop = Loop()
    main = MainThread(loop.tasks.append)

    def fails() -> None:
        raise error

    thread, heard = _in_thread(lambda: main.call(fails))
    loop.turn(lambda: not thread.is_alive())
    assert heard == [error]
    with pytest.raises(type(error)):
        main.call(fails)


def test_results_come_back_from_the_main_thread() -> None:
    loop = Loop()
    main = MainThread(loop.tasks.append)
    thread, heard = _in_thread(lambda: main.call(threading.current_thread))
    loop.turn(lambda: not thread.is_alive())
    assert heard == [threading.main_thread()]


def test_a_host_that_quits_lets_waiting_threads_go() -> None:
    main = MainThread(Loop().tasks.append)
    thread, heard = _in_thread(lambda: main.call(lambda: None))
    main.close()
    thread.join(5.0)
    assert not thread.is_alive()
    assert isinstance(heard[0], MainThreadError)
    with pytest.raises(MainThreadError):
        main.post(lambda: None)


def test_posted_work_waits_until_a_render_is_over() -> None:
    loop = Loop()
    main = MainThread(loop.tasks.append)
    done: list[str] = []
    main.post(lambda: done.append("before"))
    loop.turn_all()
    with main.held():
        main.post(lambda: done.append("first"))
        main.post(lambda: done.append("second"))
        loop.turn_all()  # as a render's progress bar does
        assert done == ["before"]
    loop.turn_all()
    assert done == ["before", "first", "second"]


def test_a_posted_failure_is_logged_and_the_next_one_runs(caplog: pytest.LogCaptureFixture) -> None:
    loop = Loop()
    main = MainThread(loop.tasks.append)
    done: list[str] = []

    def fails() -> None:
        raise ValueError("nobody waits")

    main.post(fails)
    main.post(lambda: done.append("next"))
    loop.turn_all()
    assert done == ["next"]
    assert "nobody waits" in caplog.text


def test_a_terminal_runs_what_was_posted_when_asked() -> None:
    main = MainThread(None)
    thread, heard = _in_thread(lambda: main.call(lambda: 7))
    while thread.is_alive():
        main.run_posted(0.05)
    assert heard == [7]
    main.run_posted(0.0)
