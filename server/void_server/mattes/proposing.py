"""Proposes what a job's object affected, from the job's files to matte files, a report and a picture."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from importlib.metadata import version
from pathlib import Path

import msgspec

from void_engine.arrays import Float32Array
from void_engine.contact_sheet import Column, SheetView, contact_sheet, picture_column, save_picture
from void_engine.effects import FrameFacts
from void_engine.effects.shot import ProposedFrame, proposed_frames
from void_engine.effects.small_shot import small_size
from void_engine.errors import OutputExistsError
from void_engine.plates.sequence.pattern import FramePattern
from void_engine.plates.sequence.sequence import PlateSequence
from void_engine.removal_monitor import RemovalMonitor
from void_engine.segmentation.model_folders import REASONER, model_folder
from void_protocol.job import Output, RemovalJob, Settings
from void_protocol.job_file import with_content_id
from void_protocol.proposal import FrameNote, FrameReport, ProposalReport
from void_protocol.task import Propose
from void_server.mattes.files import FilesRun, MatteFilesWriter, OpenedShot, opened_shot, save_report
from void_server.mattes.pictures import LEGEND, tinted
from void_server.mattes.reasoned import ReasonedThings
from void_server.mattes.things import GatheredProposal


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
        ModelMissingError: when a language model is asked for that this machine lacks; nothing is read then.
        AnswerError: when it gives no answer of the right form.
        OutputExistsError: when one of the files is there already, made otherwise; nothing is written then.
        PlateError, MatteError: when plate or mattes cannot be read.
        RemovalCancelled: when the monitor asked for a stop. Complete frames stay.
    """
    pattern = job.output.versioned_pattern
    FramePattern.parse(pattern).require_numbered("A proposal has a matte for each frame")
    task = job.task
    assert isinstance(task, Propose)
    sources = {"both": ["evidence", "reason"]}.get(task.by, [task.by])
    if "reason" in sources:
        model_folder(REASONER)  # Its packages, too, are missed here.
    with opened_shot(job, monitor, run) as opened, MatteFilesWriter(opened, monitor) as writer:
        if writer.wanted:
            gathered = _gathered(opened, task, job.settings.seed, monitor)
            gathered.settle(monitor)
            found = gathered.reported()
            for frame in gathered.frames():
                monitor.check_cancelled()
                note = FrameNote(
                    release=version("void-nuke"),
                    shot=job.shot.name,
                    job_id=job.job_id,
                    sources=sources,
                    frame=_frame_report(frame.facts),
                    things=found,
                    outlines=frame.outlines,
                )
                writer.write(frame.number, frame.channels, frame.planes, note)
    return save_report(job, monitor)


def _gathered(opened: OpenedShot, task: Propose, seed: int, monitor: RemovalMonitor) -> GatheredProposal:
    """The proposals of all frames, by evidence, by reasoning, or joined."""
    shot, gathered = opened.shot, GatheredProposal(opened)
    if task.by == "evidence":
        for each in proposed_frames(shot, monitor):
            monitor.check_cancelled()
            gathered.add(each)
        return gathered
    from void_engine.segmentation.reasoning.shot import reasoned_shot

    numbers, small = shot.frame_numbers, small_size(shot.height, shot.width)
    reasoned = ReasonedThings(
        reasoned_shot(shot, monitor, instruction=task.instruction, seed=seed), numbers[0]
    )
    gathered.take_reasoned(reasoned)
    evidence: Iterator[ProposedFrame | None] = iter([None] * len(numbers))
    if task.by == "both":
        evidence = proposed_frames(shot, monitor)
    for number, by_evidence in zip(numbers, evidence, strict=True):
        monitor.check_cancelled()
        removed = shot.mattes.at(number, shot.box).remove > 0
        gathered.add(reasoned.frame(number, removed, small, by_evidence))
    return gathered


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
            return tinted(view.show(plate(number)), mattes.frame(number), shot.box)

        sheet = contact_sheet(
            [picture_column("plate", plate), Column("proposed", show)],
            numbers,
            title=f"{job.shot.name}  {Path(pattern).name}",
            notes=[LEGEND],
            pixel_aspect=shot.pixel_aspect,
        )
    save_picture(path, sheet)
