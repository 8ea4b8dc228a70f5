"""Proposes what a job's object affected, from the job's files to matte files, a report and a picture."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from void_engine.arrays import Float32Array
from void_engine.contact_sheet import Column, SheetView, contact_sheet, picture_column, save_picture
from void_engine.effects import Kind
from void_engine.effects.shot import ProposedFrame, proposed_frames
from void_engine.errors import OutputExistsError
from void_engine.geometry import Box
from void_engine.plates.frame.frame import Frame
from void_engine.plates.ingest.mattes import MATTE_CHANNEL
from void_engine.plates.sequence.pattern import FramePattern
from void_engine.plates.sequence.sequence import PlateSequence
from void_engine.plates.sequence.writer import PlateWriter
from void_engine.removal import shot_source
from void_engine.removal_checks import check_inputs
from void_engine.removal_monitor import RemovalMonitor
from void_engine.shot import PlateShot
from void_protocol.job import RemovalJob
from void_protocol.sequence import path_beside
from void_server.translate import removal_request

CONFIDENCE_CHANNEL = f"confidence.{MATTE_CHANNEL}"
_TINTS = {
    Kind.SHADOW: (0.25, 0.45, 1.0),
    Kind.REFLECTION: (1.0, 0.8, 0.15),
    Kind.MOVED: (1.0, 0.3, 0.2),
    Kind.CARRIED: (0.9, 0.25, 0.9),
}
"""The colours of the kinds on a contact sheet."""


class ProposedShot(msgspec.Struct, frozen=True):
    """The report on a proposal, as it stands in the JSON file beside the mattes."""

    release: str
    shot: str
    job_id: str
    matte: str
    sources: list[str]
    frames: list[dict[str, Any]]


def matte_channels() -> tuple[str, ...]:
    """The channels of the files: the whole matte, the confidence, and the matte of each kind alone."""
    return (MATTE_CHANNEL, CONFIDENCE_CHANNEL, *(f"{kind.word}.{MATTE_CHANNEL}" for kind in Kind if kind))


def report_path(pattern: str) -> Path:
    """Where the report on the mattes ``pattern`` lies: beside them."""
    return path_beside(pattern, ".proposal.json")


def propose_job(job: RemovalJob, pattern: str, monitor: RemovalMonitor) -> ProposedShot:
    """Propose what the object of a job affected, and write the mattes and the report.

    Args:
        job: the job, with the paths of this machine. What it marks as affected already is left as it is.
        pattern: of the EXR files to write; they have the plate's format.
        monitor: is told how far it is, and may stop it.

    Raises:
        OutputExistsError: when one of the files is there already; nothing is written then.
        PlateError, MatteError: when plate or mattes cannot be read.
        RemovalCancelled: when the monitor asked for a stop. Complete frames stay.
    """
    target = FramePattern.parse(pattern)
    target.require_numbered("A proposal has a matte for each frame")
    refuse_existing([*(target.path(number) for number in job.shot.frame_numbers), report_path(pattern)])
    frames: list[dict[str, Any]] = []
    with opened_shot(job, monitor) as opened:
        shot = opened.shot
        writer = PlateWriter("zip", on_written=monitor.frame_done, expected=len(shot.frame_numbers))
        with writer:
            for each in proposed_frames(shot, monitor):
                monitor.check_cancelled()
                writer.submit(_matte_file(each, opened), target.path(each.number))
                frames.append(_rounded(each))
    report = ProposedShot(version("void-nuke"), job.shot.name, job.job_id, target.text, ["evidence"], frames)
    report_path(pattern).write_bytes(msgspec.json.format(msgspec.json.encode(report), indent=1))
    return report


@dataclass(frozen=True, slots=True)
class OpenedShot:
    """A job's shot as proposals are made on it: all pixels that its plates have."""

    shot: PlateShot
    display: tuple[int, int]
    """The size of the plate's format."""


@contextmanager
def opened_shot(job: RemovalJob, monitor: RemovalMonitor) -> Iterator[OpenedShot]:
    """Open the job's shot over all pixels that the plates have.

    Raises:
        PlateError, MatteError: when files are missing or do not fit.
    """
    # What the engine was set to does not matter here, and it need not be installed; mattes have the plate's
    # size whatever the scale of the work.
    settings = msgspec.structs.replace(job.settings, engine="identity", engine_options={}, proxy_scale=1.0)
    with ExitStack() as files:
        request = removal_request(
            msgspec.structs.replace(job, settings=settings), files, engine_name="identity"
        )
        found = check_inputs(request, monitor)
        display = found.display_size
        box = found.data_window.intersection(Box.from_size(*display))
        yield OpenedShot(shot_source(request, box, found.data_window, found.pixel_aspect), display)


def refuse_existing(paths: Iterable[Path]) -> None:
    """Refuse to write over any of ``paths``.

    Raises:
        OutputExistsError: when one of them is there already.
    """
    for path in paths:
        if path.exists():
            raise OutputExistsError(f"{path} exists already; choose another name, or delete it first")


def _rounded(each: ProposedFrame) -> dict[str, Any]:
    facts = each.facts
    return {
        "frame": facts.frame,
        "share": round(facts.share, 5),
        "confidence": round(facts.confidence, 3),
        "known": round(facts.known, 3),
        "kinds": {word: round(share, 5) for word, share in facts.kinds.items()},
        "unknown": facts.unknown,
    }


def _matte_file(each: ProposedFrame, opened: OpenedShot) -> Frame:
    planes = [each.matte, each.confidence]
    planes += [np.where(each.kinds == kind, each.matte, np.float32(0)) for kind in Kind if kind]
    return Frame.from_pixels(
        each.number,
        matte_channels(),
        np.stack(planes, axis=2).astype(np.float16),
        display_size=opened.display,
        data_window=opened.shot.box,
        pixel_aspect=opened.shot.pixel_aspect,
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
