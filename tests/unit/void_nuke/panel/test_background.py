from __future__ import annotations

import logging
import threading
from functools import partial

import pytest

from void_nuke.panel.background import Background


def test_one_thing_is_done_after_the_other_and_a_failure_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    background, done, ended = Background("reader"), [], threading.Event()

    def fail() -> None:
        raise ValueError("this file is odd")

    for work in (partial(done.append, 1), fail, partial(done.append, 2), ended.set):
        background.submit(work)
    assert ended.wait(10)
    assert done == [1, 2]
    assert "this file is odd" in caplog.text
    background.close()


def test_storage_that_does_not_answer_holds_up_nobody_who_closes(caplog: pytest.LogCaptureFixture) -> None:
    background, begun, answers, done = Background("reader"), threading.Event(), threading.Event(), []

    def read() -> None:
        begun.set()
        answers.wait(10)
        done.append("read")

    background.submit(read)
    background.submit(partial(done.append, "never begun"))
    assert begun.wait(10)
    thread = background._thread
    assert thread is not None
    assert thread.daemon, "or the end of the process waits for it"
    with caplog.at_level(logging.INFO):
        background.close(wait_s=0.0)
    assert "reader is left to what it is doing" in caplog.text
    assert done == []
    background.submit(partial(done.append, "too late"))
    answers.set()
    thread.join(10)
    assert done == ["read"]


def test_what_was_never_used_has_no_thread() -> None:
    background = Background("reader")
    background.close()
    assert background._thread is None
