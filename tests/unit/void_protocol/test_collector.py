"""What a collector leaves behind when a frame cannot be had; the transfer itself is stood in for."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from void_protocol import collector as collector_module
from void_protocol.collector import Collector
from void_protocol.errors import TransferError
from void_protocol.messages import ResultFile


def results(*frames: int) -> list[ResultFile]:
    return [ResultFile(frame=frame, size=1, sha256="00") for frame in frames]


def test_nothing_is_written_any_more_when_an_error_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow_began = threading.Event()

    def fetch(
        session: Any,
        job_id: str,
        result: ResultFile,
        path: Path,
        is_over: Callable[[], bool],
        *,
        replace: bool,
    ) -> None:
        part = path.with_name(f".{path.name}.part")
        part.write_bytes(b"half")
        if result.frame == 1:
            assert slow_began.wait(10)
            part.unlink()
            raise TransferError("frame 1 arrived damaged 3 times")
        slow_began.set()
        while not is_over():
            time.sleep(0.01)
        time.sleep(0.2)  # what a thread needs on a busy machine to tidy up
        part.unlink()
        raise TransferError("given up")

    monkeypatch.setattr(collector_module, "fetch_file", fetch)
    fetched: list[int] = []
    collector = Collector(
        None,  # type: ignore[arg-type]
        "job",
        str(tmp_path / "r.%04d.exr"),
        lambda frame, path: fetched.append(frame),
    )
    collector.add(results(1, 2, 3, 4))
    with pytest.raises(TransferError, match="frame 1 arrived damaged"):
        collector.wait()
    assert list(tmp_path.iterdir()) == []
    assert fetched == []
    collector.stop()


def test_a_fault_that_nobody_expects_ends_the_wait(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fetch(*_: object, **__: object) -> None:
        raise RuntimeError("what")

    monkeypatch.setattr(collector_module, "fetch_file", fetch)
    collector = Collector(None, "job", str(tmp_path / "r.%04d.exr"), None)  # type: ignore[arg-type]
    collector.add(results(1))
    with pytest.raises(TransferError, match="frame 1 cannot be fetched: what"):
        collector.wait()
    collector.stop()


def test_each_frame_is_fetched_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fetched: list[int] = []
    lock = threading.Lock()

    def fetch(session: Any, job_id: str, result: ResultFile, *_: object, **__: object) -> None:
        with lock:
            fetched.append(result.frame)

    monkeypatch.setattr(collector_module, "fetch_file", fetch)
    collector = Collector(None, "job", str(tmp_path / "r.%04d.exr"), None)  # type: ignore[arg-type]
    collector.add(results(1, 2))
    collector.add(results(2, 3))
    collector.wait()
    assert sorted(fetched) == [1, 2, 3]
    collector.stop()
