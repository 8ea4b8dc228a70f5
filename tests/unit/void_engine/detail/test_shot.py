"""Plate detail as an engine's last stage: parts of a shot, anchors, strength and what is told."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from tests.unit.void_engine.detail.test_in_memory import answered, shot_with_a_falling_disc
from void_engine.arrays import Float32Array
from void_engine.detail import restore_detail
from void_engine.detail.shot import restore_shot
from void_engine.engines.interface import CleanFrame, EngineRequest
from void_engine.errors import EngineError
from void_engine.propagation.in_memory import ArrayShot, SilentMonitor
from void_engine.shares import shares_of

COUNT = 3


class Listening(SilentMonitor):
    def __init__(self) -> None:
        self.stages: list[tuple[str, int, int]] = []

    def progress(self, stage: str, step: int, steps: int, frame: int | None = None) -> None:
        self.stages.append((stage, step, steps))


class Anchored(ArrayShot):
    """A shot whose last frame the artist has cleaned."""

    def anchor(self, number: int) -> Float32Array | None:
        return np.full((*self.frame(0).plate.shape,), 0.25, np.float32) if number == COUNT - 1 else None


@pytest.fixture(scope="module")
def material() -> tuple[Float32Array, Float32Array, Float32Array]:
    plate, matte, truth = shot_with_a_falling_disc()
    return plate[:COUNT], matte[:COUNT], answered(truth[:COUNT])


def restored(
    shot: ArrayShot,
    answer: Float32Array,
    monitor: SilentMonitor,
    wanted: frozenset[int] | None = None,
    strength: float = 1.0,
) -> list[CleanFrame]:
    def answers() -> Iterator[tuple[int, Float32Array]]:
        yield from enumerate(answer)

    request = EngineRequest(wanted=wanted)
    canvas = (answer.shape[1], answer.shape[2])
    return list(restore_shot(shot, range(COUNT), answers(), canvas, request, monitor, strength))


def test_frames_are_those_of_the_call_in_memory_and_do_not_depend_on_what_is_wanted(
    material: tuple[Float32Array, Float32Array, Float32Array],
) -> None:
    plate, matte, answer = material
    monitor = Listening()
    shot = ArrayShot(plate, matte)
    frames = restored(shot, answer, monitor)
    assert [frame.number for frame in frames] == list(range(COUNT))
    assert np.array_equal(np.stack([frame.picture for frame in frames]), restore_detail(plate, matte, answer))
    for frame, inside in zip(frames, matte > 0, strict=True):
        assert frame.confidence is not None
        assert frame.model is not None
        assert (frame.confidence[~inside] == 1).all()
        assert 0 < float(frame.confidence[inside].min()) < 0.75 < float(frame.confidence[inside].max()) <= 1
        assert frame.model.shape == frame.picture.shape
    assert ("plate detail", COUNT, COUNT) in monitor.stages
    shares = [shares_of(shot.frame(frame.number), frame) for frame in frames]
    assert all(one is not None and one.model is not None and one.real > 0.2 for one in shares)
    [alone] = restored(ArrayShot(plate, matte), answer, Listening(), frozenset({1}))
    assert alone.number == 1
    assert np.array_equal(alone.picture, frames[1].picture)


def test_an_anchor_is_the_result_and_half_the_strength_is_half_way(
    material: tuple[Float32Array, Float32Array, Float32Array],
) -> None:
    plate, matte, answer = material
    whole = restored(Anchored(plate, matte), answer, Listening())
    half = restored(Anchored(plate, matte), answer, Listening(), strength=0.5)
    assert (whole[-1].picture == 0.25).all()
    inside = matte[0] > 0
    assert whole[0].model is not None
    middle = 0.5 * (whole[0].picture + whole[0].model)
    assert np.allclose(half[0].picture[inside], middle[inside], atol=1e-5)
    assert np.array_equal(half[0].picture[~inside], plate[0][~inside])


def test_answers_that_are_missing_or_of_another_size_are_told(
    material: tuple[Float32Array, Float32Array, Float32Array],
) -> None:
    plate, matte, answer = material
    shot, request = ArrayShot(plate, matte), EngineRequest()
    size = (answer.shape[1], answer.shape[2])
    with pytest.raises(EngineError, match="2 of 3 answers"):
        list(restore_shot(shot, range(COUNT), enumerate(answer[:2]), size, request, SilentMonitor()))
    with pytest.raises(EngineError, match="its canvas"):
        list(restore_shot(shot, range(COUNT), enumerate(answer), (9, 9), request, SilentMonitor()))
