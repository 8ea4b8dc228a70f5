"""``void submit, jobs``: sends jobs to a server and lists them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from void_protocol.client import Client
from void_protocol.errors import ServerError
from void_protocol.job import RemovalJob
from void_protocol.job_file import with_content_id
from void_protocol.keys import await_connection
from void_protocol.messages import JobInfo, JobState
from void_protocol.remote_job import RemoteJob
from void_server.batch.listed import BadShot
from void_server.cli.declared_options import with_options
from void_server.cli.each_job import each_named
from void_server.cli.exit_codes import ExitCode
from void_server.cli.explain import CommandError
from void_server.cli.job_files import jobs_of_files
from void_server.cli.job_names import known_job
from void_server.cli.job_overrides import PlateOverrides
from void_server.cli.progress import StageProgress
from void_server.cli.remote import JobDisplay, checked, wait_shown
from void_server.cli.terminal import PlainTable, Terminal, say, say_json
from void_server.cli.versions import VersionChoice, free_version, proxies_there

if TYPE_CHECKING:
    from void_engine.made_from import MadeFrom

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
    overrides: PlateOverrides,
    versions: VersionChoice,
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
    """Send jobs to the server. One that failed or was cancelled there begins again.

    Example: void submit sh010.json sh020.json --no-wait
    """
    jobs = jobs_of_files(job_files, overrides)
    how = _HowToSend(transfer.value, wait, priority, versions.next_version and overrides.version is None)
    with connected_client(home, endpoint) as client:
        # All are sent before the first one is watched.
        sent = [job if isinstance(job, BadShot) else _Sent(client, how, job) for job in jobs]
        try:
            each_named(sent, lambda one: one.name, lambda one: one.follow())
        except KeyboardInterrupt:
            open_ones = (one for one in sent if isinstance(one, _Sent) and not one.remote.done.done())
            names = [one.remote.job_id for one in open_ones]
            raise CommandError(
                f"no longer watching; what is not done goes on at the server: {' '.join(names)}. 'void watch "
                "JOB' takes one up again, 'void cancel JOB' stops it",
                ExitCode.CANCELLED,
            ) from None


@dataclass(frozen=True)
class _HowToSend:
    transfer: Literal["auto", "paths", "streamed"]
    wait: bool
    priority: int
    takes_next: bool


class _Sent:
    """A job of the command line that is sent to the server."""

    def __init__(self, client: Client, how: _HowToSend, job: RemovalJob) -> None:
        self._client = client
        self._how = how
        self.name = job.shot.name
        self._send(job)

    def _send(self, job: RemovalJob) -> None:
        if self._how.takes_next:
            job = free_version(job, partial(known_to, self._client))
        self._job = job
        self._display = JobDisplay(StageProgress(job.shot.name))
        self.remote = self._client.submit(
            job,
            on_event=self._display.on_event,
            transfer=self._how.transfer,
            fetch=self._how.wait,
            priority=self._how.priority,
            again=True,
            replaces=proxies_there(job),
        )

    def follow(self) -> None:
        """Show the job until it is done, or until it is with the server."""
        try:
            self._follow()
        except ServerError as error:
            if error.code != "conflict" or not self._how.takes_next:
                raise
            # Somebody has edited the file since it was submitted: that is another job.
            changed = with_content_id(self._job)
            say(f"{self.name}: the job has changed since it was submitted; this is {changed.job_id}")
            self._send(changed)
            self._follow()

    def _follow(self) -> None:
        job, remote, display = self._job, self.remote, self._display
        with display.progress:
            display.show_until(remote.accepted.done)
            remote.accepted.result()
            say(f"{self.name}: job {job.job_id}")
            if not self._how.wait:
                display.show_until(partial(_is_with_server, remote, display))
                if remote.done.done():
                    checked(remote.done.result())
                return
            info = wait_shown(remote.done, display)
        say(f"{self.name}: {info.frames_done} frames in {job.output.versioned_pattern}")


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


def engine_text(info: JobInfo) -> str:
    """Return the engine that runs a job or ran it, with ``auto`` where that was asked for."""
    if info.engine_used and info.engine_used != info.engine:
        return f"{info.engine_used} ({info.engine})"
    return info.engine


def _row(info: JobInfo, *, with_view: bool) -> tuple[str, ...]:
    view = [f"{info.view} of {info.together}" if info.together else ""] if with_view else []
    return (
        info.job_id, info.name, *view, engine_text(info), state_text(info),
        f"{info.frames_done}/{info.frames_total}", info.message,
    )  # fmt: skip


def known_to(client: Client, job: RemovalJob) -> Callable[[MadeFrom], bool]:
    """Return what says whether a frame is of this job, and the server knows the job and goes on with it. The
    server is asked once, when a frame of the job is there."""

    @cache
    def is_known() -> bool:
        return known_job(client, job.job_id) is not None

    return lambda maker: maker.job_id == job.job_id and is_known()


def add_to(app: typer.Typer) -> None:
    """Add this family's commands to ``app``."""
    for command in (submit, jobs):
        app.command()(command)
