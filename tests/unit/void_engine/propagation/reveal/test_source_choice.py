from __future__ import annotations

import numpy as np
import pytest

from void_engine.propagation.motion.homography import identity
from void_engine.propagation.motion.track import ShotTrack
from void_engine.propagation.reveal import source_choice
from void_engine.propagation.working_set import AnalysisFrame


def still_track(holes: list[tuple[int, int]], cut_at: int | None = None) -> ShotTrack:
    """The track of a static camera, in which each frame hides the columns [a, b)."""
    track = ShotTrack(100)
    for index, (a, b) in enumerate(holes):
        hidden = np.zeros((40, 60), bool)
        hidden[10:30, a:b] = True
        frame = AnalysisFrame(
            100 + index, np.zeros((40, 60, 3), np.float32), np.zeros((40, 60), np.uint8), hidden
        )
        track.append(frame, identity(), cut=index == cut_at, frozen=False)
    return track


def test_the_nearest_frame_that_shows_everything_comes_first() -> None:
    track = still_track([(30, 50), (30, 50), (10, 20), (10, 20)])
    assert source_choice.choose_sources(track, 100, frozenset())[0] == 102


def test_a_far_frame_is_taken_for_what_only_it_shows() -> None:
    holes = [(20, 40), *[(30, 50)] * 40, (5, 10)]
    chosen = source_choice.choose_sources(still_track(holes), 100, frozenset())
    assert 141 in chosen


def test_frames_that_show_nothing_are_not_taken() -> None:
    assert source_choice.choose_sources(still_track([(20, 40)] * 6), 102, frozenset()) == []


def test_never_across_a_cut() -> None:
    chosen = source_choice.choose_sources(
        still_track([(20, 40), (5, 10), (45, 50), (45, 50)], cut_at=2), 100, frozenset()
    )
    assert chosen == [101]


def test_clean_anchors_come_first() -> None:
    track = still_track([(20, 40), (5, 10), (5, 10), (5, 10), (5, 10), (0, 0)])
    assert source_choice.choose_sources(track, 100, frozenset({105}))[0] == 105


def test_no_more_than_asked_for() -> None:
    track = still_track([(20, 40)] + [(0, 5)] * 20)
    assert len(source_choice.choose_sources(track, 100, frozenset(), 3)) == 3


@pytest.mark.parametrize("length", [1, 2, 50, 3000])
def test_candidates_are_few_and_reach_both_ends(length: int) -> None:
    segment = range(10, 10 + length)
    target = 10 + length // 3
    found = source_choice.candidate_frames(target, segment)
    assert len(found) == len(set(found)) < 130
    assert target not in found
    assert all(number in segment for number in found)
    if length > 1:
        assert {segment.start, segment.stop - 1} - {target} <= set(found)


def test_neighbours_that_show_the_hole_are_taken_before_far_frames_that_show_all_of_it() -> None:
    """A neighbour that shows half of the hole shows that half as it is now."""
    holes = [(20, 40)] * 12 + [(30, 50), (20, 40), (10, 30)] + [(20, 40)] * 12 + [(0, 5)]
    chosen = source_choice.choose_sources(still_track(holes), 113, frozenset())
    assert chosen[:2] in ([112, 114], [114, 112])
    assert 127 in chosen


def test_the_reach_decides_between_near_and_far() -> None:
    """Near frames show three quarters of the hole, a far one all of it."""
    holes = [(35, 60), (20, 40), (0, 25)] + [(20, 40)] * 4 + [(0, 5)]
    near, far = (
        source_choice.choose_sources(still_track(holes), 101, frozenset(), reach=reach)[0]
        for reach in ("near", "far")
    )
    assert (near, far) == (100, 107)
