from __future__ import annotations

import numpy as np
import pytest

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


def partly(count: int, points: int = 4000) -> np.ndarray:
    """Which points each source shows: another three quarters of them for each."""
    valid = np.ones((count, points), bool)
    for index in range(count):
        valid[index, index::4] = False
    return valid


def test_points_that_a_source_does_not_show_do_not_count() -> None:
    """The estimate is that of the points that both sources of a pair show, whatever the others hold."""
    mixing = np.array([[0.02, 0.0, 0.0, 0.01], [0.0, 0.03, 0.0, 0.01], [0.0, 0.0, 0.01, 0.01]])
    found, valid = errors(6, mixing), partly(3)
    expected = mixing @ mixing.T
    measured = source_weights.covariance(found, valid)
    assert measured is not None
    np.testing.assert_allclose(measured, expected, rtol=0.12)
    garbage = np.where(valid[:, :, None], found, 7.0).astype(np.float32)
    np.testing.assert_array_equal(source_weights.covariance(garbage, valid), measured)


def test_a_pair_that_is_never_seen_together_is_as_alike_as_the_others() -> None:
    mixing = 0.01 * np.hstack([np.eye(4), np.ones((4, 1))])
    valid = np.ones((4, 4000), bool)
    valid[0, 2000:] = False
    valid[1, :2000] = False
    measured = source_weights.covariance(errors(7, mixing), valid)
    assert measured is not None
    deviations = np.sqrt(np.diag(measured))
    alike = measured / np.outer(deviations, deviations)
    others = [alike[a, b] for a in range(4) for b in range(a) if (a, b) != (1, 0)]
    assert alike[0, 1] == pytest.approx(np.mean(others), abs=0.01)
    assert np.mean(others) == pytest.approx(0.5, abs=0.05)


def test_two_sources_that_are_never_seen_together_are_taken_for_half_alike() -> None:
    valid = np.zeros((2, 4000), bool)
    valid[0, :2000] = valid[1, 2000:] = True
    measured = source_weights.covariance(errors(8, 0.01 * np.eye(2)), valid)
    assert measured is not None
    assert measured[0, 1] / np.sqrt(measured[0, 0] * measured[1, 1]) == pytest.approx(0.5, abs=1e-3)


def test_a_source_that_repeats_most_pixels_exactly_is_not_clipped_to_nothing() -> None:
    """The median of its errors is 0; what it gets wrong elsewhere is still seen."""
    found = errors(9, 0.01 * np.eye(2))
    found[0, np.arange(4000) % 10 < 7] = 0.0
    measured = source_weights.covariance(found, np.ones((2, 4000), bool))
    assert measured is not None
    assert measured[0, 0] == pytest.approx(0.3e-4, rel=0.15)
    assert measured[1, 1] == pytest.approx(1e-4, rel=0.1)


def test_errors_are_clipped_at_four_deviations() -> None:
    found = errors(10, 0.01 * np.eye(2))
    found[0, ::50] = 3.0
    measured = source_weights.covariance(found, np.ones((2, 4000), bool))
    assert measured is not None
    # One point of fifty counts as four deviations: (0.98 + 0.02 * 16) times the power of the others.
    assert measured[0, 0] == pytest.approx(1.3e-4, rel=0.12)


def test_sources_that_repeat_each_other_keep_a_matrix_that_can_be_solved() -> None:
    """The least eigenvalue of the correlations is 0.03, and no larger than it has to be."""
    measured = source_weights.covariance(errors(11, 0.01 * np.ones((3, 1))), np.ones((3, 4000), bool))
    assert measured is not None
    values = np.linalg.eigvalsh(measured) / float(np.diag(measured).mean() / (1 + 0.03 * 2 / 3))
    assert values[:2] == pytest.approx([0.03, 0.03], rel=0.05)
    assert values[2] == pytest.approx(3.0, rel=0.01)
    assert np.allclose(source_weights.best_weights(measured), 1 / 3, atol=1e-3)


def test_perfect_sources_still_have_a_covariance() -> None:
    measured = source_weights.covariance(np.zeros((2, 500, 3), np.float32), np.ones((2, 500), bool))
    assert measured is not None
    assert np.linalg.eigvalsh(measured).min() > 0
    assert np.allclose(source_weights.best_weights(measured), 0.5)


@pytest.mark.parametrize(("shown", "known"), [(149, False), (150, True)])
def test_a_covariance_needs_so_many_points_of_the_source_with_the_fewest(shown: int, known: bool) -> None:
    valid = np.ones((2, 400), bool)
    valid[0, shown:] = False
    assert (source_weights.covariance(errors(12, np.eye(2), 400), valid) is not None) == known
    assert source_weights.covariance(np.zeros((0, 400, 3), np.float32), np.ones((0, 400), bool)) is None


def test_the_weights_are_the_best_there_are() -> None:
    """No shift of weight between two sources makes the expected error smaller."""
    generator = np.random.default_rng(13)
    for _ in range(20):
        root = generator.normal(0, 1, (5, 5)) + 1.0
        covariance = root @ root.T + 0.05 * np.eye(5)
        weights = source_weights.best_weights(covariance)
        slope = covariance @ weights
        used = weights > 1e-9
        assert np.ptp(slope[used]) < 1e-8
        assert (slope[~used] >= slope[used].min() - 1e-8).all()


def test_the_order_of_the_sources_does_not_matter() -> None:
    generator = np.random.default_rng(14)
    root = generator.normal(0, 1, (6, 6)) + 1.0
    covariance = root @ root.T + 0.05 * np.eye(6)
    order = generator.permutation(6)
    np.testing.assert_allclose(
        source_weights.best_weights(covariance[np.ix_(order, order)]),
        source_weights.best_weights(covariance)[order],
        atol=1e-9,
    )
