"""Joining the answers of a hole: which pixels count as seen."""

from __future__ import annotations

import numpy as np

from void_engine.geometry import Box
from void_engine.propagation.reveal.answers import Stack
from void_engine.propagation.reveal.joining import Judged, Rivals, exact, tolerance

BOX = Box(0, 0, 4, 1)


def joined(still_error: float) -> tuple[list[bool], list[float]]:
    """Which of four pixels are seen, and their values: moved frames show the first two, still ones the first
    three; the surroundings would be 0.9."""
    moved = np.full((2, 4, 3), 0.5, np.float32)
    fits = np.array([[1, 1, 0, 0]] * 2, np.float32)
    still = np.full((2, 4, 3), 0.3, np.float32)
    shown = np.array([[True, True, True, False]] * 2)
    errors = np.full((7, 1, 4), 1e-4, np.float32)
    errors[3:5], errors[5:] = still_error, 4e-3
    continued = np.full((1, 4, 3), 0.9, np.float32)
    rivals = Rivals(errors, (continued, continued), BOX, 1.0)
    judged = Judged(np.ones(2, np.float32), None, np.arange(2), 0.01, True, rivals)
    found = judged.join(Stack(moved, fits, still, shown), BOX, BOX, np.arange(4), (1.0, 1.0))
    return found.seen.tolist(), found.values[:, 0].tolist()


def test_frames_as_they_are_show_what_moved_ones_do_not_where_they_are_likely_right() -> None:
    seen, values = joined(still_error=1e-4)
    assert seen == [True, True, True, False]
    assert abs(values[2] - 0.3) < 0.01


def test_frames_as_they_are_show_nothing_more_where_they_are_about_as_wrong_as_the_surroundings() -> None:
    seen, values = joined(still_error=2e-3)
    assert seen == [True, True, False, False]
    assert values[2] == 0.0


def test_an_exact_answer_is_nearer_than_sources_are_to_each_other() -> None:
    assert 0 < exact(0.01) < tolerance(0.01) ** 2
