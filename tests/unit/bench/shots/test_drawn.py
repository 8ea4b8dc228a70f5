"""Drawn shots: the same seed draws the same shot, and its parts belong together."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.bench.shots.drawn import DrawnShot, draw
from tests.bench.shots.movies import Movie, MovieMissingError, folder_of_movies

_SEEDS = range(12)


@pytest.fixture(scope="module")
def choice(tmp_path_factory: pytest.TempPathFactory) -> list[Movie]:
    root = tmp_path_factory.mktemp("movies")
    generator = np.random.default_rng(0)
    for name in ("first", "second"):
        (root / name).mkdir()
        big = cv2.GaussianBlur(generator.integers(0, 255, (140, 300, 3), np.uint8), (0, 0), 3)
        for t in range(20):
            cv2.imwrite(str(root / name / f"plate.{t:03d}.jpg"), big[:, 2 * t : 2 * t + 200])
    return folder_of_movies(root)


@pytest.fixture(scope="module")
def shots(choice: list[Movie]) -> list[DrawnShot]:
    return [draw(seed, choice, width=96, frames=(4, 6)) for seed in _SEEDS]


def test_the_same_seed_draws_the_same_shot(choice: list[Movie], shots: list[DrawnShot]) -> None:
    again = draw(3, choice, width=96, frames=(4, 6))
    assert again.what == shots[3].what
    assert np.array_equal(again.scene.plate, shots[3].scene.plate)
    assert np.array_equal(again.scene.matte, shots[3].scene.matte)


def test_seeds_draw_different_shots(shots: list[DrawnShot]) -> None:
    assert len({shot.what for shot in shots}) == len(shots)
    assert {shot.movie for shot in shots} == {"first", "second"}


def test_something_is_hidden_and_something_is_seen(shots: list[DrawnShot]) -> None:
    for shot in shots:
        scene = shot.scene
        assert scene.plate.shape == (*scene.matte.shape, 3)
        assert scene.matte.shape[1:] == (56, 96)
        assert 0 < scene.region.mean() < 0.9, shot.what


def test_outside_what_is_measured_the_plate_is_the_truth(shots: list[DrawnShot]) -> None:
    exact = [shot for shot in shots if "H.264" not in shot.what]
    assert exact
    for shot in exact:
        outside = ~shot.scene.region
        assert np.abs(shot.scene.plate - shot.scene.truth)[outside].max() < 0.03, shot.what


def test_a_short_movie_gives_what_it_has_and_one_of_two_frames_is_refused_by_name(tmp_path: Path) -> None:
    for name, count in (("short", 5), ("tiny", 2)):
        (tmp_path / name).mkdir()
        for t in range(count):
            cv2.imwrite(str(tmp_path / name / f"plate.{t}.jpg"), np.full((60, 100, 3), 40 * t, np.uint8))
    short, tiny = folder_of_movies(tmp_path)
    assert len(draw(0, [short], width=96).scene.plate) == 5
    with pytest.raises(MovieMissingError, match="tiny has only 2 frames"):
        draw(0, [tiny], width=96)
