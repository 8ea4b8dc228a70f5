# The names are those of Nuke's own module.
"""A picture of the fake host: planes of float32 with a format and a data window."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from tests.fakes.fake_nuke.knobs import Format

Plane = NDArray[np.float32]


@dataclass(frozen=True)
class Picture:
    """A picture with rows from the top; (x, y) is the data window's bottom-left corner, y up."""

    format: Format
    x: int
    y: int
    planes: dict[str, Plane]

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the data window."""
        shape = next(iter(self.planes.values())).shape
        return int(shape[0]), int(shape[1])

    @property
    def top(self) -> int:
        return self.y + self.size[0]

    def plane(self, name: str, x: int, y: int, width: int, height: int) -> Plane:
        """Return a channel in a window, black where there is nothing."""
        out = np.zeros((height, width), np.float32)
        if name not in self.planes:
            return out
        source = self.planes[name]
        top = y + height
        x0, x1 = max(x, self.x), min(x + width, self.x + source.shape[1])
        y0, y1 = max(y, self.y), min(top, self.top)
        if x1 > x0 and y1 > y0:
            out[top - y1 : top - y0, x0 - x : x1 - x] = source[
                self.top - y1 : self.top - y0, x0 - self.x : x1 - self.x
            ]
        return out

    def windowed(self, x: int, y: int, width: int, height: int) -> Picture:
        planes = {name: self.plane(name, x, y, width, height) for name in self.planes}
        return replace(self, x=x, y=y, planes=planes)


def scaled(size: Format, scale: float) -> Format:
    if scale == 1.0:
        return size
    return Format(round(size.width() * scale), round(size.height() * scale), size.pixelAspect(), size.name())
