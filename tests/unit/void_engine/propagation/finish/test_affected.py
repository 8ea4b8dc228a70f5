"""What an object did to affected pixels: nothing, a change of light, or something mirrored."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from void_engine.arrays import BoolArray, Float32Array
from void_engine.propagation.finish import affected
from void_engine.propagation.reveal import visible

_SHAPE = (160, 200)
_ZONE = (slice(40, 120), slice(50, 150))


def _texture(seed: int = 3) -> Float32Array:
    noise = np.random.default_rng(seed).normal(0.0, 1.0, (*_SHAPE, 3)).astype(np.float32)
    return np.asarray(0.5 + 0.2 * cv2.GaussianBlur(noise, (0, 0), 1.5), np.float32)


def _grain(seed: int) -> Float32Array:
    return np.random.default_rng(seed).normal(0.0, 0.008, (*_SHAPE, 3)).astype(np.float32)


def _zone() -> BoolArray:
    zone = np.zeros(_SHAPE, bool)
    zone[_ZONE] = True
    return zone


def _shade() -> Float32Array:
    y, x = np.mgrid[: _SHAPE[0], : _SHAPE[1]]
    distance = np.hypot((x - 100) / 40.0, (y - 80) / 30.0)
    return np.clip(1.0 - distance, 0.0, 1.0)[:, :, None].astype(np.float32) * np.float32(-0.15)


def _measured(plate: Float32Array, shown: Float32Array, scatter: float = 0.0) -> affected.Change:
    zone = _zone()
    apart = np.full(_SHAPE, scatter, np.float32)
    change = affected.measure_change(plate, shown, np.ones(_SHAPE, bool), zone, ~zone, apart)
    assert change is not None
    return change


def test_unchanged_pixels_stay_the_plates_own() -> None:
    truth = _texture()
    change = _measured(truth + _grain(1), truth + _grain(2))
    assert change.unchanged[_zone()].mean() > 0.95
    assert not change.unchanged[~_zone()].any()


def test_a_shadow_goes_and_the_plates_fine_detail_stays() -> None:
    truth = _texture() + _grain(1)
    # Other frames show the ground a little out of place and blurred.
    shown = cv2.GaussianBlur(np.roll(_texture(), 1, axis=1), (0, 0), 1.0)
    change = _measured(truth + _shade(), shown)
    answer = change.taken_away(truth + _shade(), shown, ~_zone())
    core = (slice(60, 100), slice(75, 125))
    error = np.abs(answer - truth)[core].mean()
    assert error < 0.35 * np.abs(shown - truth)[core].mean()
    assert error < 0.2 * np.abs(_shade()[core]).mean()


def test_beside_a_shadow_the_plate_stays_bit_for_bit() -> None:
    truth, zone = _texture() + _grain(1), _zone()
    plate = truth + _shade()
    change = _measured(plate, _texture() + _grain(2))
    unchanged = zone & (np.abs(_shade()[:, :, 0]) < 0.001)
    far = unchanged & (cv2.distanceTransform(unchanged.astype(np.uint8), cv2.DIST_L2, 5) > 6)
    assert change.unchanged[far].mean() > 0.8
    answer = change.taken_away(plate, _texture() + _grain(2), ~zone)
    assert np.array_equal(answer[change.unchanged], plate[change.unchanged])
    assert not change.unchanged[zone & (_shade()[:, :, 0] < -0.05)].any()


def test_frames_that_differ_from_each_other_change_nothing() -> None:
    plate, shown = _texture() + _grain(1), _texture(8) + _grain(2)
    shown[~_zone()] = _texture()[~_zone()]
    assert _measured(plate, shown).unchanged[_zone()].mean() < 0.05
    doubtful = _measured(plate, shown, scatter=0.05)
    assert np.abs(doubtful.taken_away(plate, shown, ~_zone()) - plate).mean() < 0.01


def _half_shown(change: Float32Array) -> tuple[affected.Mended, Float32Array, BoolArray]:
    """A change over the whole zone, of which other frames show the left half; it, the truth and the rest."""
    truth, zone = _texture() + _grain(1), _zone()
    shown = _texture() + _grain(2)
    seen = np.ones(_SHAPE, bool)
    seen[:, 100:150] = False
    plate = np.where(zone[:, :, None], truth + change, truth).astype(np.float32)
    known = ~zone & seen
    measured = affected.measure_change(plate, shown, seen, zone, known, np.zeros(_SHAPE, np.float32))
    assert measured is not None
    return affected.mend(plate, shown, measured, zone, known, zone), truth, zone & ~seen


def test_a_shadow_is_continued_to_where_no_frame_shows_the_ground() -> None:
    shadow = np.full((*_SHAPE, 3), -0.08, np.float32)
    mended, truth, unshown = _half_shown(shadow)
    assert mended.pixels[unshown].all()
    # It is known from the shown half on one side, and from the surroundings on the others.
    assert np.abs((mended.plate - truth)[unshown].mean(axis=0)).max() < 0.02
    assert not mended.is_mirror_image


def test_coloured_ground_that_no_frame_shows_is_taken_for_no_shadow() -> None:
    red = np.broadcast_to(np.array([0.0, -0.12, -0.12], np.float32), (*_SHAPE, 3)).copy()
    red[:, :100] = 0.0
    mended, truth, unshown = _half_shown(red)
    changed = np.abs(mended.plate - (truth + red)).max(axis=2)
    assert np.median(changed[unshown]) < 0.02


def test_a_coloured_reflection_is_left_to_be_filled_where_no_frame_shows_the_ground() -> None:
    colour = np.broadcast_to(np.array([0.09, 0.10, -0.02], np.float32), (*_SHAPE, 3))
    mended, _, unshown = _half_shown(colour)
    assert not mended.pixels[unshown].any()
    assert mended.is_mirror_image


def test_a_coloured_reflection_leaves_nothing() -> None:
    truth, shown = _texture() + _grain(1), _texture() + _grain(2)
    mirrored = np.zeros((*_SHAPE, 3), np.float32)
    mirrored[50:110, 80:120] = (0.10, 0.09, 0.01)
    mirrored[60:100:10, 85:115] = (0.02, 0.02, 0.08)
    change = _measured(truth + mirrored, shown)
    answer = change.taken_away(truth + mirrored, shown, ~_zone())
    left = cv2.GaussianBlur(answer - truth, (0, 0), 2.0)[50:110, 80:120]
    assert np.abs(left).max() < 0.012
    assert np.abs(left).mean() < 0.03 * np.abs(mirrored[50:110, 80:120]).mean()


def test_all_bands_together_give_what_other_frames_show() -> None:
    plate, shown, zone = _texture(), _texture(7), _zone()
    whole = tuple(zone.astype(np.float32) for _ in range(len(affected.BAND_SIGMAS_PX) + 1))
    change = affected.Change(zone, whole, np.zeros_like(zone), np.zeros_like(zone))
    answer = change.taken_away(plate, shown, ~zone)
    assert answer[zone] == pytest.approx(shown[zone], abs=1e-5)
    assert np.array_equal(answer[~zone], plate[~zone])


def test_nothing_is_told_without_pixels_to_compare() -> None:
    everywhere = np.ones(_SHAPE, bool)
    nothing = np.zeros(_SHAPE, bool)
    apart = np.zeros(_SHAPE, np.float32)
    assert affected.measure_change(_texture(), _texture(), everywhere, everywhere, nothing, apart) is None


def test_the_zone_keeps_away_from_the_object() -> None:
    remove, marked = np.zeros(_SHAPE, np.float32), np.zeros(_SHAPE, np.float32)
    marked[40:120, 50:150] = 1.0
    remove[60:100, 50:70] = 1.0
    zone = visible.zone_of((marked > 0) | (remove > 0), marked, remove)
    assert zone[50, 140]
    assert not zone[80, 60]
    assert not zone[80, 71]
    assert not visible.zone_of(remove > 0, np.zeros_like(remove), remove).any()


def test_a_foreground_that_stands_still_is_found_in_its_place() -> None:
    plate, other, everywhere = _texture(), _texture(9), np.ones(_SHAPE, bool)
    there = plate + _grain(4)
    assert affected.nearer_unaligned(plate, other, everywhere, there, everywhere).mean() > 0.98
    assert not affected.nearer_unaligned(plate, there, everywhere, other, everywhere).any()
    unseen = np.zeros(_SHAPE, bool)
    assert affected.nearer_unaligned(plate, other, unseen, there, everywhere).mean() > 0.98
    assert affected.nearer_unaligned(plate, there, unseen, other, everywhere).mean() < 0.02
