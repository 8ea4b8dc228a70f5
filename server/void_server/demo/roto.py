"""Draws the demo's roto shapes as an artist would, baked as Nuke does it: Bezier points per frame, y
upwards."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from void_engine.arrays import Float64Array
from void_server.demo.ball import BallOutline

POINTS = 8
_HANDLE = 4.0 / 3.0 * math.tan(math.pi / (2.0 * POINTS))
"""Length of a handle for a circle of radius 1 made of this many points (the usual cubic fit)."""

BezierPoint = tuple[float, float, float, float, float, float, float, float, float, float, float, float]
"""The x and y of the point (pixels from the format's bottom-left corner, y up); then x and y of its left
tangent, right tangent and feather point, as offsets from the point; then those of the feather point's left
and right tangents, as offsets from the feather point."""


@dataclass(frozen=True, slots=True)
class DemoShapeFrame:
    """A closed Bezier shape at one frame."""

    frame: int
    points: tuple[BezierPoint, ...]
    visible: bool = True


@dataclass(frozen=True, slots=True)
class DemoShape:
    """An animated roto shape, baked."""

    name: str
    role: Literal["remove", "affected"]
    frames: tuple[DemoShapeFrame, ...]


@dataclass(frozen=True, slots=True)
class Hand:
    """How somebody draws around things: outside the edge, and never twice quite the same way."""

    margin_px: float
    """Distance of the shape from the edge."""
    feather_px: float
    """Distance of the feather points from the shape."""
    unrest_px: float
    """How far a point strays at most."""
    phases: Float64Array
    """(POINTS, 2) phases of each point's slow wander."""

    @classmethod
    def of(cls, margin_px: float, feather_px: float, unrest_px: float, seed: Sequence[int]) -> Hand:
        phases = np.random.default_rng(list(seed)).uniform(0.0, 2.0 * math.pi, (POINTS, 2))
        return cls(margin_px, feather_px, unrest_px, phases)


def draw_around(
    outline: BallOutline, hand: Hand, *, frame: int, progress: float, height: int
) -> DemoShapeFrame:
    """Return the shape that ``hand`` draws around ``outline``.

    Args:
        outline: the ellipse in display coordinates, y down.
        hand: how the artist draws.
        frame: the frame's number.
        progress: 0..1 through the shot; the hand's wander moves along with it.
        height: height of the format in pixels, by which y is turned upwards.
    """
    a = outline.half_width + hand.margin_px
    b = outline.half_height + hand.margin_px
    points = []
    for index in range(POINTS):
        phase = 2.0 * math.pi * index / POINTS
        stray = hand.unrest_px * np.sin(2.0 * math.pi * 3.0 * progress + hand.phases[index])
        position = _turned(a * math.cos(phase), b * math.sin(phase), outline.angle)
        tangent = _turned(-a * math.sin(phase) * _HANDLE, b * math.cos(phase) * _HANDLE, outline.angle)
        outwards = _outward(a, b, phase, outline.angle)
        swell = 1.0 + hand.feather_px * 2.0 / (a + b)
        feather = (outwards[0] * hand.feather_px, outwards[1] * hand.feather_px)
        x, y = outline.x + position[0] + float(stray[0]), outline.y + position[1] + float(stray[1])
        # On screen the angle runs clockwise, so the right tangent points to the next point.
        values = (
            (x, height - y),
            (-tangent[0], tangent[1]),
            (tangent[0], -tangent[1]),
            (feather[0], -feather[1]),
            (-tangent[0] * swell, tangent[1] * swell),
            (tangent[0] * swell, -tangent[1] * swell),
        )
        (px, py), (lx, ly), (rx, ry), (fx, fy), (flx, fly), (frx, fry) = values
        rounded = [round(value, 4) for value in (px, py, lx, ly, rx, ry, fx, fy, flx, fly, frx, fry)]
        points.append(_as_point(rounded))
    return DemoShapeFrame(frame, tuple(points))


def _as_point(values: list[float]) -> BezierPoint:
    a, b, c, d, e, f, g, h, i, j, k, m = values
    return a, b, c, d, e, f, g, h, i, j, k, m


def _turned(x: float, y: float, angle: float) -> tuple[float, float]:
    c, s = math.cos(angle), math.sin(angle)
    return x * c - y * s, x * s + y * c


def _outward(a: float, b: float, phase: float, angle: float) -> tuple[float, float]:
    nx, ny = math.cos(phase) / a, math.sin(phase) / b
    length = math.hypot(nx, ny)
    return _turned(nx / length, ny / length, angle)
