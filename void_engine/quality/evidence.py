"""What a frame and its neighbours say together: a fault that stays is told from a scene that passes.

The scene moves past the edge of a matte, or the matte past the scene, so that what looks like a fault in one
frame is gone a few frames on. Faults of a removal keep their place. The answers of nine frames are therefore
averaged with their signs, where the scene's cancel out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from void_engine.arrays import Float64Array
from void_engine.quality.edge_profiles import NAMES, EdgeProfile, strangeness
from void_engine.quality.frame_measures import FrameMeasures
from void_engine.quality.steadiness import CHANNELS

_FEW = 4
"""With fewer frames than this, what they have in common may be the scene's."""
_MOST_OF_OTHERS = 2.0
_MOST_STRANGE = 4.0
_LEAST_DRIFT = 0.0015
"""A change from frame to frame below this, in encoded light, is none."""
REACH = 4
"""How many frames before and after a frame are heard."""


def evidence(frames: Sequence[FrameMeasures], at: int) -> Mapping[str, float]:
    """The measures of frame ``at`` of some neighbouring frames: its own, and those of all of them.

    Names are those of :class:`FrameMeasures`, with ``near`` behind for the median over the frames, ``power``
    for the root of the mean square; contours give ``matte.gap1`` (this frame), ``matte.gap1.near`` (pooled).
    """
    own = frames[at]
    found = dict(own.values)
    drift = _drift(frames)
    if drift is not None and own.values:
        found["drift.near"] = drift
    for name in own.values:
        if name.startswith("drift."):
            continue
        values = [one.values[name] for one in frames if name in one.values]
        if len(values) < _FEW:
            continue
        # Frames that stand out are no reason to suspect one beside them that does not.
        low, high = sorted((0.0, _MOST_OF_OTHERS * own.values[name]))
        found[f"{name}.near"] = min(max(float(np.median(values)), low), high)
        if name.startswith(("flicker", "change", "pop", "jump", "odd", "swing")):
            heard = np.minimum(values, _MOST_OF_OTHERS * own.values[name])
            found[f"{name}.power"] = float(np.sqrt(np.mean(np.square(heard))))
    for contour, profile in own.profiles.items():
        near = [one.profiles[contour] for one in frames if contour in one.profiles]
        for name, value in profile.scores.items():
            found[f"{contour}.{name}"] = value
            if len(near) >= _FEW:
                usual = float(np.median([one.scores.get(name, 0.0) for one in near]))
                found[f"{contour}.{name}.near"] = min(usual, _MOST_OF_OTHERS * value)
        for width, means in profile.means.items():
            here = strangeness(width, means)
            pooled = strangeness(width, _together(width, near), pooled=True)
            # A frame that does not show it itself is not at fault, whatever its neighbours are.
            agreed = np.where(here * pooled > 0, np.abs(pooled) * np.minimum(1.0, np.abs(here)), 0.0)
            agreed *= min(1.0, len(near) / (_FEW + 1))
            for name, one, of_all in zip(NAMES, here, agreed, strict=True):
                key = f"{contour}.{name}{width}"
                is_share = name.startswith("left_")
                found[key] = max(found.get(key, -np.inf), float(one if is_share else abs(one)))
                of_all = float(of_all) if one > 0 or not is_share else 0.0
                found[f"{key}.near"] = max(found.get(f"{key}.near", 0.0), of_all)
    return found


def _drift(frames: Sequence[FrameMeasures]) -> float | None:
    """How many times as much as areas around it the hole becomes brighter, darker or another colour over the
    frames; None where too few of them tell."""
    told = [one.values for one in frames if "drift.red" in one.values]
    if len(told) < _FEW:
        return None
    most = 0.0
    for channel in CHANNELS:
        # The median, since a single frame that stands out has a rise before it and a fall behind it.
        rise = float(np.median([one[f"drift.{channel}"] for one in told]))
        usual = float(np.sqrt(np.mean([one[f"drift.{channel}.usual"] ** 2 for one in told])))
        most = max(most, abs(rise) / float(np.hypot(usual, _LEAST_DRIFT)))
    return most


def _together(width: int, profiles: Sequence[EdgeProfile]) -> Float64Array:
    """The mean over frames, in which none counts for more than one that is four times as strange as usual."""
    total: Float64Array | None = None
    for profile in profiles:
        means = profile.means[width]
        strange = np.abs(strangeness(width, means))[:, None]
        limited = means * np.minimum(1.0, _MOST_STRANGE / np.maximum(strange, 1e-6))
        known = np.isfinite(limited)
        both = np.stack([np.where(known, limited, 0.0), known])
        total = both if total is None else total + both
    assert total is not None
    return np.where(total[1] > 0, total[0] / np.maximum(total[1], 1), np.nan)
