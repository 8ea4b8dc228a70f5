from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from void_protocol.messages import WorkerInfo
from void_server.broker.jobs.queue import JobQueue
from void_server.broker.jobs.store import Store
from void_server.broker.operators.status import StatusBoard
from void_server.broker.throughput import Meter
from void_server.settings import ServerSettings


class Workers:
    """What the board asks of a supervisor."""

    def __init__(self) -> None:
        self.found: list[WorkerInfo] = []

    def infos(self) -> list[WorkerInfo]:
        return self.found


@pytest.fixture
def workers() -> Workers:
    return Workers()


def board_of(store: Store, workers: Any, home: Path, **settings: Any) -> StatusBoard:
    return StatusBoard(
        settings=ServerSettings(home=home, **{"low_disk_bytes": 1, **settings}),
        server_name="void-nuke 0",
        store=store,
        queue=JobQueue(store, 3600.0),
        sessions=[],
        supervisor=workers,
        meter=Meter(),
    )


def worker(name: str, *, alive: bool, restarts: int = 0) -> WorkerInfo:
    return WorkerInfo(worker=name, alive=alive, restarts=restarts, device="cpu")


def test_a_server_that_has_just_started_is_given_time(store: Store, workers: Workers, tmp_path: Path) -> None:
    workers.found = [worker("worker-0", alive=False)]
    assert board_of(store, workers, tmp_path).health(1).is_healthy
    late = board_of(store, workers, tmp_path, worker_start_s=1e-9).health(1)
    assert late.problems == ["no worker is ready: nothing can run"]


def test_a_worker_that_keeps_dying_is_named(store: Store, workers: Workers, tmp_path: Path) -> None:
    workers.found = [worker("worker-0", alive=True), worker("worker-1", alive=False, restarts=3)]
    health = board_of(store, workers, tmp_path).health(1)
    assert not health.is_healthy
    assert health.problems[0].startswith("worker-1 on cpu died 3 times and is not there now")
    workers.found = [worker("worker-0", alive=False, restarts=1)]
    assert board_of(store, workers, tmp_path).health(1).problems == ["no worker is ready: nothing can run"]
    workers.found = [worker("worker-0", alive=True, restarts=50)]
    assert board_of(store, workers, tmp_path).health(1).is_healthy  # it is there again


def test_a_volume_without_room_or_that_is_gone(store: Store, workers: Workers, tmp_path: Path) -> None:
    workers.found = [worker("worker-0", alive=True)]
    full = board_of(store, workers, tmp_path, low_disk_bytes=10**18)
    assert "'void clean' shows what may go" in full.health(1).problems[0]
    gone = board_of(store, workers, tmp_path / "gone")
    assert "is it still there?" in gone.health(1).problems[0]
    assert gone.status(1).disk_free_bytes is None


def test_what_is_meant_is_no_problem(store: Store, workers: Workers, tmp_path: Path) -> None:
    workers.found = [worker("worker-0", alive=True)]
    board = board_of(store, workers, tmp_path)
    board._queue.set_gate("draining", "eve", "new driver")
    board.is_stopping = True
    health = board.health(7)
    assert (health.request, health.is_healthy) == (7, True)
    assert health.notes == [
        "the queue is draining, by eve (new driver); 'void resume' opens it",
        "the server is stopping",
    ]
