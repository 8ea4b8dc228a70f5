"""Judges the frames of a checked chunk, and joins the verdicts of a shot's chunks to that of the shot."""

from __future__ import annotations

import msgspec

from void_engine.errors import RemovalCancelled
from void_engine.removal_monitor import RemovalMonitor
from void_engine.removal_request import RemovalRequest
from void_engine.shot import PlateShot
from void_protocol.durable import make_folder
from void_protocol.verdict import Verdict, read_verdict, write_verdict
from void_server.errors import message_of
from void_server.farm.plan_file import JobPiece
from void_server.farm.scratch_layout import ScratchLayout
from void_server.verdict.findings import findings_of
from void_server.verdict.job_result import judge_result, save


def judge_chunk(
    piece: JobPiece,
    request: RemovalRequest,
    shot: PlateShot,
    place: ScratchLayout,
    chunk: range,
    monitor: RemovalMonitor,
) -> None:
    """Judge a chunk's frames and keep their verdict for the shot's. A fault that is seen fails no task: the
    frames are whole, and whether they are good enough is for people to say.

    Raises:
        RemovalCancelled: when the monitor asked for a stop.
    """
    try:
        verdict = judge_result(request, piece.planned.name, monitor, chunk, shot)
        make_folder(place.verdict(chunk).parent)
        write_verdict(verdict, place.verdict(chunk))
    except RemovalCancelled:
        raise
    except Exception as error:  # noqa: BLE001 - the frames have been found whole
        monitor.log(f"{piece.planned.name} {chunk[0]}-{chunk[-1]} could not be judged: {message_of(error)}")
        return
    monitor.log(f"{piece.planned.name} {chunk[0]}-{chunk[-1]}: {verdict.summary}")
    for finding in verdict.findings:
        monitor.log(finding.line)


def join_verdicts(piece: JobPiece, place: ScratchLayout, monitor: RemovalMonitor) -> None:
    """Write the verdict on the whole shot beside its result, once that on every frame is there."""
    parts = [found for path in place.verdicts() if (found := read_verdict(path)) is not None]
    by_frame = {frame.frame: frame for part in parts for frame in part.frames}
    whole = range(piece.planned.first_frame, piece.planned.last_frame + 1)
    if not by_frame.keys() >= set(whole):
        return
    frames = [by_frame[number] for number in whole]
    joined: Verdict = msgspec.structs.replace(
        parts[0],
        frames=frames,
        missing=[],
        findings=findings_of(frames),
        result=piece.local_job.output.versioned_pattern,
    )
    try:
        path = save(joined)
    except OSError as error:
        monitor.log(f"{piece.planned.name}: the verdict cannot be written: {message_of(error)}")
        return
    monitor.log(f"{piece.planned.name}: {joined.summary}; verdict: {path}")
