"""What kind of curve a roto shape is. Nuke's Python names neither its kind nor whether it is open; its text
does.

The text is that of ``Element.serialise()``: ``{curvegroup NAME FLAGS bezier {{cc {f FLAGS} ...`` with
``bspline`` for a B-spline. Bit 5 of the inner flags says that the curve is open, and ``t`` among a point's
attributes is its tension.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

_HEAD = re.compile(r'\{curvegroup\s+(?:"(?:[^"\\]|\\.)*"|\S+)\s+\S+\s+(\w+)')
_FLAGS = re.compile(r"\{cc\s*\{f\s+(\d{1,10})\}")
_TENSION = re.compile(r"\{a t\s*(?:\{\{\S+\s+([^\s{}]+)[^{}]*\}\}|([^\s{}]+))")
_OPEN = 1 << 5


@dataclass(frozen=True)
class CurveForm:
    """The kind of a shape's curve."""

    is_bspline: bool = False
    is_open: bool = False
    has_tension: bool = False
    """Whether a point of a B-spline is pulled nearer or further than the others."""


def curve_form(shape: Any) -> CurveForm:
    """Read a shape's form. It costs the text of the whole shape, so it is asked for once and kept."""
    text = str(shape.serialise())
    head, flags = _HEAD.search(text), _FLAGS.search(text)
    is_bspline = head is not None and head.group(1) == "bspline"
    tensions = _TENSION.findall(text) if is_bspline else []
    return CurveForm(
        is_bspline=is_bspline,
        is_open=flags is not None and bool(int(flags.group(1)) & _OPEN),
        has_tension=any((keyed or plain) != "1" for keyed, plain in tensions),
    )


class _Place:
    """A place that is the same at every frame, as a control point's member is asked for it."""

    __slots__ = ("x", "y")

    def __init__(self, x: float, y: float) -> None:
        self.x, self.y = x, y

    def getPosition(self, *when: Any) -> _Place:  # noqa: N802 - the host's name
        return self


class _BezierPoint:
    def __init__(self, center: tuple[_Place, _Place, _Place], feather: tuple[_Place, _Place, _Place]) -> None:
        self.leftTangent, self.center, self.rightTangent = center
        left, outer, right = feather
        self.featherCenter = _Place(outer.x - self.center.x, outer.y - self.center.y)
        self.featherLeftTangent, self.featherRightTangent = left, right


def bezier_points(bspline: Any, frame: int) -> Iterator[Any]:
    """Yield the control points of the Bezier spline that a uniform cubic B-spline is at ``frame``.

    Its joints are (P[i-1] + 4 P[i] + P[i+1]) / 6, its handles a third of (P[i+1] - P[i-1]) / 2 (Farin,
    *Curves and Surfaces for CAGD*, chapter 8).
    """
    inner: list[tuple[float, float]] = []
    outer: list[tuple[float, float]] = []
    for point in bspline:
        center, offset = point.center.getPosition(frame), point.featherCenter.getPosition(frame)
        inner.append((center.x, center.y))
        outer.append((center.x + offset.x, center.y + offset.y))
    for line, feather in zip(_joints(inner), _joints(outer), strict=True):
        yield _BezierPoint(line, feather)


def _joints(line: list[tuple[float, float]]) -> Iterator[tuple[_Place, _Place, _Place]]:
    count = len(line)
    for index, (x, y) in enumerate(line):
        (ax, ay), (bx, by) = line[index - 1], line[(index + 1) % count]
        hx, hy = (bx - ax) / 6.0, (by - ay) / 6.0
        yield _Place(-hx, -hy), _Place((ax + 4.0 * x + bx) / 6.0, (ay + 4.0 * y + by) / 6.0), _Place(hx, hy)
