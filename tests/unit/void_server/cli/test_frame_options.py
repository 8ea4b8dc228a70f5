"""Frames typed after an option; how they are read is tested with the frame lists."""

from __future__ import annotations

import pytest
import typer

from void_protocol.job import Format, Output, RemovalJob, Shot
from void_server.cli.frame_options import frames_in, frames_option, range_option


@pytest.mark.parametrize("text", [None, ""])
def test_no_range_and_an_empty_one_mean_all_frames(text: str | None) -> None:
    """A script passes on an empty variable."""
    assert range_option(text) is None


def test_what_is_typed_wrong_is_shown_with_its_option() -> None:
    assert range_option("1001-1003") == (1001, 1003)
    assert frames_option("1001-1005x2") == [1001, 1003, 1005]
    for read in (range_option, frames_option):
        with pytest.raises(typer.BadParameter, match="no frame range") as refused:
            read("soon")
        assert refused.value.param_hint == "--frames"


def test_frames_of_others_are_left_out_and_none_at_all_names_the_shot() -> None:
    shot = Shot(
        name="sh010", plate="/p.%04d.exr", first_frame=1, last_frame=5, format=Format(width=8, height=8)
    )
    job = RemovalJob(shot=shot, output=Output(pattern="/r.%04d.exr"))
    assert frames_in(job, "4-9x1, 2") == [2, 4, 5]
    with pytest.raises(typer.BadParameter, match="7-9 has no frame of sh010, 1-5") as refused:
        frames_in(job, "7-9")
    assert refused.value.param_hint == "--frames"
