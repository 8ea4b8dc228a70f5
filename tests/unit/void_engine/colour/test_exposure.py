from __future__ import annotations

import numpy as np
import pytest

from void_engine.colour.exposure import BRIGHTEST_KEY, DARKEST_KEY, ShotLight, exposure_stops, measure

STAYS = np.ones((4, 4), np.bool_)


def flat(value: float) -> np.ndarray:
    return np.full((4, 4, 3), value, np.float32)


def test_the_key_is_the_geometric_mean_over_the_whole_shot() -> None:
    light = measure([(flat(0.1), STAYS), (flat(0.4), STAYS)])
    assert light.key == pytest.approx(0.2, rel=1e-4)
    assert light.peak == pytest.approx(0.4)


def test_what_goes_counts_for_the_peak_but_not_for_the_key() -> None:
    stays = STAYS.copy()
    stays[:2] = False
    plate = flat(0.2)
    plate[:2] = 50
    light = measure([(plate, stays)])
    assert light.key == pytest.approx(0.2, rel=1e-4)
    assert light.peak == 50


def test_letterboxes_and_negative_light_do_not_count() -> None:
    plate = flat(0.2)
    plate[0], plate[1] = 0, -0.3
    assert measure([(plate, STAYS)]).key == pytest.approx(0.2, rel=1e-4)
    assert measure([(flat(0), STAYS)]).key > 0


@pytest.mark.parametrize("key", [DARKEST_KEY, 0.18, BRIGHTEST_KEY])
def test_ordinary_shots_are_left_alone(key: float) -> None:
    assert exposure_stops(ShotLight(key, 1)) == 0


@pytest.mark.parametrize(("key", "stops"), [(0.01, 2.0), (1.28, -2.0), (1e-9, 10.0)])
def test_others_are_brought_to_the_nearest_limit(key: float, stops: float) -> None:
    assert exposure_stops(ShotLight(key, 1)) == stops
