"""The values by which a command line changes jobs, whatever it does with them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from void_protocol.job import Growth, RemovalJob
from void_protocol.job_file import with_content_id
from void_server.cli.exit_codes import ExitCode
from void_server.cli.explain import CommandError
from void_server.settings.declaration import DeclaredSettings, option
from void_server.settings.kinds import Count


@dataclass(frozen=True, kw_only=True)
class JobOverrides(DeclaredSettings):
    """Values that count instead of the jobs' own; None leaves a job's as it is."""

    engine: Annotated[
        str | None,
        Meta(description="Use this engine."),
        option("--engine", otherwise="the job's"),
    ] = None
    proxy: Annotated[
        float | None,
        Meta(description="Work at 0.5, 0.25 or 0.125 of the size."),
        option("--proxy", otherwise="the job's"),
    ] = None
    version: Annotated[
        Count | None,
        Meta(description="Output version."),
        option("--version", otherwise="the job's"),
    ] = None
    grow: Annotated[
        str | None,
        Meta(description="Grow the mattes by this many pixels, or auto: as far as the plate needs it."),
        option("--grow", otherwise="the job's"),
    ] = None
    engine_options: Annotated[
        str | None,
        Meta(description="Set options of the engine (void engines NAME lists them): NAME=VALUE,NAME=VALUE."),
        option("--engine-option", otherwise="the job's"),
    ] = None


def with_overrides(job: RemovalJob, overrides: JobOverrides) -> RemovalJob:
    """Return the job with the command line's changes. A changed job is another one: it has an id of its
    own, the one that a batch gives the same job."""
    settings = job.settings
    if overrides.engine is not None:
        settings = msgspec.structs.replace(settings, engine=overrides.engine)
    if overrides.proxy is not None:
        settings = msgspec.structs.replace(settings, proxy_scale=overrides.proxy)
    if overrides.grow is not None:
        matte = msgspec.structs.replace(settings.matte, growth_px=growth_of(overrides.grow))
        settings = msgspec.structs.replace(settings, matte=matte)
    if overrides.engine_options is not None:
        options = {**settings.engine_options, **options_of(overrides.engine_options)}
        settings = msgspec.structs.replace(settings, engine_options=options)
    output = job.output
    if overrides.version is not None:
        output = msgspec.structs.replace(output, version=overrides.version)
    changed = msgspec.structs.replace(job, settings=settings, output=output)
    return job if changed == job else with_content_id(changed)


def growth_of(text: str) -> Literal["auto"] | float:
    """Read a growth of mattes from the command line.

    Raises:
        CommandError: when it is neither ``auto`` nor a number of pixels that a job takes.
    """
    try:
        growth: Literal["auto"] | float = msgspec.convert(text, Growth, strict=False)
    except msgspec.ValidationError:
        raise CommandError(
            f"--grow is {text!r}; give a number of pixels from -256 to 256, or auto", ExitCode.INVALID_JOB
        ) from None
    return growth


def options_of(text: str) -> dict[str, str]:
    """Read engine options from the command line. The engine turns each text into its option's own type.

    Raises:
        CommandError: when a part is no ``NAME=VALUE``.
    """
    options: dict[str, str] = {}
    for part in text.split(","):
        name, equals, value = (word.strip() for word in part.partition("="))
        if not (name and equals and value):
            raise CommandError(
                f"--engine-option has {part.strip()!r}; give NAME=VALUE, several with commas between",
                ExitCode.INVALID_JOB,
            )
        options[name] = value
    return options
