"""Whether a hole is as sharp and as grainy as what surrounds it.

The finest detail of small cells is compared with what cells around the hole have that are alike otherwise: as
bright, and with as much coarser detail. A blurred texture has too little fine detail for its coarse detail,
and missing grain leaves less change from frame to frame than the surroundings have.

In calibration a blur of 1.2 pixels was told in every frame, half a hole blurred by 2.5 in nine of ten, and
grain that was left out in four of five; docs/check.md has the table.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from void_engine import opencv
from void_engine.arrays import BoolArray, Float32Array, Float64Array
from void_engine.quality.cells import cell_means, cell_shares, patch_means

_SIDE = 6
_LEAST_RING_CELLS = 30
_LEAST_DETAIL = 2e-4
_ROUNDS = 4


def texture(
    result: Float32Array, left: Float32Array | None, inside: BoolArray, around: BoolArray
) -> Mapping[str, float]:
    """Measure one frame.

    Args:
        result: (h, w, 3), encoded.
        left: what is left of it after a neighbour, moved to it, was subtracted; None for a single frame.
        inside, around: the pixels that were replaced, and that were not, both away from the border.

    Returns:
        For ``fine`` and ``middle`` detail and for ``moving`` (fine detail of ``left``): ``least`` and
        ``most``, the mean difference inside in natural logarithms, of the channel where it is least or most;
        ``strange``, how many times that of areas of the same size; ``patches``, the share of small areas with
        less than nearly any around has.
    """
    if min(inside.shape) < _SIDE:
        return {}
    own, ring = cell_shares(inside, _SIDE), cell_shares(around, _SIDE)
    here, there = own > 0.7, ring > 0.9
    if not here.any() or there.sum() < _LEAST_RING_CELLS:
        return {}
    bands = _bands(result)
    detail = [(_detail(band, inside, own), _detail(band, around, ring)) for band in bands]
    light = (_light(result, inside, own), _light(result, around, ring))
    moving = None
    if left is not None:
        fine = left - _smooth(left)
        moving = (_detail(fine, inside, own), _detail(fine, around, ring))
    found: dict[str, list[float]] = {}
    for channel in range(3):

        def described(side: int, cells: BoolArray, by: Sequence[int], channel: int = channel) -> Float64Array:
            level = light[side][..., channel][cells]
            columns = [detail[one][side][..., channel][cells] for one in by]
            return np.stack([np.ones_like(level), *columns, level, level**2], axis=1).astype(np.float64)

        targets = [("fine", detail[0], (1, 2)), ("middle", detail[1], (2,))]
        if moving is not None:
            targets.append(("moving", moving, (1, 2)))
        for name, target, by in targets:
            own_target, ring_target = target[0][..., channel][here], target[1][..., channel][there]
            expected = _Expectation(described(1, there, by), ring_target)
            off = own_target - expected.of(described(0, here, by))
            elsewhere = ring_target - expected.of(described(1, there, by), clipped=False)
            for key, value in _compared(off, elsewhere, here, there).items():
                found.setdefault(f"{name}.{key}", []).append(value)
        for name, one in (("floor", detail[0]), ("moving_floor", moving)):
            if one is not None:
                low = np.percentile(one[0][..., channel][here], 20)
                usual = np.percentile(one[1][..., channel][there], 20)
                found.setdefault(f"{name}.off", []).append(float(low - usual))
    told = {}
    for key, values in found.items():
        told[f"{key}.least"], told[f"{key}.most"] = min(values), max(values)
    return told


class _Expectation:
    """The fine detail that cells around the hole have, as a robust linear function of what else they are."""

    def __init__(self, features: Float64Array, target: Float32Array) -> None:
        self._low, self._high = np.percentile(features, (1.0, 99.0), axis=0)
        self._slopes: Float64Array = np.zeros(features.shape[1])
        self._centre, self._spread = features.mean(axis=0), features.std(axis=0) + 0.05
        self._centre[0], self._spread[0] = 0.0, 1.0
        scaled = self._scaled(features)
        weight = np.ones(len(target))
        steady = 1e-5 * len(target) * np.eye(features.shape[1])
        for _ in range(_ROUNDS):
            weighted = scaled * weight[:, None]
            self._slopes = np.asarray(
                np.linalg.solve(weighted.T @ scaled + steady, weighted.T @ target), np.float64
            )
            off = np.asarray(target - scaled @ self._slopes, np.float64)
            spread = 1.4826 * float(np.median(np.abs(off))) + 1e-3
            weight = 1.0 / (1.0 + (off / (2.0 * spread)) ** 2)

    def _scaled(self, features: Float64Array) -> Float64Array:
        return np.asarray((features - self._centre) / self._spread, np.float64)

    def of(self, features: Float64Array, *, clipped: bool = True) -> Float64Array:
        """The expected value of cells; where ``clipped``, none is taken further than those around reach."""
        near = np.clip(features, self._low, self._high) if clipped else features
        return np.asarray(self._scaled(near) @ self._slopes, np.float64)


def _compared(
    off: Float64Array, elsewhere: Float64Array, here: BoolArray, there: BoolArray
) -> dict[str, float]:
    mean = float(off.mean())
    outside = np.zeros(there.shape, np.float32)
    outside[there] = elsewhere
    areas = patch_means(outside, there, max(1, round(len(off) ** 0.5)), 0.5)
    usual = float(np.sqrt((areas**2).mean())) if areas.size > 3 else float(elsewhere.std())
    own = np.zeros(here.shape, np.float32)
    own[here] = off
    small, usual_small = patch_means(own, here, 3, 0.6), patch_means(outside, there, 3, 0.6)
    share = 0.0
    if small.size and usual_small.size > 20:
        share = float((small < min(float(np.percentile(usual_small, 2)), -0.15)).mean())
    return {"mean": mean, "strange": mean / float(np.hypot(usual, 0.1)), "patches": share}


def _smooth(picture: Float32Array) -> Float32Array:
    return opencv.gaussian_blur(picture, 0.8)


def _bands(picture: Float32Array) -> list[Float32Array]:
    """Detail of about 1, 3 and 6 pixels."""
    fine = _smooth(picture)
    middle = opencv.gaussian_blur(fine, 1.5)
    return [picture - fine, fine - middle, middle - opencv.gaussian_blur(middle, 3.0)]


def _detail(band: Float32Array, mask: BoolArray, share: Float32Array) -> Float32Array:
    """The logarithm of the mean size of a band over the masked pixels of each cell."""
    size = cell_means(np.abs(band) * mask[..., None], _SIDE) / np.maximum(share, 1e-3)[..., None]
    return np.asarray(np.log(size + np.float32(_LEAST_DETAIL)), np.float32)


def _light(picture: Float32Array, mask: BoolArray, share: Float32Array) -> Float32Array:
    total = cell_means(picture * mask[..., None], _SIDE)
    return np.asarray(total / np.maximum(share, 1e-3)[..., None], np.float32)
