"""The verdict on arrays in memory, for scripts and measurements."""

from __future__ import annotations

import numpy as np

from void_engine import opencv
from void_engine.arrays import BoolArray, Float32Array
from void_engine.errors import MatteError, PlateError
from void_engine.quality.light import sampled_places, shot_brightness
from void_engine.quality.stream import JudgedFrame, judged
from void_engine.quality.verdict import FrameVerdict

_SECOND_LEVEL = 0.9
"""A plateau of the matte below this is taken for pixels that the object only affects."""
_PLATEAU = 9
"""The least side of such a plateau, in pixels; what is narrower is a soft edge."""


def judge(
    plate: Float32Array,
    matte: Float32Array,
    result: Float32Array,
    confidence: Float32Array | None = None,
    *,
    affected: Float32Array | None = None,
) -> list[FrameVerdict]:
    """Judge a removal without knowing the truth.

    Args:
        plate: (T, H, W, 3) scene-linear RGB, with the object.
        matte: (T, H, W) in 0..1: what was replaced. Where it is 0, the result must be the plate's own bits.
        result: (T, H, W, 3) scene-linear RGB, without the object.
        confidence: (T, H, W) in 0..1, where the engine tells one.
        affected: (T, H, W), above 0 where the object only affected the plate (shadow, reflection); by
            default the wide plateaus of the matte below 0.9.

    Returns:
        For each frame, in order, its measures and ``flags``, a set of the words ``invalid``, ``outside``,
        ``outline``, ``seam``, ``flicker``, ``soft``, ``grain``, ``colour``, ``step`` and ``jump``; empty
        where nothing is wrong.

    Raises:
        PlateError: when plate or result have another shape than they should.
        MatteError: when matte, confidence or affected have another shape than the plate.
    """
    plate, result = np.asarray(plate, np.float32), np.asarray(result, np.float32)
    if plate.ndim != 4 or plate.shape[3] != 3:
        raise PlateError(f"The plate must be (frames, rows, columns, 3), not {plate.shape}.")
    if result.shape != plate.shape:
        raise PlateError(f"The result must be {plate.shape} like the plate, not {result.shape}.")
    given = {"matte": matte, "confidence": confidence, "affected": affected}
    for name, array in given.items():
        if array is not None and np.shape(array) != plate.shape[:3]:
            raise MatteError(f"The {name} must be {plate.shape[:3]} like the plate, not {np.shape(array)}.")
    count = len(plate)
    if not plate.size:
        return []
    replaced = np.clip(np.nan_to_num(np.asarray(matte, np.float32)), 0.0, 1.0)
    brightness = shot_brightness((plate[one], replaced[one] > 0) for one in sampled_places(count))
    frames = (
        JudgedFrame(
            number,
            plate[number],
            replaced[number],
            result[number],
            second_level(replaced[number]) if affected is None else np.asarray(affected[number]) > 0,
            None if confidence is None else np.asarray(confidence[number], np.float32),
        )
        for number in range(count)
    )
    return list(judged(frames, brightness))


def second_level(matte: Float32Array) -> BoolArray | None:
    """The wide plateaus of a matte (H, W) below full: what the object only affected. None without any."""
    part = (matte > 0.02) & (matte < _SECOND_LEVEL)
    if not part.any():
        return None
    flat = np.abs(matte - opencv.box_blur(matte, 3)) < 0.02
    wide = opencv.erode(part & flat, opencv.square(_PLATEAU))
    return opencv.dilate(wide, opencv.square(_PLATEAU)) if wide.any() else None
