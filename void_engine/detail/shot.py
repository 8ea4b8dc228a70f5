"""Plate detail as the last stage of an engine that answers on a canvas: frame by frame, in bounded memory.

Any engine may end with it (docs/engines.md): it hands over its small pictures in order and passes on the
clean frames that come back.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator

import numpy as np

from void_engine.arrays import Float32Array
from void_engine.detail.canvas import Canvas
from void_engine.detail.origins import Origin
from void_engine.detail.restorer import Restorer
from void_engine.detail.source import DetailSource
from void_engine.engines.interface import CleanFrame, EngineRequest, Monitor, ShotSource
from void_engine.errors import EngineError
from void_engine.geometry import Box
from void_engine.propagation.ahead import frames_at_a_time, working_ahead
from void_engine.propagation.engine import PropagationEngine
from void_engine.resampling import Resampler
from void_engine.shares import REAL_FROM

STAGE = "plate detail"
PROPAGATION = {"fill": "smooth"}
"""What no frame shows is the model's: propagation would invent it slowly, and mostly wrong."""
_CONFIDENCE = {Origin.OWN: 1.0, Origin.MOVED: 0.6, Origin.MODEL: 0.3, Origin.INVENTED: 0.1}
"""The confidence of a pixel by what most of it is; :mod:`void_engine.shares` tells these classes apart."""


class CanvasAnswers:
    """The small answers of a whole shot, in a nameless temporary file: many would fill the memory."""

    def __init__(self, numbers: range, canvas: tuple[int, int]) -> None:
        self._numbers = numbers
        self._file = tempfile.TemporaryFile(prefix="void-answers-")  # noqa: SIM115 - close() does
        self._values = np.memmap(self._file, np.float32, mode="w+", shape=(max(1, len(numbers)), *canvas, 3))

    def put(self, number: int, picture: Float32Array) -> None:
        """Keep the answer of a frame, (h, w, 3) scene-linear."""
        self._values[self._numbers.index(number)] = picture

    def get(self, number: int) -> Float32Array:
        """The answer of a frame."""
        return np.array(self._values[self._numbers.index(number)])

    def close(self) -> None:
        """Give the room on disk back."""
        del self._values
        self._file.close()


def checked_answers(
    answers: Iterable[tuple[int, Float32Array]], numbers: range, canvas: tuple[int, int]
) -> Iterator[tuple[int, Float32Array]]:
    """The number and the answer of each of the frames ``numbers``, as an engine gives them.

    Raises:
        EngineError: when an answer has another size than ``canvas``, or, at the end, when one is missing.
    """
    count = 0
    for number, answer in answers:
        if answer.shape != (*canvas, 3):
            raise EngineError(f"frame {number}: the engine's answer is {answer.shape}, its canvas {canvas}")
        yield number, answer
        count += 1
    if count != len(numbers):
        raise EngineError(f"the engine gave {count} of {len(numbers)} answers")


def restore_shot(
    shot: ShotSource,
    numbers: range,
    answers: Iterable[tuple[int, Float32Array]],
    canvas: tuple[int, int],
    request: EngineRequest,
    monitor: Monitor,
    strength: float = 1.0,
) -> Iterator[CleanFrame]:
    """Turn a model's small answers into clean frames with the plate's detail.

    All answers are taken before the first frame is given, since each frame is steadied by its neighbours and
    the model is calibrated over the whole shot. The result for a frame does not depend on which others are
    wanted, so an interrupted shot goes on with the same pixels.

    Args:
        shot: the shot; where an anchor is given, it is the result.
        numbers: the frames that the engine has answered: a stretch of the shot's.
        answers: the number and the answer, (h, w, 3) scene-linear, of each of these frames, in order. An
            answer covers the same area as the shot's frames.
        canvas: height and width of the answers.
        request: says which frames are wanted, and the seed.
        monitor: receives progress and previews, and may stop the work.
        strength: 1 for all detail, 0 for the enlarged answer, between for a mix.

    Raises:
        EngineError: when an answer has another size, or is missing.
        PlateError: when a frame cannot be read.
        RemovalCancelled: soon after the monitor asks for a stop.
    """
    kept = CanvasAnswers(numbers, canvas)
    try:
        for number, picture in checked_answers(answers, numbers, canvas):
            kept.put(number, picture)
        yield from restored_frames(shot, numbers, kept.get, canvas, request, monitor, strength)
    finally:
        kept.close()


def restored_frames(
    shot: ShotSource,
    numbers: range,
    answer: Callable[[int], Float32Array],
    canvas: tuple[int, int],
    request: EngineRequest,
    monitor: Monitor,
    strength: float = 1.0,
) -> Iterator[CleanFrame]:
    """Do the work of :func:`restore_shot` where ``answer`` gives the answer of any frame at any time."""

    def plate(number: int) -> tuple[Float32Array, Float32Array]:
        frame = shot.frame(number)
        # An anchor is clean: other frames may take all of it.
        nothing = shot.anchor(number) is not None
        return frame.plate, np.zeros_like(frame.replaced) if nothing else frame.replaced

    size = (shot.height, shot.width)
    source = DetailSource(numbers, Canvas(size, canvas), plate, answer)
    wanted = frozenset(number for number in numbers if request.wants(number))
    monitor.progress(STAGE, 0, len(wanted))
    enlarge = Resampler(size, canvas).from_canvas
    plain = EngineRequest(
        seed=request.seed,
        proxy_scale=request.proxy_scale,
        options=PROPAGATION,
        wanted=wanted,
        part=request.part,
    )

    def work(clean: CleanFrame) -> CleanFrame:
        monitor.check_cancelled()
        anchor = shot.anchor(clean.number)
        if anchor is not None:
            return CleanFrame(clean.number, anchor, np.ones(anchor.shape[:2], np.float32))
        sure = np.ones(size, np.float32) if clean.confidence is None else clean.confidence
        light = shot.frame(clean.number).plate
        restored = restorer.restore(clean.number, light, (clean.picture, sure))
        monitor.check_cancelled()
        bare = enlarge(answer(clean.number))
        monitor.check_cancelled()
        picture, cut = restored.picture, restored.area.slices(Box.from_shape(size))
        if strength < 1:
            replaced = restored.shares.any(axis=2)
            mixed = bare[cut] + np.float32(strength) * (picture[cut] - bare[cut])
            picture[cut][replaced] = mixed[replaced]
        confidence = np.ones(size, np.float32)
        confidence[cut] = _confidence(restored.shares, sure[cut])
        return CleanFrame(clean.number, picture, confidence, bare)

    with working_ahead(frames_at_a_time(shot.width * shot.height)) as ahead:
        restorer = Restorer(source, request.seed, monitor.check_cancelled)
        propagated = PropagationEngine().remove(shot, plain, monitor)
        for done, frame in enumerate(ahead(work, propagated), 1):
            monitor.check_cancelled()
            monitor.progress(STAGE, done, len(wanted), frame.number)
            yield frame


def _confidence(shares: Float32Array, sure: Float32Array) -> Float32Array:
    """How far each pixel is to be believed, (H, W): a class of its own for each origin.

    Propagation's pixels agree with the model, a second witness, so even less sure ones count as real.
    """
    values = np.ones(shares.shape, np.float32)
    for origin, confidence in _CONFIDENCE.items():
        values[..., origin] = confidence
    values[..., Origin.PROPAGATED] = np.clip(sure, REAL_FROM, 1.0)
    most = shares.argmax(axis=2)
    found = np.take_along_axis(values, most[..., None], axis=2)[..., 0]
    return np.where(shares.any(axis=2), found, np.float32(1.0))
