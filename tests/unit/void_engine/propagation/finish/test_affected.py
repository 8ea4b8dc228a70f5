"""What an object did to affected pixels: nothing, a change of light, or something mirrored."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from void_engine.arrays import BoolArray, Float32Array
from void_engine.propagation.finish import affected

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


def _measured(plate: Float32Array, shown: Float32Array) -> affected.Change:
    zone = _zone()
    change = affected.measure_change(plate, shown, np.ones(_SHAPE, bool), zone, ~zone)
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
    answer = affected.Change(zone, whole, ~zone).taken_away(plate, shown, ~zone)
    assert answer[zone] == pytest.approx(shown[zone], abs=1e-5)
    assert np.array_equal(answer[~zone], shown[~zone])


def test_nothing_is_told_without_pixels_to_compare() -> None:
    everywhere = np.ones(_SHAPE, bool)
    nothing = np.zeros(_SHAPE, bool)
    assert affected.measure_change(_texture(), _texture(), everywhere, everywhere, nothing) is None


def test_the_zone_keeps_away_from_the_object() -> None:
    remove, marked = np.zeros(_SHAPE, np.float32), np.zeros(_SHAPE, np.float32)
    marked[40:120, 50:150] = 1.0
    remove[60:100, 50:70] = 1.0
    zone = affected.zone_of((marked > 0) | (remove > 0), marked, remove)
    assert zone[50, 140]
    assert not zone[80, 60]
    assert not zone[80, 71]
    assert not affected.zone_of(remove > 0, np.zeros_like(remove), remove).any()


def test_a_foreground_that_stands_still_is_found_in_its_place() -> None:
    plate, other, everywhere = _texture(), _texture(9), np.ones(_SHAPE, bool)
    there = plate + _grain(4)
    assert affected.nearer_unaligned(plate, other, everywhere, there, everywhere).mean() > 0.98
    assert not affected.nearer_unaligned(plate, there, everywhere, other, everywhere).any()
    unseen = np.zeros(_SHAPE, bool)
    assert affected.nearer_unaligned(plate, other, unseen, there, everywhere).mean() > 0.98
    assert affected.nearer_unaligned(plate, there, unseen, other, everywhere).mean() < 0.02
