"""Several things of one name, with a scripted tracker of boxes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch")

from void_engine.propagation.in_memory import SilentMonitor
from void_engine.segmentation.finder import Found
from void_engine.segmentation.instances import followed, together
from void_engine.segmentation.subjects import Click, Subject
from void_engine.segmentation.tracker import PackedLogits, soft_matte

FRAMES, SIZE = 3, (20, 30)


def _mask(left: int) -> Any:
    mask = np.zeros(SIZE, bool)
    mask[5:15, left : left + 6] = True
    return mask


def _still(subjects: Sequence[Subject], monitor: Any) -> list[list[PackedLogits | None]]:
    """Follows what stands still: its mask everywhere; what has no mask is nowhere."""
    asked.append([subject.name for subject in subjects])
    tracks: list[list[PackedLogits | None]] = []
    for subject in subjects:
        mask = next(iter(subject.masks.values()), None)
        one = None if mask is None else PackedLogits.of(np.where(mask, 9.0, -9.0).astype(np.float32))
        tracks.append([one] * FRAMES)
    return tracks


asked: list[list[str]] = []


@pytest.fixture(autouse=True)
def _nothing_asked() -> None:
    asked.clear()


def _places(tracks: Sequence[Any]) -> list[int]:
    return [int(np.nonzero(soft_matte(each[0].logits(), SIZE) > 0.5)[1].min()) for each in tracks]


def test_each_of_several_is_followed_on_its_own_and_who_comes_later_too() -> None:
    named = {0: [Found(1, (0.9, 0.8), (_mask(2), _mask(12))), Found(2, (0.7, 0.6), (_mask(3), _mask(22)))]}
    found = followed([Subject("ball", words="ball")], named, _still, SilentMonitor())
    assert asked == [["ball_1", "ball_2"], ["ball_1"]]
    assert _places(found[0]) == [2, 12, 22]
    joined = together(found[0])
    shown = soft_matte(joined[0].logits(), SIZE) > 0.5  # type: ignore[union-attr] # it is everywhere
    np.testing.assert_array_equal(shown, _mask(2) | _mask(12) | _mask(22))


def test_what_somebody_pointed_at_is_one_thing_whatever_its_name_finds() -> None:
    subject = Subject("ball", clicks=(Click(0, 3, 7),), words="ball", masks={1: _mask(2)})
    named = {0: [Found(1, (0.9, 0.8), (_mask(2), _mask(12)))]}
    found = followed([subject, Subject("cup", words="cup")], named, _still, SilentMonitor())
    assert asked == [["ball", "cup"]]
    assert [len(each) for each in found] == [1, 1]
    assert together(found[1]) == [None] * FRAMES


def test_there_is_an_end_to_them() -> None:
    many = [Found(n % FRAMES, (0.9,), (_mask(2 * n),)) for n in range(12)]
    far = [Found(0, (0.9,) * 8, tuple(_mask(3 * n) for n in range(8)))]
    found = followed([Subject("a", words="a")], {0: [*far, *many]}, _still, SilentMonitor())
    assert len(found[0]) == 8
