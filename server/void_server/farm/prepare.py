"""The first step, on any CPU. It checks what a shot needs, and does once what its parts would each repeat."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import msgspec
import numpy as np

from void_engine.engines.interface import PartedEngine
from void_engine.geometry import Box
from void_engine.growth import with_growth
from void_engine.morphology import matte_bounds
from void_engine.plates.frame.frame import Frame
from void_engine.plates.sequence.writer import PlateWriter
from void_engine.removal import region_box
from void_engine.removal_checks import check_engine, check_inputs, rehearse
from void_engine.removal_monitor import RemovalMonitor
from void_engine.removal_request import RemovalRequest
from void_server.farm.plan_file import JobPiece
from void_server.farm.scratch_layout import (
    ROLES,
    Prepared,
    ScratchLayout,
    engine_of,
    forget_failure,
    inputs_of,
    prepared_shot,
    request_of,
    with_prepared_mattes,
)


def prepare(piece: JobPiece, scratch: Path, monitor: RemovalMonitor) -> None:
    """Check a job's files, find its region, and write its mattes and what the engine's parts share.

    Raises:
        EngineError: when plate, mattes or results do not fit. Nothing has been made then.
        RemovalCancelled: when the monitor asked for a stop. The next run goes on from there.
    """
    forget_failure(piece, scratch)
    engine = engine_of(piece)
    with ExitStack() as files:
        request = request_of(piece, files)
        check_engine(request, engine, is_here=False)
        found = check_inputs(request, monitor)
        inputs = inputs_of(piece, request, scratch, monitor)
        place = ScratchLayout.of(piece, scratch, inputs)
        missing = request.result.frames_to_make(request.plates.frame_numbers, inputs, monitor).numbers
        if not missing and place.checked().issuperset(request.plates.frame_numbers):
            monitor.log(f"{piece.planned.name}: done already, from the same plates and mattes")
            return
        if place.is_prepared:
            monitor.log(f"{piece.planned.name}: prepared already")
            return
        if missing:
            rehearse(request, min(missing), len(missing), monitor)
        box = region_box(request, engine, found.data_window, found.pixel_aspect, monitor)
        roles = _write_mattes(request, place, found.data_window, monitor)
        prepared = Prepared(
            engine=piece.planned.engine,
            box=(box.x0, box.y0, box.x1, box.y1),
            frame_box=_corners(found.data_window),
            pixel_aspect=found.pixel_aspect,
            roles=roles,
        )
        request = with_prepared_mattes(request, place, prepared, files)
        shot = prepared_shot(request, prepared)
        if shot.look.auto_growth:
            shot = with_growth(shot, engine, request.engine, monitor)
            prepared = msgspec.structs.replace(prepared, growth_px=shot.look.growth_px)
        for number in {shot.frame_numbers[0], shot.frame_numbers[-1]}:
            shot.frame(number)  # makes sure that the pixels can be read too
        if isinstance(engine, PartedEngine):
            place.shared.mkdir(parents=True, exist_ok=True)
            engine.prepare_parts(shot, piece.planned.starts, place.shared, request.engine, monitor)
    place.save_prepared(prepared)


def _corners(box: Box) -> tuple[int, int, int, int]:
    return box.x0, box.y0, box.x1, box.y1


def _write_mattes(
    request: RemovalRequest, place: ScratchLayout, frame_box: Box, monitor: RemovalMonitor
) -> list[str]:
    """Rasterise and read all mattes once, as float32 so that nothing is rounded on the way.

    Returns:
        The roles that the job has.
    """
    job_has = {role for role in ROLES if role in request.mattes.shapes}
    job_has |= {matte.role for matte in request.mattes.files}
    numbers = request.plates.frame_numbers
    with PlateWriter(compression="zips", overwrite=True) as writer:
        for step, number in enumerate(numbers):
            monitor.progress("matte files", step, len(numbers), number)
            for role in ROLES:
                if role not in job_has:
                    continue
                matte = request.mattes.role(number, role, frame_box)
                if matte is None:
                    matte = np.zeros(frame_box.shape, np.float32)
                covered = matte_bounds(matte)
                if covered.is_empty:
                    covered = Box(0, 0, 1, 1)  # EXR cannot hold an empty picture
                pixels = matte[covered.slices(Box.from_size(frame_box.width, frame_box.height))][..., None]
                frame = Frame.from_pixels(
                    number,
                    ("A",),
                    np.ascontiguousarray(pixels),
                    display_size=(frame_box.width, frame_box.height),
                    data_window=covered.moved(frame_box.x0, frame_box.y0),
                )
                writer.submit(frame, place.mattes(role).path(number))
    return sorted(job_has)
