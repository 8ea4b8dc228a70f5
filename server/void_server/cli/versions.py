"""Which version of the result a job writes, when files of an earlier try are there.

A result is never overwritten by itself: a job that another one's frames stand in the way of takes the next
version in which nothing of others is.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
from msgspec import Meta

from void_protocol.job import RemovalJob
from void_protocol.job_file import job_fingerprint, with_content_id
from void_protocol.sequence import frame_path
from void_server.cli.exit_codes import ExitCode
from void_server.cli.explain import CommandError
from void_server.cli.terminal import agrees, say
from void_server.settings.declaration import DeclaredSettings, option

if TYPE_CHECKING:  # Whoever looks at no file needs no engine.
    from void_engine.made_from import MadeFrom

_LAST_VERSION = 9999


@dataclass(frozen=True, kw_only=True)
class VersionChoice(DeclaredSettings):
    """What is done when the files of a result are there already, made otherwise."""

    next_version: Annotated[
        bool,
        Meta(description="Take the next free version when another job's frames are in the way, and say so."),
        option("--next-version/--no-next-version", otherwise="yes, unless --version names one"),
    ] = True


IsOwn = Callable[[RemovalJob], Callable[["MadeFrom"], bool]]
"""Returns for a job what says, of what a frame on disk tells of its making, whether the job goes on from that
frame. It is called once for all frames of a job."""


def made_by(job: RemovalJob) -> Callable[[MadeFrom], bool]:
    """Return what says whether this very job, unchanged, made a frame."""
    fingerprint = job_fingerprint(job)
    return lambda maker: maker.is_of(job.job_id, fingerprint)


def free_version(job: RemovalJob, is_own: IsOwn = made_by, *, tell: bool = True) -> RemovalJob:
    """Return the job with the first version, from its own on, in which no frame of the shot was made by
    another job; with ``tell``, the change is told on standard error. Its proxies are not in the way.

    Raises:
        CommandError: when the pattern has no ``{version}``, or no version is free.
    """
    there = _frames_there(job, is_own)
    if not there.others:
        return job
    if "{version}" not in job.output.pattern:
        if not tell:
            return job
        raise CommandError(
            f"{there.others[0]} was made otherwise, and is never overwritten; name another output, or put "
            "{version} into its name so that a new try takes the next one",
            ExitCode.BAD_OUTPUT,
        )
    for version in range(job.output.version + 1, _LAST_VERSION + 1):
        output = msgspec.structs.replace(job.output, version=version)
        tried = with_content_id(msgspec.structs.replace(job, output=output))
        if not _frames_there(tried, is_own).others:
            before = f"v{job.output.version:03d}"
            if tell:
                text = f"{job.shot.name}: {before} was made otherwise and stays; this is v{version:03d}"
                say(text, to_stderr=True)
            return tried
    raise CommandError(f"{job.shot.name}: every version up to {_LAST_VERSION} is there", ExitCode.BAD_OUTPUT)


def proxies_there(job: RemovalJob) -> frozenset[int]:
    """Return the frames of which a proxy of this very version is there, whose place the job's own take."""
    return frozenset(_frames_there(job, made_by).proxies)


def ask_to_overwrite(job: RemovalJob, *, yes: bool) -> bool:
    """Return whether another job's frames may be replaced: after a question on the terminal when there are
    any.

    Raises:
        CommandError: when the answer is no, or nobody can be asked.
    """
    there = _frames_there(job, made_by).others
    if not there or yes:
        return bool(there)
    what = f"{len(there)} frames of {job.output.versioned_pattern} were made otherwise"
    if not agrees(f"{what}; overwrite them, each when the new one is whole?"):
        raise CommandError(f"{what}; nothing was overwritten (--yes answers yes)", ExitCode.BAD_OUTPUT)
    return True


@dataclass
class _There:
    others: list[Path] = field(default_factory=list)
    """Files that another job made."""
    proxies: list[int] = field(default_factory=list)
    """Frames of which a proxy is there."""


def _frames_there(job: RemovalJob, is_own: IsOwn) -> _There:
    """Look at the files that are under the names of the result's frames."""
    from void_engine.errors import PlateError
    from void_engine.made_from import (
        OUTPUT_VERSION_KEY,
        PROXY_SCALE_KEY,
        SHOT_KEY,
        MadeFrom,
        is_proxy_of,
        metadata_of,
    )

    about = {
        SHOT_KEY: job.shot.name,
        OUTPUT_VERSION_KEY: job.output.version,
        PROXY_SCALE_KEY: job.settings.proxy_scale,
    }
    found = _There()
    goes_on_from = is_own(job)
    for number in job.shot.frame_numbers:
        path = frame_path(job.output.versioned_pattern, number)
        try:
            if not path.exists() or path.stat().st_size == 0:
                continue
            metadata = metadata_of(path, number)
            if metadata is not None and is_proxy_of(metadata, about):
                found.proxies.append(number)
            elif metadata is None or not goes_on_from(MadeFrom.of(metadata)):
                found.others.append(path)
        except (OSError, PlateError):
            continue  # What cannot be read now, the removal reports or waits for.
    return found
