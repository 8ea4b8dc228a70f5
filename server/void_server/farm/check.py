"""The last step: it reads the written frames again, compares them with the plate, and judges them."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import ExitStack, suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from void_engine.arrays import BoolArray
from void_engine.errors import PlateError
from void_engine.made_from import InputFiles, MadeFrom
from void_engine.plates.exr.file import LOSSLESS_COMPRESSIONS, read_frame
from void_engine.plates.frame.frame import Frame
from void_engine.removal_monitor import RemovalMonitor
from void_engine.removal_request import RemovalRequest
from void_engine.shot import PlateShot
from void_server.farm.errors import FarmError
from void_server.farm.plan_file import JobPiece
from void_server.farm.planning import FarmStep
from void_server.farm.scratch_layout import (
    ScratchLayout,
    inputs_of,
    prepared_shot,
    request_of,
    with_prepared_mattes,
)
from void_server.farm.verdict import join_verdicts, judge_chunk

_MOST_TOLD = 8


def check(piece: JobPiece, scratch: Path, monitor: RemovalMonitor, *, keep: bool = False) -> None:
    """Check a chunk's frames: each is there, whole, of this job, finite, and untouched outside the matte.

    Args:
        keep: whether to leave the parts' answers in the scratch folder; otherwise those of good frames go.

    Raises:
        FarmError: when frames are not good; it names them and what is wrong with each.
        RemovalCancelled: when the monitor asked for a stop.
    """
    chunk = range(piece.work.first_frame, piece.work.last_frame + 1)
    bad: list[str] = []
    with ExitStack() as files:
        request = request_of(piece, files)
        inputs = inputs_of(piece, request, scratch, monitor)
        place = ScratchLayout.of(piece, scratch, inputs)
        if place.checked().issuperset(chunk) and _all_whole(request, inputs, chunk, monitor):
            monitor.log(f"{piece.planned.name} {chunk[0]}-{chunk[-1]}: found good already")
            return
        found = place.prepared()
        request = with_prepared_mattes(request, place, found, files)
        shot = prepared_shot(request, found)
        made_from = request.result.made_from(inputs)
        bad_frames: list[int] = []
        for step, number in enumerate(chunk):
            monitor.progress("check", step, len(chunk), number)
            try:
                result = read_frame(request.output.pattern.path(number), number)
            except PlateError as error:
                bad.append(str(error))
                bad_frames.append(number)
                continue
            problems = problems_of(request, shot, result, made_from)
            bad += [f"frame {number}: {problem}" for problem in problems]
            bad_frames += [number] if problems else []
            if not problems and not keep:
                for start in piece.planned.parts_with(number):
                    with suppress(OSError):
                        place.clean(start).path(number).unlink()
        if not bad:
            monitor.log(f"{piece.planned.name} {chunk[0]}-{chunk[-1]}: {len(chunk)} frames are whole")
            judge_chunk(piece, request, shot, place, chunk, monitor)
            place.save_checked(chunk)
    if bad:
        more = f"\nand {len(bad) - _MOST_TOLD} more" if len(bad) > _MOST_TOLD else ""
        remedy = f"\ndelete these frames and run {_tasks_of(piece, bad_frames)} again"
        raise FarmError("\n".join(bad[:_MOST_TOLD]) + more + remedy)
    whole = range(piece.planned.first_frame, piece.planned.last_frame + 1)
    if place.checked().issuperset(whole):
        join_verdicts(piece, place, monitor)
        if not keep:
            place.clear()


def _tasks_of(piece: JobPiece, frames: Iterable[int]) -> str:
    """The tasks that make frames of a chunk."""
    starts = sorted({start for number in frames for start in piece.planned.parts_with(number)})
    tasks = [piece.again(FarmStep.REMOVE, start) for start in starts]
    return " and ".join([*dict.fromkeys(tasks), piece.again(FarmStep.MERGE, piece.work.first_frame)])


def _all_whole(request: RemovalRequest, inputs: InputFiles, chunk: range, monitor: RemovalMonitor) -> bool:
    """Whether the frames that were found good are still there, down to every pixel."""
    every_pixel = replace(request.result, every_pixel=True)
    return not every_pixel.frames_to_make(chunk, inputs, monitor).numbers


def problems_of(request: RemovalRequest, shot: PlateShot, result: Frame, made_from: MadeFrom) -> list[str]:
    """Return what is wrong with a frame of the result; empty when nothing is."""
    number = result.number
    plate = request.plates.frame(number)
    maker = MadeFrom.of(result.metadata)
    if maker.job_id != request.job_id:
        return ["it was made by another job"]
    if maker.fingerprint != request.fingerprint:
        return ["it was made by another content of the job"]
    if maker.inputs != made_from.inputs:
        return ["it was made from a plate, matte or anchor that has changed since"]
    if result.display_size != plate.display_size:
        return [f"it is {_size(result.display_size)}, the plate is {_size(plate.display_size)}"]
    problems = []
    lost = sorted(set(plate.channel_names) - set(result.channel_names))
    if lost:
        problems.append(f"it lacks the plate's channels {', '.join(lost)}")
    replaced = _replaced(shot, plate, number)
    colours = set(request.picture.rgb)
    exact = request.output.compression in LOSSLESS_COMPRESSIONS
    for name in plate.channel_names:
        if name in lost:
            continue
        before = plate.native(name)
        after = result.native(name)[plate.data_window.slices(result.data_window)]
        inside = replaced if name in colours else np.zeros_like(replaced)
        if name in colours and not np.isfinite(after[inside]).all():
            problems.append(f"{name} is not finite inside the matte")
        if exact and _bits(before)[~inside].tobytes() != _bits(after)[~inside].tobytes():
            problems.append(f"{name} differs from the plate outside the matte")
    return problems


def _replaced(shot: PlateShot, plate: Frame, number: int) -> BoolArray:
    """Return where the result may differ from the plate, as (H, W) over the plate's data window."""
    window = plate.data_window
    result = np.zeros(window.shape, np.bool_)
    inside = shot.box.intersection(window)
    if not inside.is_empty:
        result[inside.slices(window)] = shot.frame(number).replaced[inside.slices(shot.box)] > 0
    return result


def _bits(values: NDArray[np.generic]) -> NDArray[np.unsignedinteger]:
    kinds = {2: np.uint16, 4: np.uint32}
    return np.ascontiguousarray(values).view(kinds[values.dtype.itemsize])


def _size(size: tuple[int, int]) -> str:
    return f"{size[0]}x{size[1]}"
