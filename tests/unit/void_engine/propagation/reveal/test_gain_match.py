from __future__ import annotations

import cv2
import numpy as np

from void_engine.propagation import cross_validation
from void_engine.propagation.reveal import gain_match

ROWS, COLUMNS = 120, 180


def source(seed: int = 0) -> np.ndarray:
    noise = np.random.default_rng(seed).normal(0, 1, (ROWS, COLUMNS, 3)).astype(np.float32)
    return np.asarray(0.6 + 0.5 * cv2.GaussianBlur(noise, (0, 0), 3.0), np.float32)


def grainy(picture: np.ndarray, seed: int) -> np.ndarray:
    noise = np.random.default_rng(seed).normal(0, 0.01, picture.shape)
    return np.asarray(picture + noise, np.float32)


def around() -> np.ndarray:
    weight = np.ones((ROWS, COLUMNS), np.float32)
    weight[40:80, 60:120] = 0
    return weight


def test_noise_alone_moves_no_light() -> None:
    clean = source()
    matched = gain_match.match_gain(grainy(clean, 1), grainy(clean, 2), around())
    assert np.array_equal(matched.gain, np.ones(3, np.float32))
    assert float(np.abs(matched.offset).max()) < 0.0015
    assert abs(matched.noise - 0.01 * np.sqrt(2)) < 0.003


def test_every_other_pixel_tells_the_same_light() -> None:
    clean = source()
    x = np.linspace(-1, 1, COLUMNS, dtype=np.float32)[None, :, None]
    target, seen, weight = grainy(clean + 0.08 * np.exp(-4 * x * x), 1), grainy(clean, 2), around()
    whole = gain_match.match_gain(target, seen, weight)
    thinned = gain_match.match_gain(target[::2, ::2], seen[::2, ::2], weight[::2, ::2], (ROWS, COLUMNS))
    assert thinned.offset.shape == whole.offset.shape
    ring = weight > 0
    assert float(np.abs(thinned.offset - whole.offset)[ring].mean()) < 0.004
    assert np.allclose(thinned.gain, whole.gain, atol=0.01)
    assert abs(thinned.noise - whole.noise) < 0.002


def test_a_lamp_that_is_brighter_is_followed_into_the_hole() -> None:
    clean = source()
    x = np.linspace(-1, 1, COLUMNS, dtype=np.float32)[None, :, None]
    lamp = np.broadcast_to(0.08 * np.exp(-4 * x * x), clean.shape)
    matched = gain_match.match_gain(grainy(clean + lamp, 1), grainy(clean, 2), around())
    left = matched.offset + np.log2(matched.gain) / 5.7 - lamp
    assert float(np.abs(left)[40:80, 60:120].mean()) < 0.02


def test_a_correction_is_trusted_as_far_as_it_repeats() -> None:
    weight = np.ones((ROWS, COLUMNS), np.float32)

    def predict(difference: np.ndarray, known: np.ndarray) -> np.ndarray:
        mean = (difference * known[:, :, None]).sum((0, 1)) / known.sum()
        return np.broadcast_to(mean, difference.shape).astype(np.float32)

    flat = np.full((ROWS, COLUMNS, 3), 0.1, np.float32)
    assert cross_validation.shrinkage_factor(flat, weight, 20, predict) == 1.0
    # The other half shows the opposite, so a correction found in one half must not be applied to the other.
    opposite = np.where(cross_validation.chequerboard(weight.shape, 20)[:, :, None], -flat, flat)
    assert cross_validation.shrinkage_factor(opposite, weight, 20, predict) == 0.0
    assert cross_validation.shrinkage_factor(np.zeros_like(flat), weight, 20, predict) == 0.0


def test_a_thing_in_one_of_the_frames_casts_no_shade_on_its_surroundings() -> None:
    clean, weight = source(), around()
    target = grainy(clean, 1)
    target[22:40, 70:100] -= 0.3
    matched = gain_match.match_gain(target, grainy(clean, 2), weight)
    assert float(np.abs(matched.offset[45:75, 60:120]).max()) < 0.01
    # A lamp that lights part of the frame is still followed.
    x = np.linspace(-1, 1, COLUMNS, dtype=np.float32)[None, :, None]
    lit = gain_match.match_gain(grainy(clean + 0.05 * x, 1), grainy(clean, 2), weight)
    assert float(np.abs(lit.offset - 0.05 * x)[45:75, 60:120].max()) < 0.02
