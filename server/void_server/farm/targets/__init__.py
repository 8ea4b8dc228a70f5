"""The kinds of farm: how the same steps are given to each."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from enum import Enum
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, cast

if TYPE_CHECKING:
    from void_server.farm.bundle import Bundle


class FarmName(str, Enum):
    """The kinds of farm, by the names that people type."""

    OPENJD = "openjd"
    DEADLINE_CLOUD = "deadline-cloud"
    OPENCUE = "opencue"
    DEADLINE_10 = "deadline10"
    SLURM = "slurm"
    TRACTOR = "tractor"
    ROYAL_RENDER = "royalrender"
    KUBERNETES = "kubernetes"
    COMMANDS = "commands"


class FarmTarget(Protocol):
    """What every module of this package offers."""

    WORDS: Collection[str]
    """The settings of :class:`~void_server.farm.dispatch.DispatchSettings` that the farm has a word for."""

    def write(self, bundle: Bundle) -> Path:
        """Write the farm's own files into the bundle, and return the one to look at first."""

    def obstacle(self) -> str:
        """Return why this machine cannot submit, with the remedy; empty when it can."""

    def submit(self, bundle: Bundle) -> str:
        """Hand the bundle to the farm and return a line about it. Raises FarmError when the farm does not
        take it."""


_MODULES: Mapping[FarmName, str] = {
    FarmName.OPENJD: "openjd",
    FarmName.DEADLINE_CLOUD: "deadline_cloud",
    FarmName.OPENCUE: "opencue",
    FarmName.DEADLINE_10: "deadline10",
    FarmName.SLURM: "slurm",
    FarmName.TRACTOR: "tractor",
    FarmName.ROYAL_RENDER: "royalrender",
    FarmName.KUBERNETES: "kubernetes",
    FarmName.COMMANDS: "commands",
}


def target_of(name: FarmName) -> FarmTarget:
    """Return the module of a kind of farm. Only that one is imported, since some need packages of their
    own."""
    return cast(FarmTarget, import_module(f"{__name__}.{_MODULES[name]}"))


def write_target(name: FarmName, bundles: Sequence[Bundle], *, submit: bool | None) -> list[str]:
    """Write the target's own files into the bundles and submit them. Return lines that say what was done.

    Args:
        submit: whether to submit; None does so where this machine is set up for it.

    Raises:
        FarmError: when a package is not installed, or the farm does not take a bundle that it should.
    """
    from void_server.farm.errors import FarmError

    target = target_of(name)
    lines = [str(target.write(bundle)) for bundle in bundles]
    if bundles and (left_out := bundles[0].order.without_words(target.WORDS)):
        lines.append(f"{name.value} has no word for {', '.join(left_out)}: left out")
    if submit is False:
        return lines
    obstacle = target.obstacle()
    if obstacle and submit:
        raise FarmError(obstacle)
    if obstacle:
        return [*lines, f"not submitted: {obstacle}"]
    return lines + [target.submit(bundle) for bundle in bundles]
