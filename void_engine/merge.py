"""The last step of a removal: the engine's pixels are composited into the plate without a visible border.

Where the weight is 0, the plate's bits are not touched, whatever they hold (NaN and infinity too).
"""

from __future__ import annotations

import numpy as np

from void_engine.arrays import Float32Array
from void_engine.errors import EngineError
from void_engine.geometry import Box
from void_engine.seam import finite_pixels, match_to_plate, ring_width_px


def merge_part(
    plate: Float32Array,
    engine: Float32Array,
    weight: Float32Array,
    *,
    match_seam: bool = True,
    frame: int | None = None,
) -> tuple[Box, Float32Array]:
    """Composite the engine's pixels over the plate, only where something may change.

    Args:
        plate: (H, W, 3) scene-linear; any value, NaN and infinity included.
        engine: (H, W, 3) scene-linear; finite wherever ``weight`` is above 0, elsewhere anything.
        weight: (H, W): 0 keeps the plate, 1 (or more) takes the engine's pixel, between is a linear mix.
        match_seam: first carry the plate's low-frequency colour, measured around the border, into the
            engine's pixels (see :func:`void_engine.seam.match_to_plate`). False mixes them as they are.
        frame: the frame's number, for messages.

    Returns:
        A box of the arrays' pixels, empty where the weight is 0 everywhere, and the merged pixels in it, a
        new (h, w, 3) float32. Outside the box the weight is 0. Where ``weight`` is 0 the pixels have the
        plate's own bits; where a plate's pixel is not finite and ``weight`` is above 0 they are the engine's.

    Raises:
        EngineError: when a pixel of the engine that is needed is not finite.
        ValueError: when the arrays differ in size.
    """
    if plate.shape != (*weight.shape, 3) or engine.shape != plate.shape:
        raise ValueError(
            f"plate {plate.shape}, engine {engine.shape} and weight {weight.shape} do not fit together"
        )
    bounds = Box.around(weight > 0)
    if bounds.is_empty:
        return bounds, np.zeros((0, 0, 3), np.float32)
    _check_finite(engine, weight, bounds, frame)
    whole = Box.from_shape(plate.shape)
    window = bounds.grown(ring_width_px(bounds) if match_seam else 0).intersection(whole)
    at = window.slices(whole)
    behind = np.array(plate[at], np.float32, order="C")
    w = np.minimum(weight[at], np.float32(1.0)).astype(np.float32)
    clean = engine[at].astype(np.float32)
    if match_seam:
        clean = match_to_plate(behind, clean, w)
    _mix_into(behind, clean, w)
    return window, behind


def _mix_into(behind: Float32Array, clean: Float32Array, weight: Float32Array) -> None:
    """Write the mix over ``behind``, touching nothing where the weight is 0."""
    solid = (weight >= 1.0) | ((weight > 0.0) & ~finite_pixels(behind))
    np.copyto(behind, clean, where=solid[..., None])
    ramp = (weight > 0.0) & ~solid
    under = behind[ramp]
    # Written this way, the mix is exactly the plate where the engine's pixel equals it.
    behind[ramp] = under + weight[ramp][:, None] * (clean[ramp] - under)


def _check_finite(engine: Float32Array, weight: Float32Array, bounds: Box, frame: int | None) -> None:
    window = bounds.slices(Box.from_shape(weight.shape))
    bad = ~finite_pixels(engine[window]) & (weight[window] > 0)
    count = int(np.count_nonzero(bad))
    if count:
        row, column = (int(index[0]) for index in np.nonzero(bad))
        where = "a frame" if frame is None else f"frame {frame}"
        raise EngineError(
            f"the engine gave {count} pixel(s) that are not finite on {where}, the first at column "
            f"{bounds.x0 + column}, row {bounds.y0 + row} of the region; nothing was written. "
            "Run the frame again at full precision, or with the propagation engine"
        )
