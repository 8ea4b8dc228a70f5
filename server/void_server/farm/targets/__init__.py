"""How the same steps are told to each kind of farm."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol, cast

from void_server.farm.bundle import Bundle


class FarmTarget(Protocol):
    """A module of this package."""

    def write(self, bundle: Bundle) -> Path:
        """Write the farm's own files into the bundle; the one to look at first."""

    def obstacle(self) -> str:
        """Why this machine cannot submit, with the remedy; empty when it can."""

    def submit(self, bundle: Bundle) -> str:
        """Hand the bundle to the farm; a line about it. Raises FarmError when it is not taken."""


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


_TARGETS: Mapping[str, Callable[[], FarmTarget]] = {
    "openjd": _openjd,
    "deadline-cloud": _deadline_cloud,
    "opencue": _opencue,
    "deadline10": _deadline10,
}


def write_target(name: str, bundles: Sequence[Bundle], *, submit: bool | None) -> list[str]:
    """Write the target's own files into the bundles and submit them; what was done, in lines.

    Args:
        submit: None for where this machine is set up for it.

    Raises:
        FarmError: when a package is not installed, or the farm is to take a bundle and does not.
    """
    from void_server.farm.errors import FarmError

    target = _TARGETS[name]()
    lines = [str(target.write(bundle)) for bundle in bundles]
    if submit is False:
        return lines
    obstacle = target.obstacle()
    if obstacle and submit:
        raise FarmError(obstacle)
    if obstacle:
        return [*lines, f"not submitted: {obstacle}"]
    return lines + [target.submit(bundle) for bundle in bundles]
