"""Jobs through a real server process over real sockets."""

from __future__ import annotations

import time
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.integration.server_case import FIRST, assert_copied, job_for, server_for, wait_until, write_shot
from void_protocol.client import Client
from void_protocol.errors import ResultsGoneError, ServerError, TransferError
from void_protocol.manifest import input_files, measure_inputs
from void_protocol.messages import FrameEvent, JobState, LogEvent, ProgressEvent, StateEvent
from void_protocol.session import Session
from void_protocol.submission import prove_paths
from void_protocol.watching import Preview, Snapshot, WatchEvent
from void_server.broker.jobs.spool import Spool
from void_server.errors import ServerStartError
from void_server.operation.server_process import ServerProcess


def session_of(client: Client) -> Session:
    return client._session


def test_streamed_job_travels_there_and_back(
    server: ServerProcess, client: Client, shot: Path, tmp_path: Path
) -> None:
    events: list[WatchEvent] = []
    uploads: list[tuple[int, int]] = []
    frames: list[Path] = []
    job = job_for(shot, tmp_path / "out")
    remote = client.submit(
        job,
        transfer="streamed",
        on_event=events.append,
        on_upload=lambda sent, total: uploads.append((sent, total)),
        on_frame=lambda frame, path: frames.append(path),
    )
    info = remote.done.result(20)
    assert info.state is JobState.DONE
    assert (info.inputs, info.outputs, info.frames_done, info.attempts) == ("streamed", "streamed", 5, 1)
    assert_copied(shot, tmp_path / "out")
    assert uploads[-1] == (7, 7)
    assert sorted(frames) == sorted((tmp_path / "out").iterdir())

    log, _ = client.log(job.job_id).result(5)
    assert "matte has 1234 bytes" in log
    assert "a cleaned frame'" in log

    numbered = [event.sequence for event in events if isinstance(event, StateEvent | FrameEvent)]
    first = next(event for event in events if isinstance(event, Snapshot))
    assert numbered == list(range(first.job.sequence + 1, info.sequence + 1))
    assert events.index(first) == 0
    for kind in (ProgressEvent, LogEvent, Preview):
        assert any(isinstance(event, kind) for event in events), kind
    preview = next(event for event in events if isinstance(event, Preview))
    assert (preview.width, preview.height, set(preview.pixels)) == (6, 4, {188})
    assert [stage.stage for stage in info.stage_times] == ["copy"]

    spool = Spool(server.settings.home)
    wait_until(lambda: not spool.inputs_folder(job.job_id).exists())
    assert len(list(Path(spool.result_pattern(job.job_id)).parent.iterdir())) == 5
    client.release(job.job_id).result(5)
    wait_until(lambda: not Path(spool.result_pattern(job.job_id)).parent.exists())


def test_job_by_path_writes_in_place(
    server: ServerProcess, client: Client, shot: Path, tmp_path: Path
) -> None:
    job = job_for(shot, tmp_path / "out")
    info = client.submit(job).done.result(20)
    assert (info.state, info.inputs, info.outputs) == (JobState.DONE, "paths", "paths")
    assert_copied(shot, tmp_path / "out")
    assert {path.name for path in Spool(server.settings.home).folder(job.job_id).iterdir()} == {"log.txt"}
    results = client.results(job.job_id)
    assert [(each.frame, each.size) for each in results] == [
        (FIRST + index, 1_500_000 + index) for index in range(5)
    ]


def test_relative_paths_mean_the_clients_folder(
    client: Client, shot: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    info = client.submit(job_for(Path("shot"), Path("out"))).done.result(20)
    assert (info.state, info.inputs) == (JobState.DONE, "paths")
    assert_copied(shot, tmp_path / "out")


class Meddler:
    """A session between whose question and answer the files here change."""

    def __init__(self, session: Session, file: Path) -> None:
        self._session = session
        self._file = file

    def wait_connected(self, timeout_s: float) -> Any:
        return self._session.wait_connected(timeout_s)

    def request(self, *args: Any, **more: Any) -> Future[Any]:
        future = self._session.request(*args, **more)
        future.result(5)
        content = self._file.read_bytes()
        self._file.write_bytes(b"\xff" + content[1:-1] + b"\xff" if content[:1] != b"\xff" else b"\0" * 9)
        return future


def test_proof_holds_for_the_same_bytes_only(client: Client, shot: Path, tmp_path: Path) -> None:
    job = job_for(shot, tmp_path / "out")
    files = list(input_files(job))
    entries = measure_inputs(files)
    session = session_of(client)
    session.wait_connected(5)
    assert prove_paths(session, job, files, entries) == ("", "")
    assert list((tmp_path / "out").iterdir()) == []  # the probe is gone

    meddler: Any = Meddler(session, shot / "matte.exr")
    inputs_problem, outputs_problem = prove_paths(meddler, job, files, entries)
    assert "other content in" in inputs_problem
    assert "matte.exr" in inputs_problem
    assert outputs_problem == ""


def test_a_server_that_may_not_read_gets_the_files(tmp_path: Path) -> None:
    shot, roots = write_shot(tmp_path / "shot"), tmp_path / "allowed"
    roots.mkdir()
    running = server_for(tmp_path / "home", read_roots=(roots,), output_roots=(roots,))
    with running, Client(running.connection()) as client:
        with pytest.raises(TransferError, match="outside the folders that this server may use"):
            client.submit(job_for(shot, tmp_path / "out"), transfer="paths").done.result(10)
        info = client.submit(job_for(shot, tmp_path / "out")).done.result(20)
        assert (info.inputs, info.outputs) == ("streamed", "streamed")
        assert_copied(shot, tmp_path / "out")
        inside = client.submit(job_for(shot, roots / "out")).done.result(20)
        assert (inside.inputs, inside.outputs) == ("streamed", "paths")
        assert_copied(shot, roots / "out")


def test_cancel_stops_a_running_job_within_a_second(client: Client, shot: Path, tmp_path: Path) -> None:
    remote = client.submit(job_for(shot, tmp_path / "out", prompt="slow"), transfer="streamed")
    wait_until(lambda: remote.info is not None and remote.info.frames_done >= 2)
    began = time.monotonic()
    assert remote.cancel().result(5).state is JobState.CANCELLING
    info = remote.done.result(5)
    assert time.monotonic() - began < 1.0
    assert info.state is JobState.CANCELLED
    assert 2 <= len(list((tmp_path / "out").iterdir())) < 5  # frames that were whole came home
    assert remote.cancel().result(5).state is JobState.CANCELLED


def test_jobs_run_in_order_and_a_queued_one_can_be_cancelled(
    client: Client, shot: Path, tmp_path: Path
) -> None:
    order: list[str] = []
    remotes = []
    for name in ("a", "b", "c"):

        def heard(event: WatchEvent, name: str = name) -> None:
            is_start = isinstance(event, StateEvent) and event.state is JobState.RUNNING
            if is_start or (isinstance(event, Snapshot) and event.job.state is JobState.RUNNING):
                order.append(name)

        remote = client.submit(job_for(shot, tmp_path / name, prompt="slow"), on_event=heard)
        remote.accepted.result(5)
        remotes.append(remote)
    wait_until(lambda: order == ["a"])
    assert client.job(remotes[2].job_id).result(5).queue_position == 1
    cancelled = remotes[1].cancel().result(5)
    assert cancelled.state is JobState.CANCELLED
    assert remotes[1].done.result(5).state is JobState.CANCELLED
    assert client.job(remotes[2].job_id).result(5).queue_position == 0
    assert [remote.done.result(20).state for remote in remotes] == [
        JobState.DONE, JobState.CANCELLED, JobState.DONE,
    ]  # fmt: skip
    assert order == ["a", "c"]
    listed = [info.job_id for info in client.jobs().result(5)]
    assert [listed.index(remote.job_id) for remote in reversed(remotes)] == [0, 1, 2]


def test_a_worker_that_does_not_heed_a_cancel_is_killed(client: Client, shot: Path, tmp_path: Path) -> None:
    remote = client.submit(job_for(shot, tmp_path / "out", prompt="deaf"))
    wait_until(lambda: remote.info is not None and remote.info.frames_done == 1)
    remote.cancel()
    info = remote.done.result(10)
    assert info.state is JobState.CANCELLED
    assert "did not stop within 1 s and was killed" in info.message
    assert client.submit(job_for(shot, tmp_path / "next")).done.result(20).state is JobState.DONE


def test_a_failure_says_why(client: Client, shot: Path, tmp_path: Path) -> None:
    info = client.submit(job_for(shot, tmp_path / "out", prompt="fail")).done.result(20)
    assert (info.state, info.message) == (JobState.FAILED, "frame 1001 is broken; render it again")


def test_a_fault_in_the_runner_leaves_its_trace_in_the_log(
    client: Client, shot: Path, tmp_path: Path
) -> None:
    job = job_for(shot, tmp_path / "out", prompt="bug")
    info = client.submit(job).done.result(20)
    assert (info.state, info.message) == (JobState.FAILED, "KeyError: 'no such thing'")
    assert "Traceback (most recent call last)" in client.log(job.job_id).result(5)[0]


def test_a_runner_that_talks_too_much_is_cut_short(client: Client, shot: Path, tmp_path: Path) -> None:
    events: list[WatchEvent] = []
    job = job_for(shot, tmp_path / "out", prompt="talk")
    info = client.submit(job, on_event=events.append).done.result(20)
    assert info.state is JobState.FAILED
    assert info.message.startswith("sorry sorry")
    assert info.message.endswith("(all of it is in the job's log)")
    assert len(info.message) < 2100
    assert any(isinstance(event, LogEvent) and "word word" in event.text for event in events)
    whole, offset = client.log(job.job_id).result(5)
    while (piece := client.log(job.job_id, offset).result(5))[0]:
        whole, offset = whole + piece[0], piece[1]
    assert "word word" in whole
    assert "sorry sorry" in whole
    assert 2 * 256 * 1024 < offset < 1024 * 1024
    assert job.job_id in [listed.job_id for listed in client.jobs(limit=1000).result(5)]


@pytest.mark.parametrize("transfer", ["streamed", "paths"])
def test_a_job_whose_worker_died_once_continues(
    client: Client, shot: Path, tmp_path: Path, transfer: Any
) -> None:
    job = job_for(shot, tmp_path / "out", prompt="crash-once")
    states: list[str] = []

    def heard(event: WatchEvent) -> None:
        if isinstance(event, StateEvent):
            states.append(f"{event.state.value} {event.message}".strip())

    info = client.submit(job, transfer=transfer, on_event=heard).done.result(20)
    assert (info.state, info.attempts, info.frames_done) == (JobState.DONE, 2, 5)
    assert_copied(shot, tmp_path / "out")
    log, _ = client.log(job.job_id).result(5)
    assert "resume False" in log
    assert "about to die" in log
    assert "resume True" in log
    assert any("it will start again" in state for state in states)
    # Which of the two depends on whether the first frame was told before the worker died.
    again = ("running continues after", "running starts again")
    assert any(state.startswith(again) for state in states), states


def test_a_job_that_kills_its_worker_twice_is_set_aside(client: Client, shot: Path, tmp_path: Path) -> None:
    remote = client.submit(job_for(shot, tmp_path / "out", prompt="crash"))
    after = client.submit(job_for(shot, tmp_path / "next"))
    info = remote.done.result(20)
    assert (info.state, info.attempts) == (JobState.FAILED, 2)
    assert "that happened 2 times" in info.message
    assert after.done.result(20).state is JobState.DONE


def test_the_same_submission_again_is_the_same_job(client: Client, shot: Path, tmp_path: Path) -> None:
    job = job_for(shot, tmp_path / "out")
    first = client.submit(job, transfer="streamed").done.result(20)
    again = client.submit(job).done.result(20)
    assert again == first
    other = msgspec.structs.replace(job, settings=msgspec.structs.replace(job.settings, seed=7))
    with pytest.raises(ServerError, match="here already with other content") as caught:
        client.submit(other).done.result(20)
    assert caught.value.code == "conflict"


def test_a_done_job_whose_files_are_gone_claims_nothing(client: Client, shot: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    job = job_for(shot, out)
    assert client.submit(job, transfer="paths").done.result(20).state is JobState.DONE
    assert client.submit(job).done.result(20).state is JobState.DONE
    for frame in (FIRST + 1, FIRST + 2):
        (out / f"result_v001.{frame}.exr").unlink()
    again = client.submit(job)
    for future in (again.accepted, again.done):
        with pytest.raises(
            ResultsGoneError,
            match=rf"is done, but 2 of its 5 files are gone \(frames {FIRST + 1}-{FIRST + 2},",
        ):
            future.result(20)
    assert client.job(job.job_id).result(5).state is JobState.DONE
    assert len(list(out.iterdir())) == 3


def test_results_never_replace_a_file(client: Client, shot: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / f"result_v001.{FIRST + 1}.exr").write_bytes(b"precious")
    with pytest.raises(TransferError, match=rf"frame {FIRST + 1} already.*raise output.version"):
        client.submit(job_for(shot, out), transfer="streamed").done.result(20)

    late = tmp_path / "late"
    late.mkdir()
    remote = client.submit(job_for(shot, late, prompt="slow"), transfer="streamed")
    wait_until(lambda: remote.info is not None and remote.info.frames_done >= 1)
    target = late / f"result_v001.{FIRST + 4}.exr"
    target.write_bytes(b"precious")
    with pytest.raises(TransferError, match="exists already with other content"):
        remote.done.result(20)
    assert target.read_bytes() == b"precious"
    assert not list(late.glob("*.part"))


def test_missing_files_are_named_before_anything_is_sent(client: Client, shot: Path, tmp_path: Path) -> None:
    for frame in (1002, 1003):
        (shot / f"plate.{frame}.exr").unlink()
    remote = client.submit(job_for(shot, tmp_path / "out"))
    with pytest.raises(TransferError, match="plate has no file for frames 1002-1003"):
        remote.done.result(10)
    with pytest.raises(ServerError, match="there is no job"):
        client.job(remote.job_id).result(5)


@pytest.mark.parametrize(("change", "text"), [(-5, "has become shorter"), (5, "has become longer")])
def test_a_file_that_changes_while_it_is_sent_ends_the_submission(
    client: Client, shot: Path, tmp_path: Path, change: int, text: str
) -> None:
    last = shot / f"clean.{FIRST}.exr"

    def meddle(sent: int, total: int) -> None:
        last.write_bytes(b"?" * (15 + change))

    remote = client.submit(job_for(shot, tmp_path / "out"), transfer="streamed", on_upload=meddle)
    with pytest.raises(TransferError, match=rf"clean\.1001\.exr {text} while it was sent; submit again"):
        remote.done.result(20)
    wait_until(lambda: client.job(remote.job_id).result(5).state is JobState.CANCELLED)


def test_a_damaged_result_is_never_taken(
    server: ServerProcess, client: Client, shot: Path, tmp_path: Path
) -> None:
    job = job_for(shot, tmp_path / "out")
    client.submit(job, transfer="streamed", fetch=False).done.result(20)
    kept = Path(Spool(server.settings.home).result_pattern(job.job_id) % (FIRST + 1))
    content = bytearray(kept.read_bytes())
    content[1000] ^= 1
    kept.write_bytes(content)
    pattern = str(tmp_path / "fetched" / "r.%04d.exr")
    with pytest.raises(TransferError, match=f"frame {FIRST + 1} of job {job.job_id} arrived damaged 3 times"):
        client.follow(job.job_id, pattern=pattern).done.result(20)
    assert not (tmp_path / "fetched" / f"r.{FIRST + 1}.exr").exists()
    assert not list((tmp_path / "fetched").glob(".*"))


def test_another_client_can_follow_and_fetch(
    server: ServerProcess, client: Client, shot: Path, tmp_path: Path
) -> None:
    job = job_for(shot, tmp_path / "out", prompt="slow")
    remote = client.submit(job, transfer="streamed", fetch=False)
    wait_until(lambda: remote.info is not None and remote.info.frames_done >= 1)
    events: list[WatchEvent] = []
    with Client(server.connection()) as other:
        pattern = str(tmp_path / "elsewhere" / "result_v001.%04d.exr")
        followed = other.follow(job.job_id, pattern=pattern, on_event=events.append)
        assert followed.done.result(20).state is JobState.DONE
        assert_copied(shot, tmp_path / "elsewhere")
        assert isinstance(events[0], Snapshot)
        assert events[0].job.state is JobState.RUNNING
    assert remote.done.result(5).state is JobState.DONE
    assert not (tmp_path / "out").exists()


def test_unknown_jobs_are_refused(client: Client) -> None:
    for future in (client.job("nobody"), client.cancel("nobody"), client.log("nobody")):
        with pytest.raises(ServerError, match="there is no job nobody") as caught:
            future.result(5)
        assert caught.value.code == "unknown_job"
    with pytest.raises(ServerError, match="there is no job nobody"):
        client.follow("nobody").done.result(5)


def test_status_and_log_in_pieces(server: ServerProcess, client: Client, shot: Path, tmp_path: Path) -> None:
    job = job_for(shot, tmp_path / "out")
    client.submit(job).done.result(20)
    status = client.status().result(5)
    assert status.jobs["done"] >= 1
    assert [(worker.worker, worker.alive, worker.job_id) for worker in status.workers] == [
        ("worker-0", True, None)
    ]
    text, offset = client.log(job.job_id).result(5)
    assert client.log(job.job_id, offset).result(5) == ("", offset)
    assert client.log(job.job_id, offset - 5).result(5)[0] == text[-5:]


def test_one_home_serves_one_server(server: ServerProcess) -> None:
    second = server_for(server.settings.home)
    with pytest.raises(ServerStartError, match="another server uses"):
        second.start()
    with Client(server.connection()) as client:
        client.wait_connected()
