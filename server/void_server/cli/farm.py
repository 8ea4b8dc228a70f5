"""``void farm``: bundles for render farms, and the steps that a farm's machines run."""

from __future__ import annotations

import os
import sys
from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from void_server.cli.stopping import stopping_on_signals
from void_server.cli.torchrun_jobs import run_with_torchrun
from void_server.farm.monitor import Dialect, StepMonitor
from void_server.farm.order import FarmSettings, NukeExport
from void_server.farm.planning import DEFAULT_CHUNK_FRAMES, DEFAULT_PART_FRAMES
from void_server.scratch import settle_in

app = typer.Typer(help="Send jobs to a render farm, and run their steps there.", no_args_is_help=True)

_TRAVELLING = ("OCIO", "VOID_MODELS", "VOID_CACHE")
"""Variables that tasks get as whoever submits has them, unless told otherwise."""


class FarmName(str, Enum):
    """The kinds of farm."""

    OPENJD = "openjd"
    DEADLINE_CLOUD = "deadline-cloud"
    OPENCUE = "opencue"
    DEADLINE_10 = "deadline10"


class FarmStep(str, Enum):
    """The steps of a job."""

    PREPARE = "prepare"
    REMOVE = "remove"
    MERGE = "merge"
    CHECK = "check"


@app.command("bundle")
def bundle(
    job_files: Annotated[
        list[Path], typer.Argument(metavar="JOBS...", help="Job files, folders of them, or manifests.")
    ],
    target: Annotated[FarmName, typer.Option("--to", help="The kind of farm.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder for the bundles.")],
    scratch: Annotated[
        Path | None,
        typer.Option(help="Folder that all machines see; default: 'scratch' beside the bundles."),
    ] = None,
    engine: Annotated[str | None, typer.Option(help="Use this engine instead of the jobs'.")] = None,
    proxy: Annotated[float | None, typer.Option(help="Work at 0.5, 0.25 or 0.125 of the size.")] = None,
    version: Annotated[int | None, typer.Option(help="Output version instead of the jobs'.", min=1)] = None,
    part_frames: Annotated[
        int, typer.Option(help="Wanted frames of a removal task.", min=1)
    ] = DEFAULT_PART_FRAMES,
    chunk_frames: Annotated[
        int, typer.Option(help="Most frames of a merging task.", min=1)
    ] = DEFAULT_CHUNK_FRAMES,
    together: Annotated[
        bool, typer.Option("--together", help="One bundle for all jobs; short shots share tasks.")
    ] = False,
    gpus: Annotated[
        int | None, typer.Option(help="Devices of a removal task; above 1 they share one shot.", min=0)
    ] = None,
    gpu_memory_mib: Annotated[int | None, typer.Option(help="Memory of each device.", min=1)] = None,
    gpu_group: Annotated[
        str, typer.Option(help="Deadline 10's group, or OpenCue's tag, of the machines with GPUs.")
    ] = "",
    memory_mib: Annotated[int | None, typer.Option(help="Memory of a removal task.", min=1)] = None,
    timeout_s: Annotated[int, typer.Option(help="Limit of a removal task.", min=60)] = 24 * 3600,
    grace_s: Annotated[
        int, typer.Option(help="Between asking a task to stop and killing it.", min=1, max=600)
    ] = 120,
    void_command: Annotated[str, typer.Option("--void", help="The void command on the machines.")] = "void",
    ocio: Annotated[str | None, typer.Option(help="OCIO configuration; default: this OCIO.")] = None,
    models: Annotated[str | None, typer.Option(help="Model folder; default: this VOID_MODELS.")] = None,
    cache: Annotated[str | None, typer.Option(help="Cache folder; default: this VOID_CACHE.")] = None,
    nuke_script: Annotated[
        Path | None, typer.Option(help="Script whose Write nodes render the plates and mattes first.")
    ] = None,
    nuke_write: Annotated[
        list[str] | None, typer.Option(help="A Write node of that script; may be repeated.")
    ] = None,
    nuke_command: Annotated[str, typer.Option("--nuke", help="The nuke command on the machines.")] = "nuke",
    asset: Annotated[
        list[Path] | None, typer.Option(help="A file or folder outside the jobs; may be repeated.")
    ] = None,
    submit: Annotated[
        bool | None,
        typer.Option("--submit/--no-submit", help="Hand it to the farm; default: where one is set up here."),
    ] = None,
) -> None:
    """Write bundles of jobs for a render farm."""
    from void_server.batch.sources import read_sources
    from void_server.cli.run import with_overrides
    from void_server.farm.bundle import shared_windows_job, write_bundles
    from void_server.farm.targets import write_target

    if (nuke_script is None) != (not nuke_write):
        raise typer.BadParameter("--nuke-script and --nuke-write go together")
    jobs = [
        with_overrides(job, engine=engine, proxy=proxy, version=version) for job in read_sources(job_files)
    ]
    if gpus is not None and gpus > 1:
        jobs = [shared_windows_job(job) for job in jobs]
    folder = output.absolute()
    given = {"OCIO": ocio, "VOID_MODELS": models, "VOID_CACHE": cache}
    environment = {name: value for name in _TRAVELLING if (value := given[name] or os.environ.get(name, ""))}
    order = FarmSettings(
        folder=folder,
        scratch=(scratch or folder / "scratch").absolute(),
        part_frames=part_frames,
        chunk_frames=chunk_frames,
        together=together,
        gpus=gpus,
        gpu_memory_mib=gpu_memory_mib,
        gpu_group=gpu_group,
        memory_mib=memory_mib,
        timeout_s=timeout_s,
        grace_s=grace_s,
        void_command=void_command,
        export=None
        if nuke_script is None
        else NukeExport(nuke_script.absolute(), tuple(nuke_write or ()), nuke_command),
        environment=environment,
        assets=tuple(asset or ()),
    )
    bundles = write_bundles(jobs, order)
    for line in write_target(target.value, bundles, submit=submit):
        typer.echo(line)
    tasks = sum(len(one.plan.tasks(step.value)) for one in bundles for step in FarmStep)
    shots = "1 shot" if len(jobs) == 1 else f"{len(jobs)} shots"
    held = "1 bundle" if len(bundles) == 1 else f"{len(bundles)} bundles"
    typer.echo(f"{shots} in {held} with {tasks} tasks for {target.value}: {folder}")


@app.command("step")
def step(
    name: Annotated[FarmStep, typer.Argument(help="Which step.")],
    plan: Annotated[Path, typer.Option(help="The bundle's plan.json.")],
    task: Annotated[int, typer.Option(help="Number of the task, from 0.", min=0)],
    scratch: Annotated[Path, typer.Option(help="Folder that all machines see.")],
    path_mapping: Annotated[
        Path | None, typer.Option(help="Rules for paths, as Open Job Description writes them.")
    ] = None,
    dialect: Annotated[Dialect, typer.Option(help="Whose progress lines.")] = Dialect.OPENJD,
) -> None:
    """Run one task of a step; what it has made already is kept. A farm's machines call this."""
    from void_server.farm.path_mapping import read_rules
    from void_server.farm.plan_file import read_task
    from void_server.farm.steps import run_task

    settle_in(scratch)
    pieces = read_task(plan, name.value, task, read_rules(path_mapping))
    monitor = StepMonitor(dialect, len(pieces), sys.stdout)
    try:
        with stopping_on_signals(monitor.stop):
            run_with_torchrun(
                [piece.local_job for piece in pieces],
                lambda: run_task(pieces, name.value, scratch.absolute(), monitor),
            )
    except Exception as error:
        monitor.fail(str(error) or type(error).__name__)
        raise
