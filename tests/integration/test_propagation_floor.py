"""The floor of propagation: on shots drawn at random it is never worse than the best simple removal.

The shots are drawn from the shared clips beside the checkout, or, without them, from movies made here. A
hundred from all movies of the bench are measured by hand: ``python -m tests.bench.propagation --drawn 100``.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest
import skimage

from tests.bench.shots.drawn import draw
from tests.bench.shots.measuring import measure
from tests.bench.shots.movies import MOVIES, Movie, folder_of_movies
from tests.bench.shots.report import ALLOWED_DB
from tests.reference_data import CLIPS

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]

_SHOTS = 8
_MOST_BELOW = 0.03
_LEAST_MEAN_DB = 1.0
_WORST_TODAY_DB = -2.0
"""How far below the engine may be on a single shot until the floor is reached."""
_WIDTH = 160
_FRAMES = (7, 9)
_SMALL_CLIPS = ("bmx-trees", "tennis", "ducky-float")
"""Clips that are read fast: the others are 3840 pixels wide."""


def _made_movie(folder: Path, still: str, seed: int) -> None:
    """Write a movie of a photograph under a hand-held camera, with a disc of other texture passing by."""
    folder.mkdir()
    picture = cv2.imread(str(Path(skimage.__file__).parent / "data" / still))
    assert picture is not None
    picture = cv2.resize(picture, (480, 320), interpolation=cv2.INTER_AREA)
    generator = np.random.default_rng(seed)
    walk = np.cumsum(generator.normal(0, 1.2, (40, 2)), axis=0)
    for t in range(40):
        shift = np.array([[1, 0, 40 + 1.5 * t + walk[t, 0]], [0, 1, 25 + walk[t, 1]]], np.float32)
        view = cv2.warpAffine(
            picture,
            shift,
            (400, 240),
            flags=cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_REFLECT,
        )
        spot = (int(40 + 8 * t), 150 + int(8 * np.sin(0.5 * t)))
        cv2.circle(view, spot, 24, (60, 120, 40), -1, cv2.LINE_AA)
        cv2.circle(view, (spot[0] + 5, spot[1] - 4), 9, (190, 210, 200), -1, cv2.LINE_AA)
        cv2.imwrite(str(folder / f"plate.{t:04d}.jpg"), view)


@pytest.fixture(scope="module")
def footage(tmp_path_factory: pytest.TempPathFactory) -> Sequence[Movie]:
    if CLIPS.exists():
        return [MOVIES[name] for name in _SMALL_CLIPS]
    root = tmp_path_factory.mktemp("movies")
    for seed, still in enumerate(("coffee.png", "astronaut.png", "chelsea.png")):
        _made_movie(root / Path(still).stem, still, seed)
    print("The shared clips are not beside the checkout: the shots are drawn from movies made here.")
    return folder_of_movies(root)


def test_no_drawn_shot_is_worse_than_the_best_simple_removal(footage: Sequence[Movie]) -> None:
    leads: dict[str, float] = {}
    for seed in range(_SHOTS):
        shot = draw(seed, footage, width=_WIDTH, frames=_FRAMES)
        result, _ = measure(shot.scene)
        leads[f"seed {seed}: {shot.movie}, {shot.what}, best {result.best}"] = result.lead_db
        assert result.engine.leak == 0
    assert np.mean(list(leads.values())) > _LEAST_MEAN_DB
    assert min(leads.values()) > _WORST_TODAY_DB, leads
    below = {what: round(lead, 2) for what, lead in leads.items() if lead < 0}
    if min(leads.values()) < -ALLOWED_DB or len(below) > max(1, round(_MOST_BELOW * _SHOTS)):
        pytest.xfail(f"the floor is not reached yet: {below}")
