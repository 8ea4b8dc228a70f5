"""``void watch, cancel, retry, fetch``: what is done with a job that is at the server."""

from __future__ import annotations

import filecmp
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from void_protocol.client import Client
from void_protocol.durable import make_folder, temporary_for
from void_protocol.messages import JobInfo
from void_protocol.operating import Operating
from void_protocol.sequence import absolute_pattern, frame_path
from void_server.cli.exit_codes import ExitCode
from void_server.cli.explain import CommandError
from void_server.cli.job_names import JobName, JobNames, find_job
from void_server.cli.jobs import EndpointOption, HomeOption, connected_client, state_text
from void_server.cli.progress import StageProgress
from void_server.cli.remote import JobDisplay, checked
from void_server.cli.terminal import say


def watch(job: JobName, home: HomeOption = None, endpoint: EndpointOption = None) -> None:
    """Follow a job until it ends. Ctrl-C only stops watching.

    Example: void watch last
    """
    with connected_client(home, endpoint) as client:
        info = find_job(client, job)
        with only_watching(info), StageProgress(info.name) as bars:
            display = JobDisplay(bars)
            client.watch(info.job_id, display.on_event)
            display.show_until(lambda: display.state is not None and display.state.is_final)
        info = checked(client.job(info.job_id).result())
    say(f"{info.name}: {info.state.value}, {info.frames_done} of {info.frames_total} frames")


@contextmanager
def only_watching(info: JobInfo) -> Iterator[None]:
    """Say on Ctrl-C what is true of a job that is looked at: it goes on."""
    try:
        yield
    except KeyboardInterrupt:
        raise CommandError(
            f"no longer watching; job {info.job_id} ({info.name}) goes on at the server. 'void watch "
            f"{info.job_id[:8]}' takes it up again, 'void cancel {info.job_id[:8]}' stops it",
            ExitCode.CANCELLED,
        ) from None


def cancel(
    jobs: JobNames,
    home: HomeOption = None,
    endpoint: EndpointOption = None,
) -> None:
    """Stop jobs; their finished frames stay. 'void retry' lets one begin again.

    Example: void cancel last
    """
    with connected_client(home, endpoint) as client:
        for name in jobs:
            info = client.cancel(find_job(client, name).job_id).result()
            say(f"{info.job_id}: {info.state.value}")


def retry(
    jobs: JobNames,
    home: HomeOption = None,
    endpoint: EndpointOption = None,
) -> None:
    """Let jobs that failed or were cancelled begin again, with the frames that they have.

    Files that were sent to the server are gone there when a job has ended: such a job is submitted again by
    its file, which does the same.

    Example: void retry sh010
    """
    with connected_client(home, endpoint) as client:
        for name in jobs:
            info = Operating(client).retry(find_job(client, name).job_id).result()
            say(f"{info.job_id}: {state_text(info)}")


def fetch(
    job: JobName,
    output: Annotated[
        str | None, typer.Option("--output", "-o", help="Pattern to write; default: the job's.")
    ] = None,
    yes: Annotated[
        bool, typer.Option("--yes", help="Write where the job says, also when somebody else submitted it.")
    ] = False,
    home: HomeOption = None,
    endpoint: EndpointOption = None,
) -> None:
    """Fetch a job's frames, also those that are still to come. Those that the server wrote by path are copied
    to --output.

    Example: void fetch sh010 -o /tmp/sh010.%04d.exr
    """
    with connected_client(home, endpoint) as client:
        info = find_job(client, job)
        pattern = output or info.output_pattern
        if output is None and not yes and info.owner != client.wait_connected().owner:
            raise CommandError(
                f"job {info.job_id} is {info.owner}'s, who chose where it writes: {pattern}; "
                "say where with --output, or write there with --yes",
                ExitCode.REFUSED,
            )
        with only_watching(info), StageProgress(info.name) as bars:
            brought = _brought(client, info, pattern, bars)
        if info.outputs == "paths" and output is not None:
            brought = _copied(client, info, absolute_pattern(output))
    if info.outputs == "paths" and output is None:
        say(f"{info.name}: the server has written {info.frames_done} frames to {pattern} itself")
        return
    say(f"{info.name}: {len(brought)} frames in {pattern}")


def _brought(client: Client, info: JobInfo, pattern: str, bars: StageProgress) -> list[int]:
    """Follow a job to its end and return the frames that came over the wire."""
    brought: list[int] = []

    def on_frame(number: int, path: Path) -> None:
        brought.append(number)

    remote = client.follow(info.job_id, pattern=pattern, on_frame=on_frame)
    display = JobDisplay(bars)

    def finished() -> bool:
        bars.update("fetch", len(brought), info.frames_total)
        return remote.done.done()

    display.show_until(finished)
    checked(remote.done.result())
    return brought


def _copied(client: Client, info: JobInfo, pattern: str) -> list[int]:
    """Copy the frames that the server has written by path, and return their numbers.

    Raises:
        CommandError: when this machine does not see them, or other files are in the way.
    """
    numbers = [result.frame for result in client.results(info.job_id)]
    pairs = [(frame_path(info.output_pattern, number), frame_path(pattern, number)) for number in numbers]
    for source, target in pairs:
        if not source.exists():
            raise CommandError(
                f"the server wrote {source}, which this machine does not see; fetch it where it is",
                ExitCode.BAD_INPUT,
            )
        if target.exists() and not filecmp.cmp(source, target, shallow=False):
            raise CommandError(
                f"{target} exists already with other content and is not overwritten", ExitCode.BAD_OUTPUT
            )
    for source, target in pairs:
        if not target.exists():
            make_folder(target.parent)
            with temporary_for(target) as temporary:
                shutil.copyfile(source, temporary)
    return numbers


def add_to(app: typer.Typer) -> None:
    """Add this family's commands to ``app``."""
    for command in (watch, cancel, retry, fetch):
        app.command()(command)
