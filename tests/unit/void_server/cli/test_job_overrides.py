"""Values of the command line that count instead of a job's own."""

from __future__ import annotations

from void_protocol.job import Format, Matte, MatteSettings, Output, RemovalJob, Settings, Shot
from void_server.cli.job_overrides import JobOverrides, PlateOverrides, with_overrides


def test_the_command_line_counts_instead_of_the_jobs_own() -> None:
    shot = Shot(name="a", plate="a.%04d.exr", first_frame=1, last_frame=2, format=Format(width=64, height=48))
    settings = Settings(
        engine="propagation",
        matte=MatteSettings(growth_px=3.0, softness_px=7.0),
        engine_options={"motion": "one-plane", "fill": "texture"},
    )
    matte = Matte(role="remove", pattern="m.%04d.exr")
    job = RemovalJob(shot=shot, mattes=[matte], settings=settings, output=Output(pattern="b.%04d.exr"))
    changed = with_overrides(job, JobOverrides(grow="auto", engine_options=("fill=smooth",)))
    assert changed.settings.matte == MatteSettings(growth_px="auto", softness_px=7.0)
    assert changed.settings.engine_options == {"motion": "one-plane", "fill": "smooth"}
    assert changed.job_id != job.job_id
    assert with_overrides(job, JobOverrides()) is job


def test_every_part_of_a_job_that_people_change_can_be_changed() -> None:
    shot = Shot(name="a", plate="a.%04d.exr", first_frame=1, last_frame=2, format=Format(width=64, height=48))
    matte = Matte(role="remove", pattern="m.%04d.exr")
    job = RemovalJob(shot=shot, mattes=[matte], output=Output(pattern="b.%04d.exr"))
    changed = with_overrides(
        job,
        PlateOverrides(
            soften=9, region="0,4,32,48", compression="ZIPS", invert=True, prompt="A table.", seed=7,
            anchor="1:clean.%04d.exr", view="left", layer="beauty", version=3, proxy=0.5,
        ),
    )  # fmt: skip
    assert changed.settings.matte.softness_px == 9
    assert changed.settings.region.box == (0, 4, 32, 48)
    assert (changed.output.compression, changed.output.version) == ("zips", 3)
    assert changed.mattes[0].inverted
    assert (changed.settings.prompt, changed.settings.seed, changed.settings.proxy_scale) == (
        "A table.",
        7,
        0.5,
    )
    assert changed.anchors is not None
    assert changed.anchors.frames == [1]
    assert changed.anchors.pattern.endswith("/clean.%04d.exr")
    assert (changed.shot.view, changed.shot.layer) == ("left", "beauty")
