"""A removal from files to files: it reads plates and mattes, runs an engine and writes the merged frames.

This is the way in for whoever runs a removal (worker, command line, farm): :func:`run_removal` takes one
:class:`~void_engine.removal_request.RemovalRequest` and does everything from checking the headers to the last
written frame.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from dataclasses import replace

from void_engine.engines.interface import CleanFrame, Engine
from void_engine.errors import EngineError, MatteError, SettingError
from void_engine.finished_frame import finished_frame, thumbnail
from void_engine.geometry import Box
from void_engine.growth import with_growth
from void_engine.made_from import MadeFrom, maker_of
from void_engine.plates.exr.file import remove_temporaries
from void_engine.plates.sequence.writer import PlateWriter
from void_engine.region import RegionMode, plan_region
from void_engine.removal_checks import check_engine, check_inputs, rehearse
from void_engine.removal_monitor import RemovalMonitor
from void_engine.removal_request import RemovalRequest
from void_engine.shares import ShareTally, shares_of
from void_engine.shot import PlateShot

_LEAST_CONTEXT_PX = 32
"""The least context around the mattes, in pixels at the scale of the work."""
_PREVIEW_EVERY_S = 1.0


def run_removal(request: RemovalRequest, engine: Engine, monitor: RemovalMonitor) -> None:
    """Run one removal. Each frame appears under its final name only when it is complete.

    Raises:
        EngineError: with a message for the artist; frames that are complete stay.
        RemovalCancelled: when the monitor asked for a stop.
    """
    check_engine(request, engine)
    shot_format = check_inputs(request, monitor)
    inputs = request.input_files(monitor)
    to_make = request.result.frames_to_make(request.numbers_to_make, inputs, monitor)
    wanted = to_make.numbers
    if not wanted:
        return
    rehearse(request, min(wanted), len(wanted), monitor)
    made_from = request.result.made_from(inputs)
    if request.resume:  # An earlier run that was killed may have left half-written files.
        remove_temporaries(request.output.pattern.path(number) for number in wanted)
    box = region_box(request, engine, shot_format.data_window, shot_format.pixel_aspect, monitor)
    monitor.log(f"working on {box.width}x{box.height} pixels at ({box.x0}, {box.y0}), {len(wanted)} frames")
    shot = shot_source(request, box, shot_format.data_window, shot_format.pixel_aspect)
    shot = with_growth(shot, engine, request.engine, monitor)
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
        picture=request.picture,
        anchors=request.anchor_pictures,
    )


def _no_mattes(request: RemovalRequest, frame_box: Box) -> MatteError:
    """Say why no matte has anything inside ``frame_box``, which is all that the plates store."""
    numbers = request.plates.frame_numbers
    shown = Box.from_size(*request.plates.header(numbers[0]).display_size).scaled(request.mattes.scale)
    found = Box(0, 0, 0, 0)
    for number in numbers:
        found = found.union(request.mattes.bounds(number, shown))
    if found.is_empty:
        return MatteError(
            f"the mattes and shapes are empty on every frame of {numbers[0]}-{numbers[-1]}; "
            "check the roles, the visibility of the shapes and the matte channel"
        )
    return MatteError(
        f"the plate has no pixels where the mattes are: they cover x {found.x0} to {found.x1} and y "
        f"{found.y0} to {found.y1} (from the top), its data window x {frame_box.x0} to {frame_box.x1} and y "
        f"{frame_box.y0} to {frame_box.y1}; render the plate with its whole picture, or move the mattes"
    )


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
        raise _no_mattes(request, frame_box)
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
        del clean  # It would be held while the engine makes the next one.
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
                monitor.preview(clean.number, thumbnail(frame, request.picture))
            writer.submit(frame, request.output.pattern.path(clean.number))
            replaces = replaces or bool(at.replaced.any())
            tally.add(clean.number, shares)
            if (mean := tally.mean) is not None:
                monitor.composed(mean)
            # These would be held while the engine makes the next frame, and each is as large as a picture.
            del clean, at, frame
    if not replaces:
        monitor.log(
            f"nothing was replaced: a growth of {shot.look.growth_px:g} px leaves nothing of the mattes"
        )
    if told := tally.summary(engine.name):
        monitor.log(told)
