"""Tells a locked-off camera from one that moves, so that nothing is ever warped under a still camera.

A homography fitted to noise, to water or to a hand beside the object is never quite the identity, and every
warp softens. Corners tell the truth: under a still camera at least half of them stay where they are, in
neighbouring frames and in frames far apart.
"""

from __future__ import annotations

import numpy as np

from void_engine.propagation.motion.motion_layers import Tracks

_STILL_PX = 0.3
"""A corner that has moved by less than this, which is the noise of tracking, has not moved."""
_LEAST_STILL = 0.5
"""The fraction of the corners that must not have moved."""
_FEWEST_CORNERS = 16
"""The least number of corners that tell anything."""


def is_still(tracks: Tracks | None) -> bool | None:
    """Whether the camera stood still between two frames; None when too few corners were tracked to tell."""
    if tracks is None or len(tracks.points) < _FEWEST_CORNERS:
        return None
    moved = np.hypot(*(tracks.found - tracks.points).T)
    return bool((moved < _STILL_PX).mean() >= _LEAST_STILL)
