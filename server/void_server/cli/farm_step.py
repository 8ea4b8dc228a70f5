"""``void farm step``: one task of a farm's job. A farm starts it thousands of times, so it imports little."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from void_server.cli.stopping import stopping_on_signals
from void_server.farm.monitor import Dialect, StepMonitor
from void_server.farm.planning import FarmStep
from void_server.scratch import settle_in


def step(
    name: Annotated[FarmStep, typer.Argument(help="The step to run.")],
    plan: Annotated[Path, typer.Option(help="The bundle's plan.json.")],
    task: Annotated[int, typer.Option(help="Number of the task, from 0.", min=0)],
    scratch: Annotated[Path, typer.Option(help="Folder that all machines see.")],
    path_mapping: Annotated[
        Path | None,
        typer.Option(
            help="Rules for paths, as Open Job Description writes them; VOID_PATH_MAPPING may name more."
        ),
    ] = None,
    dialect: Annotated[
        Dialect, typer.Option(help="Which dispatcher's progress lines to print.")
    ] = Dialect.OPENJD,
) -> None:
    """Run one task of a step and keep what it has made before. A farm's machines call this."""
    from void_server.farm.path_mapping import mapped, rules_of_machine
    from void_server.farm.plan_file import read_plan, read_task
    from void_server.farm.task_environment import settle_environment

    rules = rules_of_machine(path_mapping)
    plan, scratch = Path(mapped(str(plan), rules)), Path(mapped(str(scratch), rules))
    found = read_plan(plan)
    settle_environment(found.environment, rules)
    settle_in(scratch)
    from void_server.cli.torchrun_jobs import run_with_torchrun
    from void_server.farm.steps import run_task

    pieces = read_task(found, plan, name.value, task, rules)
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


def add_to(app: typer.Typer) -> None:
    """Add the command to ``app``."""
    app.command()(step)
