"""Engines by name: those whose :class:`~void_engine.engines.info.EngineInfo` an installed package offers.

A package offers an engine by an entry point of the group :data:`GROUP`; ours do so like anybody's. Asking for
the engines loads their descriptions only; an engine itself is imported when it is made.
"""

from __future__ import annotations

import difflib
import logging
from collections.abc import Iterable, Mapping
from contextlib import suppress
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import TYPE_CHECKING

from void_engine.engines.info import EngineInfo
from void_engine.engines.options import Scalar
from void_engine.errors import SettingError

if TYPE_CHECKING:
    from void_engine.engines.interface import Engine

_log = logging.getLogger(__name__)

GROUP = "void_nuke.engines"
"""The group of entry points by which a package offers its engines."""
AUTO = "auto"
"""Not an engine: the best one that this machine can run."""
_OURS = "void-nuke"


@cache
def engines() -> Mapping[str, EngineInfo]:
    """All engines that are installed here, by name, in the order of their names.

    One that cannot be described (its package is broken) is among them, as unavailable and with the reason.
    Looked up once; ``engines.cache_clear()`` looks again.
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
        except Exception as error:  # noqa: BLE001 - a foreign engine's fault is not the others'
            what = f"its package {_package(point)} is broken ({type(error).__name__}: {error})"
            _log.warning("engine %r cannot be used: %s", point.name, what)
            _log.debug("this is how", exc_info=error)
            with suppress(ValueError):  # a name that no job can say
                found[point.name] = _broken(point.name, f"{what}; install it again")
    return dict(sorted(found.items()))


def engine_names() -> tuple[str, ...]:
    """The names that a job may ask for, without ``auto``."""
    return tuple(engines())


def engine_info(name: str) -> EngineInfo:
    """What the engine ``name``, or for ``auto`` the best one here, says about itself.

    Raises:
        SettingError: for a name that is not known.
    """
    name = engine_name(name)
    try:
        return engines()[name]
    except KeyError:
        names = (AUTO, *engines())
        if len(names) == 1:
            hint = "; this installation names none: it is older than its code, so run the installer again"
        else:
            near = difflib.get_close_matches(name, names, 1)
            hint = f"; did you mean {near[0]!r}?" if near else f"; choose one of {', '.join(names)}"
        raise SettingError(f"settings.engine: there is no engine {name!r}{hint}") from None


def part_overlap(name: str) -> int | None:
    """How many frames the parts of one shot have in common when several machines make it; None where a shot
    must be made in one piece.

    Raises:
        SettingError: for a name that is not known.
    """
    return engine_info(name).part_overlap


def make_engine(name: str) -> Engine:
    """A fresh engine. It may be kept and used for one job after another.

    Raises:
        SettingError: for a name that is not known, or packages that are not installed.
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
    """The engine that a job gets here: the one it names or, for ``auto``, the best one of this machine."""
    return best_engine_here() if asked == AUTO else asked


def best_engine_here() -> str:
    """What ``auto`` means here: of the available engines the one of the highest rank.

    Raises:
        SettingError: when there is none.
    """
    ranked = [info for info in engines().values() if info.auto_rank is not None]
    for info in sorted(ranked, key=lambda info: info.auto_rank or 0, reverse=True):
        if not info.problem():
            return info.name
    whys = "; ".join(f"{info.name}: {info.problem()}" for info in ranked)
    raise SettingError(f"settings.engine: no engine can run here ({whys or 'none is installed'})")


def sharing_engines() -> str:
    """The engines whose windows several devices of one machine can share, for a message."""
    names = [repr(info.name) for info in engines().values() if info.shares_windows]
    return " and ".join(names) if names else "no engine"


def check_options(name: str, given: Mapping[str, Scalar]) -> None:
    """Refuse engine options of a job before any work is spent.

    Raises:
        SettingError: for an engine or option that is not known, or a value that the engine cannot honour.
    """
    engine_info(name).check_options(given)


def _ours_first(points: Iterable[EntryPoint]) -> list[EntryPoint]:
    """So that no package can take the name of an engine of ours."""
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
