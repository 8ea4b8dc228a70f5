"""The points beside a hole at which sources are judged."""

from __future__ import annotations

import numpy as np

from void_engine import opencv
from void_engine.arrays import BoolArray, Float32Array, Int64Array
from void_engine.geometry import Box

_RING_PX = 16
"""Width of the ring, in full-size pixels, in which sources are judged."""
_RING_POINTS = 4000
"""The number of points to which that ring is thinned."""
RIM_PX = 2
"""Pixels this near to the hole are not judged, because they may still show the object."""


def points_beside(hidden: BoolArray) -> tuple[Float32Array, Float32Array, Float32Array]:
    """Visible full-size pixels in a ring around hidden ones, evenly thinned to a bounded number.

    Returns:
        The pixels, (N, 2); for each the hidden pixel, (N, 2), that lies as deep in the hole as it lies
        outside; and how far, (N,), it lies from the hole.
    """
    frame = Box.from_shape(hidden.shape)
    room = Box.around(hidden).grown(_RING_PX + 1).intersection(frame)
    hole = hidden[room.slices(frame)]
    ring = opencv.dilate_by_disc(hole, _RING_PX)
    ring &= ~opencv.dilate_by_disc(hole, RIM_PX)
    rows, columns = np.nonzero(ring)
    step = max(1, len(rows) // _RING_POINTS)
    rows, columns = rows[::step], columns[::step]
    labels = opencv.nearest_labels(hole)
    rim = np.flatnonzero(hole)
    at = np.zeros(int(labels.max()) + 1, np.int64)
    at[labels.reshape(-1)[rim]] = rim
    near_rows, near_columns = np.divmod(at[labels[rows, columns]], hole.shape[1])
    deep_rows = np.clip(2 * near_rows - rows, 0, hole.shape[0] - 1)
    deep_columns = np.clip(2 * near_columns - columns, 0, hole.shape[1] - 1)
    deep = hole[deep_rows, deep_columns]
    mirror_rows = np.where(deep, deep_rows, near_rows)
    mirror_columns = np.where(deep, deep_columns, near_columns)
    outside = np.hypot(rows - near_rows, columns - near_columns).astype(np.float32)
    return _positions(columns, rows, room), _positions(mirror_columns, mirror_rows, room), outside


def _positions(columns: Int64Array, rows: Int64Array, room: Box) -> Float32Array:
    return np.stack([columns + room.x0, rows + room.y0], axis=1).astype(np.float32)
