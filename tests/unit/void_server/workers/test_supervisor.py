"""The supervisor with processes and a clock that obey the test; real workers are in the integration tests."""

from __future__ import annotations

import io
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import zmq

from tests.fakes.told_engines import TOLD
from void_server.settings import ServerSettings
from void_server.workers import worker_process
from void_server.workers.supervisor import RunOrder, Supervisor
from void_server.workers.worker_link import Beat, Finished, FromWorker, Ready, Run


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


class FakeProcess:
    """Lives until it is killed or told to die."""

    made: list[FakeProcess]

    def __init__(self, *arguments: Any, **named: Any) -> None:
        self.stdin = io.BytesIO()
        self.pid = 1
        self.returncode: int | None = None
        self.signals: list[int] = []
        self.made.append(self)

    def poll(self) -> int | None:
        return self.returncode

    def kill(self) -> None:
        self.returncode = -9

    def wait(self) -> int:
        return self.returncode or 0

    def send_signal(self, number: int) -> None:
        self.signals.append(number)


class FakeLifecycle:
    """One job after the other; keeps what it hears."""

    def __init__(self) -> None:
        self.orders = [
            RunOrder(run=Run(job_id=f"job{index}", resume=False), text=b"{}", places=b"")
            for index in range(9)
        ]
        self.lost: list[tuple[str, str]] = []
        self.said: list[FromWorker] = []

    def take_next(self) -> RunOrder | None:
        return self.orders.pop(0)

    def worker_said(self, message: FromWorker, payloads: list[bytes]) -> None:
        self.said.append(message)

    def worker_lost(self, job_id: str, why: str, output: str) -> None:
        self.lost.append((job_id, why))


class Case:
    """A supervisor of one worker."""

    def __init__(self, home: Path, monkeypatch: pytest.MonkeyPatch, **settings: Any) -> None:
        FakeProcess.made = []
        self.clock = Clock()
        monkeypatch.setattr(time, "monotonic", self.clock.monotonic)
        monkeypatch.setattr(worker_process.subprocess, "Popen", FakeProcess)
        self.context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self.lifecycle = FakeLifecycle()
        self.supervisor = Supervisor(self.context, ServerSettings(home=home, **settings), self.lifecycle)
        self.is_reached = True
        self.told: list[Any] = []
        monkeypatch.setattr(self.supervisor, "_tell", self._tell)

    def _tell(self, process: Any, message: Any, *payloads: bytes) -> bool:
        self.told.append(message)
        return self.is_reached

    @property
    def process(self) -> FakeProcess:
        return FakeProcess.made[-1]

    def say(self, message: FromWorker) -> None:
        (slot,) = self.supervisor._slots
        assert slot.process is not None
        self.supervisor._said(slot, slot.process, message, [])

    def after(self, seconds: float) -> None:
        self.clock.now += seconds
        self.supervisor.tick()

    def close(self) -> None:
        for slot in self.supervisor._slots:
            slot.assignment = None
        self.supervisor.shut_down()
        self.context.term()


@pytest.fixture
def case(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Case]:
    made = Case(
        tmp_path, monkeypatch, stage_limit_s=100.0, stage_limits_s={"denoising": 1000.0}, cancel_grace_s=5.0
    )
    yield made
    made.close()


def test_a_worker_that_keeps_dying_is_started_later_and_later(case: Case) -> None:
    case.supervisor.tick()
    pauses = []
    for count in range(1, 9):
        assert len(FakeProcess.made) == count
        case.process.returncode = 1
        case.supervisor.tick()
        died = case.clock.now
        while len(FakeProcess.made) == count:
            case.after(0.25)
        pauses.append(case.clock.now - died)
    assert pauses == [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0]
    # One that has done a job is no worse than a new one.
    case.say(Ready())
    case.supervisor.tick()
    case.say(Finished(job_id="job0", outcome="done"))
    case.process.returncode = 1
    case.supervisor.tick()
    case.after(0.5)
    assert len(FakeProcess.made) == 10


def test_a_cancel_is_asked_then_waited_for_then_killed(case: Case) -> None:
    case.supervisor.tick()
    case.say(Ready())
    case.supervisor.tick()
    assert case.supervisor.stop_job("job0")
    assert type(case.told[-1]).__name__ == "Stop"
    case.after(4.9)
    assert case.process.returncode is None
    case.after(0.2)
    assert case.process.returncode == -9
    case.supervisor.tick()
    assert case.lifecycle.lost == [("job0", "the worker did not stop within 5 s and was killed")]


def test_each_stage_has_its_limit_and_what_hangs_is_asked_where(case: Case) -> None:
    case.supervisor.tick()
    case.say(Ready())
    case.supervisor.tick()
    case.say(Beat(silent_s=0.0, stage="denoising"))
    case.after(999.0)
    assert case.process.signals == []
    case.say(Beat(silent_s=0.0, stage="mattes"))
    case.after(99.0)
    assert case.process.signals == []
    case.after(1.5)
    assert len(case.process.signals) == 1  # it writes its stack into its output
    assert case.process.returncode is None
    case.after(1.0)
    assert case.process.returncode == -9
    case.supervisor.tick()
    why = "the worker gave no sign of progress in stage 'mattes' for 100 s and was killed"
    assert case.lifecycle.lost == [("job0", why)]


def test_a_beat_says_how_long_the_engine_has_been_silent(case: Case) -> None:
    """The thread that beats lives on while the engine hangs."""
    case.supervisor.tick()
    case.say(Ready())
    case.supervisor.tick()
    for silent_s in (40.0, 80.0, 101.0):
        assert case.process.signals == []
        case.say(Beat(silent_s=silent_s, stage="mattes"))
        case.supervisor.tick()
    assert len(case.process.signals) == 1
    case.say(Beat(silent_s=0.0, stage="mattes"))  # it was only slow
    case.after(2.0)
    assert case.process.returncode is None


def test_a_workers_deleted_output_costs_no_job(case: Case) -> None:
    """Somebody who tidies the folder of logs while the server runs must lose neither the queue nor a job."""
    case.supervisor.tick()
    case.say(Ready())
    (slot,) = case.supervisor._slots
    slot.log_file.unlink()
    case.supervisor.tick()
    assert slot.has_job("job0")
    assert [order.run.job_id for order in case.lifecycle.orders][:1] == ["job1"]
    case.process.returncode = 1
    case.supervisor.tick()
    assert case.lifecycle.lost == [("job0", "the worker process ended with exit code 1")]


def test_a_worker_that_cannot_be_reached_is_killed(case: Case) -> None:
    case.supervisor.tick()
    case.say(Ready())
    case.supervisor.tick()
    case.is_reached = False
    case.after(1.1)
    assert case.process.returncode == -9


def test_it_knows_the_engines_that_a_worker_told_last(case: Case) -> None:
    assert case.supervisor.engines is None
    case.supervisor.tick()
    case.say(Ready(engines=list(TOLD)))
    assert case.supervisor.engines == list(TOLD)
    case.process.returncode = 1
    case.supervisor.tick()
    assert case.supervisor.engines == list(TOLD), "they are told while the worker starts again"
