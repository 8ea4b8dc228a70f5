"""What a worker makes of the ways in which a run can end."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import msgspec
import numpy as np
import pytest

from void_engine.errors import PlateError, RemovalCancelled
from void_engine.plates.exr.file import read_frame, write_frame
from void_engine.plates.frame.frame import Frame
from void_engine.plates.storage.policy import current_policy
from void_engine.removal_monitor import RemovalMonitor
from void_protocol.job import Format, Output, RemovalJob, RotoPoint, RotoShape, ShapeFrame, Shot
from void_protocol.job_file import encode_job
from void_protocol.messages import Message
from void_server.access.allowed_paths import PathRules
from void_server.access.places import find_places
from void_server.workers import job_monitor as monitor_module
from void_server.workers.worker import BrokerLink, localised, run_one
from void_server.workers.worker_link import EngineChosen, Finished, FrameWhole, LogLine, Run, Waiting

CORNERS = [RotoPoint(1, 1), RotoPoint(9, 1), RotoPoint(9, 9)]
JOB = RemovalJob(
    shot=Shot(name="s", plate="/p.%04d.exr", first_frame=1, last_frame=1, format=Format(width=16, height=16)),
    shapes=[RotoShape(name="x", role="remove", frames=[ShapeFrame(frame=1, points=CORNERS)])],
    output=Output(pattern="/o.%04d.exr"),
)


class FakeLink:
    """Keeps what would go to the broker."""

    def __init__(self) -> None:
        self.said: list[Message] = []
        self.stop = threading.Event()
        self.monitor: Any = None

    def send(self, message: Message, payloads: Sequence[bytes] = ()) -> None:
        self.said.append(message)

    def stop_flag(self, job_id: str) -> threading.Event:
        return self.stop

    def forget(self, job_id: str) -> None:
        assert job_id == "j"


def run(
    act: Any, wait_s: float = 0.0, folder: Path = Path("/"), spool: Path = Path("/spool"), **order: Any
) -> tuple[Finished, list[Message]]:
    link = FakeLink()

    def runner(
        job: RemovalJob, monitor: RemovalMonitor, *, resume: bool = False, wait_s: float = 0.0
    ) -> None:
        act(monitor, link)

    job = msgspec.structs.replace(JOB, output=Output(pattern=str(folder / "o.%04d.exr")))
    command = Run(job_id="j", resume=False, folder=str(spool), **order)
    before = current_policy()
    run_one(runner, cast("BrokerLink", link), command, encode_job(job), wait_s=wait_s)
    assert current_policy() == before
    assert link.monitor is None
    last = link.said.pop()
    assert isinstance(last, Finished)
    return last, link.said


def raising(error: BaseException) -> Any:
    def act(monitor: RemovalMonitor, link: FakeLink) -> None:
        raise error

    return act


@pytest.mark.parametrize(
    ("error", "outcome", "message"),
    [
        (PlateError("frame 7 is broken; render it again"), "failed", "frame 7 is broken; render it again"),
        (RemovalCancelled(), "cancelled", ""),
        (MemoryError(), "failed", "this machine's memory is full"),
        (KeyError("x"), "failed", "KeyError: 'x'"),
    ],
)
def test_each_end_is_reported_once(error: Exception, outcome: str, message: str) -> None:
    finished, said = run(raising(error))
    assert finished.outcome == outcome
    assert finished.message.startswith(message)
    traces = [each for each in said if isinstance(each, LogLine) and "Traceback" in each.text]
    assert bool(traces) == (not isinstance(error, PlateError | RemovalCancelled))


def test_a_run_that_gave_up_waiting_says_for_what() -> None:
    finished, _ = run(raising(PlateError("frame 7 is missing", obstacle="waiting for frame 7")))
    assert (finished.outcome, finished.message) == ("blocked", "frame 7 is missing")
    assert finished.obstacle == "waiting for frame 7"


def test_what_a_run_waits_for_is_passed_on() -> None:
    def act(monitor: RemovalMonitor, link: FakeLink) -> None:
        monitor.waiting("waiting for frame 1012")
        monitor.waiting("")

    finished, said = run(act)
    assert finished.outcome == "done"
    assert said == [
        EngineChosen(job_id="j", engine="propagation"),
        Waiting(job_id="j", obstacle="waiting for frame 1012"),
        Waiting(job_id="j", obstacle=""),
    ]


def test_a_finished_frame_on_a_drive_that_goes_away_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(monitor_module, "_REREAD_S", 0.05)
    path = tmp_path / "frame.exr"

    def act(monitor: RemovalMonitor, link: FakeLink) -> None:
        monitor.frame_done(1, path)
        while not any(isinstance(each, Waiting) for each in link.said):
            threading.Event().wait(0.01)
        path.write_bytes(b"whole")

    finished, said = run(act, wait_s=20.0, folder=tmp_path)
    assert finished.outcome == "done"
    waiting = [each.obstacle for each in said if isinstance(each, Waiting)]
    assert waiting[0].startswith(f"waiting for {path}")
    assert waiting[-1] == ""
    assert [each.size for each in said if isinstance(each, FrameWhole)] == [5]


def test_a_finished_frame_that_stays_away_fails_the_job(tmp_path: Path) -> None:
    finished, _ = run(lambda monitor, link: monitor.frame_done(1, tmp_path / "gone.exr"), folder=tmp_path)
    assert finished.outcome == "failed"
    assert "a finished frame cannot be read" in finished.message


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has classes of priority, not niceness")
def test_a_worker_stands_back_behind_the_broker() -> None:
    code = "from void_server.workers.worker import _stand_back; import os; _stand_back(3); print(os.nice(0))"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert int(told) == min(19, os.nice(0) + 3)


FRAME = Frame.from_pixels(1, "RGB", np.full((4, 6, 3), 0.5, np.float16))


def test_a_run_reads_and_writes_its_own_files_only(tmp_path: Path) -> None:
    """Others' files may lie in the same spool, and links to them in the job's own folder."""
    own, others = tmp_path / "own", tmp_path / "others"
    write_frame(FRAME, others / "result" / "frame.exr")

    def act(monitor: RemovalMonitor, link: FakeLink) -> None:
        write_frame(FRAME, own / "result" / "result.0000001.exr")
        monitor.frame_done(1, own / "result" / "result.0000001.exr")
        (own / "result" / "link.exr").symlink_to(others / "result" / "frame.exr")
        for path in (others / "result" / "frame.exr", own / "result" / "link.exr"):
            with pytest.raises(PlateError, match="outside the folders of this job's files"):
                read_frame(path, 1)
        for folder in (others / "result", own, own / "inputs" / "plate"):
            with pytest.raises(PlateError, match="is not the folder any more that this job may write to"):
                write_frame(FRAME, folder / "new.exr")
        read_frame(own / "result" / "result.0000001.exr", 1)
        monitor.frame_done(2, own / "result" / "link.exr")

    finished, said = run(act, outputs="streamed", inputs="streamed", spool=own)
    assert (finished.outcome, "outside the folders" in finished.message) == ("failed", True)
    assert [each.frame for each in said if isinstance(each, FrameWhole)] == [1]


def test_a_run_that_finds_no_room_for_its_results_says_so(tmp_path: Path) -> None:
    def act(monitor: RemovalMonitor, link: FakeLink) -> None:
        write_frame(FRAME, tmp_path / "a.exr")

    finished, _ = run(act, folder=tmp_path, room_bytes=100)
    assert (finished.outcome, "there is room for 100 more bytes" in finished.message) == ("no_room", True)
    assert list(tmp_path.iterdir()) == []


def test_a_long_job_is_read_from_its_file_and_links_are_not_followed_again(tmp_path: Path) -> None:
    real, link = tmp_path.resolve() / "real", tmp_path.resolve() / "link"
    real.mkdir()
    link.symlink_to(real)
    job = msgspec.structs.replace(
        JOB,
        shot=msgspec.structs.replace(JOB.shot, plate=str(link / "p.%04d.exr")),
        output=Output(pattern=str(link / "o_{version}.%04d.exr"), version=7),
    )
    anywhere = PathRules("read_roots", None)
    places = msgspec.json.encode(find_places(job, "paths", "paths", anywhere, anywhere))
    text_file = tmp_path / "job.json"
    text_file.write_bytes(encode_job(job))
    link.unlink()
    link.symlink_to(tmp_path)
    command = Run(job_id="j", resume=False, folder=str(tmp_path / "j"), text_file=str(text_file))
    local = localised(command, b"", places)
    assert local.job.shot.plate == str(real / "p.%04d.exr")
    assert local.job.output.versioned_pattern == str(real / "o_v007.%04d.exr")
    assert (local.read_folders, local.output_folder) == ({real}, real)
    # A job of an older release has no places; then the links count as they are now.
    assert localised(command, b"", b"").output_folder == tmp_path.resolve()
