"""The values by which a command line changes jobs, whatever it does with them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import msgspec
from msgspec import Meta

from void_protocol.job import RemovalJob
from void_protocol.job_file import with_content_id
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


def with_overrides(job: RemovalJob, overrides: JobOverrides) -> RemovalJob:
    """Return the job with the command line's changes. A changed job is another one: it has an id of its
    own, the one that a batch gives the same job."""
    settings = job.settings
    if overrides.engine is not None:
        settings = msgspec.structs.replace(settings, engine=overrides.engine)
    if overrides.proxy is not None:
        settings = msgspec.structs.replace(settings, proxy_scale=overrides.proxy)
    output = job.output
    if overrides.version is not None:
        output = msgspec.structs.replace(output, version=overrides.version)
    changed = msgspec.structs.replace(job, settings=settings, output=output)
    return job if changed == job else with_content_id(changed)
