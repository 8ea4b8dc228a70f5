"""Which version of the result a job writes, when files of an earlier try are there.

A result is never overwritten by itself: a job that another one's frames stand in the way of takes the next
version in which nothing of others is.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from msgspec import Meta

from void_engine.errors import PlateError
from void_engine.made_from import OUTPUT_VERSION_KEY, PROXY_SCALE_KEY, SHOT_KEY, is_proxy_of, maker_of
from void_protocol.job import RemovalJob
from void_protocol.job_file import job_fingerprint, with_content_id
from void_protocol.sequence import frame_path
from void_server.cli.exit_codes import ExitCode
from void_server.cli.explain import CommandError
from void_server.cli.terminal import say
from void_server.settings.declaration import DeclaredSettings, option

_LAST_VERSION = 9999


@dataclass(frozen=True, kw_only=True)
class VersionChoice(DeclaredSettings):
    """What is done when the files of a result are there already, made otherwise."""

    next_version: Annotated[
        bool,
        Meta(description="Take the next free version when another job's frames are in the way, and say so."),
        option("--next-version/--no-next-version", otherwise="yes, unless --version names one"),
    ] = True


def free_version(job: RemovalJob, *, by_id: bool = False) -> RemovalJob:
    """Return the job with the first version, from its own on, in which no frame of the shot was made by
    another job; the change is told on standard error. Frames of the job itself and its proxies are not in the
    way.

    Args:
        job: the job.
        by_id: whether frames with this job's id are its own whatever else it says, as those are that a server
            sent back.

    Raises:
        CommandError: when the pattern has no ``{version}``, or no version is free.
    """
    first = _in_the_way(job, by_id=by_id)
    if not first:
        return job
    if "{version}" not in job.output.pattern:
        raise CommandError(
            f"{first[0]} was made otherwise, and is never overwritten; name another output, or put "
            "{version} into its name so that a new try takes the next one",
            ExitCode.BAD_OUTPUT,
        )
    for version in range(job.output.version + 1, _LAST_VERSION + 1):
        output = msgspec.structs.replace(job.output, version=version)
        tried = with_content_id(msgspec.structs.replace(job, output=output))
        if not _in_the_way(tried, by_id=by_id):
            say(
                f"{job.shot.name}: v{job.output.version:03d} was made otherwise and stays; "
                f"this is v{version:03d}",
                to_stderr=True,
            )
            return tried
    raise CommandError(f"{job.shot.name}: every version up to {_LAST_VERSION} is there", ExitCode.BAD_OUTPUT)


def ask_to_overwrite(job: RemovalJob, *, yes: bool) -> bool:
    """Return whether another job's frames may be replaced: after a question on the terminal when there are
    any.

    Raises:
        CommandError: when the answer is no, or nobody can be asked.
    """
    there = _in_the_way(job)
    if not there or yes:
        return bool(there)
    what = f"{len(there)} frames of {job.output.versioned_pattern} were made otherwise"
    try:
        agreed = typer.confirm(f"{what}; overwrite them, each when the new one is whole?")
    except typer.Abort:
        agreed = False
    if not agreed:
        raise CommandError(f"{what}; nothing was overwritten (--yes answers yes)", ExitCode.BAD_OUTPUT)
    return True


def _in_the_way(job: RemovalJob, *, by_id: bool = False) -> list[Path]:
    """The files under the names of the result's frames that another job made."""
    about = {
        SHOT_KEY: job.shot.name,
        OUTPUT_VERSION_KEY: job.output.version,
        PROXY_SCALE_KEY: job.settings.proxy_scale,
    }
    fingerprint = job_fingerprint(job)
    found = []
    for number in job.shot.frame_numbers:
        path = frame_path(job.output.versioned_pattern, number)
        try:
            if not path.exists() or path.stat().st_size == 0:
                continue
            maker = maker_of(path, number)
            own = maker is not None and (
                maker.job_id == job.job_id if by_id else maker.is_of(job.job_id, fingerprint)
            )
            if not own and not is_proxy_of(path, number, about):
                found.append(path)
        except (OSError, PlateError):
            continue  # What cannot be read now, the removal reports or waits for.
    return found
