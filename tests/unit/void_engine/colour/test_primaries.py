from __future__ import annotations

import numpy as np
import pytest

from void_engine.colour.primaries import UNCHANGED, primaries_of
from void_engine.errors import SettingError


@pytest.fixture(autouse=True)
def pinned(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OCIO", raising=False)


def test_acescg_to_rec709_is_the_published_matrix() -> None:
    expected = [[1.70505, -0.62179, -0.08326], [-0.13026, 1.14080, -0.01055], [-0.02400, -0.12897, 1.15297]]
    np.testing.assert_allclose(primaries_of("ACEScg").matrix, expected, atol=1e-4)


def test_the_way_back_is_exact() -> None:
    space = primaries_of("ACEScg")
    light = np.random.default_rng(1).normal(1, 20, (8, 8, 3)).astype(np.float32)
    np.testing.assert_allclose(space.from_model(space.to_model(light)), light, rtol=1e-5, atol=1e-4)


def test_grey_stays_grey() -> None:
    grey = np.full((1, 1, 3), 0.18, np.float32)
    np.testing.assert_allclose(primaries_of("ACEScg").to_model(grey), grey, atol=1e-4)


def test_no_space_changes_nothing() -> None:
    light = np.ones((2, 2, 3), np.float32)
    assert primaries_of("") is UNCHANGED
    assert UNCHANGED.to_model(light) is light


@pytest.mark.parametrize(("space", "words"), [("ACEScct", "not scene-linear"), ("no such", "no such")])
def test_spaces_that_will_not_do_are_refused(space: str, words: str) -> None:
    with pytest.raises(SettingError, match=words):
        primaries_of(space)
