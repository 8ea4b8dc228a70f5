"""A removal from files to files: it reads plates and mattes, runs an engine and writes the merged frames.

This is the way in for whoever runs a removal (worker, command line, farm): :func:`run_removal` takes one
:class:`RemovalRequest` and does everything from checking the headers to the last written frame.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from void_engine import opencv
from void_engine.arrays import Float32Array
from void_engine.engines.interface import CleanFrame, Engine, EngineRequest, Monitor, ShotFrame
from void_engine.errors import EngineError, MatteError, PlateError, SettingError
from void_engine.geometry import Box
from void_engine.growth import GROWTH_KEY, with_growth
from void_engine.made_from import InputFiles, MadeFrom, maker_of
from void_engine.mattes import ShotMattes
from void_engine.merge import merge
from void_engine.plates.exr.file import remove_temporaries, try_to_write
from void_engine.plates.frame.frame import Frame
from void_engine.plates.sequence.pattern import FramePattern
from void_engine.plates.sequence.sequence import PlateSequence, ShotFormat
from void_engine.plates.sequence.writer import PlateWriter
from void_engine.plates.storage.waiting import Patience
from void_engine.region import RegionMode, plan_region
from void_engine.removal_monitor import RemovalMonitor
from void_engine.result_files import ResultFiles
from void_engine.shares import Shares, ShareTally, shares_of
from void_engine.shot import AnchorFrames, PlateShot, ReplacementLook

_ASPECT_TOLERANCE = 1e-3
_LEAST_CONTEXT_PX = 32
"""The least context around the mattes, in pixels at the scale of the work."""
_PREVIEW_WIDTH = 320
_PREVIEW_EVERY_S = 1.0


@dataclass(frozen=True)
class OutputRequest:
    """The files of the result: where they go, how they are compressed and which layers they have."""

    pattern: FramePattern
    compression: str = "zip"
    layers: frozenset[str] = frozenset({"clean", "matte"})
    """The extra layers to write: any of ``clean``, ``matte``, ``confidence`` and ``quadmask``."""
    metadata: Mapping[str, str | int | float] | None = None


@dataclass(frozen=True)
class RegionRequest:
    """The artist's choice of the part of the frame that the engine works on."""

    mode: RegionMode | None = None
    """How the region is chosen; None takes what the engine prefers."""
    margin: float = 0.5
    """Context around the mattes, as a fraction of their longer side."""
    box: Box | None = None
    """The region itself, in display coordinates of the full-size plate; with :attr:`RegionMode.BOX` only."""


@dataclass(frozen=True)
class RemovalRequest:
    """Everything that decides one removal, in the engine's own types."""

    plates: PlateSequence
    mattes: ShotMattes
    output: OutputRequest
    engine: EngineRequest
    job_id: str
    fingerprint: str
    """A hash of everything that decides the result. It tells whether a frame on disk was made by the same
    job, unchanged."""
    display_size: tuple[int, int] | None = None
    """(width, height) that the full-size plate must have; None takes what is there."""
    pixel_aspect: float | None = None
    """The pixel aspect that the job expects; the files' own is used, and a difference is logged."""
    layer: str = ""
    anchors: AnchorFrames | None = None
    region: RegionRequest = RegionRequest()
    look: ReplacementLook = field(default_factory=ReplacementLook)
    match_seam: bool = True
    resume: bool = False
    verify: bool = False
    """Whether the frames of an earlier run are decoded before they are kept, which finds any damage."""
    wait_s: float = 0.0
    """How many seconds to wait, once the work has begun, for a late frame, a full volume or a lost drive."""
    start_wait_s: float | None = None
    """How many seconds to wait for these before the work begins; None for ``wait_s``."""

    @property
    def sequences(self) -> list[PlateSequence]:
        """All sequences that the removal reads: the plate, the mattes and the anchors."""
        anchors = [] if self.anchors is None else [self.anchors.frames]
        return [self.plates, *(matte.frames for matte in self.mattes.files), *anchors]

    @property
    def result(self) -> ResultFiles:
        """The files of the result, among which an earlier run may have left some."""
        return ResultFiles(
            pattern=self.output.pattern,
            job_id=self.job_id,
            fingerprint=self.fingerprint,
            resume=self.resume,
            every_pixel=self.verify,
            patience=self.plates.patience,
        )

    def input_files(self, monitor: Monitor, memory: Path | None = None) -> InputFiles:
        """Return the files that the removal reads, to tell whether they have changed; none is touched yet.

        Args:
            monitor, memory: see :class:`~void_engine.made_from.InputFiles`.
        """
        numbers = self.plates.frame_numbers
        read: list[tuple[PlateSequence, Iterable[int]]] = [
            (self.plates, numbers),
            *((matte.frames, numbers) for matte in self.mattes.files),
        ]
        if self.anchors is not None:
            read.append((self.anchors.frames, sorted(self.anchors.numbers)))
        return InputFiles(read, monitor, memory)


def run_removal(request: RemovalRequest, engine: Engine, monitor: RemovalMonitor) -> None:
    """Run one removal. Each frame appears under its final name only when it is complete.

    Raises:
        EngineError: with a message for the artist; frames that are complete stay.
        RemovalCancelled: when the monitor asked for a stop.
    """
    shot_format = check_inputs(request, monitor)
    inputs = request.input_files(monitor)
    to_make = request.result.frames_to_make(request.plates.frame_numbers, inputs, monitor)
    wanted = to_make.numbers
    if not wanted:
        return
    made_from = request.result.made_from(inputs)
    if request.resume:  # An earlier run that was killed may have left half-written files.
        remove_temporaries(request.output.pattern.path(number) for number in wanted)
    box = region_box(request, engine, shot_format.data_window, shot_format.pixel_aspect, monitor)
    monitor.log(f"working on {box.width}x{box.height} pixels at ({box.x0}, {box.y0}), {len(wanted)} frames")
    shot = shot_source(request, box, shot_format.data_window, shot_format.pixel_aspect)
    shot = with_growth(shot, engine, request.engine, monitor)
    rehearse(request, shot, min(wanted))
    answers = engine.remove(shot, replace(request.engine, wanted=wanted), monitor)
    writer = PlateWriter(
        compression=request.output.compression,
        on_written=monitor.frame_done,
        patience=request.plates.patience,
        expected=len(wanted),
        replaced=to_make.replaced,
        is_same=lambda path, number: maker_of(path, number) == made_from,
    )
    _write_all(request, engine, shot, made_from, in_order(answers, wanted), writer, monitor)


def rehearse(request: RemovalRequest, shot: PlateShot, number: int) -> None:
    """Write a frame of the result once for nothing, with the plate itself as the engine's answer.

    An engine may work for hours, and only then would it be known that the folder is read-only, that a layer's
    name is taken, or that this plate cannot be written as the job asks.

    Raises:
        EngineError: when the frame cannot be made or written.
    """
    plate = CleanFrame(number, shot.frame(number).plate)
    frame = finished_frame(request, shot, plate, {})
    _small(frame, request.layer)
    request.plates.patience.insist(
        lambda: try_to_write(frame, request.output.pattern.path(number), request.output.compression),
        limit_s=request.start_wait_s,
    )


def check_inputs(request: RemovalRequest, monitor: RemovalMonitor) -> ShotFormat:
    """Read all headers of plate, mattes and anchors, and return what the plate's files have in common.

    Raises:
        PlateError: when a file is missing, cannot be read or does not fit the shot.
        MatteError: when a matte does not fit the plate.
        RemovalCancelled: when the monitor asks for a stop while a file is waited for.
    """
    patience = Patience(request.wait_s, monitor.waiting, monitor.check_cancelled)
    shot_format = patience.insist(lambda: _check_headers(request), limit_s=request.start_wait_s)
    for sequence in request.sequences:
        sequence.patience = patience
    _check_pixel_aspect(request, shot_format.pixel_aspect, monitor)
    for note in shot_format.notes:
        monitor.log(note)
    return shot_format


def _check_headers(request: RemovalRequest) -> ShotFormat:
    shot_format = request.plates.check()
    _check_display_size(request, shot_format.display_size)
    request.mattes.check(shot_format.display_size)
    _check_anchors(request, shot_format.display_size)
    return shot_format


def shot_source(request: RemovalRequest, box: Box, frame_box: Box, pixel_aspect: float) -> PlateShot:
    """Build the shot that the engine sees from the request's files.

    Args:
        request: the removal.
        box: the region of interest, in pixels of the plate at the scale of the work.
        frame_box: all pixels that the plates have, at the same scale.
        pixel_aspect: width of a pixel over its height.
    """
    return PlateShot(
        plates=request.plates,
        mattes=request.mattes,
        box=box,
        frame_box=frame_box,
        look=request.look,
        pixel_aspect=pixel_aspect,
        layer=request.layer,
        anchors=request.anchors,
    )


def _check_display_size(request: RemovalRequest, found: tuple[int, int]) -> None:
    """Refuse plates whose size, before any proxy scale, is not the one that the job was made for."""
    wanted = request.display_size
    if wanted is not None and wanted != found:
        raise PlateError(
            f"{request.plates.pattern}: the plate is {found[0]}x{found[1]}, the job says "
            f"{wanted[0]}x{wanted[1]}; shapes would land in the wrong place. Export the job again"
        )


def _check_anchors(request: RemovalRequest, display_size: tuple[int, int]) -> None:
    if request.anchors is None:
        return
    for number in sorted(request.anchors.numbers):
        header = request.anchors.frames.header(number)
        if header.display_size != display_size:
            raise PlateError(
                f"{header.described}: the anchor is {header.display_size[0]}x{header.display_size[1]}, the "
                f"plate is {display_size[0]}x{display_size[1]}; render it in the plate's format"
            )


def _check_pixel_aspect(request: RemovalRequest, found: float, monitor: RemovalMonitor) -> None:
    wanted = request.pixel_aspect
    if wanted is not None and abs(wanted - found) > _ASPECT_TOLERANCE:
        monitor.log(f"the job says a pixel aspect of {wanted:g}, the plate's files {found:g}; theirs is used")


def region_box(
    request: RemovalRequest, engine: Engine, frame_box: Box, pixel_aspect: float, monitor: RemovalMonitor
) -> Box:
    """Find the region of interest, in pixels of the plate at the scale of the work.

    All mattes of the shot are read for it.

    Raises:
        MatteError: when the mattes are empty on every frame.
        SettingError: when the artist's box lies outside the plate's picture.
    """
    chosen = request.region
    mode = chosen.mode or (RegionMode.FRAME if engine.wants_full_frame else RegionMode.MATTES)
    any_will_do = mode is RegionMode.FRAME and engine.region_aspect is None
    found = Box(0, 0, 0, 0)
    numbers = request.plates.frame_numbers
    for step, number in enumerate(numbers):
        monitor.progress("mattes", step, len(numbers), number)
        found = found.union(request.mattes.bounds(number, frame_box))
        if any_will_do and not found.is_empty:
            break
    if found.is_empty:
        raise MatteError(
            f"the mattes and shapes are empty on every frame of {numbers[0]}-{numbers[-1]}; "
            "check the roles, the visibility of the shapes and the matte channel"
        )
    monitor.progress("mattes", len(numbers), len(numbers))
    box = None
    if chosen.box is not None:
        box = chosen.box.scaled(request.mattes.scale).intersection(frame_box)
        if box.is_empty:
            raise SettingError(
                "settings.region.box lies outside the plate's picture; draw it inside the format, or set "
                "settings.region.mode to 'auto'"
            )
    return plan_region(
        found,
        frame_box,
        pixel_aspect,
        mode=mode,
        box=box,
        margin=chosen.margin,
        minimum_margin_px=max(_LEAST_CONTEXT_PX, math.ceil(request.look.reach_px * request.mattes.scale) + 1),
        aspect=engine.region_aspect,
    ).box


def in_order(answers: Iterator[CleanFrame], wanted: frozenset[int]) -> Iterator[CleanFrame]:
    """Yield the wanted answers of an engine, and make sure that they are complete and in order.

    Raises:
        EngineError: when the engine leaves out a frame or gives one out of order.
    """
    expected = sorted(wanted)
    position = 0
    for clean in answers:
        if clean.number not in wanted:
            continue
        if position >= len(expected) or clean.number != expected[position]:
            raise EngineError(f"the engine gave frame {clean.number} out of order")
        position += 1
        yield clean
    if position != len(expected):
        raise EngineError(f"the engine gave {position} of {len(expected)} frames")


def _write_all(
    request: RemovalRequest,
    engine: Engine,
    shot: PlateShot,
    made_from: MadeFrom,
    answers: Iterator[CleanFrame],
    writer: PlateWriter,
    monitor: RemovalMonitor,
) -> None:
    """Merge each answer into its plate and hand it to the writer, which works while the engine goes on."""
    previewed_at = -_PREVIEW_EVERY_S
    replaces = False
    tally = ShareTally()
    with writer:
        for clean in answers:
            monitor.check_cancelled()
            at = shot.frame(clean.number)
            shares = shares_of(at, clean)
            record = {**made_from.metadata(), **engine.record}
            frame = finished_frame(request, shot, clean, record, shares)
            now = time.monotonic()
            if now - previewed_at >= _PREVIEW_EVERY_S:
                previewed_at = now
                monitor.preview(clean.number, _small(frame, request.layer))
            writer.submit(frame, request.output.pattern.path(clean.number))
            replaces = replaces or bool(at.replaced.any())
            tally.add(clean.number, shares)
            if (mean := tally.mean) is not None:
                monitor.composed(mean)
    if not replaces:
        monitor.log(
            f"nothing was replaced: a growth of {shot.look.growth_px:g} px leaves nothing of the mattes"
        )
    if told := tally.summary(engine.name):
        monitor.log(told)


def finished_frame(
    request: RemovalRequest,
    shot: PlateShot,
    clean: CleanFrame,
    record: Mapping[str, str | int | float],
    shares: Shares | None = None,
) -> Frame:
    """The frame of the result as it is written: the merged picture, extra layers and metadata.

    Args:
        request: the removal.
        shot: the source that the engine worked on.
        clean: the engine's answer for this frame.
        record: metadata about how the frame was made: the engine's own
            (:attr:`~void_engine.engines.interface.Engine.record`) and what it was made from.
        shares: what the replaced pixels consist of (:func:`~void_engine.shares.shares_of`), where that is
            known.

    Raises:
        EngineError: when a pixel of the answer that is needed is not finite.
    """
    at = shot.frame(clean.number)
    frame = request.plates.frame(clean.number)
    solid = at.replaced > 0
    if solid.any():
        merged = merge(
            at.plate, clean.picture, at.replaced, match_seam=request.match_seam, frame=clean.number
        )
        inside = shot.box.intersection(shot.frame_box)
        part = inside.slices(shot.box)
        frame = frame.with_rgb(merged[part], inside, solid[part], request.layer)
    for name, planes in _layers(request.output.layers, at, clean).items():
        frame = frame.with_layer(name, planes, shot.box)
    told = {} if shares is None else shares.metadata
    grown = {GROWTH_KEY: shot.look.growth_px}
    return frame.with_metadata({**(request.output.metadata or {}), **record, **grown, **told})


def _layers(wanted: frozenset[str], at: ShotFrame, clean: CleanFrame) -> dict[str, dict[str, Float32Array]]:
    layers: dict[str, dict[str, Float32Array]] = {}
    if "clean" in wanted:
        # The merge has made sure that values are finite where they replace the plate; elsewhere the answer
        # may repeat broken pixels of the plate.
        picture = np.where(np.isfinite(clean.picture), clean.picture, np.float32(0.0))
        layers["clean"] = {name: picture[..., index] for index, name in enumerate("RGB")}
    if "matte" in wanted:
        layers["matte"] = {"A": at.replaced}
    if "confidence" in wanted and clean.confidence is not None:
        layers["confidence"] = {"A": clean.confidence}
    if "quadmask" in wanted:
        layers["quadmask"] = {"A": at.quadmask.astype(np.float32) / np.float32(255.0)}
    return layers


def _small(frame: Frame, layer: str) -> Float32Array:
    """The whole picture at thumbnail size, scene-linear."""
    width, height = frame.display_size
    step = max(1, width // _PREVIEW_WIDTH)
    picture = frame.read_rgb(Box.from_size(width, height), layer)
    return opencv.resize(picture, (max(1, height // step), max(1, width // step)), opencv.AREA)
