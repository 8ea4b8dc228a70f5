"""Plate detail in parts of a shot that several machines make, each equal to that part of the whole.

A part needs every answer, since each frame is steadied by its neighbours and the model is calibrated over the
whole shot, and what propagation's parts share. All of it is written once to a folder. An engine that answers
on a canvas calls both functions from its ``prepare_parts`` and ``remove``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np

from void_engine.arrays import Float32Array
from void_engine.detail.shot import PROPAGATION, checked_answers, restored_frames
from void_engine.engines.interface import CleanFrame, EngineRequest, Monitor, ShotSource
from void_engine.errors import EngineError
from void_engine.propagation.archive import write_archive
from void_engine.propagation.engine import PropagationEngine

_ANSWERS, _CANVAS = "answers", "canvas.npz"


def prepare_parts(
    shot: ShotSource,
    numbers: range,
    answers: Iterable[tuple[int, Float32Array]],
    canvas: tuple[int, int],
    starts: Sequence[int],
    folder: Path,
    request: EngineRequest,
    monitor: Monitor,
) -> None:
    """Write to ``folder`` what :func:`restore_part` needs to make any part of the shot by itself.

    Args:
        shot: the shot.
        numbers: the frames that the engine has answered.
        answers: the number and the answer, (h, w, 3) scene-linear, of each of these frames; drawn only where
            the folder is not prepared yet.
        canvas: height and width of the answers.
        starts: the first frame of each part.
        folder: a folder that all machines see.
        request: the settings of the job.
        monitor: receives progress, and may stop the work; the next call begins again.

    Raises:
        EngineError: when an answer has another size, or is missing.
        PlateError: when a frame cannot be read.
        RemovalCancelled: soon after the monitor asks for a stop.
    """
    done = folder / _CANVAS
    if done.is_file():
        return
    kept = folder / _ANSWERS
    kept.mkdir(parents=True, exist_ok=True)
    for number, answer in checked_answers(answers, numbers, canvas):
        monitor.check_cancelled()
        write_archive(_file(folder, number), {"answer": answer})
    plain = EngineRequest(seed=request.seed, proxy_scale=request.proxy_scale, options=PROPAGATION)
    PropagationEngine().prepare_parts(shot, starts, folder, plain, monitor)
    # This file is written last, because it marks the folder as prepared.
    write_archive(done, {"canvas": np.array([*canvas, numbers.start, numbers.stop], np.int64)})


def restore_part(
    shot: ShotSource, request: EngineRequest, monitor: Monitor, strength: float = 1.0
) -> Iterator[CleanFrame]:
    """Make the wanted frames of the part ``request.part``: bit for bit those of the whole shot.

    Raises:
        EngineError: when the request has no part, or its folder is not prepared or damaged.
        PlateError: when a frame cannot be read.
        RemovalCancelled: soon after the monitor asks for a stop.
    """
    if request.part is None:
        raise EngineError("a part of plate detail needs the part that it is to make")
    folder = request.part.folder
    rows, columns, first, stop = (int(value) for value in _read(folder / _CANVAS, "canvas"))

    def answer(number: int) -> Float32Array:
        return np.asarray(_read(_file(folder, number), "answer"), np.float32)

    yield from restored_frames(shot, range(first, stop), answer, (rows, columns), request, monitor, strength)


def _file(folder: Path, number: int) -> Path:
    return folder / _ANSWERS / f"{number}.npz"


def _read(path: Path, name: str) -> Float32Array:
    try:
        with np.load(path, allow_pickle=False) as kept:
            return np.asarray(kept[name])
    except (OSError, ValueError, KeyError) as error:
        raise EngineError(
            f"{path}: what parts of the shot share cannot be read ({error}); run the preparation again"
        ) from error
