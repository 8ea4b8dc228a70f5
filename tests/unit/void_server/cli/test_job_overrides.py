"""Values of the command line that count instead of a job's own."""

from __future__ import annotations

import pytest

from void_protocol.job import Format, Matte, MatteSettings, Output, RemovalJob, Settings, Shot
from void_server.cli.explain import CommandError
from void_server.cli.job_overrides import JobOverrides, growth_of, options_of, with_overrides


@pytest.mark.parametrize(("text", "growth"), [("auto", "auto"), ("3.5", 3.5), ("-2", -2.0)])
def test_growth_is_auto_or_pixels(text: str, growth: object) -> None:
    assert growth_of(text) == growth


@pytest.mark.parametrize("text", ["much", "", "1e9", "nan"])
def test_another_growth_is_refused_with_what_is_allowed(text: str) -> None:
    with pytest.raises(CommandError, match="-256 to 256, or auto"):
        growth_of(text)


def test_engine_options_are_named_values() -> None:
    assert options_of("sources=near, fill = smooth") == {"sources": "near", "fill": "smooth"}


@pytest.mark.parametrize("text", ["sources", "=near", "sources=", "sources=near,,fill=smooth"])
def test_what_is_no_named_value_is_refused(text: str) -> None:
    with pytest.raises(CommandError, match="NAME=VALUE"):
        options_of(text)


def test_the_command_line_counts_instead_of_the_jobs_own() -> None:
    shot = Shot(name="a", plate="a.%04d.exr", first_frame=1, last_frame=2, format=Format(width=64, height=48))
    settings = Settings(
        engine="propagation",
        matte=MatteSettings(growth_px=3.0, softness_px=7.0),
        engine_options={"motion": "one-plane", "fill": "texture"},
    )
    matte = Matte(role="remove", pattern="m.%04d.exr")
    job = RemovalJob(shot=shot, mattes=[matte], settings=settings, output=Output(pattern="b.%04d.exr"))
    changed = with_overrides(job, JobOverrides(grow="auto", engine_options="fill=smooth"))
    assert changed.settings.matte == MatteSettings(growth_px="auto", softness_px=7.0)
    assert changed.settings.engine_options == {"motion": "one-plane", "fill": "smooth"}
    assert changed.job_id != job.job_id
    assert with_overrides(job, JobOverrides()) is job
