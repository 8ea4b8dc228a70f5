from __future__ import annotations

import numpy as np

from void_engine.arrays import BoolArray
from void_engine.propagation.fill.key_plan import KeyPlan
from void_engine.propagation.motion.homography import identity
from void_engine.propagation.motion.track import ShotTrack
from void_engine.propagation.working_set import AnalysisFrame

ROWS, COLUMNS, FRAMES = 60, 90, 12


def box(left: int, right: int, top: int = 20, bottom: int = 40) -> BoolArray:
    mask = np.zeros((ROWS, COLUMNS), bool)
    mask[top:bottom, left:right] = True
    return mask


def track_of(mattes: list[BoolArray], shift_px: float = 0.0) -> ShotTrack:
    """The track of a shot whose picture moves to the left by ``shift_px`` from frame to frame."""
    track = ShotTrack(0)
    step = identity()
    step[0, 2] = -shift_px
    for number, hidden in enumerate(mattes):
        nothing = np.zeros((ROWS, COLUMNS, 3), np.float32)
        frame = AnalysisFrame(number, nothing, nothing[:, :, 0].astype(np.uint8), hidden)
        track.append(frame, step, cut=number == 0, frozen=False)
    return track


def plan_of(track: ShotTrack, **more: int) -> KeyPlan:
    return KeyPlan(track, range(FRAMES), frozenset(), 9.0, **more)


def test_what_is_revealed_needs_no_key_frame() -> None:
    plan = plan_of(track_of([box(3 + 6 * t, 15 + 6 * t) for t in range(FRAMES)]))
    assert plan.keys_up_to(FRAMES - 1) == []


def test_what_is_never_revealed_is_invented_once() -> None:
    plan = plan_of(track_of([box(30, 60)] * FRAMES))
    assert plan.keys_up_to(FRAMES - 1) == [0]
    assert plan.is_key(0)
    assert not plan.is_key(5)


def test_new_background_at_the_picture_s_edge_needs_new_key_frames() -> None:
    """The matte stays at the right edge and the camera pans that way, so late background never leaves it."""
    plan = plan_of(track_of([box(50, 90)] * FRAMES, shift_px=4.0))
    keys = plan.keys_up_to(FRAMES - 1)
    assert keys[0] > 0
    assert 2 <= len(keys) <= 5
    assert min(np.diff(keys)) >= 2


def test_the_plan_is_the_same_however_it_is_asked() -> None:
    track = track_of([box(50, 90)] * FRAMES, shift_px=4.0)
    one, other = plan_of(track), plan_of(track)
    late = other.is_key(FRAMES - 1)
    assert [n for n in range(FRAMES) if one.is_key(n)] == other.keys_up_to(FRAMES - 1)
    assert late == one.is_key(FRAMES - 1)


def test_a_part_of_the_shot_plans_as_the_whole_does() -> None:
    track = track_of([box(50, 90)] * FRAMES, shift_px=4.0)
    whole = plan_of(track).keys_up_to(FRAMES - 1)
    part = plan_of(track)
    part.resume_at(6, [number for number in whole if number < 6])
    assert part.keys_up_to(FRAMES - 1) == whole


def test_a_large_matte_that_shows_only_its_rim_takes_few_sources() -> None:
    large = [box(10 + t % 6, 70 + t % 6, 5, 55) for t in range(FRAMES)]
    assert len(plan_of(track_of(large)).sources(5)) == 4
    small = [box(30 + 2 * t, 50 + 2 * t) for t in range(FRAMES)]
    assert len(plan_of(track_of(small)).sources(5)) > 4
    assert len(plan_of(track_of(small), most_sources=2).sources(5)) == 2


def test_frames_without_a_matte_or_all_hidden_need_nothing() -> None:
    clear, all_hidden = np.zeros((ROWS, COLUMNS), bool), np.ones((ROWS, COLUMNS), bool)
    plan = plan_of(track_of([clear, all_hidden] * (FRAMES // 2)))
    assert plan.keys_up_to(FRAMES - 1) == []


def test_a_wire_across_the_frame_needs_fewer_sources_than_a_thick_bar() -> None:
    def slanted(thickness: int, at: int) -> BoolArray:
        x, y = np.meshgrid(np.arange(COLUMNS), np.arange(ROWS))
        return np.asarray(np.abs(y - 8 - x / 2 - at) < thickness / 2, bool)

    wire, bar = ([slanted(thick, (thick + 2) * (t % 2)) for t in range(FRAMES)] for thick in (3, 20))
    assert len(plan_of(track_of(wire)).sources(6)) == 4
    assert len(plan_of(track_of(bar)).sources(6)) > 4
    # A wire that spans only a part of the frame keeps all its sources.
    short = [matte & box(30, 50, 0, ROWS) for matte in wire]
    assert len(plan_of(track_of(short)).sources(6)) > 4


def test_the_share_that_no_frame_shows_is_measured_before_the_work() -> None:
    assert plan_of(track_of([box(30, 60)] * FRAMES)).never_seen() == 1.0
    moving = plan_of(track_of([box(3 + 6 * t, 15 + 6 * t) for t in range(FRAMES)]))
    assert moving.never_seen() == 0.0
    some = plan_of(track_of([box(30, 60)] * FRAMES, shift_px=1.0)).never_seen()
    assert 0.5 < some < 0.8  # 11 of 30 columns leave the matte within the shot.
    assert plan_of(track_of([box(0, 0)] * FRAMES)).never_seen() == 0.0
