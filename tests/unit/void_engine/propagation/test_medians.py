"""The median over the frames that show a pixel, against numpy's."""

from __future__ import annotations

import numpy as np

from void_engine.propagation.medians import median_of_shown


def test_the_median_leaves_out_what_is_hidden() -> None:
    pictures = np.random.default_rng(2).normal(size=(9, 40, 3)).astype(np.float32)
    shown = np.random.default_rng(3).random((9, 40)) >= 0.4
    shown[0] = True
    expected = np.nanmedian(np.where(shown[:, :, None], pictures, np.nan), axis=0)
    np.testing.assert_allclose(median_of_shown(pictures, shown, shown.sum(axis=0)), expected, atol=1e-7)
    nowhere = np.zeros((4, 2), bool)
    assert not median_of_shown(np.ones((4, 2, 3), np.float32), nowhere, nowhere.sum(axis=0)).any()
