"""``void submit, jobs, watch, cancel, fetch``: sends jobs to a server and asks about them."""

from __future__ import annotations

from enum import Enum
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from void_protocol.client import Client
from void_protocol.job import RemovalJob
from void_protocol.job_file import read_job
from void_protocol.keys import await_connection
from void_protocol.messages import JobInfo, JobState
from void_protocol.remote_job import RemoteJob
from void_server.batch.listed import jobs_once_each
from void_server.cli.declared_options import with_options
from void_server.cli.each_job import each_by_itself
from void_server.cli.exit_codes import ExitCode
from void_server.cli.explain import CommandError
from void_server.cli.job_overrides import JobOverrides, with_overrides
from void_server.cli.progress import StageProgress
from void_server.cli.remote import JobDisplay, checked, wait_shown
from void_server.cli.terminal import PlainTable, Terminal, say, say_json

HomeOption = Annotated[Path | None, typer.Option(help="Home folder with keys and the server's address.")]
EndpointOption = Annotated[str | None, typer.Option(help="The server's address; default: the home's.")]


class Transfer(str, Enum):
    """How files travel between client and server."""

    AUTO = "auto"
    PATHS = "paths"
    STREAMED = "streamed"


def connected_client(home: Path | None, endpoint: str | None) -> Client:
    """Return a client that has reached its server. Close it, or use it as a context.

    Raises:
        ProtocolError: when the server does not answer or does not let this user in.
    """
    client = Client(await_connection(home, endpoint))
    try:
        client.wait_connected()
    except BaseException:
        client.close()
        raise
    return client


@with_options
def submit(
    job_files: Annotated[list[Path], typer.Argument(metavar="JOB...", help="Job files (JSON).")],
    overrides: JobOverrides,
    wait: Annotated[bool, typer.Option("--wait/--no-wait", help="Watch the jobs and fetch results.")] = True,
    transfer: Annotated[
        Transfer, typer.Option(help="paths: the server opens the files; streamed: they are sent.")
    ] = Transfer.AUTO,
    priority: Annotated[
        int, typer.Option(help="Higher ones run first; above 0 operators only.", min=-100, max=100)
    ] = 0,
    home: HomeOption = None,
    endpoint: EndpointOption = None,
) -> None:
    """Send jobs to the server."""
    jobs = jobs_once_each([with_overrides(read_job(path), overrides) for path in job_files])
    displays = {job.job_id: JobDisplay(StageProgress(job.shot.name)) for job in jobs}
    sent: dict[str, RemoteJob] = {}
    with connected_client(home, endpoint) as client:
        for job in jobs:  # All are sent before the first one is watched.
            sent[job.job_id] = client.submit(
                job,
                on_event=displays[job.job_id].on_event,
                transfer=transfer.value,
                fetch=wait,
                priority=priority,
            )

        def follow(job: RemovalJob) -> None:
            _follow(job, sent[job.job_id], displays[job.job_id], wait)

        try:
            each_by_itself(jobs, follow)
        except KeyboardInterrupt:
            named = " ".join(job_id for job_id, remote in sent.items() if not remote.done.done())
            raise CommandError(
                f"no longer watching; what is not done goes on at the server: {named}. 'void watch JOB' "
                "takes one up again, 'void cancel JOB' stops it",
                ExitCode.CANCELLED,
            ) from None


def _follow(job: RemovalJob, remote: RemoteJob, display: JobDisplay, wait: bool) -> None:
    """Show a job that was sent until it is done, or until it is with the server."""
    with display.progress:
        display.show_until(remote.accepted.done)
        remote.accepted.result()
        say(f"{job.shot.name}: job {job.job_id}")
        if not wait:
            display.show_until(partial(_is_with_server, remote, display))
            return
        info = wait_shown(remote.done, display)
    say(f"{job.shot.name}: {info.frames_done} frames in {job.output.versioned_pattern}")


def _is_with_server(remote: RemoteJob, display: JobDisplay) -> bool:
    """Return whether this client may leave: everything is sent, or something went wrong."""
    return remote.done.done() or display.state not in (None, JobState.UPLOADING)


def jobs(
    home: HomeOption = None,
    endpoint: EndpointOption = None,
    limit: Annotated[int, typer.Option(help="How many of the newest jobs to list.", min=1, max=250)] = 50,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")] = False,
) -> None:
    """List the server's jobs, newest first."""
    with connected_client(home, endpoint) as client:
        found = client.jobs(limit=limit).result()
    if as_json:
        say_json(found)
        return
    # The column of views is there where jobs of several views belong together.
    tied = any(info.together for info in found)
    table = PlainTable(
        "job", "shot", *(["view"] if tied else []), "engine", "state", "frames", "message", box=None
    )
    for info in found:
        table.add_row(*_row(info, with_view=tied))
    table.cut_only("shot", "message")
    Terminal().print(table)


def state_text(info: JobInfo) -> str:
    """Return a job's state with its place in the queue, for people."""
    if info.is_paused and not info.state.is_final:
        return f"{info.state.value}, paused"
    if info.queue_position is not None:
        return f"{info.state.value} ({info.queue_position + 1})"
    return info.state.value


def _row(info: JobInfo, *, with_view: bool) -> tuple[str, ...]:
    view = [f"{info.view} of {info.together}" if info.together else ""] if with_view else []
    return (
        info.job_id, info.name, *view, info.engine, state_text(info),
        f"{info.frames_done}/{info.frames_total}", info.message,
    )  # fmt: skip


def watch(
    job_id: Annotated[str, typer.Argument(help="The job's id, as 'void jobs' prints it.")],
    home: HomeOption = None,
    endpoint: EndpointOption = None,
) -> None:
    """Follow a job until it ends."""
    with connected_client(home, endpoint) as client:
        info = client.job(job_id).result()
        with StageProgress(info.name) as bars:
            display = JobDisplay(bars)
            client.watch(job_id, display.on_event)
            display.show_until(lambda: display.state is not None and display.state.is_final)
        info = checked(client.job(job_id).result())
    say(f"{info.name}: {info.state.value}, {info.frames_done} of {info.frames_total} frames")


def cancel(
    job_id: Annotated[str, typer.Argument(help="The job to stop.")],
    home: HomeOption = None,
    endpoint: EndpointOption = None,
) -> None:
    """Stop a job; its finished frames stay."""
    with connected_client(home, endpoint) as client:
        info = client.cancel(job_id).result()
    say(f"{info.job_id}: {info.state.value}")


def fetch(
    job_id: Annotated[str, typer.Argument(help="The job whose frames to fetch.")],
    output: Annotated[
        str | None, typer.Option("--output", "-o", help="Pattern to write; default: the job's.")
    ] = None,
    yes: Annotated[
        bool, typer.Option("--yes", help="Write where the job says, also when somebody else submitted it.")
    ] = False,
    home: HomeOption = None,
    endpoint: EndpointOption = None,
) -> None:
    """Fetch a job's frames, also those that are still to come."""
    with connected_client(home, endpoint) as client:
        info = client.job(job_id).result()
        pattern = output or info.output_pattern
        if output is None and not yes and info.owner != client.wait_connected().owner:
            raise CommandError(
                f"job {job_id} is {info.owner}'s, who chose where it writes: {pattern}; "
                "say where with --output, or write there with --yes",
                ExitCode.REFUSED,
            )
        with StageProgress(info.name) as bars:
            brought: list[int] = []

            def on_frame(number: int, path: Path) -> None:
                brought.append(number)

            remote = client.follow(job_id, pattern=pattern, on_frame=on_frame)
            display = JobDisplay(bars)

            def finished() -> bool:
                bars.update("fetch", len(brought), info.frames_total)
                return remote.done.done()

            display.show_until(finished)
            checked(remote.done.result())
    say(f"{info.name}: {len(brought)} frames in {pattern}")


def add_to(app: typer.Typer) -> None:
    """Add this family's commands to ``app``."""
    for command in (submit, jobs, watch, cancel, fetch):
        app.command()(command)
