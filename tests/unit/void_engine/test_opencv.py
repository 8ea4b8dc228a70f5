from __future__ import annotations

import numpy as np
import pytest

from void_engine import opencv
from void_engine.geometry import Box


def spot(rows: int = 7, columns: int = 9) -> np.ndarray:
    mask = np.zeros((rows, columns), bool)
    mask[3, 4] = True
    return mask


def test_sizes_are_rows_and_columns_and_types_are_kept() -> None:
    picture = np.arange(4 * 6 * 3, dtype=np.float32).reshape(4, 6, 3)

    half = opencv.resize(picture, (2, 3), opencv.AREA)

    assert half.shape == (2, 3, 3)
    assert half.dtype == np.float32
    np.testing.assert_allclose(half[0, 0], picture[:2, :2].mean(axis=(0, 1)))
    assert opencv.pyramid_up(half, picture.shape).shape == picture.shape
    assert opencv.gaussian_blur(picture.astype(np.uint8), 1.0).dtype == np.uint8


@pytest.mark.parametrize(("outside", "expected"), [(None, 5.0), (-2.0, -2.0)])
def test_what_is_read_beyond_the_picture(outside: float | None, expected: float) -> None:
    picture = np.full((4, 4), 5.0, np.float32)
    far = np.full((1, 1), 40.0, np.float32)
    shift = np.array([[1.0, 0.0, 40.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])

    assert opencv.remap(picture, far, far, outside=outside)[0, 0] == expected
    assert opencv.warp_perspective(picture, shift, (2, 2), outside)[0, 0] == expected


def test_a_perspective_maps_from_the_view_to_the_picture() -> None:
    picture = np.arange(20, dtype=np.float32).reshape(4, 5)
    shift = np.array([[1.0, 0.0, 2.0], [0.0, 1.0, 1.0], [0.0, 0.0, 1.0]])

    np.testing.assert_array_equal(opencv.warp_perspective(picture, shift, (2, 3)), picture[1:3, 2:5])


def test_masks_grow_and_shrink_as_masks() -> None:
    grown = opencv.dilate(spot(), opencv.square(3))

    assert grown.dtype == np.bool_
    assert Box.around(grown) == Box(3, 2, 6, 5)
    np.testing.assert_array_equal(opencv.erode(grown, opencv.square(3)), spot())
    assert int(opencv.dilate(spot(), opencv.disc(1)).sum()) == 5
    # The picture's border is no edge of a mask.
    assert opencv.erode(np.ones((4, 4), bool), opencv.square(3)).all()


def test_depth_counts_from_the_nearest_pixel_outside() -> None:
    depth = opencv.depth_inside(~spot(), opencv.EXACT)

    assert depth[3, 4] == 0
    assert depth[0, 0] == pytest.approx(5.0)


def test_each_pixel_learns_its_nearest_true_pixel() -> None:
    mask = spot()
    mask[0, 0] = True

    labels = opencv.nearest_labels(mask)

    assert labels[1, 1] == labels[0, 0] != labels[3, 4]
    assert labels[6, 8] == labels[3, 4]


def test_components_hang_together_over_corners() -> None:
    mask = spot()
    mask[4, 5] = mask[0, 0] = True

    labels, boxes = opencv.connected_components(mask)

    assert sorted((box.x0, box.y0, box.x1, box.y1) for box in boxes) == [(0, 0, 1, 1), (4, 3, 6, 5)]
    assert labels[3, 4] == labels[4, 5] != labels[0, 0]
    assert labels[6, 0] == 0
    assert boxes[labels[3, 4] - 1] == Box(4, 3, 6, 5)


def test_copying_writes_into_the_target() -> None:
    target = np.zeros((7, 9, 2), np.float32)

    changed = opencv.copy_where(target, spot(), np.ones((7, 9, 2), np.float32))

    assert changed.sum() == target.sum() == 2
