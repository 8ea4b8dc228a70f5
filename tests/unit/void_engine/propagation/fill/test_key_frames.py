"""How far what was invented in a key frame is carried to other frames."""

from __future__ import annotations

import numpy as np

from void_engine.propagation.fill import key_frames


def test_what_was_invented_is_carried_only_where_it_fits() -> None:
    """The left half of the surroundings is as it was in the key frame; in the right half something moved."""
    rows, columns = np.indices((80, 120))
    before = np.repeat(np.where((rows // 3 + columns // 3) % 2, 0.5, 0.45)[:, :, None], 3, axis=2)
    now = np.where(columns[:, :, None] < 60, before, 0.1).astype(np.float32)
    unseen = np.zeros((80, 120), bool)
    unseen[30:50, 20:100] = True
    everywhere, nothing = np.ones_like(unseen), np.zeros_like(unseen)
    fitted = key_frames._where_it_fits(
        now, unseen, before.astype(np.float32), everywhere, nothing, lambda: None
    )
    assert np.abs(fitted - now)[30:50, 20:38].mean() < 0.01
    assert np.abs(fitted - now)[30:50, 75:100].mean() < 0.05, "what was carried is 0.37 off"
    # What only passes in front of the object does not count.
    passing = columns >= 56
    fitted = key_frames._where_it_fits(
        now, unseen, before.astype(np.float32), everywhere, passing, lambda: None
    )
    assert np.abs(fitted - before)[unseen].max() < 0.03


def test_what_was_invented_gets_the_colours_of_its_surroundings_as_they_are_now() -> None:
    """The light has changed slowly since the key frame was made."""
    rows, columns = np.indices((80, 120))
    before = np.repeat(np.where((rows // 3 + columns // 3) % 2, 0.5, 0.3)[:, :, None], 3, axis=2)
    now = (before + 0.04 + 0.0005 * columns[:, :, None]).astype(np.float32)
    unseen = np.zeros((80, 120), bool)
    unseen[30:50, 40:80] = True
    everywhere, nothing = np.ones_like(unseen), np.zeros_like(unseen)
    fitted = key_frames._where_it_fits(
        now, unseen, before.astype(np.float32), everywhere, nothing, lambda: None
    )
    assert np.abs(fitted - now)[unseen].mean() < 0.01, "it was 0.07 off"


def test_what_was_invented_counts_less_than_it_fits_beside_the_hole() -> None:
    """There it is the key frame's plate, half of which is as it was, and inside it knows nothing."""
    now, changed, invented = (
        np.random.default_rng(seed).normal(0.5, 0.1, (80, 120, 3)).astype(np.float32) for seed in (1, 2, 3)
    )
    unseen = np.zeros((80, 120), bool)
    unseen[30:50, 40:80] = True
    kept = 0.5 + 0.5 * (now - 0.5) + np.sqrt(0.75) * (changed - 0.5)
    before = np.where(unseen[:, :, None], invented, kept).astype(np.float32)
    everywhere, nothing = np.ones_like(unseen), np.zeros_like(unseen)
    fitted = key_frames._where_it_fits(now, unseen, before, everywhere, nothing, lambda: None)
    assert np.square(fitted - now)[unseen].mean() < 1.15 * 0.1**2
