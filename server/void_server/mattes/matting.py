"""Makes mattes of objects that somebody has pointed at, boxed or named, from a job's files to matte files."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from importlib.metadata import version

import msgspec
import numpy as np

from void_engine import opencv
from void_engine.arrays import Float16Array
from void_engine.effects.small_shot import small_size
from void_engine.geometry import Box
from void_engine.plates.ingest.mattes import MATTE_CHANNEL
from void_engine.plates.sequence.pattern import FramePattern
from void_engine.removal_monitor import RemovalMonitor
from void_engine.segmentation.errors import SegmentationError
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
from void_server.mattes.layer_room import most_layers

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


class _Layers:
    """The layers of a job's mattes: all objects together, each object, and where its name means several
    things, each of them too, as ``NAME_1``, as far as a frame has room."""

    def __init__(self, task: MakeMattes, opened: OpenedShot) -> None:
        """Make sure that a frame has room for the objects.

        Raises:
            SegmentationError: when it has not; the message says how many may be asked for at a time.
        """
        self._opened = opened
        self._names = [one.name for one in task.objects]
        self._most = most_layers(opened.shot.box.shape)
        if len(self._names) >= self._most:
            box = opened.shot.box
            raise SegmentationError(
                f"{len(self._names)} objects are too many for a plate of {box.width}x{box.height} pixels: "
                f"ask for at most {self._most - 1} in one job, and for the others in another"
            )

    def names_of_things(self, counts: Sequence[int], monitor: RemovalMonitor) -> list[list[str]]:
        """For each object the names of the layers of its things: of all of them, or of none.

        Args:
            counts: how many things each object's name means.
            monitor: is told of the objects whose things have no layers.
        """
        room = self._most - 1 - len(self._names)
        names: list[list[str]] = []
        for name, count in zip(self._names, counts, strict=True):
            things = [f"{name}_{number}" for number in range(1, count + 1)] if count > 1 else []
            if len(things) > room:
                monitor.log(
                    f"{name}: its {count} things have no layers of their own, which so large a plate has no "
                    f"room for; ask for {name} in a job of its own"
                )
                things = []
            room -= len(things)
            names.append(things)
        return names

    def of_frame(
        self, found: SubjectMattes, things: Sequence[Sequence[str]]
    ) -> tuple[dict[str, Float16Array], dict[str, list[list[float]]]]:
        """The layers of a frame in their order, the first of which is all objects together, by names; and the
        outlines of the others."""
        shape = self._opened.shot.box.shape
        layers = {"": np.zeros(shape, np.float16)}
        for name, instances, own in zip(self._names, found.instances, things, strict=True):
            whole = layers[name] = np.zeros(shape, np.float16)
            for index, make in enumerate(instances):
                matte = make().astype(np.float16)
                np.maximum(whole, matte, out=whole)
                # A thing may be called what another object is.
                if own and own[index] not in self._names:
                    layers[own[index]] = matte
            np.maximum(layers[""], whole, out=layers[""])
        outlines = {name: _outline(matte, self._opened) for name, matte in layers.items() if name}
        return layers, {name: rings for name, rings in outlines.items() if rings}


def run_mattes(job: RemovalJob, monitor: RemovalMonitor, run: FilesRun = FilesRun()) -> ProposalReport:  # noqa: B008 - it is frozen
    """Make the mattes of a job's objects, and write them to the job's output with a report.

    Args:
        job: a job with the task :class:`~void_protocol.task.MakeMattes` and the paths of this machine.
        monitor: is told how far it is, and may stop it.
        run: what is done about files that are there, and how long is waited for those that are not.

    Raises:
        ModelMissingError: when this machine lacks a model; nothing is read then.
        SegmentationError: when a frame has no room for so many objects; nothing is written then.
        OutputExistsError: when one of the files is there already, made otherwise; nothing is written then.
        PlateError: when the plate cannot be read.
        RemovalCancelled: when the monitor asked for a stop. Complete frames stay.
    """
    task = job.task
    assert isinstance(task, MakeMattes)
    FramePattern.parse(job.output.versioned_pattern).require_numbered("Each frame has a matte of its own")
    check_models(by_words=any(one.words for one in task.objects))
    from void_engine.segmentation.shot import subject_mattes  # It needs the packages that were looked for.

    with opened_shot(job, monitor, run) as opened:
        layers = _Layers(task, opened)
        with MatteFilesWriter(opened, monitor) as writer:
            if writer.wanted:
                subjects = [_subject(one, job, opened.shot.box) for one in task.objects]
                _write(job, layers, subject_mattes(opened.shot, subjects, monitor), writer, monitor)
    return save_report(job, monitor)


def _write(
    job: RemovalJob,
    layers: _Layers,
    found: Iterable[SubjectMattes],
    writer: MatteFilesWriter,
    monitor: RemovalMonitor,
) -> None:
    things: list[list[str]] | None = None
    for each in found:
        if things is None:
            things = layers.names_of_things([len(instances) for instances in each.instances], monitor)
        if each.number not in writer.wanted:
            continue
        planes, outlines = layers.of_frame(each, things)
        shares = {name: round(float((plane >= _SHOWN).mean()), 5) for name, plane in planes.items()}
        share = shares.pop("")
        note = FrameNote(
            release=version("void-nuke"),
            shot=job.shot.name,
            job_id=job.job_id,
            sources=["segmentation"],
            frame=FrameReport(
                frame=each.number,
                share=share,
                confidence=1.0,
                known=1.0,
                kinds={name: share for name, share in shares.items() if share},
            ),
            outlines=outlines,
        )
        channels = [f"{name}.{MATTE_CHANNEL}" if name else MATTE_CHANNEL for name in planes]
        writer.write(each.number, channels, list(planes.values()), note)


def _outline(matte: Float16Array, opened: OpenedShot) -> list[list[float]]:
    """The rings of a matte's outline, of a small copy, as overlays need no more."""
    small = opencv.resize(matte.astype(np.float32), small_size(*matte.shape), opencv.AREA) >= _SHOWN
    return rings_of(np.asarray(small, bool), opened)


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
