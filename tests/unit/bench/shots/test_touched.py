"""Drawn shots with effects: what an airborne object does lies apart from it."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from tests.bench.shots.movies import Movie, folder_of_movies
from tests.bench.shots.touched import AIRBORNE_KINDS, EffectShot, draw


@pytest.fixture(scope="module")
def choice(tmp_path_factory: pytest.TempPathFactory) -> list[Movie]:
    root = tmp_path_factory.mktemp("movies")
    generator = np.random.default_rng(0)
    (root / "first").mkdir()
    big = cv2.GaussianBlur(generator.integers(0, 255, (140, 300, 3), np.uint8), (0, 0), 3)
    for t in range(20):
        cv2.imwrite(str(root / "first" / f"plate.{t:03d}.jpg"), big[:, 2 * t : 2 * t + 200])
    return folder_of_movies(root)


def _drawn(choice: list[Movie], seed: int, *, airborne: bool) -> EffectShot:
    return draw(seed, choice, kind="hard shadow", width=192, height=108, frames=8, airborne=airborne)


def test_an_airborne_object_is_above_the_ground_where_its_shadow_stays(choice: list[Movie]) -> None:
    standing, flying = (_drawn(choice, 5, airborne=airborne) for airborne in (False, True))
    # All else of the seed is the same: the camera, and where the ground is.
    np.testing.assert_array_equal(standing.feet, flying.feet)
    np.testing.assert_array_equal(standing.camera, flying.camera)

    def lowest(shot: EffectShot) -> list[int]:
        return [int(np.nonzero(each > 0)[0].max()) for each in shot.remove if (each > 0).any()]

    lifted = [low - high for low, high in zip(lowest(standing), lowest(flying), strict=True)]
    assert min(lifted) >= 0
    assert max(lifted) > 5
    assert "bounces" in flying.what or "hovers" in flying.what


def test_the_same_seed_draws_the_same_airborne_shot(choice: list[Movie]) -> None:
    first, second = (_drawn(choice, 7, airborne=True) for _ in range(2))
    np.testing.assert_array_equal(first.plate, second.plate)
    assert first.what == second.what
    assert draw(3, choice, width=96, height=54, frames=4, airborne=True).kind in AIRBORNE_KINDS
