"""What the artist reads of a job."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fakes.still_session import job_of
from void_nuke.jobs.tracked_job import Phase
from void_nuke.panel.job_text import advice, percent, phase_word, status_line, title
from void_protocol.messages import JobInfo, JobState


def info(**changes: Any) -> JobInfo:
    values: dict[str, Any] = {
        "job_id": "a",
        "name": "sh010",
        "engine": "void",
        "owner": "artist",
        "state": JobState.QUEUED,
        "frames_total": 40,
        "frames_done": 0,
        "inputs": "paths",
        "outputs": "paths",
        "output_pattern": "/out.%04d.exr",
        "created_at": 1.0,
    }
    return JobInfo(**{**values, **changes})


@pytest.mark.parametrize(
    ("phase", "changes", "words"),
    [
        (Phase.EXPORTING, {"message": "rendering the plate, frame 7"}, "Rendering the plate, frame 7"),
        (Phase.SUBMITTING, {}, "Submitting"),
        (Phase.QUEUED, {"message": "looking for it on the server"}, "Looking for it on the server"),
        (Phase.QUEUED, {"info": info()}, "Next to run"),
        (Phase.QUEUED, {"info": info(queue_position=1)}, "Behind 1 other"),
        (Phase.QUEUED, {"info": info(queue_position=3)}, "Behind 3 others"),
        (Phase.QUEUED, {"info": info(is_paused=True, message="paused by kim")}, "Paused by kim"),
        (
            Phase.RUNNING,
            {"message": "denoising", "frames_done": 3, "eta_s": 200.0},
            "Denoising, 3 of 40 frames, 3 min 20 s left",
        ),
        (Phase.RUNNING, {}, "Running"),
        (
            Phase.RUNNING,
            {"is_connected": False},
            "The server does not answer; the job goes on there and is taken up when it does",
        ),
        (Phase.DONE, {"read_node": "VoidResult1"}, "40 frames, in VoidResult1"),
        (
            Phase.RUNNING,
            {"message": "propagate", "engine": "propagation", "invented": 0.63},
            "63 % invented; Propagate",
        ),
        (Phase.RUNNING, {"message": "propagate", "engine": "propagation", "invented": 0.29}, "Propagate"),
        (Phase.RUNNING, {"message": "denoising", "engine": "void", "invented": 1.0}, "Denoising"),
        (
            Phase.RUNNING,
            {"message": "plate detail", "real": 0.62, "moved": 0.12, "model": 0.2, "invented": 0.06},
            "Plate detail; 62 % real, 12 % moved, 20 % the model's, 6 % invented",
        ),
        (Phase.FAILED, {"message": "no memory", "model": 0.2, "invented": 0.06}, "No memory"),
        (
            Phase.DONE,
            {"read_node": "VoidResult1", "engine": "propagation", "invented": 0.3},
            "30 % invented; 40 frames, in VoidResult1",
        ),
        (Phase.FAILED, {"message": "no memory", "engine": "propagation", "invented": 0.9}, "No memory"),
        (Phase.FAILED, {}, "No reason was given; open the log"),
        (Phase.FAILED, {"message": "no memory; use 1/2", "is_connected": False}, "No memory; use 1/2"),
        (Phase.HANDED_OVER, {"message": "wrote 1 bundle"}, "Wrote 1 bundle"),
    ],
)
def test_the_status_line(phase: Phase, changes: dict[str, Any], words: str) -> None:
    assert status_line(job_of("a", phase, **changes)) == words


@pytest.mark.parametrize("phase", list(Phase))
def test_every_phase_has_a_word_and_a_line(phase: Phase) -> None:
    job = job_of("a", phase, version=7)
    assert phase_word(job)
    assert status_line(job)
    assert title(job) == "sh010 v007"


@pytest.mark.parametrize(
    ("phase", "fraction", "shown"),
    [
        (Phase.RUNNING, 0.256, 26),
        (Phase.RUNNING, 7.0, 100),
        (Phase.FAILED, 0.3, 30),
        (Phase.DONE, 0.0, 100),
        (Phase.QUEUED, 0.5, None),
        (Phase.HANDED_OVER, 0.5, None),
    ],
)
def test_the_bar(phase: Phase, fraction: float, shown: int | None) -> None:
    assert percent(job_of("a", phase, fraction=fraction)) == shown


def test_the_advice_says_what_to_do() -> None:
    much = job_of("a", Phase.RUNNING, engine="propagation", invented=0.63)
    assert advice(much) == (
        "Propagation invents 63 % of what goes, because no frame shows it: use VOID, or give a clean frame"
    )
    assert advice(job_of("a", Phase.RUNNING, engine="propagation", invented=0.2)) == ""
    assert advice(job_of("a", Phase.RUNNING, engine="propagation")) == ""
    assert advice(job_of("a", Phase.RUNNING, engine="void", invented=0.63)) == ""
