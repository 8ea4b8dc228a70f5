from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future

from void_protocol.mailbox import Mailbox
from void_server.broker.keyed_threads import KeyedThreads


def test_work_of_one_key_keeps_its_order_and_its_outcome_comes_back() -> None:
    mailbox: Mailbox[Callable[[], None]] = Mailbox()
    threads = KeyedThreads(mailbox, 3)
    told: list[object] = []

    def outcome(done: Future[int]) -> None:
        told.append(done.exception() or done.result())

    for number in range(50):
        threads.run("key", lambda number=number: number, outcome)  # type: ignore[misc]
    fault = ValueError("a bug")

    def fail() -> int:
        raise fault

    threads.run("key", fail, outcome)
    limit = time.monotonic() + 10
    while len(told) < 51 and time.monotonic() < limit:
        for action in mailbox.drain():
            action()
    assert told == [*range(50), fault]
    assert threads.close()
    mailbox.close()


def test_a_drive_that_hangs_keeps_nobody_from_the_end() -> None:
    mailbox: Mailbox[Callable[[], None]] = Mailbox()
    threads, never, begun = KeyedThreads(mailbox, 1), threading.Event(), threading.Event()
    dropped: list[int] = []

    def hang() -> None:
        begun.set()
        never.wait()

    threads.do("key", hang)
    threads.do("key", lambda: dropped.append(1))
    assert begun.wait(10)
    hung = next(each for each in threading.enumerate() if each.name == "void-files-0")
    assert hung.daemon  # so that Python does not wait for it either
    began = time.monotonic()
    assert not threads.close(0.2)
    assert 0.2 <= time.monotonic() - began < 5
    never.set()
    hung.join(10)
    assert dropped == []
    mailbox.close()


def test_what_has_begun_is_finished() -> None:
    mailbox: Mailbox[Callable[[], None]] = Mailbox()
    threads, begun, done = KeyedThreads(mailbox, 1), threading.Event(), threading.Event()

    def work() -> None:
        begun.set()
        time.sleep(0.2)
        done.set()

    threads.do("key", work)
    assert begun.wait(10)
    assert threads.close(10.0)
    assert done.is_set()
    mailbox.close()
