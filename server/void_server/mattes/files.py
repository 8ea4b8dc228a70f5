"""A job's shot opened to make mattes of it, and the matte files as they are written: whole, resumable, and
with what is known of each frame in its header."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from importlib.metadata import version
from types import TracebackType

import msgspec
import numpy as np

from void_engine.arrays import BoolArray, Float16Array, Float32Array
from void_engine.effects.outlines import outlines
from void_engine.errors import OutputError
from void_engine.geometry import Box
from void_engine.made_from import SHOT_KEY, MadeFrom, maker_of
from void_engine.plates.exr.file import remove_temporaries, try_to_write
from void_engine.plates.frame.frame import Frame
from void_engine.plates.sequence.writer import PlateWriter
from void_engine.plates.storage.output_folder import output_folder
from void_engine.plates.storage.policy import current_policy
from void_engine.removal import shot_source
from void_engine.removal_checks import check_inputs
from void_engine.removal_monitor import RemovalMonitor
from void_engine.removal_request import OutputRequest, RemovalRequest
from void_engine.shot import PlateShot
from void_protocol.job import RemovalJob
from void_protocol.job_file import job_fingerprint
from void_protocol.proposal import (
    PROPOSAL_KEY,
    FrameNote,
    ProposalReport,
    note_text,
    proposal_path,
    read_proposal,
    report_of_frames,
    report_text,
)
from void_server.translate import TURN_S, removal_request, ring_of

_PREVIEW_EVERY_S = 1.0
_PREVIEW_PX = 320
_TINT = np.array((1.0, 0.3, 0.2), np.float32)
"""The colour of a matte on a preview, scene-linear."""


@dataclass(frozen=True, slots=True)
class FilesRun:
    """What one run does about files that are there, and how long it waits for those that are not."""

    resume: bool = False
    """Whether those frames are kept that this very job has written before."""
    verify: bool = False
    """Whether every pixel of such frames is decoded before they are kept."""
    overwrite: bool = False
    """Whether frames that another job made may be replaced, each when the new one is whole."""
    only: frozenset[int] | None = None
    """The frames to make; None makes all."""
    wait_s: float = 0.0
    """How many seconds to wait, once the work has begun, for an obstacle that may pass."""
    start_wait_s: float | None = None
    """How many seconds to wait before; None for ``wait_s``, but at most a turn."""


@dataclass(frozen=True, slots=True)
class OpenedShot:
    """A job's shot as mattes are made on it: all pixels that its plates have."""

    shot: PlateShot
    display: tuple[int, int]
    """The size of the plate's format."""
    request: RemovalRequest
    run: FilesRun


def rings_of(mask: BoolArray, opened: OpenedShot) -> list[list[float]]:
    """The outlines of a mask (h, w), which may be a small copy of the shot's picture, in the job's pixels."""
    box, (_, height) = opened.shot.box, opened.display
    rings = outlines(mask, (box.width, box.height))
    offset = np.array([box.x0, box.y0], np.float64)
    return [ring_of(ring + offset, height) for ring in rings]


@contextmanager
def opened_shot(job: RemovalJob, monitor: RemovalMonitor, run: FilesRun = FilesRun()) -> Iterator[OpenedShot]:
    """Open a job's shot over all pixels that the plates have, whatever the job is for.

    Raises:
        PlateError, MatteError: when files are missing or do not fit.
    """
    # What the engine was set to does not matter here, and it need not be installed; mattes have the plate's
    # size whatever the scale of the work.
    settings = msgspec.structs.replace(job.settings, engine="identity", engine_options={}, proxy_scale=1.0)
    removal = msgspec.structs.replace(job, settings=settings, anchors=None, task=msgspec.UNSET)
    with ExitStack() as files:
        request = removal_request(
            removal, files, engine_name="identity", resume=run.resume, fingerprint=job_fingerprint(job)
        )
        request = replace(
            request,
            output=OutputRequest(
                pattern=request.output.pattern,
                compression=request.output.compression,
                layers=frozenset(),
                metadata={
                    "void/release": version("void-nuke"),
                    SHOT_KEY: job.shot.name,
                    "void/engine": job.engine_label,
                },
            ),
            verify=run.verify,
            overwrite=run.overwrite,
            only=run.only,
            wait_s=run.wait_s,
            start_wait_s=min(run.wait_s, TURN_S) if run.start_wait_s is None else run.start_wait_s,
        )
        found = check_inputs(request, monitor)
        display = found.display_size
        box = found.data_window.intersection(Box.from_size(*display))
        shot = shot_source(request, box, found.data_window, found.pixel_aspect)
        yield OpenedShot(shot, display, request, run)


class MatteFilesWriter:
    """Writes the mattes of a job's frames to its output, as a context."""

    def __init__(self, opened: OpenedShot, monitor: RemovalMonitor) -> None:
        """Find which frames are still to be made, and whether they can be written.

        Raises:
            OutputExistsError: when files are there that another job made.
            EngineError: when nothing can be written there.
        """
        request = opened.request
        self._opened = opened
        self._monitor = monitor
        inputs = request.input_files(monitor)
        to_make = request.result.frames_to_make(request.numbers_to_make, inputs, monitor)
        self.wanted = to_make.numbers
        """The frames that are to be written."""
        self._previewed_at = -_PREVIEW_EVERY_S
        self._writer: PlateWriter | None = None
        self._made_from = MadeFrom()
        if not self.wanted:
            return
        nothing = np.zeros((*opened.shot.box.shape, 1), np.float16)
        first = min(self.wanted)
        frame, count = self._frame(first, ("A",), nothing), len(self.wanted)
        path, compression = request.output.pattern.path(first), request.output.compression
        request.plates.patience.insist(
            lambda: try_to_write(frame, path, compression, count), limit_s=request.start_wait_s
        )
        self._made_from = made_from = request.result.made_from(inputs)
        if request.resume:  # An earlier run that was killed may have left half-written files.
            remove_temporaries(request.output.pattern.path(number) for number in self.wanted)
        self._writer = PlateWriter(
            compression,
            on_written=monitor.frame_done,
            patience=request.plates.patience,
            expected=count,
            replaced=to_make.replaced,
            is_same=lambda path, number: maker_of(path, number) == made_from,
        )

    def __enter__(self) -> MatteFilesWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._writer is not None:
            self._writer.__exit__(kind, error, trace)

    def write(
        self,
        number: int,
        channels: Sequence[str],
        planes: Sequence[Float32Array | Float16Array],
        note: FrameNote,
    ) -> None:
        """Hand over a frame to be written, if it is among those that are wanted.

        Args:
            number: the frame.
            channels: the full names of the channels.
            planes: an array (H, W) in 0..1 for each channel, the first of which is the whole matte.
            note: what the header says.

        Raises:
            OutputError: when writing an earlier frame has failed.
        """
        if self._writer is None or number not in self.wanted:
            return
        self._preview(number, planes[0])
        pixels = np.empty((*planes[0].shape, len(planes)), np.float16)
        for index, plane in enumerate(planes):
            pixels[..., index] = plane
        frame = self._frame(number, channels, pixels)
        told = {**self._made_from.metadata(), PROPOSAL_KEY: note_text(note)}
        self._writer.submit(frame.with_metadata(told), self._opened.request.output.pattern.path(number))

    def _frame(self, number: int, channels: Sequence[str], pixels: np.ndarray) -> Frame:
        opened = self._opened
        frame = Frame.from_pixels(
            number,
            channels,
            pixels,
            display_size=opened.display,
            data_window=opened.shot.box,
            pixel_aspect=opened.shot.pixel_aspect,
        )
        return frame.with_metadata(dict(opened.request.output.metadata or {}))

    def _preview(self, number: int, matte: Float32Array | Float16Array) -> None:
        """Show the plate with the matte on it, now and then."""
        now = time.monotonic()
        if now - self._previewed_at < _PREVIEW_EVERY_S:
            return
        self._previewed_at = now
        step = -(-max(matte.shape) // _PREVIEW_PX)
        plate, weight = self._opened.shot.frame(number).plate[::step, ::step], matte[::step, ::step, None]
        self._monitor.preview(number, plate + np.float32(0.6) * weight * (_TINT - plate))


def save_report(job: RemovalJob, monitor: RemovalMonitor) -> ProposalReport:
    """Gather the report from the frames of a job's result, and write it beside them.

    A report of another job is never overwritten.
    """
    pattern = job.output.versioned_pattern
    report = report_of_frames(pattern, job.shot.frame_numbers)
    if report is None:
        raise OutputError(f"{pattern}: the files that were just written say nothing of the proposal")
    path = proposal_path(pattern)
    there = read_proposal(path)
    if path.exists() and (there is None or there.job_id != job.job_id):
        monitor.log(f"{path} is another job's and stays; the mattes themselves carry the report")
        return report
    text = report_text(report)
    room = current_policy().room
    if room is not None:
        room.take(len(text), "the report on the proposal")
    try:
        with output_folder(path.parent) as folder, folder.new_file(path.name) as file:
            file.write(text)
            folder.put_in_place(file, path.name)
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror or error}") from error
    return report
