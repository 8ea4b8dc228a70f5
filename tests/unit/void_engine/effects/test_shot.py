"""Long shots are looked at in parts, and no more than a part of them is held."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.unit.void_engine.effects.shots import crossing
from void_engine.effects import shot as effects_shot
from void_engine.effects.shot import proposed_frames
from void_engine.propagation.in_memory import SilentMonitor, checked_shot


class _Counted:
    """A shot that remembers which frames were asked for."""

    def __init__(self, shot: Any) -> None:
        self._shot = shot
        self.asked: list[int] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._shot, name)

    def frame(self, number: int) -> Any:
        self.asked.append(number)
        return self._shot.frame(number)


def test_each_frame_is_read_once_and_no_more_than_a_part_is_held(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(effects_shot, "_WINDOW", 8)
    monkeypatch.setattr(effects_shot, "_OVERLAP", 3)
    lengths: list[int] = []

    def found(small: Any, monitor: Any) -> list[None]:
        lengths.append(len(small))
        return [None] * len(small)

    monkeypatch.setattr(effects_shot, "find", found)
    drawn = crossing(shadow=0.5)
    plate, remove = np.concatenate([drawn.plate] * 2), np.concatenate([drawn.remove] * 2)
    shot = _Counted(checked_shot(plate, remove))
    count = len(plate)
    frames = proposed_frames(shot, SilentMonitor())  # type: ignore[arg-type]
    first = next(frames)
    # The first frame is told before the second part is read.
    assert shot.asked == list(range(8))
    made = [first, *frames]
    assert [frame.number for frame in made] == shot.asked == list(range(count))
    assert max(lengths) <= 8 + 3
    assert sum(lengths) > count


def test_the_masks_of_all_parts_are_those_of_the_shot(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(effects_shot, "_WINDOW", 8)
    monkeypatch.setattr(effects_shot, "_OVERLAP", 3)
    drawn = crossing(shadow=0.5)
    whole = checked_shot(drawn.plate, drawn.remove)
    for frame in proposed_frames(whole, SilentMonitor()):
        hidden = drawn.remove[frame.number] > 0
        # Nothing is proposed at the object, which is sure.
        assert (frame.matte[hidden] == 0).all()
        assert (frame.confidence[hidden] == 1).all()
        assert (frame.confidence[~hidden] < 1).any()
