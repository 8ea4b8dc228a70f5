"""Groups of commands whose modules are imported only when a command is called.

Engines take a second to import, and a farm calls ``void`` for every task.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any, ClassVar

import typer
from typer import Context
from typer.core import TyperGroup
from typer.main import get_command

Commands = Mapping[str, tuple[str, str]]
"""By command, its module in this package and its line of help, which is the first paragraph of the command's
own help."""


def imported_command(name: str, module_name: str) -> Any:
    """Import a command from its module. The result is typer's class for a command, which typer does not
    name."""
    module = import_module(f".{module_name}", __package__)
    family: typer.Typer | None = getattr(module, "app", None)
    if family is not None:
        command = get_command(family)
        command.name = name
        return command
    family = typer.Typer()
    family.callback()(_void)  # so that a family of one command is a group too
    module.add_to(family)
    return get_command(family).commands[name]  # type: ignore[attr-defined] # the result is a group


class LazyCommands(TyperGroup):
    """A group that knows its commands' names and help, and loads the one that is called."""

    modules: ClassVar[Commands] = {}

    def resolve_command(self, ctx: Context, args: list[str]) -> Any:  # type: ignore[override] # typer hides click's own context type
        name, command, rest = TyperGroup.resolve_command(self, ctx, args)
        if name is None or command is None:
            return name, command, rest
        return name, imported_command(name, self.modules[name][0]), rest


def placeholders(app: typer.Typer, commands: Commands) -> None:
    """Give ``app`` the names and help of its commands, without the commands."""
    for name, (_, text) in commands.items():
        app.command(name, help=text)(_void)


def _void() -> None:
    """A placeholder for a command that is not loaded."""
