"""A server whose volume is really full. Needs a small volume, which only root can mount."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.server_case import assert_copied, job_for, server_for, wait_until, write_shot
from tests.small_volume import small_volume
from void_protocol.client import Client
from void_protocol.messages import JobState
from void_protocol.watching import Disconnected, WatchEvent
from void_server.operation.server_process import ServerProcess

MEBI = 1024 * 1024


@pytest.fixture
def volume(tmp_path: Path) -> Iterator[Path]:
    with small_volume(tmp_path / "volume", "32m") as folder:
        yield folder


def fill(path: Path) -> None:
    """Take all that is left of the volume."""
    with path.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(bytes(MEBI) if shutil.disk_usage(path.parent).free >= MEBI else bytes(1024))


@pytest.fixture
def server(volume: Path) -> Iterator[ServerProcess]:
    with server_for(volume / "home") as running:
        yield running


def test_an_upload_waits_for_room(server: ServerProcess, volume: Path, tmp_path: Path) -> None:
    shot = write_shot(tmp_path / "shot", frames=2, size=4 * MEBI)
    ballast = volume / "ballast"
    ballast.write_bytes(bytes(20 * MEBI))
    with Client(server.connection()) as client:
        remote = client.submit(job_for(shot, tmp_path / "out", frames=2), transfer="streamed")
        wait_until(lambda: remote.info is not None and "volume is full" in remote.info.message, 20.0)
        assert remote.info is not None
        assert remote.info.state is JobState.UPLOADING
        ballast.unlink()
        assert remote.done.result(20).state is JobState.DONE
    assert_copied(shot, tmp_path / "out", frames=2)


def test_a_server_whose_store_is_full_stands_still_and_goes_on(
    server: ServerProcess, volume: Path, tmp_path: Path
) -> None:
    shot = write_shot(tmp_path / "shot", frames=6, size=1000)
    ballast = volume / "ballast"
    events: list[WatchEvent] = []
    with Client(server.connection()) as client:
        job = job_for(shot, tmp_path / "out", frames=6, prompt="slow")
        remote = client.submit(job, transfer="paths", on_event=events.append)
        wait_until(lambda: remote.info is not None and remote.info.frames_done >= 2)
        fill(ballast)
        wait_until(lambda: any(isinstance(event, Disconnected) for event in events), 20.0)
        ballast.unlink()
        info = remote.done.result(40)
        assert (info.state, info.frames_done) == (JobState.DONE, 6)
    assert_copied(shot, tmp_path / "out", frames=6)
