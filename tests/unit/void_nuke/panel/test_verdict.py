"""The strip of a result's frames, and the sentence that goes with it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fakes.still_session import job_of
from void_nuke.jobs.tracked_job import Phase
from void_nuke.panel.verdict import letters_of, sentence_of, strip
from void_protocol.verdict import FrameEntry, Verdict, verdict_path, write_verdict


def test_runs_of_frames_become_spans() -> None:
    assert strip("ggra") == [(0.0, 0.5, "g"), (0.5, 0.75, "r"), (0.75, 1.0, "a")]
    assert strip("") == []


@pytest.mark.parametrize(
    ("letters", "words"),
    [
        ("", ""),
        ("ggg-", ""),
        (
            "grrga",
            "2 of 5 frames are at fault: frames 1002-1003; 1 worth a look: frame 1005; the log says why",
        ),
        ("ag", "1 worth a look: frame 1001"),
    ],
)
def test_faults_are_told_by_frame(letters: str, words: str) -> None:
    assert sentence_of(letters, 1001) == words


def test_a_farms_verdict_is_read_beside_the_result_and_a_servers_counts_before_it(tmp_path: Path) -> None:
    pattern = str(tmp_path / "r_v001.%04d.exr")
    entry = FrameEntry(frame=1001, status="red", flags=["seam"], severity={}, measures={})
    verdict = Verdict(job_id="a", first_frame=1001, last_frame=1002, frames=[entry])
    write_verdict(verdict, verdict_path(pattern))
    done = job_of("a", Phase.HANDED_OVER).changed(result_pattern=pattern)
    assert letters_of(done) == "r-"
    assert letters_of(done.changed(verdict="gg")) == "gg"
    assert letters_of(job_of("b", Phase.HANDED_OVER).changed(result_pattern=pattern)) == ""
    assert letters_of(job_of("a", Phase.RUNNING).changed(result_pattern=pattern)) == ""
