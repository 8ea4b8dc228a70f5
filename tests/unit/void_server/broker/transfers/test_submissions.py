"""Who is read with whom, and who waits: the readers are stood in for, what they read is not."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest

from void_protocol import job_file
from void_protocol.job import Format, Matte, Output, RemovalJob, Shot
from void_protocol.job_file import decode_job, encode_job
from void_protocol.mailbox import Mailbox
from void_protocol.messages import Accepted, Error, JobState, Submit, Transfer
from void_server.broker.connections.sessions import ClientSession
from void_server.broker.connections.subscriptions import Subscriptions
from void_server.broker.jobs.lifecycle import JobLifecycle
from void_server.broker.jobs.spool import Spool
from void_server.broker.jobs.store import Store
from void_server.broker.keyed_threads import KeyedThreads
from void_server.broker.throughput import Meter
from void_server.broker.transfers import owner_threads
from void_server.broker.transfers import submissions as submissions_module
from void_server.broker.transfers.submissions import Submissions
from void_server.errors import RequestRefused, StoreError
from void_server.settings import ServerSettings
from void_server.workers.worker import localised


class Outbox:
    def __init__(self) -> None:
        self.said: list[tuple[bytes, Any]] = []

    def send(self, peer: bytes, message: Any, payloads: Any = (), *, is_urgent: bool = True) -> None:
        self.said.append((peer, message))

    def refuse(self, peer: bytes, request: int | None, code: str, text: str) -> None:
        self.send(peer, Error(request=request, code=code, message=text))


class HeldLanes:
    """Work begins at once and ends when the test says so."""

    def __init__(self) -> None:
        self.open: list[Callable[[], None]] = []

    def run(self, key: str, work: Callable[[], Any], then: Callable[[Future[Any]], None]) -> None:
        def end() -> None:
            done: Future[Any] = Future()
            done.set_result(work())
            then(done)

        self.open.append(end)

    def do(self, key: str, work: Callable[[], object]) -> None:
        work()

    def stop(self) -> None:
        self.open.clear()

    def close(self, limit_s: float = 0.0) -> None:
        self.stop()


class Case:
    def __init__(self, folder: Path, **limits: int) -> None:
        self.folder = folder
        self.settings = ServerSettings(home=folder / "home", **limits)  # type: ignore[arg-type]
        self.settings.home.mkdir()
        self.mailbox: Mailbox[Callable[[], None]] = Mailbox()
        self.threads = KeyedThreads(self.mailbox, 1)
        self.store = Store(self.settings.home / "jobs.sqlite")
        self.outbox = Outbox()
        self.spool, events = Spool(self.settings.home), Subscriptions(self.outbox)  # type: ignore[arg-type]
        self.lifecycle = JobLifecycle(self.settings, self.store, self.spool, events, self.threads, Meter())
        self.submissions = Submissions(
            settings=self.settings,
            spool=self.spool,
            lifecycle=self.lifecycle,
            uploads=None,  # type: ignore[arg-type]
            outbox=self.outbox,  # type: ignore[arg-type]
            mailbox=self.mailbox,
        )
        self.readers: list[HeldLanes] = []
        self.submissions._readers._make = self._make_reader  # type: ignore[method-assign, assignment]
        self._number = 0

    def _make_reader(self) -> HeldLanes:
        self.readers.append(HeldLanes())
        return self.readers[-1]

    def submit(
        self,
        peer: str,
        job_id: str,
        text: bytes | None = None,
        outputs: Transfer = "paths",
        owner: str = "studio",
    ) -> None:
        self._number += 1
        message = Submit(request=self._number, inputs="paths", outputs=outputs)
        text = encode_job(self.job(job_id)) if text is None else text
        self.submissions.take(session(peer, owner), message, [memoryview(text)])

    def job(self, job_id: str) -> RemovalJob:
        shot = Shot(
            name=job_id,
            plate=str(self.folder / "p.%04d.exr"),
            first_frame=1,
            last_frame=1,
            format=Format(width=16, height=16),
        )
        return RemovalJob(
            job_id=job_id,
            shot=shot,
            mattes=[Matte(role="remove", pattern=str(self.folder / "m.%04d.exr"))],
            output=Output(pattern=str(self.folder / "o.%04d.exr")),
        )

    def end(self, reader: int = 0) -> list[tuple[str, str]]:
        """Let a reader end; whom that answered and with which job or which error."""
        self.readers[reader].open.pop()()
        said, self.outbox.said = self.outbox.said, []
        return [
            (peer.decode(), message.job.job_id if isinstance(message, Accepted) else message.code)
            for peer, message in said
            if isinstance(message, Accepted | Error)
        ]

    def close(self) -> None:
        self.store.close()
        self.threads.close()
        self.mailbox.close()


def session(peer: str, owner: str) -> ClientSession:
    return ClientSession(peer.encode(), b"key", owner, "test", 1)


@pytest.fixture
def case(tmp_path: Path) -> Iterator[Case]:
    made = Case(tmp_path)
    yield made
    made.close()


def test_what_arrives_meanwhile_is_read_together(case: Case) -> None:
    case.submit("anna", "a1")
    case.submissions.begin()
    for peer in ("bert", "cleo", "dora"):
        case.submit(peer, f"{peer}1")
        case.submissions.begin()  # the reader is busy
    assert [len(reader.open) for reader in case.readers] == [1]
    assert case.end() == [("anna", "a1")]
    case.submissions.begin()
    assert case.end() == [("bert", "bert1"), ("cleo", "cleo1"), ("dora", "dora1")]
    assert case.store.jobs_in(JobState.QUEUED) == ["a1", "bert1", "cleo1", "dora1"]
    assert not case.submissions.are_coming


def test_clients_take_turns_and_keep_their_own_order(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(submissions_module, "_TOGETHER", 4)
    for number in range(5):
        case.submit("anna", f"a{number}")
    for peer in ("bert", "cleo"):
        case.submit(peer, f"{peer}1")
    case.submissions.begin()
    assert case.end() == [("anna", "a0"), ("bert", "bert1"), ("cleo", "cleo1"), ("anna", "a1")]
    case.submissions.begin()
    assert case.end() == [("anna", "a2"), ("anna", "a3"), ("anna", "a4")]


def test_large_ones_are_not_read_with_many(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(submissions_module, "_TOGETHER_BYTES", 2 * 4096)
    for peer in ("anna", "bert", "cleo"):
        case.submit(peer, f"{peer[0]}1")
    case.submissions.begin()
    assert [peer for peer, _ in case.end()] == ["anna", "bert"]
    monkeypatch.setattr(submissions_module, "_TOGETHER_BYTES", 1)
    case.submissions.begin()
    assert [peer for peer, _ in case.end()] == ["cleo"]  # whatever its size, alone


def test_a_drive_that_hangs_holds_up_its_owner_alone(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr(owner_threads.time, "monotonic", lambda: now)
    case.submit("a", "a1", owner="anna")
    case.submissions.begin()
    case.submit("a", "a2", owner="anna")
    case.submit("a3", "a3", owner="anna")
    case.submit("b", "b1", owner="bert")
    case.submissions.begin()
    assert case.end(1) == [("b", "b1")]
    now += case.settings.path_wait_s + 0.1
    case.submissions.begin()
    refused = [(peer.decode(), message.code) for peer, message in case.outbox.said]
    assert refused == [("a", "storage"), ("a", "storage"), ("a3", "storage")]
    assert "send the files instead of their paths" in case.outbox.said[0][1].message
    with pytest.raises(RequestRefused, match=r"has not answered for 30 s \(path_wait_s\)"):
        case.submit("a", "a4", owner="anna")
    assert not case.submissions.are_coming
    case.submit("b", "b2", owner="bert")
    case.submissions.begin()
    case.outbox.said.clear()
    assert case.end(1) == [("b", "b2")]
    assert case.end(0) == []  # nobody waits for it any longer, and it is no job
    assert case.store.jobs_in(JobState.QUEUED) == ["b1", "b2"]
    case.submit("a", "a5", owner="anna")
    case.submissions.begin()
    assert case.end(0) == [("a", "a5")]


def test_owners_do_not_wait_for_each_other(case: Case) -> None:
    """Not even for sixty connections with large jobs."""
    for number in range(60):
        case.submit(f"h{number}", f"h{number}", owner="hostile")
    case.submissions.begin()
    case.submit("f", "f1", owner="friend")
    case.submissions.begin()
    assert case.end(1) == [("f", "f1")]
    assert len(case.end(0)) == 60


def test_a_known_job_needs_no_folders(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of a job that has just ended are being deleted while it is submitted again."""
    case.submit("anna", "a1")
    case.submissions.begin()
    assert case.end() == [("anna", "a1")]

    def gone(*_: object) -> None:
        raise FileNotFoundError(2, "No such file or directory", f"{case.settings.home}/jobs/a1/inputs")

    monkeypatch.setattr(case.spool, "make_folders", gone)
    case.submit("anna", "a1")
    case.submit("bert", "b1")
    case.submissions.begin()
    case.readers[0].open.pop()()
    told = [message for _, message in case.outbox.said]
    assert [type(each) for each in told] == [Accepted, Error]
    assert (told[1].code, told[1].message) == (
        "storage", "cannot make the job's folders: No such file or directory",
    )  # fmt: skip


def test_one_bad_job_is_told_and_the_others_go_in(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    read = submissions_module.read_submission

    def failing(settings: Any, owner: str, message: Any, payloads: Any, finder: Any) -> Any:
        if message.request == 3:
            raise ZeroDivisionError
        return read(settings, owner, message, payloads, finder)

    monkeypatch.setattr(submissions_module, "read_submission", failing)
    case.submit("anna", "a1", b"{not a job")
    case.submit("bert", "b1")
    case.submit("cleo", "c1")
    case.submit("dora", "b1")  # bert's, as it is
    case.submissions.begin()
    assert case.end() == [("anna", "bad_job"), ("bert", "b1"), ("cleo", "internal"), ("dora", "b1")]


def test_a_job_that_is_refused_leaves_no_folders_and_one_that_is_here_keeps_its_own(tmp_path: Path) -> None:
    case = Case(tmp_path, most_open_jobs=1)
    case.submit("anna", "a1", outputs="streamed")
    case.submissions.begin()
    assert case.end() == [("anna", "a1")]
    folder = case.spool.folder("a1")
    assert folder.is_dir()
    case.submit("bert", "b1", outputs="streamed")
    case.submit("cleo", "a1")  # anna's job with other content
    case.submissions.begin()
    assert case.end() == [("bert", "limit"), ("cleo", "conflict")]
    assert list(case.spool.root.iterdir()) == [folder]
    case.close()


def compact(case: Case, job_id: str, points: int) -> bytes:
    """A job whose points say no more than they must. Written out in full it is several times as long."""
    whole = json.loads(encode_job(case.job(job_id)))
    frame = {"frame": 1, "points": [[index % 16, 1] for index in range(points)]}
    shapes = [{"name": f"s{n}", "role": "remove", "frames": [frame]} for n in range(3)]
    return json.dumps({**whole, "shapes": shapes}, separators=(",", ":")).encode()


def test_a_long_job_lies_in_its_folder_and_is_what_the_client_sent(case: Case) -> None:
    text = compact(case, "a1", 6000)
    assert len(text) > 64 * 1024
    case.submit("anna", "a1", text)
    case.submit("bert", "b1")
    case.submissions.begin()
    assert sorted(case.end()) == [("anna", "a1"), ("bert", "b1")]
    assert case.store.texts("a1")[0] == b""
    assert case.store.texts("b1")[0] == encode_job(case.job("b1"))
    orders = {order.run.job_id: order for _ in "ab" if (order := case.lifecycle.take_next()) is not None}
    assert Path(orders["a1"].run.text_file).read_bytes() == text
    assert orders["b1"].run.text_file == ""
    case.submit("anna", "a1", text + b" \n")  # the same, written otherwise
    other = compact(case, "a1", 6001)
    case.submit("cleo", "a1", other)
    case.submissions.begin()
    assert sorted(case.end()) == [("anna", "a1"), ("cleo", "conflict")]
    texts = case.spool.files("a1").texts()
    assert [decode_job(path.read_bytes()) for path in texts] == [decode_job(text)]


def test_a_job_at_the_limit_runs_however_long_it_is_when_written_out(
    case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The worker reads what the client has sent. There is one text, and one limit for it."""
    text = compact(case, "a1", 6000)
    monkeypatch.setattr(job_file, "JOB_BYTES", len(text))
    assert len(encode_job(decode_job(text))) > 5 * len(text)
    case.submit("anna", "a1", text)
    case.submissions.begin()
    assert case.end() == [("anna", "a1")]
    order = case.lifecycle.take_next()
    assert order is not None
    local = localised(order.run, order.text, order.places)
    assert len(local.job.shapes[0].frames[0].points) == 6000
    case.submit("anna", "a2", compact(case, "a2", 6001))
    case.submissions.begin()
    assert case.end() == [("anna", "bad_job")]


def test_a_store_that_fails_ends_the_server(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(*_: object) -> None:
        raise StoreError("disk")

    case.submit("anna", "a1")
    case.submissions.begin()
    monkeypatch.setattr(case.store, "add_job", failing)
    with pytest.raises(StoreError):
        case.end()


def test_what_waits_is_bounded_and_goes_with_its_client(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = Case(tmp_path, submission_bytes=15_000)
    case.submit("anna", "a1", b"x" * 10_000)
    with pytest.raises(RequestRefused, match=r"10000 bytes of submissions wait already, at most 15000"):
        case.submit("bert", "b1", b"x" * 5001)
    case.submit("bert", "b1", b"x")  # which counts as 4096
    with pytest.raises(RequestRefused, match=r"14096 bytes of submissions wait already"):
        case.submit("cleo", "c1", b"x")
    case.submit("dora", "d1", b"x" * 5001, owner="another")  # of whom nothing waits
    with pytest.raises(RequestRefused, match=r"19097 bytes of submissions wait already"):
        case.submit("dora", "d2", b"x", owner="another")
    monkeypatch.setattr(submissions_module, "_TOGETHER_BYTES", 5000)
    with pytest.raises(RequestRefused, match=r"19097 bytes of submissions wait already"):
        case.submit("emil", "e1", b"x" * 5001, owner="third")
    case.submissions.drop(b"dora")
    case.submissions.drop(b"anna")
    monkeypatch.undo()
    case.submit("cleo", "c1", b"x" * 10_000)
    case.submissions.begin()
    assert case.end() == [("bert", "bad_job"), ("cleo", "bad_job")]
    case.submit("anna", "a1", b"x" * 10**6)  # alone, one of any size goes
    case.close()
