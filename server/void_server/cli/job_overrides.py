"""The values by which a command line changes jobs, whatever it does with them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import msgspec
from msgspec import Meta

from void_protocol.job import RemovalJob
from void_protocol.job_file import with_content_id
from void_server.cli.typed_values import (
    anchors_of,
    compression_of,
    growth_of,
    options_of,
    region_of,
    softness_of,
)
from void_server.settings.declaration import DeclaredSettings, option
from void_server.settings.kinds import Count

_AS_IN_JOB = "the job's own, in a new one that of docs/job.md"


@dataclass(frozen=True, kw_only=True)
class JobOverrides(DeclaredSettings):
    """Values that count instead of the jobs' own; None leaves a job's as it is. Every command that takes jobs
    has these."""

    engine: Annotated[
        str | None,
        Meta(description="auto, or an engine that 'void engines' lists."),
        option("--engine", otherwise=_AS_IN_JOB),
    ] = None
    proxy: Annotated[
        float | None,
        Meta(description="Work at 1, 0.5, 0.25 or 0.125 of the size."),
        option("--proxy", otherwise=_AS_IN_JOB),
    ] = None
    version: Annotated[
        Count | None,
        Meta(description="Output version."),
        option("--version", otherwise=_AS_IN_JOB),
    ] = None
    grow: Annotated[
        str | None,
        Meta(description="Grow the mattes by this many pixels, or auto: as far as the plate needs it."),
        option("--grow", otherwise=_AS_IN_JOB),
    ] = None
    soften: Annotated[
        float | None,
        Meta(description="Pixels of the ramp outside the grown mattes, over which result becomes plate."),
        option("--soften", otherwise=_AS_IN_JOB),
    ] = None
    region: Annotated[
        str | None,
        Meta(description="What the engine sees: auto, full, or LEFT,BOTTOM,RIGHT,TOP in pixels, y up."),
        option("--region", otherwise=_AS_IN_JOB),
    ] = None
    compression: Annotated[
        str | None,
        Meta(description="EXR compression of the result, such as zip, zips or dwaa."),
        option("--compression", otherwise=_AS_IN_JOB),
    ] = None
    invert: Annotated[
        bool, Meta(description="The rendered mattes are inverted: 1 keeps."), option("--invert")
    ] = False
    engine_options: Annotated[
        tuple[str, ...],
        Meta(description="Options of the engine (void engines NAME lists them): NAME=VALUE[,NAME=VALUE]."),
        option("--engine-option", otherwise=_AS_IN_JOB),
    ] = ()


@dataclass(frozen=True, kw_only=True)
class ShotOverrides(JobOverrides):
    """What also differs from shot to shot, for commands that take a few jobs."""

    prompt: Annotated[
        str | None,
        Meta(description="What remains when the object is gone."),
        option("--prompt", otherwise=_AS_IN_JOB),
    ] = None
    seed: Annotated[
        int | None,
        Meta(description="Seed of everything random."),
        option("--seed", otherwise=_AS_IN_JOB),
    ] = None
    anchor: Annotated[
        str | None,
        Meta(description="Frames that are clean already: FRAMES:PATTERN, as in 1001,1040:clean.%04d.exr."),
        option("--anchor", otherwise=_AS_IN_JOB),
    ] = None


@dataclass(frozen=True, kw_only=True)
class PlateOverrides(ShotOverrides):
    """What also says where the picture is in the plate of a job that is there already."""

    view: Annotated[
        str | None, Meta(description="The stereo view."), option("--view", otherwise=_AS_IN_JOB)
    ] = None
    layer: Annotated[
        str | None,
        Meta(description="The plate's layer with the picture."),
        option("--layer", otherwise=_AS_IN_JOB),
    ] = None


def with_overrides(job: RemovalJob, overrides: JobOverrides) -> RemovalJob:
    """Return the job with the command line's changes. A changed job is another one: it has an id of its
    own, the one that a batch gives the same job.

    Raises:
        CommandError: for a value that no job takes; it names the option.
        JobError: for a job that is not valid with the changes.
    """
    changed = changed_by(job, overrides)
    return job if changed == job else with_content_id(changed)


def changed_by(job: RemovalJob, overrides: JobOverrides) -> RemovalJob:
    """As :func:`with_overrides`, with the job's own id."""
    replace = msgspec.structs.replace
    settings, output, shot, anchors, mattes = job.settings, job.output, job.shot, job.anchors, job.mattes
    if overrides.engine is not None:
        settings = replace(settings, engine=overrides.engine)
    if overrides.proxy is not None:
        settings = replace(settings, proxy_scale=overrides.proxy)
    if overrides.grow is not None:
        settings = replace(settings, matte=replace(settings.matte, growth_px=growth_of(overrides.grow)))
    if overrides.soften is not None:
        softness = softness_of(overrides.soften)
        settings = replace(settings, matte=replace(settings.matte, softness_px=softness))
    if overrides.region is not None:
        settings = replace(settings, region=region_of(overrides.region))
    if overrides.engine_options:
        options = {**settings.engine_options, **options_of(overrides.engine_options)}
        settings = replace(settings, engine_options=options)
    if overrides.version is not None:
        output = replace(output, version=overrides.version)
    if overrides.compression is not None:
        output = replace(output, compression=compression_of(overrides.compression))
    if overrides.invert:
        mattes = [replace(matte, inverted=True) for matte in mattes]
    if isinstance(overrides, ShotOverrides):
        if overrides.prompt is not None:
            settings = replace(settings, prompt=overrides.prompt)
        if overrides.seed is not None:
            settings = replace(settings, seed=overrides.seed)
        if overrides.anchor is not None:
            anchors = anchors_of(overrides.anchor)
    if isinstance(overrides, PlateOverrides):
        if overrides.view is not None:
            shot = replace(shot, view=overrides.view)
        if overrides.layer is not None:
            shot = replace(shot, layer=overrides.layer)
    return replace(job, shot=shot, mattes=mattes, anchors=anchors, settings=settings, output=output)
