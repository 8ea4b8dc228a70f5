"""``void farm``: writes bundles for render farms, and runs the steps on a farm's machines."""

from __future__ import annotations

import typer

from void_server.cli.lazy_commands import LazyCommands, placeholders

COMMANDS = {
    "bundle": ("farm_bundle", "Write bundles of jobs for a render farm."),
    "step": (
        "farm_step",
        "Run one task of a step and keep what it has made before. A farm's machines call this.",
    ),
}
"""By command, its module in this package and its line in ``void farm --help``."""


class _FarmGroup(LazyCommands):
    modules = COMMANDS


app = typer.Typer(
    cls=_FarmGroup, help="Send jobs to a render farm, and run their steps there.", no_args_is_help=True
)
placeholders(app, COMMANDS)
