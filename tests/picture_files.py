"""Small pictures in formats other than EXR, written with OpenImageIO alone."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import OpenImageIO as oiio  # noqa: N813
from numpy.typing import NDArray


def write_picture(
    path: Path, pixels: NDArray[Any], names: Sequence[str] | None = None, **attributes: object
) -> Path:
    """Write ``pixels`` (H, W, C) in their own type. In attributes' names ``__`` stands for a colon."""
    path.parent.mkdir(parents=True, exist_ok=True)
    height, width, count = pixels.shape
    kind = {"float16": "half", "float32": "float"}.get(pixels.dtype.name, pixels.dtype.name)
    spec = oiio.ImageSpec(width, height, count, kind)
    if names is not None:
        spec.channelnames = tuple(names)
    for name, value in attributes.items():
        if isinstance(value, np.ndarray):
            spec.attribute(name, oiio.TypeDesc(f"{value.dtype.name}[{len(value)}]"), value)
        else:
            spec.attribute(name.replace("__", ":"), value)
    target = oiio.ImageOutput.create(str(path))
    assert target.open(str(path), spec), target.geterror()
    assert target.write_image(np.ascontiguousarray(pixels)), target.geterror()
    target.close()
    return path


def grey(
    level: float, dtype: str = "uint8", size: tuple[int, int] = (12, 8), channels: int = 3
) -> NDArray[Any]:
    """A flat picture of this level, (H, W, C)."""
    return np.full((size[1], size[0], channels), level, dtype)
