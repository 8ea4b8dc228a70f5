"""Proposals on small shots of known truth."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from tests.unit.void_engine.effects.shots import Shot, crossing
from void_engine.effects import Kind, propose, propose_affected
from void_engine.errors import MatteError, PlateError


def _overlap(shot: Shot, matte: np.ndarray) -> tuple[float, float]:
    """Recall and precision of the proposal; three pixels around the truth are no fault."""
    proposed = matte >= 0.5
    both = float((proposed & shot.truth).sum())
    around = np.stack([cv2.dilate(t.astype(np.uint8), np.ones((7, 7), np.uint8)) > 0 for t in shot.truth])
    return both / max(1, shot.truth.sum()), both / max(1.0, both + (proposed & ~around).sum())


def test_a_shadow_that_goes_along_is_proposed_and_called_a_shadow() -> None:
    shot = crossing(shadow=0.5)
    proposal = propose(shot.plate, shot.remove)
    recall, precision = _overlap(shot, proposal.matte)
    assert recall > 0.7
    assert precision > 0.7
    assert not proposal.matte[shot.remove > 0].any()
    assert proposal.matte.dtype == proposal.confidence.dtype == np.float32
    shadow = (proposal.kinds[shot.truth & (proposal.matte >= 0.5)] == Kind.SHADOW).mean()
    assert shadow > 0.8


@pytest.mark.slow
def test_a_shadow_that_stays_on_the_ground_below_a_bouncing_object_is_proposed() -> None:
    """It moves neither with the camera nor with the object."""
    shot = crossing(shadow=0.5, bounces=True, frames=28)
    proposal = propose(shot.plate, shot.remove)
    recall, precision = _overlap(shot, proposal.matte)
    assert recall > 0.4
    assert precision > 0.8
    assert (proposal.kinds[shot.truth & (proposal.matte >= 0.5)] == Kind.SHADOW).all()


@pytest.mark.slow
def test_an_object_without_effects_and_a_passer_by_give_nothing() -> None:
    shot = crossing(shadow=0.0, passer_by=True)
    matte, confidence = propose_affected(shot.plate, shot.remove)
    assert (matte >= 0.5).mean() < 0.003
    assert confidence[shot.remove == 0].mean() > 0.8


def test_what_never_leaves_is_unknown_and_not_guessed() -> None:
    shot = crossing(shadow=0.5, still=True)
    proposal = propose(shot.plate, shot.remove)
    assert (proposal.matte >= 0.5).mean() < 0.003
    assert proposal.confidence[shot.truth].max() < 0.5
    assert all(frame.unknown for frame in proposal.frames)


@pytest.mark.parametrize("shape", [(1, 20, 30), (2, 40, 40), (5, 9, 120), (5, 7, 7)])
def test_odd_shapes_and_wild_values_are_borne(shape: tuple[int, int, int]) -> None:
    plate = np.random.default_rng(0).normal(0, 50, (*shape, 3)).astype(np.float32)
    plate[0, 0, 0, 0] = np.nan
    remove = np.zeros(shape, np.float32)
    remove[:, 2:5, 2:5] = 0.5
    for matte_in in (remove, np.zeros_like(remove), np.ones_like(remove)):
        matte, confidence = propose_affected(plate, matte_in)
        assert matte.shape == confidence.shape == shape
        assert np.isfinite(matte).all()
        assert ((confidence >= 0) & (confidence <= 1)).all()


def test_bad_arrays_are_refused_by_name() -> None:
    plate = np.zeros((4, 20, 20, 3), np.float32)
    with pytest.raises(PlateError, match="plate"):
        propose(plate[0], np.zeros((4, 20, 20), np.float32))
    with pytest.raises(MatteError, match="matte"):
        propose(plate, np.zeros((4, 20, 21), np.float32))
    with pytest.raises(MatteError, match="within"):
        propose(plate, np.full((4, 20, 20), 2, np.float32))
