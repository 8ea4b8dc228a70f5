from __future__ import annotations

import numpy as np
import pytest

from void_engine.propagation import pyramid


@pytest.mark.parametrize("shape", [(1, 1), (2, 7), (33, 47), (64, 64)])
def test_known_values_stay_and_constants_fill(shape: tuple[int, int]) -> None:
    weight = np.zeros(shape, np.float32)
    weight[shape[0] // 2, shape[1] // 2] = 1
    filled = pyramid.push_pull(np.full((*shape, 3), 0.7, np.float32) * weight[:, :, None], weight)
    assert np.allclose(filled, 0.7, atol=1e-3)


def test_a_hole_in_a_ramp_is_bridged() -> None:
    ramp = np.tile(np.linspace(0, 1, 60, dtype=np.float32), (40, 1))
    weight = np.ones_like(ramp)
    weight[12:28, 22:38] = 0
    filled = pyramid.push_pull(ramp * weight, weight)
    assert np.array_equal(filled[weight == 1], ramp[weight == 1])
    assert float(np.abs(filled - ramp)[weight == 0].max()) < 0.12


def test_nothing_known_gives_zeros() -> None:
    assert not pyramid.push_pull(np.ones((9, 9), np.float32), np.zeros((9, 9), np.float32)).any()


def test_the_mean_ignores_what_has_no_weight() -> None:
    values = np.ones((20, 20), np.float32)
    weight = np.ones((20, 20), np.float32)
    values[5:9, 5:9], weight[5:9, 5:9] = 1000.0, 0.0
    mean, _ = pyramid.weighted_blur(values, weight, 2.0)
    assert np.allclose(mean, 1.0, atol=1e-4)
