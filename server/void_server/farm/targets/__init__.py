"""The kinds of farm: how the same steps are given to each."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from enum import Enum
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


def _openjd() -> FarmTarget:
    from void_server.farm.targets import openjd

    return cast(FarmTarget, openjd)


def _deadline_cloud() -> FarmTarget:
    from void_server.farm.targets import deadline_cloud

    return cast(FarmTarget, deadline_cloud)


def _opencue() -> FarmTarget:
    from void_server.farm.targets import opencue

    return cast(FarmTarget, opencue)


def _deadline10() -> FarmTarget:
    from void_server.farm.targets import deadline10

    return cast(FarmTarget, deadline10)


def _slurm() -> FarmTarget:
    from void_server.farm.targets import slurm

    return cast(FarmTarget, slurm)


def _commands() -> FarmTarget:
    from void_server.farm.targets import commands

    return cast(FarmTarget, commands)


_TARGETS: Mapping[FarmName, Callable[[], FarmTarget]] = {
    FarmName.OPENJD: _openjd,
    FarmName.DEADLINE_CLOUD: _deadline_cloud,
    FarmName.OPENCUE: _opencue,
    FarmName.DEADLINE_10: _deadline10,
    FarmName.SLURM: _slurm,
    FarmName.COMMANDS: _commands,
}


def write_target(name: FarmName, bundles: Sequence[Bundle], *, submit: bool | None) -> list[str]:
    """Write the target's own files into the bundles and submit them. Return lines that say what was done.

    Args:
        submit: whether to submit; None does so where this machine is set up for it.

    Raises:
        FarmError: when a package is not installed, or the farm does not take a bundle that it should.
    """
    from void_server.farm.errors import FarmError

    target = _TARGETS[name]()
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
