"""A shot that is propagated in parts equals the shot propagated as a whole."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest

from tests.unit.void_engine.propagation.test_engine import Following, Listener, Shot
from void_engine.arrays import Float32Array
from void_engine.engines.interface import EngineRequest, PartOfShot
from void_engine.errors import PlateError
from void_engine.propagation.engine import PropagationEngine
from void_engine.propagation.shared_state import SharedState

STARTS = (1001, 1007)


def shot_of(*, still: bool) -> Shot:
    shot = Shot(12, grain=0.01)
    shot.still = still
    return shot


def whole(shot: Shot) -> dict[int, Float32Array]:
    return {
        clean.number: clean.picture for clean in PropagationEngine().remove(shot, EngineRequest(), Listener())
    }


def part(shot: Shot, folder: Path, first: int, wanted: Iterable[int]) -> dict[int, Float32Array]:
    request = EngineRequest(wanted=frozenset(wanted), part=PartOfShot(first, folder))
    return {clean.number: clean.picture for clean in PropagationEngine().remove(shot, request, Listener())}


@pytest.mark.slow
@pytest.mark.parametrize("still", [False, True], ids=["revealed", "synthesised"])
def test_parts_are_the_whole(tmp_path: Path, still: bool) -> None:
    """They are equal to the bit, with no key frame and with one that serves the whole shot."""
    shot = shot_of(still=still)
    PropagationEngine().prepare_parts(shot, STARTS, tmp_path, EngineRequest(), Listener())
    expected = whole(shot)

    made = part(shot, tmp_path, 1001, range(1001, 1009)) | part(shot, tmp_path, 1007, range(1007, 1013))

    assert sorted(made) == list(shot.frame_numbers)
    for number, picture in made.items():
        np.testing.assert_array_equal(picture, expected[number], err_msg=f"frame {number}")


@pytest.mark.slow
def test_parts_are_the_whole_where_new_texture_is_invented_again_and_again(tmp_path: Path) -> None:
    shot = Following(8)
    PropagationEngine().prepare_parts(shot, (1001, 1005), tmp_path, EngineRequest(), Listener())
    expected = whole(shot)
    made = part(shot, tmp_path, 1001, range(1001, 1005)) | part(shot, tmp_path, 1005, range(1005, 1009))
    assert sorted(made) == list(shot.frame_numbers)
    for number, picture in made.items():
        np.testing.assert_array_equal(picture, expected[number], err_msg=f"frame {number}")


def test_an_interrupted_part_goes_on_with_the_same_texture(tmp_path: Path) -> None:
    shot, listener = shot_of(still=True), Listener()
    PropagationEngine().prepare_parts(shot, STARTS, tmp_path, EngineRequest(), listener)
    told = "100% of what goes is never seen in another frame and has to be invented"
    assert told in listener.lines  # Once for the whole shot, before the parts are made
    expected = part(shot, tmp_path, 1007, range(1007, 1013))

    resumed = part(shot, tmp_path, 1007, range(1010, 1013))

    assert sorted(resumed) == [1010, 1011, 1012]
    for number, picture in resumed.items():
        np.testing.assert_array_equal(picture, expected[number])


def test_a_part_looks_only_at_the_frames_it_needs(tmp_path: Path) -> None:
    shot = shot_of(still=False)
    PropagationEngine().prepare_parts(shot, STARTS, tmp_path, EngineRequest(), Listener())
    listener = Listener()
    request = EngineRequest(wanted=frozenset({1011}), part=PartOfShot(1007, tmp_path))
    assert [clean.number for clean in PropagationEngine().remove(shot, request, listener)] == [1011]
    assert {stage for stage, *_ in listener.steps} == {"propagate"}


def test_preparing_again_does_nothing(tmp_path: Path) -> None:
    shot = shot_of(still=False)
    PropagationEngine().prepare_parts(shot, STARTS, tmp_path, EngineRequest(), Listener())
    given = len(shot.given)
    PropagationEngine().prepare_parts(shot, STARTS, tmp_path, EngineRequest(), Listener())
    assert len(shot.given) == given


def test_without_preparation_the_remedy_is_named(tmp_path: Path) -> None:
    with pytest.raises(PlateError, match="run the preparation again"):
        SharedState(tmp_path).track()
    with pytest.raises(PlateError, match="run the preparation again"):
        _ = SharedState(tmp_path).rim_px
