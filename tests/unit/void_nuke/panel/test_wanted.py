"""What a press of Remove begins: one removal, or one for each eye."""

from __future__ import annotations

import re

import pytest

from void_nuke.errors import SelectionError
from void_nuke.export.pick import RemovalPick
from void_nuke.host.host import FrameRange
from void_nuke.panel.region import box_text, region_of
from void_nuke.panel.rest import REST_S, FrameRest
from void_nuke.panel.settings import ALL_VIEWS
from void_nuke.panel.wanted import for_views, version_hint
from void_protocol.job import RegionSettings

PICK = RemovalPick(
    plate="Read1", frames=FrameRange(1, 2), output_pattern="/s/a_{version}/a_{version}.%04d.exr"
)


def test_both_eyes_are_two_removals_that_belong_together() -> None:
    left, right = for_views(PICK, ("left", "right"), ALL_VIEWS, "g1")
    assert (left.view, right.view, left.group, right.group) == ("left", "right", "g1", "g1")
    assert left.output_pattern == "/s/a_left_{version}/a_left_{version}.%04d.exr"
    assert not left.render_plate, "the host knows whether its files hold the views"
    assert not right.render_plate
    assert for_views(PICK, ("left", "right"), "left", "g1") == [PICK]
    assert for_views(PICK, ("main",), ALL_VIEWS, "g1") == [PICK]


@pytest.mark.parametrize("pattern", [PICK.output_pattern, "/s/{version}/x.{version}.%04d.exr"])
def test_a_version_is_one_that_nukes_version_up_finds(pattern: str) -> None:
    """Its own search, in nukescripts, wants ``_``, ``.`` or ``/`` before the letter and the digits."""
    filled = pattern.replace("{version}", "v007")
    assert len(re.findall(r"[/_.]v\d+", filled)) == pattern.count("{version}")
    assert version_hint(pattern) == ""


def test_one_that_it_does_not_find_is_told() -> None:
    assert "write _{version}" in version_hint("/s/clean{version}.%04d.exr")
    assert version_hint("/s/clean.%04d.exr") == ""


def test_a_region_is_typed() -> None:
    assert region_of("auto", "1 2 3") == RegionSettings()
    assert region_of("full", "").mode == "full"
    box = region_of("box", "100, 80 900 700")
    assert (box.box, box_text(box)) == ((100, 80, 900, 700), "100 80 900 700")
    with pytest.raises(SelectionError, match="write left, bottom, right and top"):
        region_of("box", "100 80 900")
    with pytest.raises(SelectionError, match="is empty"):
        region_of("box", "900 80 100 700")


def test_a_frame_rests_when_it_has_stayed() -> None:
    rest = FrameRest()
    assert not rest.look(1001, 0.0)
    assert not rest.look(1002, REST_S)
    assert not rest.look(1002, 1.9 * REST_S)
    assert rest.look(1002, 2 * REST_S)
    assert not rest.look(1003, 2.1 * REST_S)
