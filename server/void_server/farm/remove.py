"""The step that needs the GPU: it runs the engine on one part of a shot and keeps the answers unmerged."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import numpy as np

from void_engine.engines.interface import CleanFrame, PartedEngine, PartOfShot
from void_engine.geometry import Box
from void_engine.plates.exr.file import remove_temporaries
from void_engine.plates.frame.frame import Frame
from void_engine.plates.sequence.writer import PlateWriter
from void_engine.removal import in_order
from void_engine.removal_monitor import RemovalMonitor
from void_server.farm.plan_file import JobPiece
from void_server.farm.scratch_layout import (
    ScratchLayout,
    engine_of,
    inputs_of,
    prepared_shot,
    request_of,
    with_prepared_mattes,
)

RGB = ("R", "G", "B")
CONFIDENCE = "confidence"


def remove(piece: JobPiece, scratch: Path, monitor: RemovalMonitor) -> None:
    """Make the frames of a part that neither the result nor the scratch folder has yet.

    Raises:
        FarmError: when the shot was not prepared.
        EngineError: when the engine or a file fails; finished answers stay.
        RemovalCancelled: when the monitor asked for a stop; finished answers stay.
    """
    start = piece.work.first_frame
    part = piece.planned.part(start)
    with ExitStack() as files:
        request = request_of(piece, files)
        inputs = inputs_of(piece, request, scratch, monitor)
        place = ScratchLayout.of(piece, scratch, inputs)
        answers_at = place.clean(start)
        remove_temporaries(answers_at.path(number) for number in part)
        missing = request.result.frames_to_make(part, inputs, monitor).numbers
        wanted = frozenset(number for number in missing if not place.is_made(start, number))
        if len(wanted) < len(missing):
            there = len(missing) - len(wanted)
            monitor.log(f"{there} frames of {start}-{part[-1]} are already made and kept")
        if not wanted:
            return
        found = place.prepared()
        request = with_prepared_mattes(request, place, found, files)
        engine = engine_of(piece)
        shot = prepared_shot(request, found)
        of_shot = PartOfShot(start, place.shared) if isinstance(engine, PartedEngine) else None
        answers = engine.remove(shot, replace(request.engine, wanted=wanted, part=of_shot), monitor)
        box = Box(*found.box)
        recorded = False
        with PlateWriter(compression="zips", overwrite=True, on_written=monitor.frame_done) as writer:
            for clean in in_order(answers, wanted):
                monitor.check_cancelled()
                if not recorded:
                    place.save_record(start, dict(engine.record))
                    recorded = True
                writer.submit(_as_frame(clean, box), answers_at.path(clean.number))


def _as_frame(clean: CleanFrame, box: Box) -> Frame:
    """Return the clean frame as float32, so that the merge later gets the engine's own numbers."""
    names: tuple[str, ...] = RGB
    planes = clean.picture
    if clean.confidence is not None:
        names, planes = (*RGB, CONFIDENCE), np.dstack([planes, clean.confidence])
    return Frame.from_pixels(
        clean.number,
        names,
        np.ascontiguousarray(planes, np.float32).copy(),
        display_size=(max(1, box.x1), max(1, box.y1)),
        data_window=box,
    )
