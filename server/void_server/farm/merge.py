"""The step that joins the parts' answers into one shot and merges them into the plates, frame by frame."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import numpy as np

from void_engine.arrays import Float32Array
from void_engine.engines.interface import CleanFrame
from void_engine.errors import MissingFrameError
from void_engine.finished_frame import finished_frame
from void_engine.geometry import Box
from void_engine.made_from import maker_of
from void_engine.plates.exr.file import read_frame, remove_temporaries
from void_engine.plates.sequence.writer import PlateWriter
from void_engine.removal_monitor import RemovalMonitor
from void_engine.shares import ShareTally, shares_of
from void_server.farm.errors import FarmError, PartNotMadeError
from void_server.farm.plan_file import JobPiece
from void_server.farm.planning import FarmStep, PlannedJob
from void_server.farm.remove import CONFIDENCE
from void_server.farm.scratch_layout import (
    ScratchLayout,
    inputs_of,
    prepared_shot,
    request_of,
    with_prepared_mattes,
)


def merge(piece: JobPiece, scratch: Path, monitor: RemovalMonitor) -> None:
    """Write those frames of a chunk that the result does not have yet.

    Raises:
        FarmError: when a part has not made its frames.
        EngineError: when a file cannot be read or written; finished frames stay.
        RemovalCancelled: when the monitor asked for a stop; finished frames stay.
    """
    chunk = range(piece.work.first_frame, piece.work.last_frame + 1)
    with ExitStack() as files:
        request = request_of(piece, files)
        inputs = inputs_of(piece, request, scratch, monitor)
        place = ScratchLayout.of(piece, scratch, inputs)
        remove_temporaries(request.output.pattern.path(number) for number in chunk)
        to_make = request.result.frames_to_make(chunk, inputs, monitor)
        wanted = sorted(to_make.numbers)
        if not wanted:
            return
        found = place.prepared()
        box = Box(*found.box)
        request = with_prepared_mattes(request, place, found, files)
        shot = prepared_shot(request, found)
        made_from = request.result.made_from(inputs)
        writer = PlateWriter(
            compression=request.output.compression,
            on_written=monitor.frame_done,
            replaced=to_make.replaced,
            is_same=lambda path, number: maker_of(path, number) == made_from,
        )
        tally = ShareTally()
        with writer:
            for step, number in enumerate(wanted):
                monitor.progress("merge", step, len(wanted), number)
                clean = _joined(piece, place, number, box)
                engine_record = place.record(piece.planned.parts_with(number)[-1])
                shares = shares_of(shot.frame(number), clean)
                record = {**made_from.metadata(), **engine_record}
                writer.submit(
                    finished_frame(request, shot, clean, record, shares), request.output.pattern.path(number)
                )
                tally.add(number, shares)
        if told := tally.summary(piece.planned.engine):
            monitor.log(told)


def _joined(piece: JobPiece, place: ScratchLayout, number: int, box: Box) -> CleanFrame:
    try:
        return joined(place, piece.planned, number, box)
    except PartNotMadeError as error:
        raise FarmError(
            f"{error}; run {piece.again(FarmStep.REMOVE, error.start)} again, what it has made is kept"
        ) from error


def joined(place: ScratchLayout, planned: PlannedJob, number: int, box: Box) -> CleanFrame:
    """Return a clean frame from the one or two parts that made it.

    Over the frames that two parts have in common, the result fades from the earlier part into the later one.
    Where both agree, as they do wherever the plate shows what is hidden, their value is taken bit for bit.

    Raises:
        PartNotMadeError: when a part has not made the frame.
    """
    starts = planned.parts_with(number)
    answers = [_answer(place, start, number, box) for start in starts]
    if len(answers) == 1:
        return answers[0]
    earlier, later = answers[-2:]
    share = np.float32((number - starts[-1] + 1) / (planned.overlap + 1))
    confidence = None
    if earlier.confidence is not None and later.confidence is not None:
        confidence = faded(earlier.confidence, later.confidence, share)
    return CleanFrame(number, faded(earlier.picture, later.picture, share), confidence)


def faded(earlier: Float32Array, later: Float32Array, share: np.float32) -> Float32Array:
    """Fade from ``earlier`` to ``later``, whose weight is ``share``; equal values are kept as they are."""
    same = (earlier == later) | (np.isnan(earlier) & np.isnan(later))
    return np.asarray(np.where(same, later, earlier + share * (later - earlier)), np.float32)


def _answer(place: ScratchLayout, start: int, number: int, box: Box) -> CleanFrame:
    path = place.clean(start).path(number)
    try:
        frame = read_frame(path, number)
    except MissingFrameError as error:
        raise PartNotMadeError(
            f"frame {number} was not made by the part from {start} ({path})", start
        ) from error
    confidence = frame.plane(CONFIDENCE, box) if CONFIDENCE in frame.channel_names else None
    return CleanFrame(number, frame.read_rgb(box), confidence)
