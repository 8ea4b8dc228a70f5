"""Shapes to draw, and a slow reference that shares no code with the rasteriser."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest

from tests.unit.void_engine.roto.bezier import without_feather
from void_engine.geometry import Box
from void_engine.roto.shapes import BezierPoints

Supersample = Callable[..., np.ndarray]
Builder = Callable[..., BezierPoints]


def _curve(points: BezierPoints, scale: float) -> np.ndarray:
    """Flatten the contour to 300 straight pieces for each segment, by de Casteljau's construction."""
    t = (np.arange(300) / 300)[:, None]
    pieces = []
    for i in range(len(points)):
        j = (i + 1) % len(points)
        corners = [
            points.centers[i],
            points.centers[i] + points.right_tangents[i],
            points.centers[j] + points.left_tangents[j],
            points.centers[j],
        ]
        while len(corners) > 1:
            corners = [a * (1 - t) + b * t for a, b in pairwise(corners)]
        pieces.append(corners[0])
    return np.concatenate(pieces) * scale


def _supersampled(points: BezierPoints, box: Box, scale: float = 1.0, samples: int = 16) -> np.ndarray:
    """The share of samples x samples points in each pixel whose winding number is not zero."""
    curve = _curve(points, scale)
    edges = np.hstack((curve, np.roll(curve, -1, axis=0)))
    columns = box.x0 + (np.arange(box.width * samples) + 0.5) / samples
    result = np.zeros(box.shape)
    for row in range(box.height):
        y_row = box.y0 + row
        low, high = np.sort(edges[:, 1::2], axis=1).T
        x0, y0, x1, y1 = edges[(high >= y_row) & (low <= y_row + 1)].T
        for y in y_row + (np.arange(samples) + 0.5) / samples:
            down, up = (y0 <= y) & (y1 > y), (y1 <= y) & (y0 > y)
            crossed = down | up
            x = x0[crossed] + (y - y0[crossed]) * (x1 - x0)[crossed] / (y1 - y0)[crossed]
            order = np.argsort(x)
            winding = np.concatenate(([0], np.cumsum(np.where(down[crossed], 1, -1)[order])))
            inside = winding[np.searchsorted(x[order], columns)] != 0
            result[row] += inside.reshape(box.width, samples).mean(axis=1) / samples
    return result


@pytest.fixture(scope="session")
def supersampled() -> Supersample:
    return _supersampled


@pytest.fixture(scope="session")
def ellipse() -> Builder:
    return _ellipse


@pytest.fixture(scope="session")
def rectangle() -> Builder:
    return _rectangle


@pytest.fixture(scope="session")
def star() -> Builder:
    return _star


def _ellipse(cx: float, cy: float, rx: float, ry: float, feather: float = 0.0) -> BezierPoints:
    """An ellipse of eight points; its feather contour is the ellipse whose radii are ``feather`` larger."""
    angle = np.arange(8) * np.pi / 4
    reach = 4 / 3 * np.tan(np.pi / 16)
    around, along = (
        np.column_stack((np.cos(angle), np.sin(angle))),
        np.column_stack((-np.sin(angle), np.cos(angle))),
    )
    radii = np.array([rx, ry])
    tangents, wide = along * radii * reach, along * (radii + feather) * reach
    return BezierPoints(around * radii + [cx, cy], -tangents, tangents, around * feather, -wide, wide)


def _star(cx: float, cy: float, outer: float, inner: float, turn: float = 0.1) -> BezierPoints:
    angle = np.arange(10) * np.pi / 5 + turn
    radius = np.where(np.arange(10) % 2, inner, outer)
    return without_feather(np.column_stack((cx + radius * np.cos(angle), cy + radius * np.sin(angle))))


def _pentagram(cx: float, cy: float, radius: float) -> BezierPoints:
    angle = np.arange(5) * 4 * np.pi / 5 + 0.2
    return without_feather(np.column_stack((cx + radius * np.cos(angle), cy + radius * np.sin(angle))))


def _rectangle(x0: float, y0: float, x1: float, y1: float, feather: float = 0.0) -> BezierPoints:
    """A rectangle, whose feather contour is the rectangle ``feather`` larger on each side."""
    corners = np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]])
    away = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * feather
    flat = np.zeros((4, 2))
    return BezierPoints(corners, flat, flat, away, flat, flat)


SHAPES = {
    "rectangle on half pixels": _rectangle(5.5, 7.5, 40.5, 30.5),
    "rectangle off the grid": _rectangle(5.3, 7.81, 40.13, 30.07),
    "ellipse": _ellipse(31.3, 27.6, 25.2, 20.9),
    "small ellipse": _ellipse(20.4, 20.2, 1.7, 0.9),
    "star": _star(32, 30, 27, 11),
    "pentagram": _pentagram(32, 30, 27),
    "eight": without_feather([[5, 6], [58.5, 48], [58, 7], [4, 50]]),
    "two loops of curves": without_feather([[10, 30], [50, 30]], [[0, -40], [10, 45]], [[0, 40], [-10, -45]]),
    "sliver": without_feather([[3, 5], [60, 41.2], [60.3, 42]]),
    "thin upright sliver": without_feather([[30.1, 2], [30.35, 2], [30.2, 55]]),
    "partly off the box": _ellipse(2, 50, 30, 25),
    "off the box": _ellipse(200, -90, 30, 25),
    "wound twice": without_feather(
        [[10, 10], [50, 12], [48, 45], [12, 44], [10, 10], [50, 12], [48, 45], [12, 44]]
    ),
}


@pytest.fixture(params=SHAPES.values(), ids=SHAPES.keys())
def any_points(request: pytest.FixtureRequest) -> BezierPoints:
    points: BezierPoints = request.param
    return points
