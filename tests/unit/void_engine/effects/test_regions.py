"""Regions are judged whole, and over several frames."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from void_engine.effects import likelihood, regions, weights
from void_engine.effects.evidence import Evidence
from void_engine.effects.object_frame import Attached
from void_engine.effects.regions import Candidates
from void_engine.effects.steadying import Neighbour, steadied

_FACTS = len(weights.REGION_FACTS)


def _chain(count: int, step: float = 0.0) -> list[list[Neighbour]]:
    """Frames in a row, the camera moving to the right by ``step`` pixels a frame."""

    def to(first: int, second: int) -> Neighbour:
        camera = np.eye(3)
        camera[0, 2] = -step * (second - first)
        return Neighbour(second, camera, None)

    return [[to(t, o) for o in (t - 1, t + 1) if 0 <= o < count] for t in range(count)]


def _evidence(shape: tuple[int, int]) -> Evidence:
    plane = np.full(shape, 0.5, np.float32)
    change = np.zeros((*shape, 3), np.float32)
    usable = np.ones(shape, bool)
    return Evidence(change, plane, plane, plane, plane, plane, plane, plane, plane, plane, usable, 1.0)


def _squares(at: list[tuple[int, int]], shape: tuple[int, int] = (40, 60)) -> Candidates:
    labels = np.zeros(shape, np.int32)
    for number, (row, column) in enumerate(at, start=1):
        labels[row : row + 8, column : column + 8] = number
    return Candidates(labels, np.ones((len(at), _FACTS)))


def test_a_region_that_falters_for_a_frame_is_carried_by_the_others_and_a_lone_one_is_not() -> None:
    found = [_squares([(10, 30 - 2 * t), (30, 50)] if t == 3 else [(10, 30 - 2 * t)]) for t in range(7)]
    scores = [np.array([-1.0, -1.0]) if t == 3 else np.array([2.0]) for t in range(7)]
    steady = regions.steadied_scores(scores, found, _chain(7, step=2.0))
    assert steady[3][0] > 0.5
    assert steady[3][1] == pytest.approx(-1.0)
    assert all(len(each) == len(score) for each, score in zip(steady, scores, strict=True))


def test_scores_do_not_pass_a_cut() -> None:
    found = [_squares([(10, 10)]) for _ in range(2)]
    steady = regions.steadied_scores([np.array([3.0]), np.array([-3.0])], found, [[], []])
    assert [float(each[0]) for each in steady] == [3.0, -3.0]


def test_a_region_is_told_from_its_surroundings_at_a_higher_level() -> None:
    odds = np.full((60, 80), -4.0, np.float32)
    odds[10:50, 10:70] = 0.5
    odds[20:30, 20:40] = 5.0
    odds[0, 0] = 9.0
    evidence, plane = _evidence(odds.shape), np.full(odds.shape, 0.2, np.float32)
    low, _, high = (regions.candidates(level, odds, evidence, plane, plane) for level in regions.LEVELS)
    assert (len(low), len(high)) == (1, 1), "spots are no candidates"
    assert (low.labels > 0).sum() == 40 * 60
    assert (high.labels > 0).sum() == 10 * 20
    facts = dict(zip(weights.REGION_FACTS, high.facts[0], strict=True))
    assert facts["mean odds"] == pytest.approx(5.0)
    assert facts["attached"] == pytest.approx(0.2)
    nothing = regions.candidates(0.0, odds - 20, evidence, plane, plane)
    assert len(nothing) == 0
    assert not nothing.labels.any()


def test_what_blinks_up_in_one_frame_is_averaged_away_and_what_stays_is_not() -> None:
    usable = [np.ones((40, 60), bool)] * 7
    odds = [np.full((40, 60), -2.0, np.float32) for _ in usable]
    for t, each in enumerate(odds):
        each[5:15, 5:15] = -1.0 if t == 3 else 4.0
    odds[3][25:35, 25:35] = 4.0
    steady = steadied(odds, usable, _chain(7))
    assert steady[3][10, 10] > 1.0
    assert steady[3][30, 30] < 1.4
    hidden = [mask.copy() for mask in usable]
    hidden[3][:] = False
    assert (steadied(odds, hidden, _chain(7))[3] < -5).all()


def test_a_quantity_is_left_out_by_its_name() -> None:
    told = weights._pixels()
    told.leave_out("edge")
    assert not told.hidden[list(told.usual).index("edge")].any()
    assert np.count_nonzero(told.hidden.any(axis=1)) == len(told.usual) - 1
    with pytest.raises(KeyError):
        told.leave_out("no such quantity")


def test_a_quantity_that_is_left_out_counts_in_neither_model() -> None:
    shape = (6, 8)
    nothing = Attached(
        *(np.zeros(each, np.float32) for each in (shape, shape, (*shape, 3), shape, shape))
    )  # fmt: skip
    away, below = np.full(shape, 0.2, np.float32), np.zeros(shape, np.float32)

    def odds(step: float, pixels: weights.PixelWeights) -> float:
        seen = replace(_evidence(shape), step=np.full(shape, step, np.float32))
        return float(likelihood.odds(seen, nothing, nothing, away, below, pixels)[0, 0])

    assert odds(0.0, weights.PIXELS) != odds(1.0, weights.PIXELS)
    without = weights._pixels()
    without.leave_out("step")
    assert odds(0.0, without) == odds(1.0, without)
    # It is neither there nor missing, but as usual.
    usual = weights.PIXELS.usual["step"]
    assert odds(0.0, without) == pytest.approx(odds(usual, weights.PIXELS), abs=1e-4)


def test_every_fact_about_a_region_has_its_weights() -> None:
    assert weights.REGION_FACTS == regions.NAMES
    assert weights.REGIONS.shape == (len(regions.LEVELS), _FACTS)
