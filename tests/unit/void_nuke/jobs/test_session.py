"""The session between a scripted server and the fake Nuke: what the artist sees when things go otherwise."""

from __future__ import annotations

import importlib
import os
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import msgspec
import pytest

from tests.fakes.fake_nuke.state import STATE
from tests.fakes.nuke_session import fresh_nuke, polygon, turn_until
from void_protocol.errors import ServerError, ServerUnreachableError
from void_protocol.job import RemovalJob
from void_protocol.job_file import read_job
from void_protocol.messages import JobInfo, JobState, ProgressEvent, ProgressInfo, StateEvent
from void_protocol.task import Propose
from void_protocol.watching import Disconnected

fresh_nuke()
nuke_host = importlib.import_module("void_nuke.host.nuke_host")
from void_nuke.batch.farm_order import FarmOrder  # noqa: E402
from void_nuke.errors import HostError, SelectionError  # noqa: E402
from void_nuke.export.pick import RemovalPick  # noqa: E402
from void_nuke.host.host import FrameRange  # noqa: E402
from void_nuke.jobs.session import RemovalSession  # noqa: E402
from void_nuke.jobs.tracked_job import Phase, TrackedJob  # noqa: E402


def info_of(job_id: str, state: JobState, **changes: Any) -> JobInfo:
    values: dict[str, Any] = {
        "job_id": job_id,
        "name": "shot",
        "engine": "propagation",
        "owner": "artist",
        "state": state,
        "frames_total": 2,
        "frames_done": 0,
        "inputs": "paths",
        "outputs": "paths",
        "output_pattern": "/out.%04d.exr",
        "created_at": 1.0,
    }
    return JobInfo(**{**values, **changes})


class ScriptedJob(SimpleNamespace):
    """A remote job whose end the test decides."""

    def __init__(self, job_id: str, on_event: Callable[[Any], None]) -> None:
        super().__init__(job_id=job_id, on_event=on_event, accepted=Future(), done=Future(), cancelled=0)

    def cancel(self) -> None:
        self.cancelled += 1


class ScriptedClient:
    """Keeps what was submitted and followed."""

    def __init__(self) -> None:
        self.jobs: list[RemovalJob] = []
        self.remotes: list[ScriptedJob] = []
        self.followed: list[str] = []

    def submit(self, job: RemovalJob, *, on_event: Any, on_upload: Any) -> Any:
        self.jobs.append(job)
        self.remotes.append(ScriptedJob(job.job_id, on_event))
        return self.remotes[-1]

    def follow(self, job_id: str, *, pattern: str | None, on_event: Any) -> Any:
        self.followed.append(job_id)
        self.remotes.append(ScriptedJob(job_id, on_event))
        return self.remotes[-1]


@pytest.fixture
def nuke() -> ModuleType:
    made = fresh_nuke()
    made.nodes.CheckerBoard2(name="Board")
    roto = made.nodes.Roto(name="Roto1")
    polygon("ball", [(10.0, 10.0), (30.0, 10.0), (20.0, 30.0)], roto["curves"].rootLayer)
    return made


@pytest.fixture
def pick(tmp_path: Path) -> RemovalPick:
    return RemovalPick(
        plate="Board",
        frames=FrameRange(1, 2),
        output_pattern=str(tmp_path / "out" / "clean_{version}.%04d.exr"),
        roto="Roto1",
        roles={"Root/ball": "remove"},
        compare=False,
    )


@pytest.fixture
def client() -> ScriptedClient:
    return ScriptedClient()


@pytest.fixture
def session(nuke: ModuleType, client: ScriptedClient) -> Iterator[RemovalSession]:
    made = RemovalSession(nuke_host.NukeHost(), client)
    yield made
    made.close()


def submitted(
    session: RemovalSession, client: ScriptedClient, pick: RemovalPick
) -> tuple[TrackedJob, ScriptedJob]:
    job = session.start(pick)
    turn_until(lambda: bool(client.remotes) and client.remotes[-1].job_id == job.job_id)
    return session.job(job.job_id), client.remotes[-1]


def test_the_job_says_what_was_picked(
    session: RemovalSession, client: ScriptedClient, pick: RemovalPick, tmp_path: Path
) -> None:
    submitted(session, client, pick)
    (job,) = client.jobs
    assert (job.shot.first_frame, job.shot.last_frame) == (1, 2)
    assert (job.shot.format.width, job.shot.format.height) == (96, 64)
    assert not job.shapes, "a rendered matte and the shapes of one role would add up"
    (matte,) = job.mattes
    assert (matte.role, matte.channel) == ("remove", "A")
    for pattern in (job.shot.plate, matte.pattern):
        assert all(Path(pattern % frame).is_file() for frame in (1, 2))


def test_progress_and_a_lost_server(
    session: RemovalSession, client: ScriptedClient, pick: RemovalPick
) -> None:
    job, remote = submitted(session, client, pick)
    remote.accepted.set_result(info_of(job.job_id, JobState.QUEUED))
    remote.on_event(StateEvent(job_id=job.job_id, sequence=1, time=0.0, state=JobState.RUNNING))
    progress = ProgressInfo(stage="denoise", step=3, steps=12, eta_s=9.0)
    remote.on_event(ProgressEvent(job_id=job.job_id, progress=progress))
    now = session.job(job.job_id)
    assert (now.phase, now.fraction, now.eta_s, now.message) == (Phase.RUNNING, 0.25, 9.0, "denoise")
    assert now.invented is None
    for share in (0.63, None):  # a stage that does not say it takes nothing back
        progress = ProgressInfo(stage="frames", step=3, steps=12, invented=share)
        remote.on_event(ProgressEvent(job_id=job.job_id, progress=progress))
        assert session.job(job.job_id).invented == 0.63
    for told in ("gar", ""):
        progress = ProgressInfo(stage="check", step=3, steps=3, verdict=told)
        remote.on_event(ProgressEvent(job_id=job.job_id, progress=progress))
        assert session.job(job.job_id).verdict == "gar"
    remote.on_event(Disconnected(why="gone"))
    remote.done.set_exception(ServerUnreachableError("the client was closed; the job goes on"))
    now = session.job(job.job_id)
    assert (now.phase, now.is_connected) == (Phase.RUNNING, False)
    session.use_client(client)
    assert client.followed == [job.job_id]


def test_a_failed_job_leaves_no_files_and_can_be_retried(
    session: RemovalSession, client: ScriptedClient, pick: RemovalPick, tmp_path: Path
) -> None:
    job, remote = submitted(session, client, pick)
    remote.done.set_result(
        info_of(job.job_id, JobState.FAILED, message="frame 2: no memory; use a smaller proxy")
    )
    turn_until(lambda: session.job(job.job_id).phase.is_final)
    now = session.job(job.job_id)
    assert (now.phase, now.message) == (Phase.FAILED, "frame 2: no memory; use a smaller proxy")
    assert not now.read_node
    turn_until(lambda: not list((tmp_path / "out").glob("void_export_*")))
    again = session.retry(job.job_id)
    assert again.version == 2


def test_a_refused_job_leaves_no_files(
    session: RemovalSession, client: ScriptedClient, pick: RemovalPick, tmp_path: Path
) -> None:
    job, remote = submitted(session, client, pick)
    remote.done.set_exception(ServerError("limit", "the server's queue is full; try again later"))
    turn_until(lambda: session.job(job.job_id).phase.is_final)
    assert "queue is full" in session.job(job.job_id).message
    assert not list((tmp_path / "out").glob("void_export_*"))


def test_files_that_the_server_may_still_read_stay_until_retry(
    session: RemovalSession, client: ScriptedClient, pick: RemovalPick, tmp_path: Path
) -> None:
    job, remote = submitted(session, client, pick)
    remote.accepted.set_result(info_of(job.job_id, JobState.RUNNING))
    remote.done.set_exception(ServerError("disk", "frame 2 cannot be written here: the disk is full"))
    turn_until(lambda: session.job(job.job_id).phase.is_final)
    (kept,) = (tmp_path / "out").glob("void_export_*")
    assert f"stay in {kept} until you press Retry" in session.job(job.job_id).message
    session.retry(job.job_id)
    turn_until(lambda: not kept.exists())


def done(
    session: RemovalSession, client: ScriptedClient, pick: RemovalPick, scale: float = 1.0, **changes: Any
) -> TrackedJob:
    settings = msgspec.structs.replace(pick.settings, proxy_scale=scale)
    job, remote = submitted(session, client, replace(pick, settings=settings, **changes))
    remote.done.set_result(info_of(job.job_id, JobState.DONE))
    turn_until(lambda: session.job(job.job_id).phase.is_final)
    return session.job(job.job_id)


def test_a_final_takes_the_place_of_its_preview(
    nuke: ModuleType, session: RemovalSession, client: ScriptedClient, pick: RemovalPick
) -> None:
    preview = done(session, client, pick, 0.25)
    read = nuke.toNode(preview.read_node)
    assert (read["file"].value(), read["proxy"].value()) == ("", Path(preview.result_pattern).as_posix())
    other = done(session, client, pick, frames=FrameRange(1, 1))
    assert other.read_node != preview.read_node, "it removes from other frames"

    final = done(session, client, pick)

    assert (final.version, final.read_node) == (3, preview.read_node)
    assert (read["file"].value(), read["proxy"].value()) == (Path(final.result_pattern).as_posix(), "")
    assert "v003" in read["label"].value()
    again = done(session, client, pick)
    assert (again.version, again.read_node != final.read_node) == (4, True), "a result was overwritten"
    assert read["file"].value() == Path(final.result_pattern).as_posix()


def test_a_preview_of_an_earlier_session_is_replaced_too(
    nuke: ModuleType, session: RemovalSession, client: ScriptedClient, pick: RemovalPick, tmp_path: Path
) -> None:
    preview = done(session, client, pick, 0.5)
    nuke.scriptSaveAs(str(tmp_path / "shot.nk"))
    nuke.scriptOpen(str(tmp_path / "shot.nk"))
    later = RemovalSession(nuke_host.NukeHost(), client)
    later.reattach()
    assert done(later, client, pick).read_node == preview.read_node
    later.close()


def test_a_preview_that_is_late_makes_no_second_read(
    nuke: ModuleType, session: RemovalSession, client: ScriptedClient, pick: RemovalPick
) -> None:
    settings = msgspec.structs.replace(pick.settings, proxy_scale=0.5)
    preview, remote = submitted(session, client, replace(pick, settings=settings))
    final = done(session, client, pick)
    remote.done.set_result(info_of(preview.job_id, JobState.DONE))
    turn_until(lambda: session.job(preview.job_id).phase.is_final)
    assert session.job(preview.job_id).read_node == final.read_node
    assert [node.name() for node in nuke.allNodes("Read")] == [final.read_node]


def test_a_failed_final_leaves_the_preview_to_the_next_one(
    session: RemovalSession, client: ScriptedClient, pick: RemovalPick
) -> None:
    preview = done(session, client, pick, 0.5)
    job, remote = submitted(session, client, pick)
    remote.done.set_result(info_of(job.job_id, JobState.FAILED, message="no memory"))
    turn_until(lambda: session.job(job.job_id).phase.is_final)
    assert done(session, client, pick).read_node == preview.read_node


def test_nothing_is_imported_before_a_frame_is_there(
    session: RemovalSession, client: ScriptedClient, pick: RemovalPick
) -> None:
    job, _ = submitted(session, client, pick)
    with pytest.raises(HostError, match="no frame of Board v001 is there yet"):
        session.import_result(job.job_id)
    Path(job.result_pattern % 1).touch()
    assert session.import_result(job.job_id)


def test_cancel_reaches_the_server_and_a_late_event_does_not_undo_it(
    session: RemovalSession, client: ScriptedClient, pick: RemovalPick
) -> None:
    job, remote = submitted(session, client, pick)
    session.cancel(job.job_id)
    assert remote.cancelled == 1
    remote.on_event(StateEvent(job_id=job.job_id, sequence=1, time=0.0, state=JobState.RUNNING))
    assert session.job(job.job_id).phase is Phase.CANCELLING
    remote.done.set_result(info_of(job.job_id, JobState.CANCELLED))
    turn_until(lambda: session.job(job.job_id).phase.is_final)
    assert session.job(job.job_id).phase is Phase.CANCELLED


def test_an_export_can_be_cancelled_and_leaves_nothing(
    nuke: ModuleType, session: RemovalSession, client: ScriptedClient, pick: RemovalPick, tmp_path: Path
) -> None:
    nodes = {node.name() for node in nuke.allNodes()}
    job = session.start(replace(pick, frames=FrameRange(1, 50)))
    turn_until(lambda: bool(list((tmp_path / "out").glob("void_export_*/*.exr"))))
    session.cancel(job.job_id)
    turn_until(lambda: session.job(job.job_id).phase.is_final)
    assert session.job(job.job_id).phase is Phase.CANCELLED
    assert not client.jobs
    assert not list((tmp_path / "out").glob("void_export_*"))
    assert {node.name() for node in nuke.allNodes()} == nodes


def test_changes_are_told_on_the_main_thread(
    nuke: ModuleType, client: ScriptedClient, pick: RemovalPick
) -> None:
    threads: set[threading.Thread] = set()
    session = RemovalSession(
        nuke_host.NukeHost(), client, lambda job: threads.add(threading.current_thread())
    )
    submitted(session, client, pick)
    turn_until(lambda: bool(threads))
    assert threads == {threading.main_thread()}
    session.close()


def test_a_job_file_for_a_farm(
    session: RemovalSession, client: ScriptedClient, pick: RemovalPick, tmp_path: Path
) -> None:
    path = tmp_path / "farm" / "job.json"
    job = session.write_job_file(replace(pick, shapes_only=True), path)
    turn_until(lambda: session.job(job.job_id).phase.is_final)
    assert session.job(job.job_id).phase is Phase.HANDED_OVER, session.job(job.job_id).message
    written = read_job(path)
    assert (written.job_id, [shape.name for shape in written.shapes], written.mattes) == (
        job.job_id,
        ["ball"],
        [],
    )
    assert not client.jobs


def test_what_a_shape_cannot_carry_is_told(
    nuke: ModuleType, session: RemovalSession, client: ScriptedClient, pick: RemovalPick
) -> None:
    ball = nuke.toNode("Roto1")["curves"].rootLayer[0]
    ball.getAttributes().addKey(1, "mbo", 0.0)
    ball.getAttributes().addKey(2, "mbo", 1.0)
    job, _ = submitted(session, client, replace(pick, shapes_only=True))
    assert job.left_out == ("Root/ball: motion blur",)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"roles": {}}, "nothing is marked"),
        ({"roles": {"Root/ball": "ignore"}}, "nothing is marked"),
        ({"plate": ""}, "no plate"),
        ({"roto": ""}, "roto node"),
        ({"plate": "Gone"}, "Gone"),
        ({"output_pattern": "/out/clean.%04d.exr"}, "version"),
    ],
)
def test_what_cannot_be_removed_is_said_at_once(
    session: RemovalSession, pick: RemovalPick, changes: dict[str, Any], words: str
) -> None:
    with pytest.raises(SelectionError, match=words):
        session.start(replace(pick, **changes))
    assert not session.jobs


@pytest.mark.parametrize(
    ("changes", "words"),
    [({"roles": {"Root/gone": "remove"}}, "Root/gone"), ({"view": "left"}, "left")],
)
def test_what_the_export_finds_wrong(
    session: RemovalSession, pick: RemovalPick, changes: dict[str, Any], words: str
) -> None:
    job = session.start(replace(pick, **changes))
    turn_until(lambda: session.job(job.job_id).phase.is_final)
    assert session.job(job.job_id).phase is Phase.FAILED
    assert words in session.job(job.job_id).message


def test_importing_a_job_of_another_script(session: RemovalSession) -> None:
    with pytest.raises(HostError, match="not of this script"):
        session.import_result("stranger")


def test_another_script_has_other_jobs(
    nuke: ModuleType, session: RemovalSession, client: ScriptedClient, pick: RemovalPick, tmp_path: Path
) -> None:
    job, remote = submitted(session, client, pick)
    turn_until(lambda: bool(nuke.root().knob("void_removals")))
    nuke.scriptSaveAs(str(tmp_path / "one.nk"))
    nuke.scriptClear()
    nuke.scriptSaveAs(str(tmp_path / "empty.nk"))
    nuke.scriptOpen(str(tmp_path / "empty.nk"))
    turn_until(lambda: not session.jobs)
    remote.done.set_result(info_of(job.job_id, JobState.DONE))
    turn_until(lambda: True)
    assert not nuke.allNodes("Read"), "a job of another script made a Read here"
    nuke.scriptOpen(str(tmp_path / "one.nk"))
    turn_until(lambda: bool(client.followed))
    assert client.followed == [job.job_id]


def test_opening_another_script_stops_an_export(
    nuke: ModuleType, session: RemovalSession, client: ScriptedClient, pick: RemovalPick, tmp_path: Path
) -> None:
    nuke.scriptSaveAs(str(tmp_path / "empty.nk"))
    session.start(replace(pick, frames=FrameRange(1, 50)))
    turn_until(lambda: bool(list((tmp_path / "out").glob("void_export_*/*.exr"))))
    nuke.scriptOpen(str(tmp_path / "empty.nk"))
    turn_until(lambda: not list((tmp_path / "out").glob("void_export_*")))
    turn_until(lambda: True)
    assert not client.jobs
    assert not session.jobs


def order_with(folder: Path, code: str) -> FarmOrder:
    """A farm whose command is this script."""
    python = folder / "farm python"
    python.write_text(f"#!/bin/sh\nexec {sys.executable} -c '{code}' \"$@\"\n")
    python.chmod(0o755)
    return FarmOrder("openjd", str(python))


@pytest.mark.skipif(os.name == "nt", reason="the stand-in is a script with a #! line")
def test_the_farm_gets_the_job_and_its_mattes_stay(
    nuke: ModuleType, session: RemovalSession, client: ScriptedClient, pick: RemovalPick, tmp_path: Path
) -> None:
    order = order_with(tmp_path, 'import sys; print("a bundle of", sys.argv[-5])')
    job = session.send_to_farm(pick, order)
    turn_until(lambda: session.job(job.job_id).phase.is_final)

    now, file = session.job(job.job_id), tmp_path / "out" / "clean_v001.job.json"
    assert (now.phase, now.message) == (Phase.HANDED_OVER, f"a bundle of {file}")
    written = read_job(file)
    assert all(Path(matte.pattern % 1).is_file() for matte in written.mattes)
    assert not client.jobs
    Path(now.result_pattern % 1).touch()
    assert nuke.toNode(session.import_result(job.job_id))["last"].value() == 2

    again = session.retry(job.job_id)
    turn_until(lambda: session.job(again.job_id).phase.is_final)
    assert (again.version, session.job(again.job_id).phase) == (2, Phase.HANDED_OVER)


def test_every_state_of_the_servers_has_a_phase() -> None:
    assert [Phase.of(state).is_final for state in JobState] == [state.is_final for state in JobState]


@pytest.mark.skipif(os.name == "nt", reason="the stand-in is a script with a #! line")
def test_a_farm_that_refuses_leaves_nothing(
    session: RemovalSession, pick: RemovalPick, tmp_path: Path
) -> None:
    order = order_with(tmp_path, 'import sys; sys.exit("no licence; ask the wrangler")')
    job = session.send_to_farm(pick, order)
    turn_until(lambda: session.job(job.job_id).phase.is_final)
    now = session.job(job.job_id)
    assert now.phase is Phase.FAILED
    assert now.message == "Open Job Description did not take the job: no licence; ask the wrangler"
    assert not list((tmp_path / "out").iterdir())


def test_a_closed_comp_takes_its_removals_with_it(
    nuke: ModuleType, session: RemovalSession, client: ScriptedClient, pick: RemovalPick, tmp_path: Path
) -> None:
    """Nuke closes a comp by clearing it: there is a new root, and no script is loaded."""
    job, remote = submitted(session, client, pick)
    turn_until(lambda: bool(nuke.root().knob("void_removals")))
    session._book.remember(session.job(job.job_id).record)  # a note is under way while the comp closes
    nuke.scriptClear()
    turn_until(lambda: not session.jobs)
    remote.done.set_result(info_of(job.job_id, JobState.DONE))
    turn_until(lambda: True)
    assert not nuke.allNodes("Read"), "its Read landed in the next comp"
    assert nuke.root().knob("void_removals") is None, "its notes landed in the next comp"


def test_an_export_ends_with_the_comp_that_is_closed(
    nuke: ModuleType, session: RemovalSession, client: ScriptedClient, pick: RemovalPick, tmp_path: Path
) -> None:
    session.start(replace(pick, frames=FrameRange(1, 50)))
    turn_until(lambda: bool(list((tmp_path / "out").glob("void_export_*/*.exr"))))
    nuke.scriptClear()
    turn_until(lambda: not list((tmp_path / "out").glob("void_export_*")))
    assert (client.jobs, list(session.jobs)) == ([], [])


def test_a_finished_removal_outlives_whatever_its_read_back_raises(
    nuke: ModuleType, session: RemovalSession, client: ScriptedClient, pick: RemovalPick, tmp_path: Path
) -> None:
    job, remote = submitted(session, client, pick)
    (folder,) = (tmp_path / "out").glob("void_export_*")
    made = session._host.add_read

    def fails(read: Any) -> str:
        raise RuntimeError("KeyMix: Unknown command")

    session._host.add_read = fails  # type: ignore[method-assign]
    remote.done.set_result(info_of(job.job_id, JobState.DONE))
    turn_until(lambda: session.job(job.job_id).phase.is_final)
    ended = session.job(job.job_id)
    assert ended.phase is Phase.DONE
    assert "KeyMix: Unknown command" in ended.message
    assert "press Import result" in ended.message
    turn_until(lambda: not folder.exists())
    session._host.add_read = made  # type: ignore[method-assign]
    assert nuke.toNode(session.import_result(job.job_id)) is not None


def test_a_proposal_is_asked_for_and_gets_a_read_only_when_the_artist_wants_one(
    nuke: ModuleType, session: RemovalSession, client: ScriptedClient, pick: RemovalPick, tmp_path: Path
) -> None:
    job, remote = submitted(session, client, replace(pick, propose="evidence", compare=True))
    (sent,) = client.jobs
    assert sent.task == Propose(by="evidence")
    assert job.engine == "propose-evidence"
    remote.done.set_result(info_of(job.job_id, JobState.DONE))
    turn_until(lambda: session.job(job.job_id).phase.is_final)
    assert session.job(job.job_id).phase is Phase.DONE
    assert nuke.allNodes("Read") == []
    read = nuke.toNode(session.import_result(job.job_id))
    assert read is not None
    assert read["raw"].value()
    assert nuke.allNodes("Switch") == []


def test_both_eyes_are_joined_when_both_are_there(
    nuke: ModuleType, session: RemovalSession, client: ScriptedClient, pick: RemovalPick, tmp_path: Path
) -> None:
    STATE.views = ["left", "right"]
    eyes = [
        replace(
            pick,
            view=view,
            group="g",
            render_plate=True,
            output_pattern=pick.output_pattern.replace("clean", view),
        )
        for view in STATE.views
    ]
    jobs = [submitted(session, client, eye) for eye in eyes]
    assert [job.shot.view for job in client.jobs] == ["left", "right"]
    for index, (job, remote) in enumerate(jobs):
        assert not nuke.allNodes("JoinViews")
        remote.done.set_result(info_of(job.job_id, JobState.DONE))
        turn_until(lambda job=job: session.job(job.job_id).phase.is_final)
        assert len(nuke.allNodes("Read")) == index + 1
    (joined,) = nuke.allNodes("JoinViews")
    assert joined.inputs() == 2


def test_an_edition_with_ten_nodes_is_refused_what_it_cannot_render(
    nuke: ModuleType, session: RemovalSession, pick: RemovalPick
) -> None:
    nuke.env["nc"] = True
    with pytest.raises(SelectionError, match="Nuke Non-commercial shows scripts ten nodes only"):
        session.start(pick)
    assert not session.jobs
    nuke.env["nc"] = False
    assert session.start(pick).phase is Phase.EXPORTING
