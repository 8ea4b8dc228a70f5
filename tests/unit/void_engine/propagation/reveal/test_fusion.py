from __future__ import annotations

import numpy as np

from void_engine.propagation.reveal import fusion


def test_the_median_follows_the_weights() -> None:
    values = np.array([[[0.0]], [[1.0]], [[5.0]]], np.float32)
    assert fusion.weighted_median(values, np.array([[1], [1], [1]], np.float32))[0, 0] == 1.0
    assert fusion.weighted_median(values, np.array([[1], [1], [9]], np.float32))[0, 0] == 5.0


def test_an_outlier_does_not_count() -> None:
    values = np.full((5, 10, 3), 0.4, np.float32)
    values[2] = 1.6
    fused = fusion.fuse(values, np.ones((5, 10), np.float32), 0.01)
    assert np.allclose(fused.values, 0.4, atol=1e-3)


def test_a_passer_by_in_one_source_leaves_no_ghost() -> None:
    values = np.random.default_rng(2).normal(0.5, 0.01, (8, 1000, 3)).astype(np.float32)
    values[3, :500] += 0.3
    fused = fusion.fuse(values, np.ones((8, 1000), np.float32), 0.01)
    assert abs(float(fused.values[:500].mean() - fused.values[500:].mean())) < 0.003


def test_unseen_pixels_have_no_weight_and_seen_ones_average_their_noise() -> None:
    values = np.random.default_rng(0).normal(0.5, 0.01, (8, 4000, 3)).astype(np.float32)
    weights = np.ones((8, 4000), np.float32)
    weights[:, :10] = 0
    values[:, :10] = 77.0
    fused = fusion.fuse(values, weights, 0.01)
    assert not fused.weight[:10].any()
    assert not fused.values[:10].any()
    deviation = float(fused.values[10:].std())
    # Eight equal sources that differ only by noise are averaged, hardly worse than by their plain mean.
    assert deviation < 1.03 * 0.01 / np.sqrt(8)
    # The noise that it claims is the noise that it has.
    assert abs(float(np.sqrt(fused.kept_variance[10:].mean())) * 0.01 / deviation - 1) < 0.15


def test_a_single_source_is_taken_as_it_is() -> None:
    values = np.random.default_rng(1).normal(0, 1, (1, 6, 3)).astype(np.float32)
    fused = fusion.fuse(values, np.ones((1, 6), np.float32), 0.01)
    assert np.array_equal(fused.values, values[0])
    assert (fused.kept_variance == 1).all()
