"""The array types of the engine, named once: pictures, masks, coordinates and indices."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Float32Array = NDArray[np.float32]
"""Pictures, mattes and everything else that has a value for each pixel."""
Float16Array = NDArray[np.float16]
"""Pictures and measurements that many frames hold at a time, where three digits are enough."""
Float64Array = NDArray[np.float64]
"""Matrices, coordinates and sums, where rounding would add up."""
BoolArray = NDArray[np.bool_]
"""Masks: whether each pixel belongs to something."""
Uint8Array = NDArray[np.uint8]
"""Quadmasks, pictures for display, and masks as OpenCV takes them."""
Int32Array = NDArray[np.int32]
"""Labels of connected components, as OpenCV numbers them."""
Int64Array = NDArray[np.int64]
"""Indices of pixels, rows and columns."""
