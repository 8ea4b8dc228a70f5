"""``void status``: shows the server at a glance, live on a terminal."""

from __future__ import annotations

import time
from typing import Annotated, Any

import msgspec
import typer
from rich.console import Group, RenderableType
from rich.live import Live
from rich.text import Text

from void_protocol.client import Client
from void_protocol.messages import (
    EngineDescription,
    Health,
    JobInfo,
    JobState,
    ResultFile,
    Status,
    WorkerInfo,
)
from void_protocol.operating import Operating
from void_protocol.printable import printable_entry
from void_server.cli.engines import engine_table
from void_server.cli.exit_codes import ExitCode
from void_server.cli.explain import CommandError
from void_server.cli.job_names import find_job
from void_server.cli.jobs import EndpointOption, HomeOption, connected_client, engine_text, state_text
from void_server.cli.terminal import PlainTable, Terminal, cell, say, say_json

_EVERY_S = 1.0
_SHOWN_JOBS = 15


def status(
    job: Annotated[
        str | None,
        typer.Argument(metavar="[JOB]", help="Show one job (by id, shot or 'last') instead of the server."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object, for programs.")] = False,
    health: Annotated[
        bool, typer.Option("--health", help="Only say whether anything is wrong; exit status 0 or 1.")
    ] = False,
    once: Annotated[
        bool, typer.Option("--once", help="Print once, also on a terminal.", show_default=False)
    ] = False,
    home: HomeOption = None,
    endpoint: EndpointOption = None,
) -> None:
    """Show the server's workers, queue and throughput, live on a terminal; or one job and its times.

    Example: void status --json | jq .throughput.frames_per_minute
    """
    console = Terminal()
    with connected_client(home, endpoint) as client:
        if health:
            _tell_health(Operating(client).health().result(), as_json)
        elif job is not None:
            _tell_job(client, find_job(client, job).job_id, as_json, console)
        elif as_json:
            say_json(_server_json(client))
        elif once or not console.is_terminal:
            console.print(_server_picture(client))
        else:
            _live(client, console)


def _live(client: Client, console: Terminal) -> None:
    try:
        with Live(_server_picture(client), console=console, auto_refresh=False, screen=True) as live:
            while True:
                time.sleep(_EVERY_S)
                live.update(_server_picture(client), refresh=True)
    except KeyboardInterrupt:
        console.print(_server_picture(client))  # the last picture stays on the terminal


def _tell_health(health: Health, as_json: bool) -> None:
    if as_json:
        say_json(health)
    else:
        for note in health.notes:
            say(note)
    if health.is_healthy:
        if not as_json:
            say("healthy")
        return
    raise CommandError("; ".join(health.problems), ExitCode.FAILED)


# The server -----------------------------------------------------------------------------------------------


def _open_jobs(client: Client) -> list[JobInfo]:
    states = [JobState.RUNNING, JobState.CANCELLING, JobState.QUEUED, JobState.UPLOADING]
    found = client.jobs(states, limit=250).result()
    return sorted(found, key=lambda job: (states.index(job.state), job.queue_position or 0, job.created_at))


def _server_json(client: Client) -> dict[str, Any]:
    status, health = client.status().result(), Operating(client).health().result()
    whole = {
        **msgspec.to_builtins(status),
        "is_healthy": health.is_healthy,
        "problems": health.problems,
        "open_jobs": _open_jobs(client),
    }
    engines = client.engines().result()
    whole["engines"] = None if engines is None else msgspec.to_builtins(engines)
    for name in ("type", "request"):
        whole.pop(name, None)
    return whole


def _server_picture(client: Client) -> RenderableType:
    status, health = client.status().result(), Operating(client).health().result()
    jobs = _open_jobs(client)
    parts: list[RenderableType] = [_headline(status)]
    parts += [cell(problem, "bold red") for problem in health.problems]
    parts += [cell(note, "yellow") for note in health.notes]
    parts += [_workers(status.workers), _engines(client.engines().result()), _jobs(jobs)]
    if len(status.owners) > 1:
        parts.append(_owners(status))
    return Group(*parts)


def _headline(status: Status) -> Text:
    rates = status.throughput
    counts = ", ".join(f"{count} {state}" for state, count in sorted(status.jobs.items())) or "no jobs"
    clients = "1 client" if status.sessions == 1 else f"{status.sessions} clients"
    memory = "" if status.resident_bytes is None else f", {_size(status.resident_bytes)} of memory"
    disk = "" if status.disk_free_bytes is None else f", {_size(status.disk_free_bytes)} of disk free"
    return Text(
        f"{status.server}, up {_time(status.uptime_s)}, {clients}{memory}{disk}\n"
        f"{counts}\n"
        f"last {_time(rates.window_s)}: {rates.frames_per_minute:.1f} frames/min, "
        f"{rates.jobs_per_hour:.0f} jobs/h, in {_size(rates.received_bytes_per_s)}/s, "
        f"out {_size(rates.sent_bytes_per_s)}/s"
    )


def _workers(workers: list[WorkerInfo]) -> PlainTable:
    table = _table("worker", "device", "state", "job", "memory", "device memory", "restarts")
    for worker in workers:
        state = "starting or down"
        if worker.alive:
            state = "idle" if worker.busy_s is None else f"busy for {_time(worker.busy_s)}"
        memory = worker.memory
        device = "-"
        if memory is not None and memory.device_used_bytes is not None:
            device = f"{_size(memory.device_used_bytes)} of {_size(memory.device_total_bytes or 0)}"
        table.add_row(
            worker.worker, worker.device, state, worker.job_id or "-",
            "-" if memory is None else _size(memory.resident_bytes), device, str(worker.restarts),
        )  # fmt: skip
    return table


def _engines(engines: list[EngineDescription] | None) -> RenderableType:
    if engines is None:
        return Text("\nno worker has told yet which engines there are")
    return Group(Text(), engine_table(engines))


def _jobs(jobs: list[JobInfo]) -> RenderableType:
    if not jobs:
        return Text("\nnothing to do")
    table = _table("job", "shot", "owner", "priority", "state", "frames", "now")
    for job in jobs[:_SHOWN_JOBS]:
        now = job.message
        if job.progress is not None:
            at = job.progress
            left = "" if at.eta_s is None else f", {_time(at.eta_s)} left"
            now = f"{at.stage} {at.step}/{at.steps}{left}"
        table.add_row(
            job.job_id, job.name, job.owner, str(job.priority), state_text(job),
            f"{job.frames_done}/{job.frames_total}", now,
        )  # fmt: skip
    table.cut_only("shot", "now")
    if len(jobs) > _SHOWN_JOBS:
        table.caption = f"and {len(jobs) - _SHOWN_JOBS} more; 'void jobs' lists them"
    return table


def _owners(status: Status) -> PlainTable:
    table = _table("owner", "waiting", "running", "worker time lately")
    for share in status.owners:
        table.add_row(share.owner, str(share.queued), str(share.running), _time(share.used_s))
    return table


# One job --------------------------------------------------------------------------------------------------


def _tell_job(client: Client, job_id: str, as_json: bool, console: Terminal) -> None:
    job, frames = client.job(job_id).result(), client.results(job_id)
    if as_json:
        whole = {**msgspec.to_builtins(job), "frames": msgspec.to_builtins(frames)}
        say_json(whole)
        return
    console.print(job_picture(job, frames))


def job_picture(job: JobInfo, frames: list[ResultFile]) -> RenderableType:
    """Return a picture of a job's state and of where its time went."""
    message = f": {job.message}" if job.message else ""
    lines = [
        f"{job.job_id} ({job.name}) of {job.owner}, priority {job.priority}, engine {engine_text(job)}",
        printable_entry(f"{state_text(job)}{message}"),
        f"{job.frames_done} of {job.frames_total} frames, started {job.attempts} times",
        f"{job.queue_s:.1f} s in the queue, {job.run_s:.1f} s with workers, before its present state",
    ]
    times = sorted((frame.seconds, frame.frame) for frame in frames if frame.seconds is not None)
    if times:
        mean = sum(seconds for seconds, _ in times) / len(times)
        slowest = ", ".join(f"{number} ({seconds:.2f} s)" for seconds, number in reversed(times[-3:]))
        lines.append(f"{mean:.2f} s for a frame on average; slowest: {slowest}")
    table = _table("stage", "seconds")
    for stage in job.stage_times:
        table.add_row(stage.stage, f"{stage.seconds:.2f}")
    return Group(Text("\n".join(lines)), table) if job.stage_times else Text("\n".join(lines))


def _table(*columns: str) -> PlainTable:
    table = PlainTable(box=None, pad_edge=False)
    for name in columns:
        table.add_column(name, no_wrap=True, overflow="fold")
    return table


def _size(size_bytes: float) -> str:
    for unit in ("B", "kB", "MB"):
        if abs(size_bytes) < 1000:
            return f"{size_bytes:.3g} {unit}"
        size_bytes /= 1000
    return f"{size_bytes:.3g} GB"


def _time(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.0f} s"
    if seconds < 3600:
        return f"{seconds / 60:.0f} min"
    if seconds < 86_400:
        return f"{seconds / 3600:.1f} h"
    return f"{seconds / 86_400:.1f} days"


def add_to(app: typer.Typer) -> None:
    """Add this family's commands to ``app``."""
    app.command()(status)
