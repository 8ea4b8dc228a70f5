"""The registry of engines: finds those that installed packages offer, by name.

A package offers an engine by an entry point of the group :data:`GROUP` that names its
:class:`~void_engine.engines.info.EngineInfo`; our own engines do the same. The registry loads only these
descriptions; an engine itself is imported when it is made.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from contextlib import suppress
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import TYPE_CHECKING

from void_engine.engines.info import EngineInfo
from void_engine.engines.name_hint import name_hint
from void_engine.engines.options import Scalar
from void_engine.errors import SettingError

if TYPE_CHECKING:
    from void_engine.engines.interface import Engine

_log = logging.getLogger(__name__)

GROUP = "void_nuke.engines"
"""The group of entry points by which a package offers its engines."""
AUTO = "auto"
"""The name that stands for the best engine that this machine can run."""
_OURS = "void-nuke"


@cache
def engines() -> Mapping[str, EngineInfo]:
    """All engines that are installed here, by name and in the order of their names.

    An engine whose package is broken is listed as unavailable, with the reason. The engines are looked up
    once; ``engines.cache_clear()`` makes the next call look again.
    """
    found: dict[str, EngineInfo] = {}
    for point in _ours_first(entry_points(group=GROUP)):
        if point.name == AUTO or point.name in found:
            _log.warning(
                "%s of %s is left out: the engine %r is there already",
                point.value,
                _package(point),
                point.name,
            )
            continue
        try:
            found[point.name] = _described(point)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - a foreign engine's fault is not the others'
            what = f"its package {_package(point)} is broken ({type(error).__name__}: {error})"
            _log.warning("engine %r cannot be used: %s", point.name, what)
            _log.debug("this is how", exc_info=error)
            with suppress(ValueError):  # The name may be one that no job can have.
                found[point.name] = _broken(point.name, f"{what}; install it again")
    return dict(sorted(found.items()))


def engine_info(name: str) -> EngineInfo:
    """The description of the engine ``name``; ``auto`` stands for the best one here.

    Raises:
        SettingError: when there is no such engine.
    """
    name = engine_name(name)
    try:
        return engines()[name]
    except KeyError:
        names = (AUTO, *engines())
        if len(names) == 1:
            hint = "this installation names none: it is older than its code, so run the installer again"
        else:
            hint = name_hint(name, names)
        raise SettingError(f"settings.engine: there is no engine {name!r}; {hint}") from None


def part_overlap(name: str) -> int | None:
    """How many frames neighbouring parts of a shot share when several machines make it; None for one piece.

    Raises:
        SettingError: when there is no such engine.
    """
    return engine_info(name).part_overlap


def make_engine(name: str) -> Engine:
    """Make a fresh engine, which may be kept and used for one job after another.

    Raises:
        SettingError: when there is no such engine, or its packages are not installed.
    """
    info = engine_info(name)
    try:
        return info.make()
    except ModuleNotFoundError as error:
        remedy = info.problem() or f"it needs the Python package {error.name!r}, which is not installed"
        raise SettingError(
            f"settings.engine: {info.name!r} cannot be used here, {error.name!r} is missing: {remedy}; or "
            f"choose {best_engine_here()!r}"
        ) from error


def engine_name(asked: str) -> str:
    """The name of the engine that a job gets here: the one it asks for or, for ``auto``, the best one."""
    return best_engine_here() if asked == AUTO else asked


def best_engine_here() -> str:
    """The name of the available engine of the highest rank, which is what ``auto`` stands for here.

    Raises:
        SettingError: when no engine is available.
    """
    ranked = [info for info in engines().values() if info.auto_rank is not None]
    for info in sorted(ranked, key=lambda info: info.auto_rank or 0, reverse=True):
        if not info.problem():
            return info.name
    whys = "; ".join(f"{info.name}: {info.problem()}" for info in ranked)
    raise SettingError(f"settings.engine: no engine can run here ({whys or 'none is installed'})")


def sharing_engines() -> str:
    """The names of the engines whose windows several devices can share, as a text for messages."""
    names = [repr(info.name) for info in engines().values() if info.shares_windows]
    return " and ".join(names) if names else "no engine"


def check_options(name: str, given: Mapping[str, Scalar]) -> None:
    """Refuse engine options that the engine cannot honour, before any work is spent.

    Raises:
        SettingError: for an unknown engine or option, or a value that the engine cannot honour.
    """
    engine_info(name).check_options(given)


def _ours_first(points: Iterable[EntryPoint]) -> list[EntryPoint]:
    """Sort our own entry points first, so that no package can take the name of one of our engines."""
    return sorted(points, key=lambda point: (_package(point) != _OURS, _package(point), point.name))


def _package(point: EntryPoint) -> str:
    return point.dist.name if point.dist is not None else point.module


def _described(point: EntryPoint) -> EngineInfo:
    info = point.load()
    if not isinstance(info, EngineInfo):
        raise TypeError(f"{point.value} is no EngineInfo")
    if info.name != point.name:
        raise ValueError(f"{point.value} is named {info.name!r}, and its entry point {point.name!r}")
    return info


def _broken(name: str, why: str) -> EngineInfo:
    def make() -> Engine:
        raise SettingError(f"settings.engine: {name!r} cannot be used: {why}")

    return EngineInfo(name=name, title=name, factory=make, unavailable=lambda: why)
