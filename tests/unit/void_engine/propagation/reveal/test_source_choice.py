from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from void_engine.propagation.motion.homography import identity
from void_engine.propagation.motion.track import ShotTrack
from void_engine.propagation.reveal import source_choice
from void_engine.propagation.working_set import AnalysisFrame


def still_track(
    holes: list[tuple[int, int]], cut_at: int | None = None, frozen: frozenset[int] = frozenset()
) -> ShotTrack:
    """The track of a static camera, in which each frame hides the columns [a, b); frames by the indices
    ``frozen`` repeat the one before them."""
    track = ShotTrack(100)
    for index, (a, b) in enumerate(holes):
        hidden = np.zeros((40, 60), bool)
        hidden[10:30, a:b] = True
        frame = AnalysisFrame(
            100 + index, np.zeros((40, 60, 3), np.float32), np.zeros((40, 60), np.uint8), hidden
        )
        track.append(frame, identity(), cut=index == cut_at, frozen=index in frozen)
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


def moving_track(steps: list[tuple[float, float]], hole: tuple[slice, slice]) -> ShotTrack:
    """The track of a camera that pans by (x, y) from each frame to the next; only the first has a hole."""
    track = ShotTrack(100)
    for index, (x, y) in enumerate([(0.0, 0.0), *steps]):
        hidden = np.zeros((40, 60), bool)
        if index == 0:
            hidden[hole] = True
        shift = identity()
        shift[0, 2], shift[1, 2] = x, y
        frame = AnalysisFrame(
            100 + index, np.zeros((40, 60, 3), np.float32), np.zeros((40, 60), np.uint8), hidden
        )
        track.append(frame, shift, cut=False, frozen=False)
    return track


@pytest.mark.parametrize("way", [(1.0, 0.0), (-1.0, 0.0), (0.0, 1.0), (0.0, -1.0)])
def test_what_left_the_picture_is_not_seen(way: tuple[float, float]) -> None:
    """A source shows a point from one pixel inside its border on, and not from the border outwards."""
    track = moving_track([way] * 45, (slice(20, 21), slice(30, 31)))
    middle = np.array([[30.0, 20.0]], np.float32)
    through = track.chained(100, 101)
    assert (through[0, 2], through[1, 2]) in (way, (-way[0], -way[1]))
    for source in range(101, 146):
        chained = track.chained(100, source)
        x, y = 30 + chained[0, 2], 20 + chained[1, 2]
        seen = 1 <= x <= 58 and 1 <= y <= 38
        assert source_choice.visible(track, 100, source, middle).tolist() == [seen]
    assert source_choice.choose_sources(track, 100, frozenset(range(143, 146)), 50)
    chosen = source_choice.choose_sources(track, 100, frozenset(), 50)
    assert all(source_choice.visible(track, 100, source, middle).all() for source in chosen)


def test_only_what_the_source_has_no_hole_at_is_seen() -> None:
    track = still_track([(20, 40), (30, 50)])
    points = np.array([[29, 15], [30, 15], [49, 15], [50, 15], [30, 9], [30, 30]], np.float32)
    seen = source_choice.visible(track, 100, 101, points)
    assert seen.tolist() == [True, False, False, True, True, True]


def test_a_frame_that_repeats_the_one_before_it_is_no_source_unless_it_is_preferred() -> None:
    track = still_track([(20, 40), (5, 10), (5, 10), (5, 10)], frozen=frozenset({2, 3}))
    assert source_choice.choose_sources(track, 100, frozenset()) == [101]
    assert source_choice.choose_sources(track, 100, frozenset({103})) == [103, 101]


def test_preferred_frames_of_another_scene_and_the_frame_itself_are_no_sources() -> None:
    track = still_track([(20, 40), (5, 10), (45, 50)], cut_at=2)
    assert source_choice.choose_sources(track, 100, frozenset({100, 102, 99})) == [101]


def test_every_near_frame_is_a_candidate_and_nearest_come_first() -> None:
    found = source_choice.candidate_frames(500, range(1000))
    offsets = [abs(number - 500) for number in found[:-2]]
    assert sorted(found[:32]) == [n for n in range(484, 517) if n != 500]
    assert offsets == sorted(offsets)


@pytest.mark.parametrize("target", [100, 900, 0, 999, 500])
def test_far_candidates_lie_on_both_sides_as_far_as_each_goes(target: int) -> None:
    found = source_choice.candidate_frames(target, range(1000))
    for way in (1, -1):
        end = 999 if way > 0 else 0
        offsets = sorted({(number - target) * way for number in found if (number - target) * way > 0})
        length = abs(end - target)
        if not length:
            assert not offsets
            continue
        assert offsets[-1] == length
        assert offsets[:16] == list(range(1, 17))
        # Steps grow, and no gap is wider than an eighth of the distance and a frame for rounding.
        gaps = [after - before for before, after in pairwise(offsets)]
        assert all(gap <= 0.125 * after + 1 for gap, after in zip(gaps, offsets[1:], strict=True))
        if length > 200:
            assert max(gaps) > 0.08 * length
            assert len(offsets) < 60


def test_a_large_hole_is_looked_at_in_thinned_points() -> None:
    hidden = np.ones((100, 150), bool)
    points = source_choice._hole_points(hidden)
    assert 1500 <= len(points) < 3000
    assert (points[:, 0].max(), points[:, 1].max()) == (140, 99)
    few = np.zeros((100, 150), bool)
    few[3, 7], few[50, 20] = True, True
    assert source_choice._hole_points(few).tolist() == [[7, 3], [20, 50]]


def test_up_to_eight_equal_frames_are_averaged_and_no_more_for_nothing_new() -> None:
    chosen = source_choice.choose_sources(still_track([(20, 40)] + [(0, 5)] * 20), 100, frozenset())
    assert chosen[:4] == [101, 102, 103, 104]
    assert 5 <= len(chosen) <= 8


def test_what_two_frames_show_alike_is_taken_from_the_nearer_one_on_either_side() -> None:
    holes = [(5, 10)] * 3 + [(20, 40)] + [(5, 10)] * 3
    chosen = source_choice.choose_sources(still_track(holes), 103, frozenset())
    assert sorted(chosen[:2]) == [102, 104]
    assert [abs(n - 103) for n in chosen] == sorted(abs(n - 103) for n in chosen)


def test_no_source_twice() -> None:
    for most in (1, 5, 12, 40):
        chosen = source_choice.choose_sources(
            still_track([(20, 40)] + [(25, 45), (0, 5), (30, 50)] * 6), 100, frozenset({103}), most
        )
        assert len(set(chosen)) == len(chosen) <= most
