"""The hole laid beside itself, to try how well its surroundings predict what it hides."""

from __future__ import annotations

import numpy as np
import pytest

from void_engine.arrays import BoolArray, Float32Array
from void_engine.propagation import inpainting
from void_engine.propagation.reveal import shadow_holes

ROWS, COLUMNS = 90, 140


def ramp_and_texture(seed: int) -> Float32Array:
    """Smooth on the left half, coarse noise on the right one."""
    picture = np.full((ROWS, COLUMNS, 3), 0.4, np.float32)
    picture += np.linspace(0, 0.1, ROWS, dtype=np.float32)[:, None, None]
    noise = np.random.default_rng(seed).normal(0, 0.15, (ROWS // 5, COLUMNS // 10, 3)).astype(np.float32)
    picture[:, COLUMNS // 2 :] += np.repeat(np.repeat(noise, 5, axis=0), 5, axis=1)
    return picture


def box_of_hidden(rows: slice, columns: slice) -> BoolArray:
    hidden = np.zeros((ROWS, COLUMNS), bool)
    hidden[rows, columns] = True
    return hidden


@pytest.mark.parametrize("rows", [slice(30, 50), slice(2, 88)], ids=["box", "as high as the picture"])
def test_smooth_ground_predicts_a_hole_and_texture_does_not(rows: slice) -> None:
    picture = ramp_and_texture(1)
    errors = []
    for columns in (slice(20, 32), slice(100, 112)):
        hidden = box_of_hidden(rows, columns)
        # What the object itself looks like must not count.
        shown = np.where(hidden[:, :, None], np.float32(3.0), picture)
        found = shadow_holes.prediction_errors(shown, hidden, [inpainting.inpaint, inpainting.smooth_fill])
        assert found is not None
        assert [one.shape for one in found] == [(ROWS, COLUMNS)] * 2
        errors.append([float(one[hidden].mean()) for one in found])
    assert max(errors[0]) < 0.02**2
    assert min(errors[1]) > 0.05**2


def test_a_large_hole_is_thinned_and_keeps_its_size() -> None:
    hidden = box_of_hidden(slice(10, 80), slice(40, 90))
    found = shadow_holes.prediction_errors(ramp_and_texture(2), hidden, [inpainting.smooth_fill])
    assert found is not None
    assert found[0].shape == hidden.shape
    assert np.isfinite(found[0]).all()


@pytest.mark.parametrize(
    "hidden",
    [
        np.zeros((ROWS, COLUMNS), bool),
        np.ones((ROWS, COLUMNS), bool),
        box_of_hidden(slice(5, 85), slice(10, 130)),
    ],
    ids=["no hole", "all hidden", "no room"],
)
def test_without_room_beside_the_hole_nothing_is_tried(hidden: BoolArray) -> None:
    assert shadow_holes.prediction_errors(ramp_and_texture(3), hidden, [inpainting.inpaint]) is None


def test_a_single_row_of_pixels_is_no_mistake() -> None:
    picture = np.full((1, 60, 3), 0.3, np.float32)
    hidden = np.zeros((1, 60), bool)
    hidden[0, 25:32] = True
    found = shadow_holes.prediction_errors(picture, hidden, [inpainting.inpaint])
    assert found is None or float(found[0].max()) < 1e-3
