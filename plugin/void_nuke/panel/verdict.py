"""What the panel shows of the verdict on a result: a strip of its frames, and a sentence."""

from __future__ import annotations

from itertools import groupby

from void_nuke.jobs.tracked_job import TrackedJob
from void_protocol.frame_list import describe_frames
from void_protocol.printable import printable
from void_protocol.verdict import read_verdict, verdict_path

_LOOK, _BAD = "ar"


def letters_of(job: TrackedJob) -> str:
    """A letter for each frame of the result (:attr:`void_protocol.fields.ProgressInfo.verdict`): what the
    server has told, else what the verdict beside the result says, as a farm leaves it. Empty for none."""
    if job.verdict or not job.phase.is_final:
        return job.verdict
    found = read_verdict(verdict_path(job.result_pattern)) if job.result_pattern else None
    return "" if found is None or found.job_id != job.job_id else found.letters


def strip(letters: str) -> list[tuple[float, float, str]]:
    """The runs of equal letters: where each begins and ends, 0..1, and the letter."""
    runs = []
    begin = 0
    for letter, run in groupby(letters):
        end = begin + sum(1 for _ in run)
        runs.append((begin / len(letters), end / len(letters), letter))
        begin = end
    return runs


def sentence_of(letters: str, first_frame: int) -> str:
    """The verdict in a sentence; empty where every frame is green, or none was judged."""
    bad, look = (
        [first_frame + at for at, one in enumerate(letters) if one == kind] for kind in (_BAD, _LOOK)
    )
    told = []
    if bad:
        told.append(f"{len(bad)} of {len(letters)} frames are at fault: {describe_frames(bad)}")
    if look:
        told.append(f"{len(look)} worth a look: {describe_frames(look)}")
    return printable("; ".join(told) + ("; the log says why" if bad else "")) if told else ""
