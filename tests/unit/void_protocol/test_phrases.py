"""What the panel and the OpenFX bridge say in the same words."""

from __future__ import annotations

from typing import Any

import pytest

from void_protocol.fields import JobInfo, JobState
from void_protocol.phrases import duration, queued_text, sentence


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (-1.0, "0 s"),
        (0.2, "0 s"),
        (59.4, "59 s"),
        (59.6, "1 min 00 s"),
        (200.0, "3 min 20 s"),
        (1500.0, "25 min"),
        (1800.0, "30 min"),
        (7500.0, "2 h 05 min"),
    ],
)
def test_durations(seconds: float, words: str) -> None:
    assert duration(seconds) == words


def test_a_sentence_keeps_what_follows_its_capital() -> None:
    assert sentence("the GPU is busy") == "The GPU is busy"
    assert sentence("") == ""


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, "Next to run"),
        ({"queue_position": 0}, "Next to run"),
        ({"queue_position": 1}, "Behind 1 other"),
        ({"queue_position": 3}, "Behind 3 others"),
        ({"queue_position": 3, "is_paused": True, "message": "held by anna"}, "Held by anna"),
        ({"is_paused": True}, "Held back on the server, until somebody lets it go on"),
    ],
)
def test_what_waits_says_for_what(changes: dict[str, Any], words: str) -> None:
    job = JobInfo(
        job_id="j", name="n", engine="e", owner="o", state=JobState.QUEUED, frames_total=48, frames_done=0,
        inputs="paths", outputs="paths", output_pattern="p", created_at=0.0, **changes,
    )  # fmt: skip
    assert queued_text(job) == words
