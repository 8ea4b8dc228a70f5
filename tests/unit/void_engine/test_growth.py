"""The growth of the mattes where a job leaves it to measurement."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

import pytest

from tests.unit.void_engine.removal_case import RecordingMonitor
from void_engine.engines.interface import Engine, EngineRequest, Monitor, ShotSource
from void_engine.geometry import Box
from void_engine.growth import with_growth
from void_engine.mattes import ShotMattes
from void_engine.plates.sequence.sequence import PlateSequence
from void_engine.shot import MOST_AUTO_GROWTH_PX, PlateShot, ReplacementLook

_AUTO = ReplacementLook(auto_growth=True)
_SHOT = PlateShot(
    PlateSequence("plate.%04d.exr", 1, 2), ShotMattes(), Box.from_size(8, 8), Box.from_size(8, 8)
)


class _Measuring:
    def __init__(self, rim: float | None) -> None:
        self.rim = rim

    def rim_px(self, shot: ShotSource, request: EngineRequest, monitor: Monitor) -> float | None:
        return self.rim


def _grown(engine: object, look: ReplacementLook, scale: float = 1.0) -> tuple[ReplacementLook, str]:
    shot = replace(_SHOT, look=look, mattes=ShotMattes(scale=scale))
    monitor = RecordingMonitor()
    found = with_growth(shot, cast(Engine, engine), EngineRequest(), monitor)
    return found.look, " ".join(monitor.lines)


@pytest.mark.parametrize(
    ("rim", "scale", "growth"), [(5.0, 1.0, 5.0), (3.0, 0.5, 6.0), (0.0, 1.0, 2.0), (90.0, 1.0, 24.0)]
)
def test_a_measured_rim_is_covered_and_told(rim: float, scale: float, growth: float) -> None:
    look, told = _grown(_Measuring(rim), _AUTO, scale)
    assert look.growth_px == growth <= MOST_AUTO_GROWTH_PX
    assert not look.auto_growth
    assert f"grown by {growth:g} px" in told


@pytest.mark.parametrize("engine", [_Measuring(None), object()])
def test_without_a_measure_the_least_growth_is_taken_and_told(engine: object) -> None:
    look, told = _grown(engine, _AUTO)
    assert (look.growth_px, look.auto_growth) == (2.0, False)
    assert "nothing tells" in told


def test_a_number_of_the_artist_is_left_alone() -> None:
    look, told = _grown(_Measuring(9.0), ReplacementLook(growth_px=-1.0))
    assert look.growth_px == -1.0
    assert told == ""
