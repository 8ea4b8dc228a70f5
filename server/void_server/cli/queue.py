"""``void pause, resume, drain, priority``: decides what runs when."""

from __future__ import annotations

import time
from typing import Annotated

import typer

from void_protocol.messages import JobState, Status
from void_protocol.operating import Operating
from void_server.cli.exit_codes import ExitCode
from void_server.cli.explain import CommandError
from void_server.cli.job_names import JobName, find_job
from void_server.cli.jobs import EndpointOption, HomeOption, connected_client, state_text
from void_server.cli.terminal import say

_LOOK_S = 0.5

JobArgument = Annotated[
    str | None,
    typer.Argument(metavar="[JOB]", help="A job (by id, shot or 'last'); without one, the whole queue."),
]
ReasonOption = Annotated[str, typer.Option(help="The reason, which everybody sees.")]


def pause(
    job: JobArgument = None,
    reason: ReasonOption = "",
    home: HomeOption = None,
    endpoint: EndpointOption = None,
) -> None:
    """Hold back one job, or the whole queue (operators only).

    A running job stops and keeps its finished frames. While the queue is paused, running jobs go on and no
    job starts.

    Example: void pause --reason "GPU needed for dailies"
    """
    with connected_client(home, endpoint) as client:
        operating = Operating(client)
        if job is None:
            _tell_queue(operating.pause_queue(reason).result())
            return
        job_id = find_job(client, job).job_id
        info = operating.pause_job(job_id, reason).result()
        if info.state.is_final:
            raise CommandError(f"job {job_id} is {info.state.value}; nothing to pause", ExitCode.REFUSED)
        say(f"{job_id}: {state_text(info)}")


def resume(job: JobArgument = None, home: HomeOption = None, endpoint: EndpointOption = None) -> None:
    """Let a paused job run, or open the queue again after a pause or a drain (operators only).

    A job that failed or was cancelled begins again.

    Example: void resume
    """
    with connected_client(home, endpoint) as client:
        operating = Operating(client)
        if job is None:
            _tell_queue(operating.resume_queue().result())
            return
        info = find_job(client, job)
        if info.state.can_begin_again:  # It did not end well, so going on means beginning again.
            info = operating.retry(info.job_id).result()
        else:
            info = operating.resume_job(info.job_id).result()
        if info.state.is_final:
            text = f"job {info.job_id} is {info.state.value}; nothing to resume"
            raise CommandError(text, ExitCode.REFUSED)
        say(f"{info.job_id}: {state_text(info)}")


def drain(
    reason: ReasonOption = "",
    wait: Annotated[bool, typer.Option("--wait", help="Return when nothing runs any more.")] = False,
    home: HomeOption = None,
    endpoint: EndpointOption = None,
) -> None:
    """Prepare for maintenance: start nothing, refuse new jobs, let running ones end (operators only).

    Waiting jobs stay in the queue. 'void resume' starts work again, also after a restart of the server.

    Example: void drain --wait --reason "new driver" && systemctl --user restart void-nuke
    """
    with connected_client(home, endpoint) as client:
        status = Operating(client).drain(reason).result()
        _tell_queue(status)
        while wait and _runs(status):
            time.sleep(_LOOK_S)
            status = client.status().result()
        if wait:
            say("nothing runs")


def priority(
    job: JobName,
    value: Annotated[
        int,
        typer.Argument(
            metavar="PRIORITY", help="0 is usual; above 0 is for operators only.", min=-100, max=100
        ),
    ],
    home: HomeOption = None,
    endpoint: EndpointOption = None,
) -> None:
    """Let a job run before those of lower priority, or after those of higher priority.

    Example: void priority 5a1c0b7e 50, or to step back: void priority 5a1c0b7e -- -10
    """
    with connected_client(home, endpoint) as client:
        info = Operating(client).set_priority(find_job(client, job).job_id, value).result()
    say(f"{info.job_id}: priority {info.priority}, {state_text(info)}")


def _runs(status: Status) -> int:
    return status.jobs.get(JobState.RUNNING.value, 0) + status.jobs.get(JobState.CANCELLING.value, 0)


def _tell_queue(status: Status) -> None:
    queued, running = status.jobs.get(JobState.QUEUED.value, 0), _runs(status)
    say(f"the queue is {status.queue.mode}; {running} running, {queued} waiting")


def add_to(app: typer.Typer) -> None:
    """Add this family's commands to ``app``."""
    for command in (pause, resume, drain, priority):
        app.command()(command)
