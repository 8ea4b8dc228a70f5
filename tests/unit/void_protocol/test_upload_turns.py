"""Each turn that an upload can take: what the server has, what it refuses, when it is silent or full.

The server of these tests answers at once, in the thread that sends, so that every run is the same.
"""

from __future__ import annotations

import hashlib
import random
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from void_protocol import upload as upload_module
from void_protocol.errors import ServerError, TransferError
from void_protocol.manifest import InputFile
from void_protocol.messages import (
    Accepted,
    Chunk,
    FileRefused,
    FileStored,
    JobInfo,
    JobState,
    ManifestEntry,
    Message,
    Pong,
    Submit,
    UploadCredit,
)
from void_protocol.session import Reply, Session
from void_protocol.upload import Upload
from void_protocol.wire import CHUNK_BYTES, Payload

SIZES = (2 * CHUNK_BYTES + 5, CHUNK_BYTES, 3, 0, CHUNK_BYTES + 1)
PLENTY = 1000


@dataclass
class Answer:
    """What the server says of an upload that is taken up."""

    have: list[tuple[int, int]] = field(default_factory=list)
    partial: list[tuple[int, int]] = field(default_factory=list)
    credit: int = PLENTY
    state: JobState = JobState.UPLOADING


class Server:
    """Takes chunks and notes them. ``on_chunk`` says what it answers to one; by default it stores."""

    def __init__(self, *answers: Answer) -> None:
        self.answers = list(answers)
        self.submissions = 0
        self.patience: list[float | None] = []
        """How long each submission waits for its answer."""
        self.chunks: list[tuple[int, int, int]] = []
        """The file, the offset and the size of each chunk, in the order of their arrival."""
        self.content: dict[int, bytearray] = {}
        self.checksums: dict[int, str] = {}
        self.on_chunk: Callable[[Chunk], None] = self.store
        self.upload: Upload | None = None

    def request(
        self, message: Message, payloads: Sequence[Payload] = (), timeout_s: float | None = None
    ) -> Future[Reply]:
        answer = self.answers[min(self.submissions, len(self.answers) - 1)]
        self.submissions += 1
        self.patience.append(timeout_s)
        info = JobInfo(
            job_id="j", name="n", engine="e", owner="o", state=answer.state, frames_total=3,
            frames_done=0, inputs="streamed", outputs="streamed", output_pattern="x", created_at=0.0,
        )  # fmt: skip
        future: Future[Reply] = Future()
        accepted = Accepted(
            request=1, job=info, have=answer.have, partial=answer.partial, credit=answer.credit
        )
        future.set_result((accepted, []))
        return future

    def send(self, chunk: Chunk, payloads: Sequence[Payload] = ()) -> None:
        (data,) = payloads
        self.chunks.append((chunk.file, chunk.offset, len(data)))
        self.content.setdefault(chunk.file, bytearray())[chunk.offset :] = data
        assert chunk.job_id == "j"
        assert bool(chunk.sha256) == chunk.last
        if chunk.last:
            self.checksums[chunk.file] = chunk.sha256
        self.on_chunk(chunk)

    def store(self, chunk: Chunk) -> None:
        if chunk.last:
            self.say(FileStored(job_id="j", file=chunk.file))

    def refuse(self, file: int, code: str = "checksum") -> None:
        self.say(FileRefused(job_id="j", file=file, code=code, message=f"told {code}"))

    def say(self, message: FileStored | FileRefused | UploadCredit) -> None:
        assert self.upload is not None
        self.upload.received(message)

    def order(self) -> list[int]:
        """The files in the order in which they were begun, or begun again."""
        return [
            file
            for before, (file, offset, _) in zip([(-1, 0, 0), *self.chunks], self.chunks, strict=False)
            if before[0] != file or before[1] >= offset
        ]


@dataclass
class Case:
    server: Server
    upload: Upload
    paths: list[Path]
    told: list[tuple[int, int]]
    accepted: list[Accepted] = field(default_factory=list)

    def run(self) -> None:
        self.upload.run(self.accepted.append)


def case_of(folder: Path, *answers: Answer, sizes: Sequence[int] = SIZES) -> Case:
    chance = random.Random(4)
    paths = [folder / f"p.{index}.exr" for index in range(len(sizes))]
    for path, size in zip(paths, sizes, strict=True):
        path.write_bytes(chance.randbytes(size))
    files = [InputFile("plate", index, path) for index, path in enumerate(paths)]
    entries = [ManifestEntry("plate", index, size) for index, size in enumerate(sizes)]
    server, told = Server(*(answers or (Answer(),))), cast("list[tuple[int, int]]", [])
    upload = Upload(
        cast("Session", server),
        "j",
        Submit(request=0, inputs="streamed", outputs="streamed"),
        [b""],
        files,
        entries,
        lambda *now: told.append(now),
    )
    server.upload = upload
    return Case(server, upload, paths, told)


def checksum(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_every_byte_arrives_once_and_in_order(tmp_path: Path) -> None:
    case = case_of(tmp_path)
    case.run()
    assert case.server.order() == [0, 1, 2, 3, 4]
    for index, path in enumerate(case.paths):
        assert bytes(case.server.content[index]) == path.read_bytes()
        assert case.server.checksums[index] == checksum(path)
    assert sum(size for *_, size in case.server.chunks) == sum(SIZES)
    assert max(size for *_, size in case.server.chunks) == CHUNK_BYTES
    assert [size for file, _, size in case.server.chunks if file == 3] == [0]  # an empty file has a chunk too
    assert case.told == [(1, 5), (2, 5), (3, 5), (4, 5), (5, 5)]
    assert (case.server.submissions, len(case.accepted)) == (1, 1)


@pytest.mark.parametrize("begun", [1, CHUNK_BYTES, CHUNK_BYTES + 7, 2 * CHUNK_BYTES + 5])
def test_a_file_that_the_server_has_in_part_goes_on_there_and_first(tmp_path: Path, begun: int) -> None:
    case = case_of(tmp_path, Answer(partial=[(1, begun)]), sizes=(4, 2 * CHUNK_BYTES + 5, 6))
    case.server.content[1] = bytearray(case.paths[1].read_bytes()[:begun])
    case.run()
    assert case.server.order() == [1, 0, 2]
    assert case.server.chunks[0][:2] == (1, begun)
    assert sum(size for file, _, size in case.server.chunks if file == 1) == 2 * CHUNK_BYTES + 5 - begun
    # The checksum is that of the whole file, not of what was still to be sent.
    assert bytes(case.server.content[1]) == case.paths[1].read_bytes()
    assert case.server.checksums[1] == checksum(case.paths[1])


def test_a_file_that_was_refused_begins_anew_although_it_was_there_in_part(tmp_path: Path) -> None:
    case = case_of(tmp_path, Answer(partial=[(0, CHUNK_BYTES)]), sizes=(2 * CHUNK_BYTES, 3))
    server = case.server

    def refuse_once(chunk: Chunk) -> None:
        if chunk.file == 0 and chunk.last and len(server.chunks) == 1:
            server.refuse(0)
        else:
            server.store(chunk)

    server.on_chunk = refuse_once
    case.run()
    assert [chunk[:2] for chunk in server.chunks] == [(0, CHUNK_BYTES), (0, 0), (0, CHUNK_BYTES), (1, 0)]


@pytest.mark.parametrize(
    ("have", "sent"),
    [
        ([], [0, 1, 2, 3, 4]),
        ([(0, 0)], [1, 2, 3, 4]),
        ([(0, 1), (3, 3)], [2, 4]),
        ([(1, 4)], [0]),
        ([(4, 4)], [0, 1, 2, 3]),
        ([(0, 4)], []),
    ],
)
def test_only_what_the_server_lacks_is_sent(
    tmp_path: Path, have: list[tuple[int, int]], sent: list[int]
) -> None:
    case = case_of(tmp_path, Answer(have=have))
    case.run()
    assert case.server.order() == sent
    assert case.told == [(5 - len(sent) + done, 5) for done in range(1, len(sent) + 1)]


@pytest.mark.parametrize("state", [state for state in JobState if state is not JobState.UPLOADING])
def test_a_job_that_waits_for_no_files_gets_none(tmp_path: Path, state: JobState) -> None:
    case = case_of(tmp_path, Answer(state=state))
    case.run()
    assert case.server.chunks == []
    assert [each.job.state for each in case.accepted] == [state]


def test_no_chunk_is_sent_without_credit_and_all_are_with_it(tmp_path: Path) -> None:
    case = case_of(tmp_path, Answer(credit=2))
    server, granted = case.server, [2]

    def grant(chunk: Chunk) -> None:
        assert len(server.chunks) <= granted[0]
        server.store(chunk)
        if len(server.chunks) == granted[0]:  # only now, when there is none left
            granted[0] += 3
            server.say(UploadCredit(job_id="j", chunks=3))

    server.on_chunk = grant
    case.run()
    assert len(server.chunks) == 3 + 1 + 1 + 1 + 2
    assert server.submissions == 1


@pytest.mark.parametrize("credit", [1, 2, 3, 5])
def test_no_more_is_sent_than_the_server_has_given_credit_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, credit: int
) -> None:
    monkeypatch.setattr(upload_module, "_SILENCE_S", 0.01)
    case = case_of(tmp_path, Answer(credit=credit), Answer(state=JobState.CANCELLED))
    case.run()  # the server grants no more, and when it is asked for, the job is over
    assert len(case.server.chunks) == credit


def test_what_was_refused_before_the_connection_was_lost_is_forgotten(tmp_path: Path) -> None:
    case = case_of(tmp_path, Answer(), Answer(have=[(0, 0)]), sizes=(5, 7))
    server = case.server

    def refuse_and_lose(chunk: Chunk) -> None:
        if server.submissions == 1:
            server.refuse(0)
            case.upload.interrupt()
        else:
            server.store(chunk)

    server.on_chunk = refuse_and_lose
    case.run()
    assert server.order() == [0, 1]


def test_of_two_files_that_are_there_in_part_the_one_refused_begins_anew(tmp_path: Path) -> None:
    case, refused = case_of(tmp_path, Answer(partial=[(0, 2), (1, 3)]), sizes=(5, 7)), []

    def refuse_the_other(chunk: Chunk) -> None:
        if not refused:
            refused.append(chunk)
            case.server.refuse(1)
        case.server.store(chunk)

    case.server.on_chunk = refuse_the_other
    case.run()
    assert case.server.chunks == [(0, 2, 3), (1, 0, 7)]


def test_a_checksum_may_fail_twice(tmp_path: Path) -> None:
    case, refused = case_of(tmp_path, sizes=(5, 7)), []

    def refuse(chunk: Chunk) -> None:
        if chunk.file == 1 and len(refused) < 2:
            refused.append(chunk)
            case.server.refuse(1)
        else:
            case.server.store(chunk)

    case.server.on_chunk = refuse
    case.run()
    assert [file for file, *_ in case.server.chunks] == [0, 1, 1, 1]


def test_the_third_checksum_that_fails_is_a_failure_of_that_file(tmp_path: Path) -> None:
    case = case_of(tmp_path, sizes=(5, 7))
    case.server.on_chunk = lambda chunk: (
        case.server.refuse(1) if chunk.file == 1 else case.server.store(chunk)
    )
    with pytest.raises(TransferError, match=r"the server cannot take .*p\.1\.exr: told checksum"):
        case.run()
    assert [file for file, *_ in case.server.chunks] == [0, 1, 1, 1]


def test_each_file_has_tries_of_its_own(tmp_path: Path) -> None:
    case, failed = case_of(tmp_path, sizes=(5, 7, 9)), {0: 2, 1: 2, 2: 2}

    def refuse(chunk: Chunk) -> None:
        if failed[chunk.file]:
            failed[chunk.file] -= 1
            case.server.refuse(chunk.file)
        else:
            case.server.store(chunk)

    case.server.on_chunk = refuse
    case.run()
    assert [file for file, *_ in case.server.chunks] == [0, 0, 0, 1, 1, 1, 2, 2, 2]


def test_a_server_that_cannot_store_is_asked_once(tmp_path: Path) -> None:
    case = case_of(tmp_path, sizes=(5, 7))
    case.server.on_chunk = lambda chunk: case.server.refuse(chunk.file, "storage")
    with pytest.raises(TransferError, match=r"the server cannot take .*p\.0\.exr: told storage"):
        case.run()
    assert len(case.server.chunks) == 1


def test_a_refusal_of_a_file_that_is_not_there_is_told_by_its_number(tmp_path: Path) -> None:
    case = case_of(tmp_path, sizes=(5,))
    case.server.on_chunk = lambda chunk: case.server.refuse(1, "storage")
    with pytest.raises(TransferError, match="the server cannot take file 1: told storage"):
        case.run()


def test_a_full_disk_is_waited_for_and_is_no_failed_try(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upload_module, "_FULL_PAUSE_S", 0.001)
    case, full = case_of(tmp_path, sizes=(5, 7)), []

    def refuse(chunk: Chunk) -> None:
        if chunk.file == 0 and len(full) < 6:
            full.append(chunk)
            case.server.refuse(0, "full")
        else:
            case.server.store(chunk)

    case.server.on_chunk = refuse
    case.run()
    assert [file for file, *_ in case.server.chunks] == [0] * 7 + [1]


@pytest.mark.parametrize(("stored_between", "waits"), [(True, True), (False, False)])
def test_a_disk_that_stays_full_for_an_hour_is_a_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stored_between: bool, waits: bool
) -> None:
    """The hour begins anew when a file was stored in the meantime."""
    clock = [100.0]
    monkeypatch.setattr(upload_module.time, "monotonic", lambda: clock[0])
    monkeypatch.setattr(upload_module, "_FULL_PAUSE_S", 0)
    case, step = case_of(tmp_path, sizes=(5, 7)), iter(range(10))

    def react(chunk: Chunk) -> None:
        now = next(step)
        if now == 0:
            case.server.refuse(0, "full")
        elif now == 1:
            clock[0] += 3600.0  # the last moment at which there is still hope
            case.server.refuse(0, "full")
        elif now == 2 and stored_between:
            case.server.store(chunk)
        elif now in (2, 3):
            clock[0] += 0.5
            case.server.refuse(chunk.file, "full")
        else:
            case.server.store(chunk)

    case.server.on_chunk = react
    if waits:
        case.run()
        assert [file for file, *_ in case.server.chunks] == [0, 0, 0, 1, 1]
    else:
        with pytest.raises(TransferError, match="told full; waited 3600 s for room there"):
            case.run()
        assert [file for file, *_ in case.server.chunks] == [0, 0, 0]


def test_what_is_told_of_a_full_disk_is_what_the_server_said_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Although it refused another file at the same time, and that one first."""
    clock = [100.0]
    monkeypatch.setattr(upload_module.time, "monotonic", lambda: clock[0])
    monkeypatch.setattr(upload_module, "_FULL_PAUSE_S", 0)
    case, step = case_of(tmp_path, sizes=(5, 7)), iter(range(2))

    def react(chunk: Chunk) -> None:
        if next(step) == 0:
            case.server.refuse(0, "full")
        else:
            clock[0] += 3600.5
            case.server.refuse(0, "checksum")
            case.server.refuse(1, "full")

    case.server.on_chunk = react
    with pytest.raises(TransferError, match=r"^told full; waited 3600 s"):
        case.run()


def test_how_long_each_silence_is_borne(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float | None] = []

    class Noted(threading.Condition):
        """Waits for nothing, and notes how long it would have."""

        def wait(self, timeout: float | None = None) -> bool:
            waits.append(timeout)
            return False

        def wait_for(self, predicate: Callable[[], bool], timeout: float | None = None) -> bool:
            return predicate() or self.wait(timeout)

    monkeypatch.setattr(upload_module, "threading", SimpleNamespace(Condition=Noted))
    case = case_of(tmp_path, Answer(credit=0), Answer(), Answer(have=[(0, 0)]), sizes=(5,))
    replies = iter([lambda: case.server.refuse(0, "full"), lambda: None])
    case.server.on_chunk = lambda chunk: next(replies)()
    case.run()
    assert waits == [60.0, 2.0, 60.0], "no credit, a full disk, nothing confirmed"
    assert case.server.patience == [3600.0] * 3


def test_a_server_without_a_word_is_asked_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upload_module, "_SILENCE_S", 0.01)
    # No credit at all; then everything is sent, and nothing of it confirmed; then it is all there.
    case = case_of(tmp_path, Answer(credit=0), Answer(have=[(0, 0)]), Answer(have=[(0, 2)]), sizes=(5, 7, 9))
    case.server.on_chunk = lambda chunk: None
    case.run()
    assert case.server.submissions == 3
    assert case.server.order() == [1, 2]
    assert len(case.accepted) == 3


def test_a_lost_connection_asks_anew_and_goes_on_inside_the_file(tmp_path: Path) -> None:
    sizes = (5, 3 * CHUNK_BYTES, 9)
    case = case_of(
        tmp_path, Answer(), Answer(have=[(0, 0)], partial=[(1, CHUNK_BYTES)]), Answer(), sizes=sizes
    )
    server = case.server

    def lose(chunk: Chunk) -> None:
        server.store(chunk)
        if server.submissions == 1 and chunk.file == 1:
            case.upload.interrupt()

    server.on_chunk = lose
    case.run()
    assert server.submissions == 2
    places = [chunk[:2] for chunk in server.chunks]
    assert places == [(0, 0), (1, 0), (1, CHUNK_BYTES), (1, 2 * CHUNK_BYTES), (2, 0)]
    assert server.checksums[1] == checksum(case.paths[1])


@pytest.mark.parametrize("wake", ["interrupt", "stop"])
@pytest.mark.parametrize("waits_for", ["credit", "room"])
def test_nobody_waits_for_a_server_that_is_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wake: str, waits_for: str
) -> None:
    """Not for credit and not for room on its disk, either of which would take minutes."""
    monkeypatch.setattr(upload_module, "_FULL_PAUSE_S", 120.0)
    monkeypatch.setattr(upload_module, "_SILENCE_S", 120.0)
    case = case_of(tmp_path, Answer(credit=1), Answer(state=JobState.CANCELLED), sizes=(3 * CHUNK_BYTES, 5))

    def go(chunk: Chunk) -> None:
        if waits_for == "room":
            case.server.refuse(0, "full")
        getattr(case.upload, wake)()

    case.server.on_chunk = go
    began = time.monotonic()
    case.run()
    assert time.monotonic() - began < 60.0
    assert len(case.server.chunks) == 1
    assert case.server.submissions == (2 if wake == "interrupt" else 1)


def test_a_stopped_upload_sends_nothing_more(tmp_path: Path) -> None:
    case = case_of(tmp_path, sizes=(3 * CHUNK_BYTES, 5))
    case.server.on_chunk = lambda chunk: case.upload.stop()
    case.run()
    assert len(case.server.chunks) == 1
    case.run()  # and is not taken up again
    assert case.server.submissions == 1


@pytest.mark.parametrize(
    ("size", "says"), [(2 * CHUNK_BYTES + 6, "longer"), (2 * CHUNK_BYTES + 4, "shorter"), (3, "shorter")]
)
def test_a_file_that_changes_on_its_way_is_told(tmp_path: Path, size: int, says: str) -> None:
    case = case_of(tmp_path)
    case.paths[0].write_bytes(b"x" * size)
    with pytest.raises(TransferError, match=rf"p\.0\.exr has become {says} while it was sent; submit again"):
        case.run()
    assert not case.server.checksums


def test_a_file_that_is_shorter_than_what_the_server_has_is_told(tmp_path: Path) -> None:
    case = case_of(tmp_path, Answer(partial=[(0, CHUNK_BYTES)]))
    case.paths[0].write_bytes(b"x" * (CHUNK_BYTES - 1))
    with pytest.raises(TransferError, match=r"p\.0\.exr has become shorter"):
        case.run()
    assert case.server.chunks == []


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    case = case_of(tmp_path)
    case.paths[1].unlink()
    with pytest.raises(TransferError, match=r"cannot read .*p\.1\.exr: No such file"):
        case.run()
    assert case.server.order() == [0]


def test_another_answer_than_an_acceptance_is_no_upload(tmp_path: Path) -> None:
    case = case_of(tmp_path)
    future: Future[Reply] = Future()
    future.set_result((Pong(request=1), []))
    case.server.request = lambda *given, **options: future  # type: ignore[method-assign]
    with pytest.raises(ServerError, match="answered submit with Pong"):
        case.run()
