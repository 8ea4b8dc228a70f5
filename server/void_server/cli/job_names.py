"""Finds the job of a server that somebody means: by its id or the beginning of one, by its shot, by its file,
or as the last one."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer

from void_protocol.client import Client
from void_protocol.errors import ServerError
from void_protocol.job_file import read_job
from void_protocol.messages import JobInfo
from void_server.cli.exit_codes import ExitCode
from void_server.cli.explain import CommandError

LAST = "last"
"""The word for the newest job of whoever asks."""
_LOOKED_AT = 250
"""How many of the newest jobs are looked at, which is as many as a server lists."""
_SHOWN = 5
_ID = re.compile("[A-Za-z0-9_-]{1,64}")

JobName = Annotated[
    str,
    typer.Argument(
        metavar="JOB",
        help="A job: its id or the beginning of it, its shot's name, its file, or 'last' for your newest.",
    ),
]

JobNames = Annotated[
    list[str], typer.Argument(metavar="JOB...", help="Jobs, each by id, shot, file or as 'last'.")
]


def known_job(client: Client, job_id: str) -> JobInfo | None:
    """Return a job of the server; None when it has no such job."""
    try:
        return client.job(job_id).result()
    except ServerError as error:
        if error.code == "unknown_job":
            return None
        raise


def find_job(client: Client, name: str) -> JobInfo:
    """Return the job that is meant by what somebody typed: an id, the beginning of exactly one, the name of a
    shot (its newest job), a job file, or ``last``.

    Raises:
        CommandError: when no job, or more than one, can be meant.
        ProtocolError: when the server does not answer.
    """
    if name.endswith(".json") and Path(name).is_file():
        return _job_of_file(client, Path(name))
    if _ID.fullmatch(name) and (known := known_job(client, name)) is not None:
        return known
    newest = client.jobs(limit=_LOOKED_AT).result()
    if name == LAST:
        me = client.wait_connected().owner
        own = [job for job in newest if job.owner == me]
        if own:
            return own[0]
        raise CommandError("there is no job of yours yet; 'void submit' sends one", ExitCode.REFUSED)
    by_id = [job for job in newest if job.job_id.startswith(name)]
    by_shot = [job for job in newest if job.name == name]
    if len(by_id) == 1 and not by_shot:
        return by_id[0]
    if by_shot:
        return by_shot[0]
    if by_id:
        shown = ", ".join(f"{job.job_id} ({job.name})" for job in by_id[:_SHOWN])
        more = f" and {len(by_id) - _SHOWN} more" if len(by_id) > _SHOWN else ""
        raise CommandError(f"{len(by_id)} jobs begin with {name!r}: {shown}{more}", ExitCode.REFUSED)
    raise CommandError(
        f"there is no job {name!r}, by id or shot, among the newest {_LOOKED_AT}; 'void jobs' lists them",
        ExitCode.REFUSED,
    )


def _job_of_file(client: Client, path: Path) -> JobInfo:
    """The newest job of a file. A new try, or one with other options, has an id of its own, but writes the
    same result in some version."""
    job = read_job(path)
    result = re.compile(r"v\d+".join(re.escape(part) for part in job.output.pattern.split("{version}")))
    for info in client.jobs(limit=_LOOKED_AT).result():
        if info.job_id == job.job_id or result.fullmatch(info.output_pattern):
            return info
    known = known_job(client, job.job_id)
    if known is not None:
        return known
    raise CommandError(
        f"the server has no job of {path} among its newest {_LOOKED_AT}; 'void submit {path}' sends it",
        ExitCode.REFUSED,
    )
