"""What the lifecycle does to files, and when: the broker's commit decides what has happened."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from void_protocol.job import Format, Matte, Output, RemovalJob, Shot
from void_protocol.job_file import encode_job
from void_protocol.mailbox import Mailbox
from void_protocol.messages import JobState, ManifestEntry
from void_server.broker.connections.subscriptions import Subscriptions
from void_server.broker.jobs import lifecycle as lifecycle_module
from void_server.broker.jobs.lifecycle import JobLifecycle
from void_server.broker.jobs.spool import Spool
from void_server.broker.jobs.store import NewJob, Store
from void_server.broker.keyed_threads import KeyedThreads
from void_server.broker.throughput import Meter
from void_server.settings import ServerSettings
from void_server.workers.worker_link import Finished, FrameWhole, FromWorker, Waiting

ENTRIES = [ManifestEntry("plate", 1, 5), ManifestEntry("matte.0", 1, 5)]
JOB = RemovalJob(
    job_id="j",
    shot=Shot(name="s", plate="/p.%04d.exr", first_frame=1, last_frame=1, format=Format(width=16, height=16)),
    mattes=[Matte(role="remove", pattern="/m.%04d.exr")],
    output=Output(pattern="/o.%04d.exr"),
)


class NoOutbox:
    """Nobody watches."""

    def send(self, *arguments: object) -> None:
        raise AssertionError("nobody is there to be told")


class Case:
    """A lifecycle with a real store and a real spool. ``crash`` forgets what was not committed."""

    def __init__(self, home: Path, **settings: int) -> None:
        self.settings = ServerSettings(home=home, **settings)  # type: ignore[arg-type]
        self.mailbox: Mailbox[Callable[[], None]] = Mailbox()
        self.threads = KeyedThreads(self.mailbox, 1)
        self.spool = Spool(home)
        self._open()

    def _open(self) -> None:
        self.store = Store(self.settings.home / "jobs.sqlite")
        events = Subscriptions(NoOutbox())  # type: ignore[arg-type]
        self.lifecycle = JobLifecycle(self.settings, self.store, self.spool, events, self.threads, Meter())
        self.stopped: list[str] = []
        self.lifecycle.stop_running = lambda job_id: self.stopped.append(job_id) or True  # type: ignore[func-returns-value]
        self.lifecycle.recover()
        self.commit()

    def commit(self) -> None:
        self.store.commit()
        self.lifecycle.clear_away()
        # The thread of the files is one: what it was given is done when this is.
        self.threads._threads[0].submit(lambda: None).result(10)

    def crash(self) -> None:
        self.store.close()
        self._open()

    def close(self) -> None:
        self.store.close()
        self.threads.close()
        self.mailbox.close()

    def submit_and_start(self, job_id: str = "j", frames: int = 1) -> None:
        self.spool.make_folders(job_id, ["plate", "matte.0"], "streamed")
        new = NewJob(
            job_id=job_id, owner="anna", name="s", engine="auto", inputs="streamed", outputs="streamed",
            output_pattern="/o.%04d.exr", frames_total=frames, content=b"c", job=encode_job(JOB),
            upload_bytes=10,
        )  # fmt: skip
        self.lifecycle.submit(new)
        self.lifecycle.upload_complete(job_id)
        self.start()

    def start(self) -> bool:
        order = self.lifecycle.take_next()
        assert order is not None
        self.commit()
        return order.run.resume

    def frame(self, job_id: str, frame: int, size: int) -> None:
        self.hear(FrameWhole(job_id=job_id, frame=frame, size=size, sha256="ff"))

    def state(self, job_id: str) -> tuple[JobState, str]:
        info = self.lifecycle.info(job_id)
        return info.state, info.message

    def hear(self, message: FromWorker) -> None:
        self.lifecycle.worker_said(message, [])

    @property
    def has_inputs(self) -> bool:
        return self.spool.inputs_folder("j").exists()


@pytest.fixture
def case(tmp_path: Path) -> Case:
    return Case(tmp_path)


def test_inputs_go_only_when_the_end_is_durable(case: Case) -> None:
    case.submit_and_start()
    case.hear(FrameWhole(job_id="j", frame=1, size=5, sha256="ff"))
    case.hear(Finished(job_id="j", outcome="done"))
    assert case.has_inputs
    case.crash()  # before the commit: the job is not done
    assert case.store.state("j") is JobState.QUEUED
    assert case.has_inputs
    assert case.start()
    case.hear(Finished(job_id="j", outcome="done"))
    case.commit()
    assert case.store.state("j") is JobState.DONE
    assert not case.has_inputs
    case.close()


def test_inputs_of_a_job_that_ended_go_at_the_next_start(case: Case) -> None:
    case.submit_and_start()
    case.hear(Finished(job_id="j", outcome="done"))
    case.store.commit()
    case.crash()  # after the commit, before anything was deleted
    assert not case.has_inputs
    case.close()


def test_the_artist_sees_whether_a_job_continues_or_starts_again(case: Case) -> None:
    case.submit_and_start()
    case.crash()
    case.start()
    assert case.lifecycle.info("j").message.startswith("starts again, no frame was whole yet")
    case.hear(FrameWhole(job_id="j", frame=1, size=5, sha256="ff"))
    case.commit()
    case.crash()
    case.start()
    assert case.lifecycle.info("j").message == "continues after 1 of 1 frames"
    assert case.lifecycle.info("j").attempts == 3
    case.close()


def test_what_a_job_waits_for_is_its_message_and_no_new_attempt(case: Case) -> None:
    case.submit_and_start()
    for obstacle in ("waiting for frame 1", ""):
        case.hear(Waiting(job_id="j", obstacle=obstacle))
        info = case.lifecycle.info("j")
        assert (info.state, info.message, info.attempts) == (JobState.RUNNING, obstacle, 1)
    case.lifecycle.cancel("j")
    case.hear(Waiting(job_id="j", obstacle="waiting for frame 1"))  # too late to matter
    assert case.lifecycle.info("j").state is JobState.CANCELLING
    case.close()


def test_a_job_that_cannot_begin_waits_in_the_queue_for_so_long(
    case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    case.submit_and_start()
    now = 1000.0
    monkeypatch.setattr(lifecycle_module.time, "monotonic", lambda: now)
    blocked = Finished(
        job_id="j", outcome="blocked", message="frame 1 is missing", obstacle="waiting for frame 1"
    )
    for _ in range(30):  # more often than a job may be started
        case.hear(Waiting(job_id="j", obstacle="waiting for frame 1"))
        case.hear(Waiting(job_id="j", obstacle=""))
        now += 60.0
        case.hear(blocked)
        info = case.lifecycle.info("j")
        assert (info.state, info.attempts) == (JobState.QUEUED, 1)
        assert info.message == "waiting for frame 1; others go first meanwhile"
        case.start()
    now += case.settings.wait_limit_s
    case.hear(blocked)
    info = case.lifecycle.info("j")
    assert (info.state, info.message) == (JobState.FAILED, "frame 1 is missing")
    case.close()


def test_a_job_that_kills_its_workers_is_set_aside(case: Case) -> None:
    case.submit_and_start()
    case.lifecycle.worker_lost("j", "the worker process was ended by SIGSEGV", "Fatal Python error")
    assert case.lifecycle.info("j").state is JobState.QUEUED
    case.start()
    case.lifecycle.worker_lost("j", "the worker process was ended by SIGSEGV", "Fatal Python error")
    info = case.lifecycle.info("j")
    assert info.state is JobState.FAILED
    assert info.message.startswith(
        "set aside: the worker process was ended by SIGSEGV; that happened 2 times"
    )
    case.close()


def test_a_change_that_may_not_be_is_logged_and_leaves_the_job_alone(
    case: Case, caplog: pytest.LogCaptureFixture
) -> None:
    case.submit_and_start()
    case.hear(Finished(job_id="j", outcome="done"))
    case.commit()
    known = case.lifecycle.info("j")
    case.lifecycle.upload_complete("j")  # a part that has not heard of the end
    assert "job j is done and cannot become queued" in [record.message for record in caplog.records]
    assert case.lifecycle.info("j") == known
    assert case.lifecycle.take_next() is None
    case.close()


def test_a_job_that_may_not_start_is_offered_once(case: Case, caplog: pytest.LogCaptureFixture) -> None:
    case.submit_and_start()
    case.lifecycle.cancel("j")
    case.lifecycle.queue.added("j", "anna", 0, 1)  # as if the queue had missed that it runs
    assert case.lifecycle.take_next() is None
    assert "job j is cancelling and cannot become running" in [record.message for record in caplog.records]
    case.close()


def test_an_order_is_passed_on_as_it_was_stored(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    """The broker's thread reads nothing that grows with a job: the text here is none at all."""
    case.spool.make_folders("j", ["plate", "matte.0"], "streamed")
    new = NewJob(
        job_id="j", owner="anna", name="s", engine="auto", inputs="paths", outputs="streamed",
        output_pattern="/o.%04d.exr", frames_total=1, content=b"digest", job=b"", places=b"not JSON",
    )  # fmt: skip
    case.lifecycle.submit(new)
    order = case.lifecycle.take_next()
    assert order is not None
    assert (order.text, order.places) == (b"", b"not JSON")
    assert order.run.text_file == str(case.spool.files("j").text_file(b"digest"))
    assert (order.run.inputs, order.run.outputs, order.run.resume) == ("paths", "streamed", False)
    case.close()


def test_results_beyond_the_owners_share_wait_until_others_are_released(tmp_path: Path) -> None:
    case = Case(tmp_path, client_spool_bytes=100)
    case.submit_and_start("first", frames=3)
    case.frame("first", 1, 60)
    case.hear(Finished(job_id="first", outcome="done"))
    case.submit_and_start("second", frames=3)
    case.frame("second", 1, 25)
    assert case.stopped == []
    case.frame("second", 2, 10)
    assert case.stopped == ["second"]
    case.hear(Finished(job_id="second", outcome="cancelled"))
    state, message = case.state("second")
    assert (state, "no room for its results" in message) == (JobState.QUEUED, True)
    assert case.lifecycle.info("second").is_paused
    assert case.lifecycle.take_next() is None
    case.commit()
    case.crash()  # which does not forget what is held
    assert case.lifecycle.take_next() is None
    case.lifecycle.release("first")
    assert case.state("second") == (JobState.QUEUED, "there is room for its results again")
    order = case.lifecycle.take_next()
    assert order is not None
    assert (order.run.job_id, order.run.resume, order.run.room_bytes) == ("second", True, 55)
    assert case.lifecycle.info("second").attempts == 2
    case.close()


def test_results_for_which_nobody_can_make_room_end_their_job(tmp_path: Path) -> None:
    case = Case(tmp_path, client_spool_bytes=100)
    case.submit_and_start("j", frames=3)
    case.hear(Finished(job_id="j", outcome="no_room", message="frame 1 has 500 bytes"))
    state, message = case.state("j")
    assert (state, "the server has no room for all of its results" in message) == (JobState.FAILED, True)
    case.close()


def test_jobs_that_wait_for_each_others_room_do_not_wait_for_ever(tmp_path: Path) -> None:
    case = Case(tmp_path, client_spool_bytes=100)
    for name in ("a", "b"):
        case.submit_and_start(name, frames=9)
        case.frame(name, 1, 30)
    case.hear(Finished(job_id="a", outcome="no_room"))
    assert case.state("a")[0] is JobState.QUEUED
    case.hear(Finished(job_id="b", outcome="no_room"))
    assert case.state("b")[0] is JobState.FAILED  # its results can be released now
    # Its inputs have gone, so that there is more room than the other one had found.
    assert case.state("a") == (JobState.QUEUED, "there is room for its results again")
    case.close()


def test_room_that_is_made_while_a_job_stops_is_not_missed(tmp_path: Path) -> None:
    case = Case(tmp_path, client_spool_bytes=100)
    case.submit_and_start("first")
    case.frame("first", 1, 80)
    case.hear(Finished(job_id="first", outcome="done"))
    case.submit_and_start("second", frames=3)
    case.frame("second", 1, 20)
    assert case.stopped == ["second"]
    case.lifecycle.release("first")
    case.submit_and_start("third")
    case.hear(Finished(job_id="second", outcome="cancelled"))
    assert case.state("second") == (JobState.QUEUED, "there is room for its results again")
    case.close()


def test_results_by_path_take_no_room_in_the_spool(tmp_path: Path) -> None:
    case = Case(tmp_path, client_spool_bytes=100)
    new = NewJob(
        job_id="j", owner="anna", name="s", engine="auto", inputs="paths", outputs="paths",
        output_pattern="/o.%04d.exr", frames_total=2, content=b"c", job=encode_job(JOB),
    )  # fmt: skip
    case.lifecycle.submit(new)
    order = case.lifecycle.take_next()
    assert order is not None
    assert order.run.room_bytes is None
    case.frame("j", 1, 10_000)
    assert case.stopped == []
    case.close()
