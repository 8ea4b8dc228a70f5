"""Continuing what is surely revealed further into the hole."""

from __future__ import annotations

import numpy as np

from void_engine.arrays import BoolArray, Float32Array
from void_engine.propagation.reveal import inner_rim

ROWS, COLUMNS = 40, 60
HIDDEN = np.zeros((ROWS, COLUMNS), bool)
HIDDEN[8:32, 10:50] = True
SURE = np.zeros((ROWS, COLUMNS), bool)
SURE[8:32, 10:30] = True
"""The left half of the hole is revealed; a rim of the plate is left around all of it."""


def ground() -> Float32Array:
    """Ground that is brightest in the middle of the hole, which its rim does not tell."""
    rows, columns = np.indices((ROWS, COLUMNS))
    away = np.hypot(rows - 20, columns - 30)
    return np.repeat((0.6 * np.exp(-np.square(away / 9.0)))[:, :, None], 3, axis=2).astype(np.float32)


def parts(truth: Float32Array, sure: BoolArray) -> inner_rim.Parts:
    """Other frames show the truth where they are sure; elsewhere the answer is the surroundings'."""
    found = inner_rim.Parts.empty((ROWS, COLUMNS))
    found.shown[:] = np.where(sure[:, :, None], truth, np.float32(0.0))
    found.shares[:] = np.where(sure, np.float32(0.0), np.float32(0.49))
    return found


def test_beside_what_is_revealed_the_answer_is_nearer_to_the_truth_than_from_the_rim() -> None:
    truth = ground()
    plate = np.where(HIDDEN[:, :, None], np.float32(0.0), truth).astype(np.float32)
    found = inner_rim.continue_revealed(parts(truth, SURE), plate, HIDDEN, HIDDEN, HIDDEN)
    assert found is not None
    near = np.zeros_like(HIDDEN)
    near[14:26, 30:34] = True
    assert found.pixels[near].all()
    assert not found.pixels[SURE].any()
    from_rim = inner_rim.CONTINUATIONS[0](plate, HIDDEN)
    wrong, before = (float(np.abs(one - truth)[near].mean()) for one in (found.values, from_rim))
    assert wrong < 0.3 * before
    assert (found.continued[near] > 0.98).all(), "its share grows by what it has come nearer"
    assert (found.ratio[near] < 0.7).all()


def test_nothing_changes_where_nothing_is_revealed_exactly() -> None:
    truth, nowhere = ground(), np.zeros_like(HIDDEN)
    assert inner_rim.continue_revealed(parts(truth, nowhere), truth, HIDDEN, HIDDEN, HIDDEN) is None
    assert inner_rim.continue_revealed(parts(truth, SURE), truth, HIDDEN, HIDDEN, nowhere) is None


def test_a_large_hole_is_continued_from_a_thinned_picture() -> None:
    rows, columns = np.indices((300, 420))
    truth = np.repeat((rows / 600 + columns / 840)[:, :, None], 3, axis=2).astype(np.float32)
    hole = np.zeros((300, 420), bool)
    hole[60:240, 80:340] = True
    made = inner_rim._into(inner_rim.CONTINUATIONS[1], truth, hole)
    assert np.array_equal(made[~hole], truth[~hole])
    assert np.abs(made - truth)[hole].max() < 0.08
