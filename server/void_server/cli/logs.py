"""``void logs``: prints what a job's worker reported and what became of the job."""

from __future__ import annotations

import queue
from typing import Annotated

import typer

from void_protocol.client import Client
from void_protocol.messages import LogEvent, StateEvent
from void_protocol.watching import Snapshot, WatchEvent
from void_server.cli.job_names import JobName, find_job
from void_server.cli.jobs import EndpointOption, HomeOption, connected_client
from void_server.cli.terminal import say, say_json

_STAMP = len("2026-01-31T23:59:59+00:00")
_LOOK_S = 2.0
"""A followed log is read again after this many seconds even when no event announces more."""


def logs(
    job: JobName,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on until the job ends, or until Ctrl-C.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object a line, for programs.")
    ] = False,
    home: HomeOption = None,
    endpoint: EndpointOption = None,
) -> None:
    """Print a job's log.

    Example: void logs last --follow
    """
    with connected_client(home, endpoint) as client:
        job_id = find_job(client, job).job_id
        offset = _print_rest(client, job_id, 0, as_json)
        if follow:
            _follow(client, job_id, offset, as_json)


def _print_rest(client: Client, job_id: str, offset: int, as_json: bool) -> int:
    """Print the log from ``offset`` on, and return the offset to go on from."""
    text, offset = client.log(job_id, offset).result()
    while text:
        for line in text.removesuffix("\n").split("\n"):
            if as_json:
                say_json(_parts(job_id, line))
            else:
                say(line)
        text, offset = client.log(job_id, offset).result()
    return offset


def _parts(job_id: str, line: str) -> dict[str, str]:
    return {"job_id": job_id, "time": line[:_STAMP], "text": line[_STAMP + 1 :]}


def _follow(client: Client, job_id: str, offset: int, as_json: bool) -> None:
    events: queue.SimpleQueue[WatchEvent] = queue.SimpleQueue()
    client.watch(job_id, events.put)
    is_over = False
    while not is_over:
        try:
            event = events.get(timeout=_LOOK_S)
        except queue.Empty:
            is_over = client.job(job_id).result().state.is_final
        else:
            if isinstance(event, Snapshot):
                is_over = event.job.state.is_final
            elif isinstance(event, StateEvent):
                is_over = event.state.is_final
            elif not isinstance(event, LogEvent):
                continue
        offset = _print_rest(client, job_id, offset, as_json)


def add_to(app: typer.Typer) -> None:
    """Add this family's commands to ``app``."""
    app.command()(logs)
