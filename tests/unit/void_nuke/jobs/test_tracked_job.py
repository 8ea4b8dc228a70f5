"""A removal as the artist follows it, over the record that the script keeps."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest

from tests.fakes.still_session import job_of
from void_nuke.host.host import FrameRange
from void_nuke.jobs.tracked_job import Phase, tracked_from


def test_what_the_job_is_stands_in_its_record() -> None:
    job = job_of("a", Phase.RUNNING, read_node="VOID_sh010")
    assert (job.job_id, job.name, job.frames, job.engine) == (
        "a",
        "sh010",
        FrameRange(1001, 1040),
        "propagation",
    )
    changed = job.changed(engine="void", read_node="Read7", frames_done=3)
    assert (changed.engine, changed.read_node, changed.frames_done) == ("void", "Read7", 3)
    assert changed.record == msgspec.structs.replace(job.record, engine="void", read_node="Read7")
    assert replace(changed, record=job.record, frames_done=0) == job


@pytest.mark.parametrize("phase", list(Phase))
def test_a_job_of_the_scripts_notes_is_underway_or_as_it_ended(phase: Phase) -> None:
    record = msgspec.structs.replace(job_of("a", phase).record, phase=phase.value, message="as it ended")
    job = tracked_from(record)
    assert job.record is record
    assert job.is_kept
    if phase.is_final:
        assert (job.phase, job.message) == (phase, "as it ended")
    else:
        assert (job.phase, job.message) == (Phase.QUEUED, "looking for it on the server")
