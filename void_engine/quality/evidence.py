"""What a frame and its neighbours say together: a fault that stays is told from a scene that passes.

The scene moves past the edge of a matte, or the matte past the scene, so that what looks like a fault in one
frame is gone a few frames on. Faults of a removal keep their place. The answers of nine frames are therefore
averaged with their signs, where the scene's cancel out.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence

import numpy as np

from void_engine.arrays import Float32Array
from void_engine.quality.edge_profiles import strangeness
from void_engine.quality.frame_measures import FrameMeasures

_FEW = 4
"""With fewer frames than this, what they have in common may be the scene's."""
_MOST_OF_OTHERS = 2.0
_MOST_STRANGE = 4.0
REACH = 4
"""How many frames before and after a frame are heard."""


def evidence(frames: Sequence[FrameMeasures], at: int) -> Mapping[str, float]:
    """The measures of frame ``at`` of some neighbouring frames: its own, and those of all of them.

    Names are those of :class:`FrameMeasures`, with ``near`` behind for the median over the frames, ``power``
    for the root of the mean square; contours give ``matte.gap1`` (this frame), ``matte.gap1.near`` (pooled).
    """
    own = frames[at]
    found = dict(own.values)
    for name in own.values:
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
            if name.endswith("rough") and len(near) >= _FEW:
                found[f"{contour}.{name}.near"] = float(
                    np.median([one.scores.get(name, 0.0) for one in near])
                )
        for key, mean in profile.means.items():
            here = strangeness(key, mean)
            pooled = strangeness(
                key, _together([one.means[key] for one in near if key in one.means], key), pooled=True
            )
            # A frame that does not show it itself is not at fault, whatever its neighbours are.
            agreed = abs(pooled) * min(1.0, abs(here)) if here * pooled > 0 else 0.0
            agreed *= min(1.0, len(near) / (_FEW + 1))
            name = f"{contour}.{key.split(':')[0]}"
            signed = here if key.startswith("left_") else abs(here)
            found[name] = max(found.get(name, -1e9), signed)
            agreed = agreed if not key.startswith("left_") or here > 0 else 0.0
            found[f"{name}.near"] = max(found.get(f"{name}.near", 0.0), agreed)
    return found


def _together(means: Sequence[Float32Array], key: str) -> Float32Array:
    """The mean over frames, in which none counts for more than one that is four times as strange as usual."""
    limited = []
    for mean in means:
        strange = abs(strangeness(key, mean))
        limited.append(mean * np.float32(min(1.0, _MOST_STRANGE / max(strange, 1e-6))))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # A distance may be in none of the frames.
        return np.asarray(np.nanmean(limited, axis=0), np.float32)
