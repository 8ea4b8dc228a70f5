from __future__ import annotations

import pytest

from void_protocol.fields import JobInfo, JobState, ProgressInfo
from void_server.openfx_bridge.following.sentences import (
    finished_text,
    proposed_text,
    running_text,
    stopped_text,
)


def info(state: JobState, **changes: object) -> JobInfo:
    return JobInfo(
        job_id="j", name="n", engine="e", owner="o", state=state, frames_total=48, frames_done=0,
        inputs="paths", outputs="paths", output_pattern="p", created_at=0.0, **changes,
    )  # type: ignore[arg-type] # fmt: skip


def progress(**changes: object) -> ProgressInfo:
    return ProgressInfo(**{"stage": "register", "step": 3, "steps": 48, **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("job", "stage", "ready", "text"),
    [
        (None, None, 0, "Handing the removal to the server"),
        (info(JobState.UPLOADING), None, 0, "Sending the plate to the server"),
        (info(JobState.QUEUED, queue_position=0), None, 0, "Next to run"),
        (info(JobState.QUEUED, queue_position=1), None, 0, "Behind 1 other"),
        (info(JobState.QUEUED, queue_position=3), None, 0, "Behind 3 others"),
        (info(JobState.QUEUED, is_paused=True, message="held by anna"), None, 0, "Held by anna"),
        (info(JobState.RUNNING), None, 0, "Running"),
        (info(JobState.RUNNING), progress(), 0, "Register, 3 of 48"),
        (info(JobState.RUNNING), progress(eta_s=40.2), 13, "Frame 14 of 48, about 40 s left"),
        (info(JobState.RUNNING), progress(eta_s=0.3), 13, "Frame 14 of 48"),
        (info(JobState.RUNNING), progress(), 48, "Finishing"),
        (info(JobState.CANCELLING), progress(), 13, "Stopping"),
    ],
)
def test_what_runs_is_told_in_a_line(
    job: JobInfo | None, stage: ProgressInfo | None, ready: int, text: str
) -> None:
    assert running_text(job, stage, ready, 48) == text


def test_much_invention_is_told() -> None:
    stage = progress(real=0.5, guessed=0.05, invented=0.45)
    assert running_text(info(JobState.RUNNING), stage, 13, 48).endswith(
        "; 45 % of what goes is invented, because no frame shows it"
    )
    assert "invented" not in finished_text(48, 48, 0.1)
    assert "45 %" in finished_text(48, 48, 0.45)


def test_ends_are_told() -> None:
    assert finished_text(48, 48, None) == "Finished, 48 frames"
    assert finished_text(1, 1, None) == "Finished, 1 frame"
    assert "3 of 48 frames are gone" in finished_text(45, 48, None)
    assert stopped_text(0, 48) == "Cancelled"
    assert stopped_text(2, 48) == "Cancelled; 2 of 48 frames are there and stay"


def test_the_end_of_a_proposal_says_what_can_be_done_with_it() -> None:
    assert "switch Use proposal on" in proposed_text(10, 10)
    assert proposed_text(8, 10).startswith("2 of 10 frames of the proposal are gone")
