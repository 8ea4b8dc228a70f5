"""Values of a job as people type them after options."""

from __future__ import annotations

import pytest

from void_server.cli.explain import CommandError
from void_server.cli.typed_values import (
    anchors_of,
    compression_of,
    growth_of,
    options_of,
    region_of,
    softness_of,
)


@pytest.mark.parametrize(("text", "growth"), [("auto", "auto"), ("3.5", 3.5), ("-2", -2.0)])
def test_growth_is_auto_or_pixels(text: str, growth: object) -> None:
    assert growth_of(text) == growth


@pytest.mark.parametrize("text", ["much", "", "1e9", "nan"])
def test_another_growth_is_refused_with_what_is_allowed(text: str) -> None:
    with pytest.raises(CommandError, match="-256 to 256, or auto"):
        growth_of(text)


def test_engine_options_are_named_values() -> None:
    assert options_of(["sources=near, fill = smooth", "keep=1"]) == {
        "sources": "near",
        "fill": "smooth",
        "keep": "1",
    }


@pytest.mark.parametrize("text", ["sources", "=near", "sources=", "sources=near,,fill=smooth"])
def test_what_is_no_named_value_is_refused(text: str) -> None:
    with pytest.raises(CommandError, match="NAME=VALUE"):
        options_of([text])


def test_a_region_is_a_word_or_a_box() -> None:
    assert region_of("full").mode == "full"
    assert region_of("10,20,110,220").box == (10, 20, 110, 220)


@pytest.mark.parametrize("text", ["half", "1,2,3", "10,0,5,20", "0,20,10,20", "a,b,c,d"])
def test_another_region_is_refused_by_its_option(text: str) -> None:
    with pytest.raises(CommandError, match="--region"):
        region_of(text)


def test_anchors_are_frames_and_a_pattern() -> None:
    found = anchors_of("1001-1003,1040:/clean/c.%04d.exr")
    assert (found.frames, found.pattern) == ([1001, 1002, 1003, 1040], "/clean/c.%04d.exr")


@pytest.mark.parametrize("text", ["1001", ":clean.%04d.exr", "1001:", "last:clean.%04d.exr"])
def test_other_anchors_are_refused_by_their_option(text: str) -> None:
    with pytest.raises(CommandError, match="--anchor"):
        anchors_of(text)


def test_softness_and_compression_are_what_a_job_takes() -> None:
    assert softness_of(12) == 12
    assert compression_of("DWAA") == "dwaa"
    with pytest.raises(CommandError, match="--soften"):
        softness_of(-1)
    with pytest.raises(CommandError, match=r"--compression is 'jpeg'; give none, rle"):
        compression_of("jpeg")
