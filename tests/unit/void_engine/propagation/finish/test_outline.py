"""How far an object reaches beyond its matte, measured against what other frames show."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from void_engine.arrays import Float32Array
from void_engine.morphology import grow
from void_engine.propagation.finish.outline import Rim, hidden_rim_px, measure_rim
from void_engine.propagation.in_memory import ArrayShot, SilentMonitor

_FRAMES, _ROWS, _COLUMNS = 24, 120, 160


def _shot(
    tight_px: float, object_moves: bool = True, ring_px: float = 0.0, columns: int = _COLUMNS
) -> ArrayShot:
    """A textured ground under a slow pan with a bright object whose matte is ``tight_px`` too small.

    A darker ring of ``ring_px`` that is no part of the object goes along with it.
    """
    generator = np.random.default_rng(8)
    noise = generator.normal(0.0, 1.0, (_ROWS, columns + 60, 3)).astype(np.float32)
    ground = np.clip(0.25 + 0.5 * cv2.GaussianBlur(noise, (0, 0), 2.0), 0.02, 1.0)
    plate = np.empty((_FRAMES, _ROWS, columns, 3), np.float32)
    matte = np.empty((_FRAMES, _ROWS, columns), np.float32)
    y, x = np.mgrid[:_ROWS, :columns]
    for number in range(_FRAMES):
        centre = 30 + 4 * number if object_moves else 80
        cover: Float32Array = (np.hypot(x - centre, y - 60) < 20).astype(np.float32)
        behind = ground[:, number if object_moves else 0 :][:, :columns]
        beside = np.hypot(x - centre, y - 60) < 20 + ring_px
        behind = np.where(beside[:, :, None], np.float32(0.6) * behind, behind)
        plate[number] = behind + cover[:, :, None] * (np.float32(0.9) - behind)
        plate[number] += generator.normal(0.0, 0.002, plate[number].shape).astype(np.float32)
        matte[number] = grow(cover, -tight_px)
    return ArrayShot(plate, matte)


def _rim(shot: ArrayShot) -> Rim | None:
    return measure_rim(shot, SilentMonitor())


@pytest.mark.parametrize("tight_px", [2.0, 5.0])
def test_a_tight_matte_shows_how_much_it_lacks(tight_px: float) -> None:
    found = _rim(_shot(tight_px))
    assert found is not None
    assert found.width_px == pytest.approx(tight_px, abs=1.0)
    assert found.share > 0.5


def test_a_matte_that_covers_its_object_needs_nothing() -> None:
    found = _rim(_shot(-1.0))
    assert found is not None
    assert found.width_px == 0


def test_the_measure_is_the_same_every_time() -> None:
    assert _rim(_shot(3.0)) == _rim(_shot(3.0))


def test_nothing_is_told_where_no_frame_shows_the_outline() -> None:
    assert _rim(_shot(2.0, object_moves=False)) is None


def test_what_goes_along_with_the_object_in_another_colour_is_no_rim() -> None:
    found = _rim(_shot(0.0, ring_px=5.0))
    assert found is not None
    assert found.width_px == 0


@pytest.mark.parametrize(("columns", "hidden_px"), [(160, 1), (640, 2)])
def test_the_engine_keeps_away_from_a_rim_as_far_as_the_picture_is_large(
    columns: int, hidden_px: int
) -> None:
    assert hidden_rim_px(_shot(5.0, columns=columns), SilentMonitor()) == hidden_px
    assert hidden_rim_px(_shot(-1.0, columns=columns), SilentMonitor()) == 0


def test_no_rim_is_kept_away_from_where_it_cannot_be_measured() -> None:
    assert hidden_rim_px(_shot(2.0, object_moves=False), SilentMonitor()) == 0
