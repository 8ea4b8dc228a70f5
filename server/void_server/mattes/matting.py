"""Makes mattes of objects that somebody has pointed at, boxed or named, from a job's files to matte files."""

from __future__ import annotations

from importlib.metadata import version

import msgspec
import numpy as np

from void_engine import opencv
from void_engine.arrays import Float32Array
from void_engine.effects.small_shot import small_size
from void_engine.geometry import Box
from void_engine.plates.ingest.mattes import MATTE_CHANNEL
from void_engine.plates.sequence.pattern import FramePattern
from void_engine.removal_monitor import RemovalMonitor
from void_engine.segmentation.model_folders import check_models
from void_engine.segmentation.subjects import Bounds, Click, Subject, SubjectMattes
from void_protocol.job import Output, RemovalJob, Settings
from void_protocol.job_file import with_content_id
from void_protocol.proposal import FrameNote, FrameReport, ProposalReport
from void_protocol.task import MakeMattes, PromptedObject
from void_server.mattes.files import (
    FilesRun,
    MatteFilesWriter,
    OpenedShot,
    opened_shot,
    rings_of,
    save_report,
)

_SHOWN = 0.5


def matte_job(job: RemovalJob, pattern: str, task: MakeMattes) -> RemovalJob:
    """The job that makes mattes in the shot of another job, with an id that follows from its content.

    Args:
        job: any job of the shot; its mattes and shapes are left out.
        pattern: of the EXR files to write.
        task: which objects.
    """
    made = msgspec.structs.replace(
        job,
        task=task,
        shapes=[],
        mattes=[],
        anchors=None,
        settings=Settings(seed=job.settings.seed),
        output=Output(pattern=pattern),
        together="",
    )
    return with_content_id(made)


def _layers(task: MakeMattes, found: SubjectMattes) -> list[tuple[str, Float32Array]]:
    """The layers of a frame with their mattes: each object, and where its name means several things, each of
    them too, as ``NAME_1``."""
    names = {one.name for one in task.objects}
    layers = []
    for one, matte, things in zip(task.objects, found.mattes, found.instances, strict=True):
        layers.append((one.name, matte))
        if len(things) > 1:
            numbered = [(f"{one.name}_{number}", thing) for number, thing in enumerate(things, 1)]
            layers += [(name, thing) for name, thing in numbered if name not in names]
    return layers


def run_mattes(job: RemovalJob, monitor: RemovalMonitor, run: FilesRun = FilesRun()) -> ProposalReport:  # noqa: B008 - it is frozen
    """Make the mattes of a job's objects, and write them to the job's output with a report.

    Args:
        job: a job with the task :class:`~void_protocol.task.MakeMattes` and the paths of this machine.
        monitor: is told how far it is, and may stop it.
        run: what is done about files that are there, and how long is waited for those that are not.

    Raises:
        ModelMissingError: when this machine lacks a model; nothing is read then.
        OutputExistsError: when one of the files is there already, made otherwise; nothing is written then.
        PlateError: when the plate cannot be read.
        RemovalCancelled: when the monitor asked for a stop. Complete frames stay.
    """
    task = job.task
    assert isinstance(task, MakeMattes)
    FramePattern.parse(job.output.versioned_pattern).require_numbered("Each frame has a matte of its own")
    check_models(by_words=any(one.words for one in task.objects))
    from void_engine.segmentation.shot import subject_mattes  # It needs the packages that were looked for.

    with opened_shot(job, monitor, run) as opened, MatteFilesWriter(opened, monitor) as writer:
        if writer.wanted:
            subjects = [_subject(one, job, opened.shot.box) for one in task.objects]
            for each in subject_mattes(opened.shot, subjects, monitor):
                layers = _layers(task, each)
                together = np.max(np.stack([matte for _, matte in layers]), axis=0)
                shares = {name: round(float((matte >= _SHOWN).mean()), 5) for name, matte in layers}
                note = FrameNote(
                    release=version("void-nuke"),
                    shot=job.shot.name,
                    job_id=job.job_id,
                    sources=["segmentation"],
                    frame=FrameReport(
                        frame=each.number,
                        share=round(float((together >= _SHOWN).mean()), 5),
                        confidence=1.0,
                        known=1.0,
                        kinds={name: share for name, share in shares.items() if share},
                    ),
                )
                note.outlines = _outlines(layers, opened)
                channels = [MATTE_CHANNEL, *(f"{name}.{MATTE_CHANNEL}" for name, _ in layers)]
                writer.write(each.number, channels, [together, *(matte for _, matte in layers)], note)
    return save_report(job, monitor)


def _outlines(layers: list[tuple[str, Float32Array]], opened: OpenedShot) -> dict[str, list[list[float]]]:
    """The outlines of layers, of a small copy, as overlays need no more."""
    drawn: dict[str, list[list[float]]] = {}
    for name, matte in layers:
        small = opencv.resize(matte, small_size(*matte.shape), opencv.AREA) >= _SHOWN
        if rings := rings_of(np.asarray(small, bool), opened):
            drawn[name] = rings
    return drawn


def _subject(one: PromptedObject, job: RemovalJob, box: Box) -> Subject:
    """Turn an object's prompts into the engine's terms: frames from 0, y down, from the corner of ``box``."""
    first, height = job.shot.first_frame, job.shot.format.height
    return Subject(
        one.name,
        clicks=tuple(
            Click(point.frame - first, point.x - box.x0, height - point.y - box.y0, not point.outside)
            for point in one.points
        ),
        bounds=tuple(
            Bounds(
                each.frame - first,
                each.left - box.x0,
                height - each.top - box.y0,
                each.right - box.x0,
                height - each.bottom - box.y0,
            )
            for each in one.boxes
        ),
        words=one.words,
    )
