"""A proposal as a list of things that are followed over the frames."""

from __future__ import annotations

import numpy as np

from tests.unit.void_engine.effects.shots import crossing
from void_engine.effects.proposal import Kind
from void_engine.effects.things import MOST_THINGS, Thing, things, with_extensions
from void_engine.propagation.in_memory import SilentMonitor

FRAMES, ROWS, COLUMNS = 8, 60, 100


def _empty() -> np.ndarray:
    return np.zeros((FRAMES, ROWS, COLUMNS), np.uint8)


def _things(kinds: np.ndarray, removed: np.ndarray | None = None) -> list[Thing]:
    sure = np.where(kinds == Kind.SHADOW, 0.9, 0.6).astype(np.float32)
    hidden = np.zeros(kinds.shape, bool) if removed is None else removed
    return things(list(kinds), list(sure), list(hidden))


def test_regions_are_followed_while_they_move_and_over_a_gap_and_kept_apart_by_place() -> None:
    kinds, removed = _empty(), np.zeros((FRAMES, ROWS, COLUMNS), bool)
    for t in range(FRAMES):
        removed[t, 20:40, 10 + 5 * t : 20 + 5 * t] = True
        if t != 4:
            kinds[t, 42:48, 8 + 5 * t : 24 + 5 * t] = Kind.SHADOW
        if t >= 3:
            kinds[t, 5:15, 80:92] = Kind.MOVED
    found = _things(kinds, removed)
    assert [thing.kind for thing in found] == [Kind.SHADOW, Kind.MOVED]
    assert [thing.number for thing in found] == [1, 2]
    assert [thing.frames for thing in found] == [(0, 7), (3, 7)]
    assert found[0].words == "shadow below the object"
    assert found[1].words == "thing that was moved, upper right of the picture"
    np.testing.assert_allclose([thing.confidence for thing in found], [0.9, 0.6], atol=1e-6)


def test_what_goes_along_with_a_fast_object_is_one_thing_and_what_it_passes_is_another() -> None:
    kinds, removed = _empty(), np.zeros((FRAMES, ROWS, COLUMNS), bool)
    for t in range(FRAMES):
        up = (0, 9, 14, 9, 0, 9, 14, 9)[t]
        removed[t, 30 - up : 40 - up, 12 * t : 12 * t + 9] = True
        kinds[t, 45:50, 12 * t : 12 * t + 9] = Kind.SHADOW
    kinds[5, 2:9, 5:15] = Kind.SHADOW
    found = _things(kinds, removed)
    assert [thing.frames for thing in found] == [(0, 7), (5, 5)]
    alone = _things(kinds)
    assert len(alone) > 2


def test_a_frame_of_another_kind_is_part_of_the_thing_but_another_thing_beside_it_is_not() -> None:
    kinds = _empty()
    kinds[:, 10:30, 20:40] = Kind.REFLECTION
    kinds[3, 10:30, 20:40] = Kind.SHADOW
    kinds[:, 10:30, 50:60] = Kind.SHADOW
    found = _things(kinds)
    assert [thing.kind for thing in found] == [Kind.REFLECTION, Kind.SHADOW]
    assert found[0].masks[3, 15, 30]
    assert "without the object" in found[0].words


def test_every_proposed_pixel_is_in_one_thing_however_many_specks_there_are() -> None:
    generator = np.random.default_rng(4)
    kinds = _empty()
    for t in range(FRAMES):
        for _ in range(15):
            y, x = generator.integers(0, ROWS - 8), generator.integers(0, COLUMNS - 8)
            kinds[t, y : y + 7, x : x + 7] = generator.integers(1, 5)
    found = _things(kinds)
    assert len(found) <= MOST_THINGS + 4
    assert any(thing.words.startswith("scattered") for thing in found)
    covered = np.sum([thing.masks for thing in found], axis=0)
    np.testing.assert_array_equal(covered, (kinds > 0).astype(int))
    assert _things(_empty()) == []


def test_a_touched_thing_can_be_extended_and_a_shadow_cannot() -> None:
    shot = crossing(shadow=0.0, push=True)
    masks = np.zeros(shot.remove.shape, bool)
    masks[7:, 40:57, 77:94] = True
    masks &= shot.remove == 0
    box = Thing(1, Kind.MOVED, "box", 0.8, masks)
    shadow = Thing(2, Kind.SHADOW, "shadow", 0.8, np.roll(masks, 40, axis=1))
    removed = shot.remove > 0
    moved, dark = with_extensions([box, shadow], shot.plate, removed, SilentMonitor())
    assert not dark.extensions
    assert set(moved.extensions) <= {"whole", "stood", "support", "path"}
    assert "support" in moved.extensions
    for extended in moved.extensions.values():
        assert not (extended & removed).any()
        assert (extended & masks).sum() == masks.sum()
    assert with_extensions([shadow], shot.plate, removed, SilentMonitor()) == [shadow]
