from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from functools import partial
from typing import Any

import pytest

from void_protocol.mailbox import Mailbox
from void_server.broker.keyed_threads import KeyedThreads
from void_server.broker.transfers.owner_threads import OwnerThreads
from void_server.errors import RequestRefused


class Case:
    """Real threads, and what became of the work on them."""

    def __init__(self, limit_s: float) -> None:
        self.mailbox: Mailbox[Callable[[], None]] = Mailbox()
        self.threads = OwnerThreads(lambda: KeyedThreads(self.mailbox, 1), limit_s)
        self.said: list[tuple[str, Any]] = []
        self.gates: list[threading.Event] = []

    def run(self, owner: str, name: str, work: Callable[[], Any] | None = None) -> None:
        self.threads.run(
            owner, work or (lambda: name), partial(self._then, "then"), partial(self._then, "late")
        )

    def _then(self, how: str, done: Future[Any]) -> None:
        error = done.exception()
        self.said.append((how, done.result() if error is None else error))

    def gate(self) -> threading.Event:
        self.gates.append(threading.Event())
        return self.gates[-1]

    def wait(self, count: int) -> None:
        limit = time.monotonic() + 5
        while len(self.said) < count:
            assert time.monotonic() < limit, self.said
            for action in self.mailbox.drain():
                action()
            self.threads.look()
            time.sleep(0.005)

    def close(self) -> None:
        for gate in self.gates:
            gate.set()
        self.threads.close()
        self.mailbox.close()


@pytest.fixture
def case() -> Iterator[Case]:
    made = Case(0.3)
    yield made
    made.close()


def test_each_owners_work_keeps_its_order(case: Case) -> None:
    for name in ("a1", "a2", "a3"):
        case.run("anna", name)
    assert case.threads.is_busy("anna")
    assert not case.threads.is_busy("bert")
    case.wait(3)
    assert case.said == [("then", "a1"), ("then", "a2"), ("then", "a3")]
    assert not case.threads.are_busy


def test_work_that_hangs_is_given_up_and_its_owner_is_told(case: Case) -> None:
    gate = case.gate()

    def hang() -> str:
        gate.wait(10)
        return "too late"

    case.run("anna", "hanging", hang)
    case.run("anna", "behind it")
    case.run("bert", "b1")
    case.wait(1)
    assert case.said.pop() == ("then", "b1")
    case.wait(2)
    assert [how for how, _ in case.said] == ["then", "then"]
    for _, error in case.said:
        assert isinstance(error, RequestRefused)
        assert (error.code, "(path_wait_s)" in str(error)) == ("storage", True)
    with pytest.raises(RequestRefused, match="anna names has not answered"):
        case.run("anna", "a3")
    assert not case.threads.are_busy
    case.run("bert", "b2")
    case.wait(3)
    gate.set()
    case.wait(4)
    assert case.said[2:] == [("then", "b2"), ("late", "too late")]
    case.run("anna", "a4")
    case.wait(5)
    assert case.said[-1] == ("then", "a4")


def test_the_end_waits_once_for_all_and_nothing_more_begins() -> None:
    """A thread that hangs holds up the end no longer than the limit, and meanwhile no other one begins what
    waits."""
    case = Case(60.0)
    begun: list[str] = []
    hanging = [case.gate() for _ in range(4)]
    for number, gate in enumerate(hanging):
        case.run(f"owner{number}", "hangs", lambda gate=gate: gate.wait(30))  # type: ignore[misc]
    slow = case.gate()
    case.run("slow", "ends soon", lambda: slow.wait(30))
    case.threads.do("slow", lambda: begun.append("what waits"))
    threading.Timer(0.2, slow.set).start()
    began = time.monotonic()
    case.threads.close(0.5)
    assert 0.4 < time.monotonic() - began < 1.5
    assert begun == []
    case.close()


def test_work_that_fails_is_told_and_the_next_goes_on(case: Case) -> None:
    case.run("anna", "a1", lambda: 1 // 0)
    case.run("anna", "a2")
    case.wait(2)
    assert isinstance(case.said[0][1], ZeroDivisionError)
    assert case.said[1] == ("then", "a2")
