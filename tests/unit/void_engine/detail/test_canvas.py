"""The geometry between plate and canvas: nothing is shifted, at any ratio and in any window."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from void_engine.arrays import Float32Array
from void_engine.detail.canvas import Canvas
from void_engine.geometry import Box


def ramp(rows: int, columns: int) -> Float32Array:
    """Each pixel holds the position of its centre, as fractions of the picture: (rows, columns, 2)."""
    y, x = np.mgrid[0:rows, 0:columns]
    return np.stack([(x + 0.5) / columns, (y + 0.5) / rows], axis=2).astype(np.float32)


@pytest.mark.parametrize(
    ("plate", "canvas"), [((90, 160), (30, 40)), ((97, 131), (31, 47)), ((20, 24), (30, 36))]
)
def test_both_directions_keep_every_pixel_in_its_place(
    plate: tuple[int, int], canvas: tuple[int, int]
) -> None:
    window = Canvas(plate, canvas).window(Box.from_shape(canvas))
    inner = (slice(4, -4), slice(4, -4))
    assert np.abs(window.reduce(ramp(*plate)) - ramp(*canvas))[inner].max() < 1e-3
    wide = (slice(16, -16), slice(16, -16)) if plate[0] > canvas[0] else inner
    assert np.abs(window.enlarge(ramp(*canvas)) - ramp(*plate))[wide].max() < 2e-3


def test_reduction_is_the_mean_over_each_canvas_pixel() -> None:
    picture = np.random.default_rng(1).normal(0, 1, (90, 155, 3)).astype(np.float32)
    window = Canvas((90, 155), (31, 44)).window(Box.from_shape((31, 44)))
    assert np.allclose(
        window.reduce(picture), cv2.resize(picture, (44, 31), interpolation=cv2.INTER_AREA), atol=1e-4
    )


def test_a_window_gives_what_the_whole_canvas_has_there() -> None:
    canvas = Canvas((97, 131), (31, 47))
    picture = np.random.default_rng(2).normal(0, 1, (97, 131, 3)).astype(np.float32)
    box = Box(9, 5, 30, 22)
    whole, part = canvas.window(canvas.whole), canvas.window(box)
    cut = picture[part.plate.slices(Box.from_shape((97, 131)))]
    expected = whole.reduce(picture)[box.slices(canvas.whole)]
    assert np.allclose(part.reduce(cut), expected, atol=1e-5)
    small = whole.reduce(picture)
    large = whole.enlarge(small)[part.plate.slices(Box.from_shape((97, 131)))]
    inner = (slice(12, -12), slice(12, -12))
    assert np.allclose(part.enlarge(small[box.slices(canvas.whole)])[inner], large[inner], atol=1e-4)


def test_the_box_around_an_area_holds_all_of_it() -> None:
    canvas = Canvas((97, 131), (31, 47))
    window = canvas.window(canvas.around(Box(40, 30, 61, 52), 2))
    assert window.plate.union(Box(40, 30, 61, 52)) == window.plate
    assert canvas.around(Box(0, 0, 131, 97), 9) == canvas.whole
