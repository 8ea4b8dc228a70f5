from __future__ import annotations

import numpy as np

from void_engine.propagation.reveal import source_weights


def errors(seed: int, mixing: np.ndarray, count: int = 4000) -> np.ndarray:
    """Errors (S, N, 3) whose covariance is ``mixing`` times its transpose."""
    independent = np.random.default_rng(seed).normal(0, 1, (mixing.shape[1], count, 3))
    return np.einsum("sk,knc->snc", mixing, independent).astype(np.float32)


def test_equally_noisy_sources_are_averaged() -> None:
    # The plate's own noise is common to all errors and must change nothing.
    mixing = 0.01 * np.hstack([np.eye(4), np.ones((4, 1))])
    measured = source_weights.covariance(errors(0, mixing), np.ones((4, 4000), bool))
    assert measured is not None
    assert np.allclose(source_weights.best_weights(measured), 0.25, atol=0.03)


def test_a_source_that_repeats_the_plate_is_copied() -> None:
    # Compression repeats the noise of the nearest frame, and all others have noise of their own.
    measured = source_weights.covariance(
        errors(1, np.diag([0.001, 0.01, 0.012, 0.01])), np.ones((4, 4000), bool)
    )
    assert measured is not None
    assert source_weights.best_weights(measured)[0] > 0.95


def test_weights_are_never_negative_and_beat_every_single_source() -> None:
    generator = np.random.default_rng(2)
    for _ in range(20):
        root = generator.normal(0, 1, (6, 6)) + 1.5
        covariance = root @ root.T + 0.01 * np.eye(6)
        weights = source_weights.best_weights(covariance)
        assert (weights >= 0).all()
        assert abs(float(weights.sum()) - 1) < 1e-9
        assert float(weights @ covariance @ weights) <= float(np.diag(covariance).min()) + 1e-9


def test_many_sets_at_once_weigh_as_each_alone() -> None:
    generator = np.random.default_rng(5)
    for scale in (1.0, 1e-5):
        root = generator.normal(0, 1, (8, 8)) + 1.2
        covariance = scale * (root @ root.T + 0.05 * np.eye(8))
        members = (np.arange(256)[:, None] >> np.arange(8) & 1) > 0
        together = source_weights.best_weights_of_sets(covariance, members)
        assert not together[0].any()
        assert (np.count_nonzero(together, axis=1) < members.sum(axis=1)).any()
        for chosen, weights in zip(members[1:], together[1:], strict=True):
            assert not weights[~chosen].any()
            alone = source_weights.best_weights(covariance[np.ix_(chosen, chosen)])
            assert np.allclose(weights[chosen], alone, atol=1e-7)


def test_a_few_outliers_do_not_decide() -> None:
    found = errors(3, np.diag([0.01, 0.01]))
    found[0, ::50] = 3.0
    measured = source_weights.covariance(found, np.ones((2, 4000), bool))
    assert measured is not None
    assert source_weights.best_weights(measured)[0] > 0.35


def test_too_few_points_say_nothing() -> None:
    valid = np.ones((2, 4000), bool)
    valid[1, 100:] = False
    assert source_weights.covariance(errors(4, np.eye(2)), valid) is None


def test_each_pixel_is_shared_among_the_sources_that_see_it() -> None:
    sources = source_weights.SourceWeights(np.diag([1.0, 1.0, 4.0]))
    visible = np.array([[1, 1, 0, 0], [1, 0, 0, 0], [1, 1, 1, 0]], bool)
    weights = sources.where(visible)
    assert np.allclose(weights[:, 0], [4 / 9, 4 / 9, 1 / 9], atol=1e-6)
    assert np.allclose(weights[:, 1], [0.8, 0, 0.2], atol=1e-6)
    assert np.allclose(weights[:, 2], [0, 0, 1])
    assert not weights[:, 3].any()
