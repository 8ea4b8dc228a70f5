"""Outlines as roto shapes, held against the masks that they are of."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest

from void_engine.effects.outlines import outlines
from void_engine.geometry import Box
from void_engine.roto.matte import rasterise
from void_nuke.export.thing_curves import area, resampled, shapes_of
from void_protocol.job import RotoShape
from void_server.translate import _shape, ring_of

ROWS, COLUMNS = 90, 160


def _blob(x: float, y: float, radius: float) -> np.ndarray:
    """A bean that turns about itself as it moves."""
    rows, columns = np.mgrid[:ROWS, :COLUMNS].astype(np.float64)
    angle = np.arctan2(rows - y, columns - x)
    return np.hypot(rows - y, columns - x) < radius * (1 + 0.3 * np.sin(2 * angle + x / 9))


def _rings(mask: np.ndarray) -> list[list[float]]:
    return [ring_of(ring, ROWS) for ring in outlines(mask, (COLUMNS, ROWS))]


def _drawn(shapes: list[RotoShape], frame: int) -> np.ndarray:
    found = [(one.name, at) for one in shapes for at in one.frames if at.frame == frame and at.visible]
    return rasterise([_shape(name, at, ROWS) for name, at in found], Box(0, 0, COLUMNS, ROWS)) >= 0.5


def _overlap(one: np.ndarray, other: np.ndarray) -> float:
    return float((one & other).sum() / max(1, (one | other).sum()))


def test_a_moving_outline_is_one_shape_that_covers_what_the_mask_does() -> None:
    masks = {frame: _blob(30 + 6 * frame, 45, 14) for frame in range(1, 13) if frame != 5}
    (shape,) = shapes_of("shadow", "affected", {frame: _rings(mask) for frame, mask in masks.items()})
    assert (shape.name, shape.role) == ("shadow", "affected")
    assert [at.frame for at in shape.frames] == list(range(1, 13))
    assert [at.frame for at in shape.frames if not at.visible] == [5]
    assert len({len(at.points) for at in shape.frames}) == 1
    for frame, mask in masks.items():
        assert _overlap(_drawn([shape], frame), mask) > 0.93, frame
    # The points go along: none of them runs around the outline from frame to frame.
    for before, after in pairwise(at for at in shape.frames if at.visible and at.frame > 5):
        for one, other in zip(before.points, after.points, strict=True):
            assert math.hypot(other.x - one.x - 6, other.y - one.y) < 8


def test_two_regions_are_two_shapes_and_specks_and_holes_are_none() -> None:
    ring = _blob(40, 45, 20) & ~_blob(40, 45, 6)
    mask = ring | _blob(120, 40, 14)
    mask[2:4, 2:4] = True
    shapes = shapes_of("moved", "affected", {1: _rings(mask), 2: _rings(mask)})
    assert [one.name for one in shapes] == ["moved", "moved 2"]
    assert _drawn(shapes, 1)[45, 40]
    assert _overlap(_drawn(shapes, 2), _blob(40, 45, 20) | _blob(120, 40, 14)) > 0.93


def test_growth_moves_the_outline_outwards_and_back() -> None:
    rings = {1: _rings(_blob(80, 45, 20))}

    def size(growth: float) -> int:
        return int(_drawn(shapes_of("one", "affected", rings, growth_px=growth), 1).sum())

    assert size(5) > 1.3 * size(0) > 1.5 * size(-5) > 0
    whole = _drawn(shapes_of("one", "affected", rings, growth_px=5), 1)
    assert (whole & _blob(80, 45, 20)).sum() == _blob(80, 45, 20).sum()


def test_nothing_gives_nothing() -> None:
    assert shapes_of("none", "affected", {}) == []
    assert shapes_of("none", "affected", {1: [], 2: []}) == []


@pytest.mark.parametrize("count", [3, 8, 48])
def test_places_along_a_polygon_are_even(count: int) -> None:
    square = [(0.0, 0.0), (10.0, 0.0), (10.0, 10.0), (0.0, 10.0)]
    places = resampled(square, 4 * count)
    steps = [math.dist(one, other) for one, other in pairwise([*places, places[0]])]
    assert max(steps) - min(steps) < 1e-9
    assert area(places) == pytest.approx(100.0)
    assert resampled([(1.0, 1.0)] * 3, count) == [(1.0, 1.0)] * count
