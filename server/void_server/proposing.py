"""Proposes what a job's object affected, from the job's files to matte files, a report and a picture."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from importlib.metadata import version
from pathlib import Path

import msgspec
import numpy as np

from void_engine.arrays import Float32Array
from void_engine.contact_sheet import Column, SheetView, contact_sheet, picture_column, save_picture
from void_engine.effects import FrameFacts, Kind
from void_engine.effects.shot import proposed_frames
from void_engine.errors import OutputExistsError
from void_engine.plates.sequence.pattern import FramePattern
from void_engine.plates.sequence.sequence import PlateSequence
from void_engine.removal_monitor import RemovalMonitor
from void_protocol.job import Output, RemovalJob, Settings
from void_protocol.job_file import with_content_id
from void_protocol.proposal import FrameNote, FrameReport, ProposalReport
from void_protocol.task import Propose
from void_server.matte_files import FilesRun, MatteFilesWriter, opened_shot, save_report
from void_server.proposed_things import GatheredProposal, matte_channels

_TINTS = {
    Kind.SHADOW: (0.25, 0.45, 1.0),
    Kind.REFLECTION: (1.0, 0.8, 0.15),
    Kind.MOVED: (1.0, 0.3, 0.2),
    Kind.CARRIED: (0.9, 0.25, 0.9),
}
"""The colours of the kinds on a contact sheet."""


def proposal_job(job: RemovalJob, pattern: str, task: Propose) -> RemovalJob:
    """The job that proposes what the object of a removal affected, with an id that follows from its content.

    Args:
        job: the removal.
        pattern: of the EXR files to write.
        task: how.
    """
    # What is set for the removal itself means nothing here, and so makes no other job of it.
    settings = Settings(seed=job.settings.seed)
    made = msgspec.structs.replace(
        job, task=task, settings=settings, anchors=None, output=Output(pattern=pattern), together=""
    )
    return with_content_id(made)


def run_proposal(job: RemovalJob, monitor: RemovalMonitor, run: FilesRun = FilesRun()) -> ProposalReport:  # noqa: B008 - it is frozen
    """Propose what the object of a job affected, and write the mattes and the report to the job's output.

    Args:
        job: a job with the task :class:`~void_protocol.task.Propose` and the paths of this machine. What it
            marks as affected already is left as it is.
        monitor: is told how far it is, and may stop it.
        run: what is done about files that are there, and how long is waited for those that are not.

    Raises:
        OutputExistsError: when one of the files is there already, made otherwise; nothing is written then.
        PlateError, MatteError: when plate or mattes cannot be read.
        RemovalCancelled: when the monitor asked for a stop. Complete frames stay.
    """
    pattern = job.output.versioned_pattern
    FramePattern.parse(pattern).require_numbered("A proposal has a matte for each frame")
    with opened_shot(job, monitor, run) as opened, MatteFilesWriter(opened, monitor) as writer:
        if writer.wanted:
            gathered = GatheredProposal(opened)
            for each in proposed_frames(opened.shot, monitor):
                monitor.check_cancelled()
                gathered.add(each)
            gathered.settle(monitor)
            found = gathered.reported()
            for frame in gathered.frames():
                monitor.check_cancelled()
                note = FrameNote(
                    release=version("void-nuke"),
                    shot=job.shot.name,
                    job_id=job.job_id,
                    sources=["evidence"],
                    frame=_frame_report(frame.facts),
                    things=found,
                    outlines=frame.outlines,
                )
                writer.write(frame.number, frame.channels, frame.planes, note)
    return save_report(job, monitor)


def refuse_existing(paths: Iterable[Path]) -> None:
    """Refuse to write over any of ``paths``.

    Raises:
        OutputExistsError: when one of them is there already.
    """
    for path in paths:
        if path.exists():
            raise OutputExistsError(f"{path} exists already; choose another name, or delete it first")


def _frame_report(facts: FrameFacts) -> FrameReport:
    return FrameReport(
        frame=facts.frame,
        share=round(facts.share, 5),
        confidence=round(facts.confidence, 3),
        known=round(facts.known, 3),
        kinds={word: round(share, 5) for word, share in facts.kinds.items()},
        unknown=facts.unknown,
    )


def draw_proposal(
    job: RemovalJob, pattern: str, path: Path, numbers: Sequence[int], monitor: RemovalMonitor
) -> None:
    """Draw a sheet of some frames as a picture: the plate, and over it the proposal by kind.

    Raises:
        EngineError: when a picture cannot be read or the sheet cannot be written.
    """
    first, last = job.shot.first_frame, job.shot.last_frame
    with opened_shot(job, monitor) as opened, PlateSequence(pattern, first, last, read_ahead=0) as mattes:
        shot = opened.shot

        def plate(number: int) -> Float32Array:
            return shot.frame(number).plate

        def show(number: int, view: SheetView) -> Float32Array:
            planes = mattes.frame(number).read_channels(matte_channels(), shot.box)
            picture = view.show(plate(number))
            for index, tint in enumerate(_TINTS.values(), start=2):
                # What is unsure is pale.
                weight = np.float32(0.8) * planes[..., index] * np.clip(planes[..., 1], 0.25, 1.0)
                picture = picture + weight[..., None] * (np.array(tint, np.float32) - picture)
            return np.asarray(picture, np.float32)

        sheet = contact_sheet(
            [picture_column("plate", plate), Column("proposed", show)],
            numbers,
            title=f"{job.shot.name}  {Path(pattern).name}",
            notes=["blue: shadow   yellow: reflection, light   red: moved   violet: carried; pale: unsure"],
            pixel_aspect=shot.pixel_aspect,
        )
    save_picture(path, sheet)
