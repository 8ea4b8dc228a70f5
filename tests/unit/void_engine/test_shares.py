"""How much of what was replaced is real, guessed or invented."""

from __future__ import annotations

import numpy as np
import pytest

from void_engine.engines.interface import CleanFrame, ShotFrame
from void_engine.shares import Shares, ShareTally, shares_of


def _frame(replaced: np.ndarray) -> ShotFrame:
    shape = replaced.shape
    nothing = np.zeros(shape, np.float32)
    plate = np.full((*shape, 3), 0.5, np.float32)
    return ShotFrame(7, plate, nothing, nothing, replaced.astype(np.float32), np.zeros(shape, np.uint8))


def _clean(confidence: np.ndarray | None, picture: float = 0.1) -> CleanFrame:
    return CleanFrame(7, np.full((2, 4, 3), picture, np.float32), confidence)


def test_each_pixel_counts_by_its_confidence_and_weight() -> None:
    replaced = np.array([[1, 1, 1, 1], [0.5, 0.5, 0, 0]])
    confidence = np.array([[1, 0.75, 0.6, 0], [0, 1, 0, 0]], np.float32)
    found = shares_of(_frame(replaced), _clean(confidence))
    assert found is not None
    assert (found.real, found.guessed, found.invented) == pytest.approx((0.5, 0.2, 0.3))
    assert sum(found.metadata.values()) == pytest.approx(1.0)


def test_pixels_that_stay_the_plates_do_not_count() -> None:
    clean = _clean(np.zeros((2, 4), np.float32), picture=0.5)
    clean.picture[0, 0] = 0.2
    confidence = np.ones((2, 4), np.float32)
    confidence[0, 0] = 0.0
    found = shares_of(_frame(np.ones((2, 4))), CleanFrame(7, clean.picture, confidence))
    assert found == Shares(0.0, 0.0, 1.0)


def test_where_a_model_has_answered_its_own_and_what_moved_are_told_apart() -> None:
    replaced = np.array([[1, 1, 1, 1], [0.5, 0.5, 0, 0]])
    confidence = np.array([[1, 0.75, 0.6, 0.3], [0.1, 0.3, 0, 0]], np.float32)
    plate = _frame(replaced)
    # The plate's own pixels may be what agrees with the model: they count, though nothing changed.
    found = shares_of(plate, CleanFrame(7, plate.plate, confidence, plate.plate))
    assert found is not None
    assert (found.real, found.moved, found.model, found.invented) == pytest.approx((0.4, 0.2, 0.3, 0.1))
    assert found.guessed == pytest.approx(0.5)
    assert Shares.of(found.metadata) == found
    tally = ShareTally({1: found, 2: Shares(0.0, 0.1, 0.9, 0.0, 0.1), 3: Shares(1.0, 0.0, 0.0)})
    told = tally.summary("void")
    assert "47 % is real, 7 % of objects that have moved, 13 % the model's own and 33 % invented" in told
    assert "VOID" not in told


def test_nothing_is_told_without_confidence_or_without_a_matte() -> None:
    assert shares_of(_frame(np.ones((2, 4))), _clean(None)) is None
    assert shares_of(_frame(np.zeros((2, 4))), _clean(np.ones((2, 4), np.float32))) is None


def test_the_summary_names_the_worst_frame_and_the_better_engine() -> None:
    tally = ShareTally()
    assert tally.summary("propagation") == ""
    tally.add(1001, Shares(0.6, 0.1, 0.3))
    tally.add(1002, Shares(0.1, 0.1, 0.8))
    tally.add(1003, None)
    told = tally.summary("propagation")
    assert "35 % is real, 10 % guessed and 55 % invented, the most, 80 %, in frame 1002" in told
    assert told.endswith("propagation invents much of this: reach for VOID")


def test_little_invention_advises_nothing() -> None:
    tally = ShareTally({1001: Shares(0.9, 0.1, 0.0)})
    assert "VOID" not in tally.summary("propagation")
    assert "frame" not in tally.summary("propagation")


def test_a_frames_metadata_tells_its_shares_again() -> None:
    shares = Shares(0.5, 0.25, 0.25)
    assert Shares.of({"other": "text", **shares.metadata}) == shares
    assert Shares.of({**shares.metadata, "void/real": "much"}) is None
    assert Shares.of({}) is None
