"""Rival answers: what each of them is, how their errors are continued, and how they are joined."""

from __future__ import annotations

import numpy as np
import pytest

from void_engine.arrays import Float32Array
from void_engine.propagation.reveal import answers
from void_engine.propagation.reveal.answers import Stack


def grey(*levels: float) -> Float32Array:
    """Sources (S, 1, 3) that show one pixel at these levels."""
    return np.array(levels, np.float32)[:, None, None] * np.ones((1, 1, 3), np.float32)


def evenly(fits: Float32Array) -> Float32Array:
    return fits


def test_the_answers_are_fusion_nearest_and_median_moved_and_as_they_are() -> None:
    shown = np.ones((3, 1), bool)
    stack = Stack(grey(0.2, 0.3, 0.9), shown.astype(np.float32), grey(0.5, 0.6, 0.1), shown)
    made = answers.answers(stack, np.array([2, 0, 1]), evenly, 0.02)
    assert made.values[1:, 0, 0] == pytest.approx([0.9, 0.3, 0.1, 0.5])
    assert made.there.all()
    assert made.kept_variance[1:, 0] == pytest.approx([1.0, np.pi / 6, 1.0, np.pi / 6])


def test_a_hidden_source_gives_no_answer() -> None:
    fits, shown = np.array([[0.0], [1.0], [1.0]], np.float32), np.array([[False], [False], [False]])
    made = answers.answers(
        Stack(grey(0.2, 0.3, 0.9), fits, grey(0.5, 0.6, 0.1), shown), np.array([0, 1, 2]), evenly, 0.02
    )
    assert made.values[1:3, 0, 0] == pytest.approx([0.3, 0.6]), "the nearest that shows it; the mean of two"
    assert made.there[:, 0].tolist() == [True, True, True, False, False]


def test_frames_that_do_not_move_are_not_asked_twice() -> None:
    made = answers.answers(
        Stack(grey(0.2), np.ones((1, 1), np.float32), None, np.zeros((1, 1), bool)),
        np.array([0]),
        evenly,
        0.02,
    )
    assert len(made.values) == 3


def test_only_sources_that_show_the_inside_count_as_far_as_there_are_any() -> None:
    fits = np.ones((2, 2), np.float32)
    stack = Stack(np.zeros((2, 2, 3), np.float32), fits, None, np.ones((2, 2), bool))
    moved = np.array([[True, False], [False, False]])
    left = stack.only(moved, moved)
    assert left.fits.tolist() == [[1, 1], [0, 1]]
    assert left.still_seen.tolist() == [[True, True], [False, True]]


def test_the_answer_with_the_least_error_is_taken_nearly_alone_and_equals_are_mixed() -> None:
    there = np.ones((3, 2), bool)
    share = answers.shares(np.array([[1e-4, 1e-4], [1e-2, 1e-4], [1.0, 1.0]], np.float32), there)
    assert share.sum(axis=0) == pytest.approx([1, 1])
    assert share[0, 0] > 0.999
    assert share[:2, 1] == pytest.approx([0.5, 0.5], abs=1e-3)
    there[0] = False
    assert answers.shares(np.full((3, 2), 0.1, np.float32), there)[0].tolist() == [0, 0]
    assert answers.shares(np.full((3, 2), 0.1, np.float32), there & False).sum() == 0


def test_errors_are_local_and_continued_to_where_nothing_is_known() -> None:
    """On the left the first answer is good, on the right the second; the middle was not measured."""
    shape = (20, 60)
    columns = np.arange(shape[0] * shape[1]) % shape[1]
    known = (columns < 20) | (columns >= 40)
    places = np.flatnonzero(known)
    left = columns[known] < 20
    errors = np.stack([np.where(left, 1e-4, 1e-2), np.where(left, 1e-2, 1e-4)]).astype(np.float32)
    maps = answers.spread(errors, np.ones(errors.shape, bool), places, shape)
    assert (maps[0, :, :25] < 0.3 * maps[1, :, :25]).all()
    assert (maps[1, :, 35:] < 0.3 * maps[0, :, 35:]).all()
    steps = np.abs(np.diff(np.log(maps), axis=2))
    assert steps.max() < 0.7, "nothing switches from pixel to pixel"


def test_an_answer_that_cannot_be_judged_is_expected_to_be_bad() -> None:
    maps = answers.spread(np.zeros((1, 4), np.float32), np.zeros((1, 4), bool), np.zeros(4, np.int64), (8, 8))
    assert maps.min() > 0.1


def test_frames_that_agree_are_expected_to_err_less_and_never_more() -> None:
    shown = np.ones((3, 2), np.float32)
    levels = np.array([[0.5, 0.2], [0.5, 0.5], [0.5, 0.9]], np.float32)
    pictures = np.repeat(levels[:, :, None], 3, axis=2)
    made = answers.answers(Stack(pictures, shown, None, shown > 0), np.arange(3), evenly, 0.02)
    assert made.scatter[0] == pytest.approx([0.0, np.sqrt((0.09 + 0.16) / 3)], abs=1e-3)
    errors = answers.agreed(np.array([[1e-2, 1e-2], [4e-2, 4e-2]], np.float32), made.scatter[0])
    assert errors[0, 0] < 1e-3
    assert errors[1] == pytest.approx(4 * errors[0]), "their order and distance stay"
    assert errors[0, 1] == pytest.approx(1e-2)


def test_two_frames_are_too_few_to_agree() -> None:
    two = answers.answers(
        Stack(grey(0.5, 0.5), np.ones((2, 1), np.float32), None, np.ones((2, 1), bool)),
        np.arange(2),
        evenly,
        0.02,
    )
    assert np.isinf(two.scatter).all()
    assert answers.agreed(np.full((1, 1), 0.1, np.float32), two.scatter[0])[0, 0] == pytest.approx(0.1)
