"""``void farm step``: one task of a farm's job, as people may call it. Dispatchers' calls go the short way of
:mod:`void_server.cli.app`, to the same work."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from void_server.farm.monitor import Dialect
from void_server.farm.planning import FarmStep
from void_server.farm.step_order import StepOrder


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
    from void_server.cli.farm_task import run_order

    run_order(
        StepOrder(
            name=name, plan=plan, task=task, scratch=scratch, path_mapping=path_mapping, dialect=dialect
        )
    )


def add_to(app: typer.Typer) -> None:
    """Add the command to ``app``."""
    app.command()(step)
