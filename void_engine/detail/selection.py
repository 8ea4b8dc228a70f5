"""Which candidate each pixel takes: the one whose degraded picture fits the answer, in coherent areas."""

from __future__ import annotations

import numpy as np

from void_engine import opencv
from void_engine.arrays import Float32Array
from void_engine.detail.candidates import Candidate, Place
from void_engine.detail.canvas import Window
from void_engine.detail.origins import Origin
from void_engine.detail.refine import refined

_ACCEPTED = 1.5
"""The misfit up to which a candidate is accepted where the answer lacks nothing."""
_FOR_FINE, _MOST_ACCEPTED = 0.5, 7.0
"""How much more is accepted for each unit of fine energy that the answer lacks, and the most that is."""
_COHERENCE = 1.2
"""What a pixel pays when all around it take another candidate, in units of misfit."""
_COHERENCE_PX = 1.2
_ROUNDS = 6
_FEATHER_PX = 0.6
"""Radius, in plate pixels, over which neighbouring candidates are blended."""


def choose(place: Place, candidates: list[Candidate], model: Float32Array) -> Float32Array:
    """The share of each candidate, and last of the answer itself, in each canvas pixel.

    A candidate whose misfit is larger than the answer's noise is somewhat wrong, but the answer lacks the
    fine band altogether. So the more of that band there is, the more misfit is accepted.

    Args:
        place: the window.
        candidates: those whose pixels may be taken.
        model: (h, w, 3) encoded: the answer itself in the plate, reduced.

    Returns:
        (n + 1, h, w), 1 for the chosen one and 0 for the others.
    """
    costs = [np.minimum(one.misfit + one.bias, 60.0) for one in candidates]
    # Misfit over a wider neighbourhood tells more where ground is flat, and less at borders.
    wide = [0.7 * cost + 0.3 * opencv.gaussian_blur(cost, 2.0) for cost in costs]
    best = np.argmin(wide, axis=0)[None]
    fine = np.take_along_axis(np.stack([one.fine for one in candidates]), best, axis=0)[0]
    accepted = np.minimum(_ACCEPTED + _FOR_FINE * fine, _MOST_ACCEPTED)
    cost = np.stack([*wide, accepted])
    chosen = cost.argmin(axis=0)
    for _ in range(_ROUNDS):
        shares = [
            opencv.gaussian_blur((chosen == label).astype(np.float32), _COHERENCE_PX)
            for label in range(len(cost))
        ]
        again = (cost - np.float32(_COHERENCE) * np.stack(shares)).argmin(axis=0)
        if (again == chosen).all():
            break
        chosen = again
    biases = np.stack([*(one.bias for one in candidates), accepted])
    pictures = np.stack([*(one.reduced for one in candidates), model])
    own = [index for index, one in enumerate(candidates) if one.origin is Origin.OWN]
    chosen = refined(place, chosen, pictures, biases, own)
    return np.asarray(chosen == np.arange(len(cost))[:, None, None], np.float32)


def at_full_size(shares: Float32Array, window: Window) -> Float32Array:
    """The shares (n, h, w) on the plate's pixels, (n, H, W): smooth borders, feathered by about a pixel."""
    smooth = np.stack([window.enlarge(opencv.gaussian_blur(one, 0.7)) for one in shares])
    chosen = smooth.argmax(axis=0)
    hard = [(chosen == label).astype(np.float32) for label in range(len(shares))]
    soft = np.stack([opencv.gaussian_blur(one, _FEATHER_PX) if one.any() else one for one in hard])
    return np.asarray(soft / soft.sum(axis=0), np.float32)
