"""How much of what propagation shows may differ from the answer before it counts as a misfit."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from void_engine.arrays import Float32Array
from void_engine.detail import candidates
from void_engine.detail.origins import Origin
from void_engine.detail.steady import SteadyAnswer

ROWS, COLUMNS = 30, 40
VARIANCE = 1e-4


def judged(shown: Float32Array, doubt: float = 0.0) -> tuple[Float32Array, Float32Array]:
    """The misfit of propagation before and after it is forgiven, where the answer is flat grey."""
    answer = np.full((ROWS, COLUMNS, 3), 0.5, np.float32)
    steady = SteadyAnswer(answer, np.full((ROWS, COLUMNS), VARIANCE, np.float32))
    place: Any = SimpleNamespace(steady=steady, inside=np.ones((ROWS, COLUMNS), np.bool_))
    misfit = steady.misfit(shown)
    nothing = np.zeros((ROWS, COLUMNS), np.float32)
    one = candidates.Candidate(Origin.PROPAGATED, shown, shown, shown, misfit, nothing, nothing)
    doubts = np.full((ROWS, COLUMNS), doubt, np.float32)
    return misfit, candidates._slow_misfit_too(place, one, doubts)


def textured(strength: float) -> Float32Array:
    """The answer with texture of two pixels' width that it does not have."""
    board = np.indices((ROWS, COLUMNS)).sum(axis=0) % 2
    return np.asarray(0.5 + strength * (2.0 * board[..., None] - 1) * np.ones(3), np.float32)


def test_texture_that_only_the_model_lacks_is_no_misfit_where_nothing_is_doubted() -> None:
    misfit, forgiven = judged(textured(0.08))
    assert float(misfit.min()) > 40
    assert (forgiven == 0).all()


def test_texture_counts_where_propagation_is_not_sure() -> None:
    misfit, forgiven = judged(textured(0.08), doubt=0.5)
    assert np.array_equal(forgiven, misfit)


@pytest.mark.parametrize(("share", "is_forgiven"), [(0.01, True), (0.25, False)])
def test_what_is_doubted_in_many_places_is_forgiven_in_none(share: float, is_forgiven: bool) -> None:
    shown = textured(0.08)
    # The step's square is about three times the variance. A single column is blurred, so its step is larger.
    step = np.float32(np.sqrt(3 * VARIANCE))
    shown[:, : max(1, round(share * COLUMNS))] += step * np.float32(3.2 if share < 0.1 else 1.03)
    misfit, forgiven = judged(shown)
    right = (slice(None), slice(COLUMNS // 2, None))
    assert (forgiven[right] == 0).all() == is_forgiven
    assert (forgiven <= misfit).all()
    assert (forgiven[right] < misfit[right] / 2).all()


def test_another_mean_is_a_misfit_even_of_what_is_sure() -> None:
    shown = textured(0.0)
    shown[10:14, 10:14] += np.float32(0.2)
    misfit, forgiven = judged(shown)
    assert float(misfit[12, 12]) > 100
    assert float(forgiven[12, 12]) > 8
    assert float(forgiven[25, 35]) < 1e-3


def test_a_few_sure_pixels_say_nothing_of_all() -> None:
    answer = textured(0.0)
    steady = SteadyAnswer(answer, np.full((ROWS, COLUMNS), VARIANCE, np.float32))
    inside = np.zeros((ROWS, COLUMNS), np.bool_)
    inside[:5, :5] = True
    place: Any = SimpleNamespace(steady=steady, inside=inside)
    shown = textured(0.08)
    misfit, nothing = steady.misfit(shown), np.zeros((ROWS, COLUMNS), np.float32)
    one = candidates.Candidate(Origin.PROPAGATED, shown, shown, shown, misfit, nothing, nothing)
    forgiven = candidates._slow_misfit_too(place, one, nothing)
    assert (forgiven >= misfit / 4).all()
    assert (forgiven < misfit).all()
