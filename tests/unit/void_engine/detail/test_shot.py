"""Plate detail as an engine's last stage: parts of a shot, anchors, strength and what is told."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.unit.void_engine.detail.test_in_memory import answered, shot_with_a_falling_disc
from void_engine.arrays import Float32Array
from void_engine.detail import restore_detail
from void_engine.detail.parts import prepare_parts, restore_part
from void_engine.detail.shot import restore_shot
from void_engine.engines.interface import CleanFrame, EngineRequest, PartOfShot
from void_engine.errors import EngineError, RemovalCancelled
from void_engine.propagation.in_memory import ArrayShot, SilentMonitor
from void_engine.shares import shares_of

COUNT = 3


class Listening(SilentMonitor):
    def __init__(self) -> None:
        self.stages: list[tuple[str, int, int]] = []
        self.lines: list[str] = []
        self.gaps: list[float] = []
        """The processor time of a thread between two of its looks for a stop."""
        self._looked: dict[int, float] = {}

    def check_cancelled(self) -> None:
        thread, now = threading.get_ident(), time.thread_time()
        self.gaps.append(now - self._looked.get(thread, now))
        self._looked[thread] = now

    def log(self, message: str) -> None:
        self.lines.append(message)

    def progress(self, stage: str, step: int, steps: int, frame: int | None = None) -> None:
        self.stages.append((stage, step, steps))


class Anchored(ArrayShot):
    """A shot whose last frame the artist has cleaned."""

    def anchor(self, number: int) -> Float32Array | None:
        return np.full((*self.frame(0).plate.shape,), 0.25, np.float32) if number == COUNT - 1 else None


Material = tuple[Float32Array, Float32Array, Float32Array]


@pytest.fixture(scope="module")
def material() -> Material:
    """Plate, matte and answer; some pixels of the plate are broken, inside the matte and outside."""
    plate, matte, truth = shot_with_a_falling_disc()
    part = (slice(COUNT), slice(0, 81), slice(15, 132))
    plate, matte, truth = plate[part].copy(), matte[part], truth[part]
    plate[1, 0, 0], plate[2, -1, -1], plate[0, 60, 25], plate[1, 30, 51] = np.nan, np.inf, -0.25, np.nan
    return plate, matte, answered(truth)


@pytest.fixture(scope="module")
def listening() -> Listening:
    """What was told while :func:`frames` were made."""
    return Listening()


@pytest.fixture(scope="module")
def frames(material: Material, listening: Listening) -> list[CleanFrame]:
    """The whole shot, restored."""
    plate, matte, answer = material
    return restored(ArrayShot(plate, matte), answer, listening)


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


@pytest.mark.slow
def test_frames_are_those_of_the_call_in_memory_and_do_not_depend_on_what_is_wanted(
    material: Material, frames: list[CleanFrame], listening: Listening
) -> None:
    plate, matte, answer = material
    assert [frame.number for frame in frames] == list(range(COUNT))
    pictures = np.stack([frame.picture for frame in frames])
    assert np.array_equal(pictures, restore_detail(plate, matte, answer), equal_nan=True)
    outside = matte == 0
    assert np.array_equal(pictures[outside], plate[outside], equal_nan=True)
    assert np.isfinite(pictures[~outside]).all()
    for frame, inside in zip(frames, matte > 0, strict=True):
        assert frame.confidence is not None
        assert frame.model is not None
        assert (frame.confidence[~inside] == 1).all()
        assert 0 < float(frame.confidence[inside].min()) < 0.75 < float(frame.confidence[inside].max()) <= 1
        assert frame.model.shape == frame.picture.shape
        shares = shares_of(ArrayShot(plate, matte).frame(frame.number), frame)
        assert shares is not None
        assert shares.model is not None
        assert shares.real > 0.2
    assert ("plate detail", COUNT, COUNT) in listening.stages
    (told,) = (line for line in listening.lines if "never seen in another frame" in line)
    assert "propagation" not in told, "what no frame shows is the model's, not propagation's"
    one = Listening()
    [alone] = restored(ArrayShot(plate, matte), answer, one, frozenset({1}))
    assert alone.number == 1
    assert [stage for stage in one.stages if stage[0] == "plate detail"] == [
        ("plate detail", 0, 1),
        ("plate detail", 1, 1),
    ]
    assert np.array_equal(alone.picture, frames[1].picture, equal_nan=True)


def test_parts_made_apart_are_the_whole_and_go_on_after_an_interruption(
    material: Material, frames: list[CleanFrame], tmp_path: Path
) -> None:
    plate, matte, answer = material
    shot, canvas = ArrayShot(plate, matte), (answer.shape[1], answer.shape[2])
    nothing = EngineRequest()
    with pytest.raises(EngineError, match="run the preparation again"):
        list(restore_part(shot, EngineRequest(part=PartOfShot(0, tmp_path)), SilentMonitor()))
    few = enumerate(answer[:2])
    with pytest.raises(EngineError, match="2 of 3 answers"):
        prepare_parts(shot, range(COUNT), few, canvas, (0, 2), tmp_path, nothing, SilentMonitor())
    prepare_parts(shot, range(COUNT), enumerate(answer), canvas, (0, 2), tmp_path, nothing, SilentMonitor())
    # The second time nothing is drawn.
    prepare_parts(shot, range(COUNT), iter(()), canvas, (0, 2), tmp_path, nothing, SilentMonitor())
    for first, wanted in ((2, {2}), (0, {0}), (0, {1})):  # The part that begins with 0 was interrupted.
        request = EngineRequest(wanted=frozenset(wanted), part=PartOfShot(first, tmp_path))
        made = list(restore_part(shot, request, SilentMonitor()))
        assert [frame.number for frame in made] == list(wanted)
        for frame in made:
            assert np.array_equal(frame.picture, frames[frame.number].picture, equal_nan=True)


def test_an_anchor_is_the_result(material: Material) -> None:
    plate, matte, answer = material
    [anchored] = restored(Anchored(plate, matte), answer, Listening(), frozenset({COUNT - 1}))
    assert (anchored.picture == 0.25).all()
    assert anchored.confidence is not None
    assert (anchored.confidence == 1).all()


def test_half_the_strength_is_half_way(material: Material, frames: list[CleanFrame]) -> None:
    plate, matte, answer = material
    [half] = restored(ArrayShot(plate, matte), answer, Listening(), frozenset({0}), strength=0.5)
    inside = matte[0] > 0
    assert frames[0].model is not None
    middle = 0.5 * (frames[0].picture + frames[0].model)
    assert np.allclose(half.picture[inside], middle[inside], atol=1e-5)
    assert np.array_equal(half.picture[~inside], plate[0][~inside])


def test_a_stop_is_looked_for_all_the_time(frames: list[CleanFrame], listening: Listening) -> None:
    """No thread works for long without a look. Processor time counts, so that a busy machine does not."""
    assert len(frames) == COUNT
    assert len(listening.gaps) > 60 * COUNT
    assert max(listening.gaps) < 0.5


def _again_and_again(shot: ArrayShot, answer: Float32Array, monitor: SilentMonitor) -> None:
    while True:
        restored(shot, answer, monitor)


def test_a_stop_at_any_moment_is_obeyed_soon(material: Material) -> None:
    plate, matte, answer = material
    for seconds in np.random.default_rng().uniform(0, 0.8, 2):
        asked = threading.Event()
        since: list[float] = []

        class Asked(SilentMonitor):
            def check_cancelled(self, asked: threading.Event = asked) -> None:
                if asked.is_set():
                    raise RemovalCancelled

        def ask(asked: threading.Event = asked, since: list[float] = since) -> None:
            since.append(time.process_time())
            asked.set()

        timer = threading.Timer(seconds, ask)
        timer.start()
        with pytest.raises(RemovalCancelled):
            _again_and_again(ArrayShot(plate, matte), answer, Asked())
        timer.join()
        # Several threads may each do a last piece of work.
        assert time.process_time() - since[0] < 1.0, f"asked after {seconds} s"


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
