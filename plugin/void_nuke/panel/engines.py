"""The engines that an artist may choose from: those that a server last described.

The panel itself knows no engine but ``auto``. It keeps a server's descriptions beside the artist's
preferences, so that there is a choice before a server runs, and for jobs that go to a farm.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from void_nuke.errors import SelectionError
from void_protocol.durable import write_whole
from void_protocol.engines import AUTO, EngineDescription
from void_protocol.fields import EngineName

_log = logging.getLogger(__name__)
_decode = msgspec.json.Decoder(list[EngineDescription]).decode

_DEFAULTS = "final"
"""The quality that stands for an engine's defaults, unless the engine says otherwise."""

Scalar = bool | int | float | str


@dataclass(frozen=True)
class EngineChoice:
    """One engine in the list of choices."""

    name: str
    title: str
    tip: str
    """What the engine is for or, when it cannot be used, why."""
    is_usable: bool = True


@dataclass(frozen=True)
class KnownEngines:
    """The engines that a server described, and what follows for the panel."""

    told: tuple[EngineDescription, ...] | None = None
    """The descriptions; None while no server has sent any."""

    def choices(self, kept: str) -> list[EngineChoice]:
        """Return what to offer: ``auto``, the engines for artists, and the engine ``kept`` in the settings,
        even if the server does not have it."""
        rows = [EngineChoice(AUTO, "Automatic", "The best engine that the server can run")]
        for one in self.told or ():
            if one.is_for_artists or one.name == kept:
                title = f"{one.title} (not available)" if one.problem else one.title
                rows.append(EngineChoice(one.name, title, one.problem or one.summary, not one.problem))
        if kept not in {row.name for row in rows}:
            if self.told is None:
                rows.append(EngineChoice(kept, kept, "No server has told yet which engines it has"))
            else:
                rows.append(EngineChoice(kept, f"{kept} (not on this server)", self.problem(kept), False))
        return rows

    def problem(self, name: str) -> str:
        """Return why the server cannot run this engine, with the remedy; empty when it can or nobody
        knows."""
        if self.told is None or name == AUTO:
            return ""
        engine = self.find(name)
        if engine is None:
            return f"this server has no engine {name!r}; choose another, or have its package installed there"
        return f"{engine.title}: {engine.problem}" if engine.problem else ""

    def options(self, name: str, quality: str, quality_title: str) -> Mapping[str, Scalar]:
        """Return the engine options that a quality stands for.

        With ``auto`` the server picks the engine, so no engine's own options can go along.

        Raises:
            SelectionError: when no server has said what the quality means for this engine.
        """
        if name == AUTO:
            return {}
        engine = self.find(name)
        if engine is not None:
            return engine.presets.get(quality, {})
        if quality != _DEFAULTS:
            raise SelectionError(
                f"no server has told yet what the quality {quality_title!r} means for the engine {name!r}; "
                "start the server once, or choose the quality Final"
            )
        return {}

    def presets(self, name: str, qualities: Iterable[str]) -> dict[str, Mapping[str, Scalar]]:
        """Return the engine options of each quality, as far as they are known."""
        engine = self.find(name)
        presets = {} if engine is None else engine.presets
        return {quality: presets.get(quality, {}) for quality in qualities}

    def find(self, name: str) -> EngineDescription | None:
        """Return what a server told about an engine; None where none has."""
        return next((one for one in self.told or () if one.name == name), None)


def is_engine_name(text: str) -> bool:
    """Return whether a job may use this text as an engine's name."""
    try:
        msgspec.convert(text, EngineName)
    except msgspec.ValidationError:
        return False
    return True


def engines_file(preferences: Path) -> Path:
    """Return the file that keeps the engines, beside that of the artist's preferences."""
    return preferences.with_name("engines.json")


def read_engines(path: Path) -> KnownEngines:
    """Read the engines that a server last described; none when the file is missing, or damaged (which is
    logged)."""
    try:
        return KnownEngines(tuple(_decode(path.read_bytes())))
    except FileNotFoundError:
        return KnownEngines()
    except (OSError, msgspec.DecodeError, UnicodeDecodeError) as error:
        _log.warning("%s cannot be read (%s); the panel waits for what the server tells", path, error)
        return KnownEngines()


def write_engines(path: Path, told: Sequence[EngineDescription]) -> None:
    """Write the engines whole or not at all. A folder that cannot be written to is logged and otherwise
    ignored."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, msgspec.json.encode(list(told)))
    except OSError as error:
        _log.warning("the engines are not kept: %s cannot be written (%s)", path, error)
