"""Whether a plate's own files can be used."""

from __future__ import annotations

from dataclasses import replace

import pytest

from void_nuke.host.host import FrameRange, PlateFiles
from void_nuke.host.plate_files import ReadSettings, is_linear, plan_files

READ = ReadSettings(
    "/shots/plate.%04d.exr", FrameRange(1, 9), False, "scene_linear", "ACEScg", "expression", ""
)


def test_linear_exr_is_used() -> None:
    assert plan_files(READ) == PlateFiles("/shots/plate.%04d.exr", FrameRange(1, 9))
    assert isinstance(plan_files(replace(READ, is_raw=True, colour_space="sRGB")), PlateFiles)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"file": "/shots/plate.%04d.dpx"}, "EXR"),
        ({"file": "plate.%04d.exr"}, "absolute"),
        ({"file": "/shots/plate.exr"}, "frame number"),
        ({"colour_space": "Output - sRGB"}, "Output - sRGB"),
        ({"frame": "frame+3"}, "moved"),
        ({"frame_mode": "start at", "frame": "1001"}, "start at 1001"),
    ],
)
def test_else_it_is_rendered_and_the_artist_hears_why(changes: dict[str, str], why: str) -> None:
    planned = plan_files(replace(READ, **changes))  # type: ignore[arg-type]
    assert isinstance(planned, str)
    assert why in planned


@pytest.mark.parametrize(
    ("name", "linear"),
    [
        ("scene_linear", True),
        ("default (scene_linear)", True),
        ("scene_linear (ACES - ACEScg)", True),
        ("ACES/ACEScg", True),
        ("my working space", True),
        ("default (sRGB)", False),
        ("default", False),
        ("ACES - ACES2065-1", False),
        ("Utility - Linear - sRGB", False),
    ],
)
def test_is_linear(name: str, linear: bool) -> None:
    assert is_linear(name, "My Working Space") is linear
