"""``void farm bundle``: writes bundles of jobs for a render farm."""

from __future__ import annotations

from typing import Annotated

import typer

from void_engine.errors import SettingError
from void_protocol.job import RemovalJob
from void_server.batch.listed import BadShot
from void_server.cli.declared_options import with_options
from void_server.cli.exit_codes import ExitCode
from void_server.cli.explain import CommandError, error_text
from void_server.cli.job_overrides import JobOverrides
from void_server.cli.shot_lists import ShotDefaults, Sources, listed_jobs
from void_server.cli.terminal import say
from void_server.farm.order import FarmSettings
from void_server.farm.planning import STEP_ORDER
from void_server.farm.targets import FarmName, write_target


@with_options
def bundle(
    sources: Sources,
    target: Annotated[FarmName, typer.Option("--to", help="The kind of farm.")],
    order: FarmSettings,
    defaults: ShotDefaults,
    overrides: JobOverrides,
    submit: Annotated[
        bool | None,
        typer.Option(
            "--submit/--no-submit", help="Hand the bundles to the farm; default: where one is set up."
        ),
    ] = None,
) -> None:
    """Write bundles of jobs for a render farm."""
    from void_server.farm.bundle import shared_windows_job, write_bundles

    shots = [_checked(shot) for shot in listed_jobs(sources, defaults, overrides)]
    bad = [shot for shot in shots if isinstance(shot, BadShot)]
    jobs = [shot for shot in shots if not isinstance(shot, BadShot)]
    for shot in bad:
        say(f"{shot.name} is left out: {error_text(shot.error)}", to_stderr=True)
    if not jobs:
        raise bad[0].error
    if order.gpus is not None and order.gpus > 1:
        jobs = [shared_windows_job(job) for job in jobs]
    bundles = write_bundles(jobs, order)
    for line in write_target(target, bundles, submit=submit):
        say(line)
    tasks = sum(len(one.plan.tasks(step)) for one in bundles for step in STEP_ORDER)
    counted = "1 shot" if len(jobs) == 1 else f"{len(jobs)} shots"
    held = "1 bundle" if len(bundles) == 1 else f"{len(bundles)} bundles"
    say(f"{counted} in {held} with {tasks} tasks for {target.value}: {order.folder}")
    if bad:
        raise CommandError(f"{len(bad)} of {len(shots)} shots were left out", ExitCode.SOME_FAILED)


def _checked(shot: RemovalJob | BadShot) -> RemovalJob | BadShot:
    """Leave out a job whose engine the farm's machines would refuse: it must not stop the others."""
    from void_server.farm.bundle import checked_engine

    if isinstance(shot, BadShot):
        return shot
    try:
        checked_engine(shot)
    except SettingError as error:
        return BadShot(shot.shot.name, error)
    return shot


def add_to(app: typer.Typer) -> None:
    """Add the command to ``app``."""
    app.command()(bundle)
