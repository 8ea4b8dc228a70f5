from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest

from void_protocol.messages import Chunk, FileRefused, FileStored, JobState, ManifestEntry, UploadCredit
from void_server.broker.jobs.spool import Spool
from void_server.broker.jobs.store import NewJob, Store
from void_server.broker.transfers.manifest_index import ManifestIndex
from void_server.broker.transfers.packed_manifest import ManifestColumns, pack_manifest
from void_server.broker.transfers.uploads import ChecksumError, Uploads, _IncomingFile

MIB = 1024**2
CREDIT = 4
PEER = b"anna"


class LateThreads:
    """Work is done when the test says so, in its order, as on the thread of one job."""

    def __init__(self) -> None:
        self.queue: list[tuple[Callable[[], Any], Callable[[Future[Any]], None]]] = []

    def run(self, key: str, work: Callable[[], Any], then: Callable[[Future[Any]], None]) -> None:
        self.queue.append((work, then))

    def catch_up(self) -> None:
        while self.queue:
            work, then = self.queue.pop(0)
            done: Future[Any] = Future()
            try:
                done.set_result(work())
            except BaseException as error:  # noqa: BLE001 - as a thread pool does it
                done.set_exception(error)
            then(done)


class Outbox:
    def __init__(self) -> None:
        self.said: list[Any] = []

    def send(self, peer: bytes, message: Any, payloads: Any = (), *, is_urgent: bool = True) -> None:
        self.said.append(message)


class Case:
    """One client that uploads two files of three chunks each."""

    def __init__(self, home: Path, store: Store) -> None:
        self.spool, self.threads, self.outbox = Spool(home), LateThreads(), Outbox()
        self.blocked: list[str] = []
        self.complete: list[str] = []
        self.uploads = Uploads(
            store=store,
            spool=self.spool,
            outbox=self.outbox,  # type: ignore[arg-type]
            threads=self.threads,  # type: ignore[arg-type]
            credit=CREDIT,
            progress_bytes=1,
            on_complete=self.complete.append,
            on_blocked=lambda job_id, why: self.blocked.append(why),
        )
        self.entries = [ManifestEntry("plate", number, 3 * 10) for number in (1, 2)]
        self.spool.make_folders("j", {entry.group for entry in self.entries}, "paths")
        new = NewJob(
            job_id="j", owner="anna", name="s", engine="auto", inputs="streamed", outputs="paths",
            output_pattern="/o.%04d.exr", frames_total=2, content=b"c", job=b"{}",
        )  # fmt: skip
        store.add_job(new, JobState.UPLOADING)
        self.credit = self.uploads.begin(
            PEER, "j", ManifestIndex(ManifestColumns(pack_manifest(self.entries)))
        ).credit

    def say(self, file: int, part: int) -> None:
        assert self.credit > 0, "no credit: this upload stands for good"
        self.credit -= 1
        whole = bytes([file]) * 30
        message = Chunk(
            job_id="j", file=file, offset=10 * part, last=part == 2,
            sha256=hashlib.sha256(whole).hexdigest() if part == 2 else None,
        )  # fmt: skip
        self.uploads.chunk(PEER, message, memoryview(whole[:10]))

    def hear(self) -> list[tuple[str, int]]:
        """Let the disk catch up; what the client is told of files. Credit comes back beside it."""
        self.threads.catch_up()
        said, self.outbox.said = self.outbox.said, []
        self.credit += sum(message.chunks for message in said if isinstance(message, UploadCredit))
        return [
            (message.code if isinstance(message, FileRefused) else "stored", message.file)
            for message in said
            if isinstance(message, FileRefused | FileStored)
        ]

    def temporary(self, file: int) -> Path:
        path = self.spool.input_file("j", self.entries[file])
        return path.with_name(path.name + ".part")

    def send_all(self) -> None:
        for file in (0, 1):
            for part in range(3):
                self.say(file, part)
            assert self.hear() == [("stored", file)]
        assert (self.complete, self.credit) == (["j"], CREDIT)


@pytest.fixture
def case(tmp_path: Path, store: Store) -> Iterator[Case]:
    made = Case(tmp_path, store)
    yield made
    assert made.threads.queue == []


full_device = pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no full device")


@full_device
def test_a_full_volume_costs_no_credit_and_the_file_is_taken_later(case: Case) -> None:
    """The chunks that are on their way when the volume fills up are passed over, and paid back."""
    case.temporary(0).symlink_to("/dev/full")
    for part in range(2):
        case.say(0, part)
    assert case.hear() == [("full", 0)]
    case.say(0, 2)  # it was on its way
    assert (case.hear(), case.credit) == ([], CREDIT)
    assert "volume is full" in case.blocked[-1]
    case.send_all()
    assert case.blocked[-1] == ""


@full_device
def test_the_file_after_one_that_found_no_room_is_not_called_wrong(case: Case) -> None:
    """A client gives up a file that was refused as wrong a few times, but waits for room for an hour."""
    for file in (0, 1):
        case.temporary(file).symlink_to("/dev/full")
    for part in range(3):
        case.say(0, part)
    case.say(1, 0)
    assert case.hear() == [("full", 0), ("full", 1)]
    for part in (1, 2):
        case.say(1, part)
    assert (case.hear(), case.credit) == ([], CREDIT)
    case.send_all()


@full_device
def test_what_comes_after_a_gap_is_not_written(tmp_path: Path) -> None:
    temporary = tmp_path / "plate.exr.part"
    temporary.symlink_to("/dev/full")
    file = _IncomingFile(0, tmp_path / "plate.exr", 6)
    with pytest.raises(OSError, match="No space left") as first:
        file.write(memoryview(b"abc"))
    assert not temporary.is_symlink()
    with pytest.raises(OSError, match="No space left") as second:
        file.write(memoryview(b"def"))
    assert (first.value.errno, second.value.errno) == (errno.ENOSPC, errno.ENOSPC)
    assert list(tmp_path.iterdir()) == []


def test_a_fault_of_the_server_is_told_and_costs_no_credit(
    case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(self: object, data: memoryview) -> None:
        raise ValueError("a bug")

    with monkeypatch.context() as patch:
        patch.setattr(_IncomingFile, "_append", broken)
        case.say(0, 0)
        case.say(0, 1)
        assert case.hear() == [("storage", 0)]
        case.say(0, 2)
    assert (case.hear(), case.credit) == ([], CREDIT)
    case.send_all()


def test_wrong_chunks_are_refused_once_and_paid_back(case: Case) -> None:
    case.say(0, 1)
    assert case.hear() == [("bad_chunk", 0)]
    case.say(0, 2)
    case.say(0, 1)
    assert (case.hear(), case.credit) == ([], CREDIT)
    for number in range(3):
        case.uploads.chunk(PEER, Chunk(job_id="j", file=2 + number, offset=0), memoryview(b"x"))
        case.credit -= 1
    assert case.hear() == [("bad_chunk", 2), ("bad_chunk", 3), ("bad_chunk", 4)]
    case.send_all()


@pytest.mark.skipif(not hasattr(os, "posix_fadvise"), reason="this system cannot be told")
def test_the_disk_begins_with_a_large_file_while_it_arrives(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[tuple[int, int]] = []
    advise = os.posix_fadvise

    def telling(descriptor: int, start: int, length: int, advice: int) -> None:
        told.append((start // MIB, length // MIB))
        advise(descriptor, start, length, advice)

    monkeypatch.setattr(os, "posix_fadvise", telling)
    data = bytes(range(256)) * (19 * MIB // 256)
    path = tmp_path / "plate.exr"
    file = _IncomingFile(0, path, len(data))
    for start in range(0, 11 * MIB, MIB):
        file.write(memoryview(data)[start : start + MIB])
    assert told == [(0, 8)]
    file._file.close()  # type: ignore[union-attr]
    again = _IncomingFile(0, path, len(data), 11 * MIB)  # as after the end of the process
    for start in range(11 * MIB, len(data), MIB):
        again.write(memoryview(data)[start : start + MIB])
    assert told == [(0, 8), (11, 8)]
    assert again.finish(hashlib.sha256(data).hexdigest())
    assert path.read_bytes() == data


def test_a_file_with_another_checksum_is_none(tmp_path: Path) -> None:
    file = _IncomingFile(0, tmp_path / "plate.exr", 3)
    file.write(memoryview(b"abc"))
    with pytest.raises(ChecksumError, match=r"plate\.exr arrived with SHA-256"):
        file.finish("0" * 64)
    assert list(tmp_path.iterdir()) == []
