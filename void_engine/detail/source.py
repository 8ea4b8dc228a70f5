"""What plate detail works on: a shot's plate, mattes and low-resolution answers, frame by frame on demand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from void_engine import opencv
from void_engine.arrays import BoolArray, Float32Array
from void_engine.detail.canvas import Canvas, Window
from void_engine.propagation import encoding
from void_engine.propagation.memo import Memo

_PLATE_BYTES = 400 << 20
"""How much memory the plates that are held may take."""
_FEWEST_PLATES, _MOST_PLATES = 3, 40
"""How many plates are held at least, however large they are, and at most, however small."""
KEPT = 32
"""How many pictures of each kind on the canvas are held: those that the frames being worked on share."""


@dataclass(frozen=True, slots=True)
class PlateFrame:
    """One frame of the plate."""

    plate: Float32Array
    """(H, W, 3) encoded (:mod:`void_engine.propagation.encoding`), finite everywhere."""
    replaced: BoolArray
    """(H, W): what the answer may replace."""


class DetailSource:
    """The frames of one shot. Only a few plates are held; reduced ones are small and more are kept."""

    def __init__(
        self,
        numbers: range,
        canvas: Canvas,
        plate: Callable[[int], tuple[Float32Array, Float32Array]],
        answer: Callable[[int], Float32Array],
    ) -> None:
        """Prepare to read frames.

        Args:
            numbers: the shot's frames.
            canvas: the sizes of plate and answer.
            plate: gives the plate (H, W, 3) and the matte (H, W) of a frame.
            answer: gives the answer (h, w, 3) of a frame, scene-linear.
        """
        self.numbers, self.canvas = numbers, canvas
        self.averages_light = True
        """Whether the model's canvas was made by averaging light; otherwise codes were averaged. This is for
        :func:`~void_engine.detail.calibration.calibrate` to find out."""
        self._read_plate, self._read_answer = plate, answer
        self._whole = canvas.window(canvas.whole)
        self._plates: Memo[PlateFrame] = Memo(
            _PLATE_BYTES,
            lambda frame: max(frame.plate.nbytes + frame.replaced.nbytes, _PLATE_BYTES // _MOST_PLATES),
            _FEWEST_PLATES,
        )
        self._by_light: Memo[Float32Array] = Memo(KEPT)
        self._by_codes: Memo[Float32Array] = Memo(KEPT)
        self._covered: Memo[Float32Array] = Memo(KEPT)

    def plate(self, number: int) -> PlateFrame:
        """The plate of a frame."""
        return self._plates.get(number, self._load)

    def answer(self, number: int) -> Float32Array:
        """The answer of a frame, (h, w, 3) encoded, finite everywhere."""
        return encoding.encode(np.nan_to_num(self._read_answer(number), posinf=encoding.LARGEST))

    def reduced(self, number: int) -> Float32Array:
        """The plate averaged over each canvas pixel, (h, w, 3) encoded."""
        reduced = self._by_light if self.averages_light else self._by_codes
        return reduced.get(number, self._reduce)

    def covered(self, number: int) -> Float32Array:
        """The share of each canvas pixel, (h, w), that may be replaced."""
        return self._covered.get(number, self._cover)

    def known(self, number: int, margin: int = 3) -> BoolArray:
        """The canvas pixels, (h, w), at least ``margin`` pixels from all that may be replaced."""
        return ~opencv.dilate(self.covered(number) > 0, opencv.square(2 * margin + 1))

    def reduce(self, picture: Float32Array, window: Window) -> Float32Array:
        """Average an encoded picture of a window's plate box over its canvas pixels."""
        if not self.averages_light:
            return window.reduce(picture)
        return encoding.encode(window.reduce(encoding.decode(picture)))

    def _reduce(self, number: int) -> Float32Array:
        return self.reduce(self.plate(number).plate, self._whole)

    def _cover(self, number: int) -> Float32Array:
        return self._whole.reduce(self.plate(number).replaced.astype(np.float32))

    def _load(self, number: int) -> PlateFrame:
        light, matte = self._read_plate(number)
        finite = np.nan_to_num(light, nan=0.0, posinf=encoding.LARGEST, neginf=-encoding.LARGEST)
        return PlateFrame(encoding.encode(finite), matte > 0)
