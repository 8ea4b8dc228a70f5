"""The engines of a server, as its workers describe them: hosts offer them, and jobs are checked by them.

The messages belong to the unions in :mod:`void_protocol.messages`, from where everybody imports them.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from msgspec import Struct

from void_protocol.fields import Message, RequestNumber
from void_protocol.job import Settings
from void_protocol.name_hint import name_hint

AUTO = "auto"
"""This names no engine of its own: it is the best one that the job's machine can run."""

_Scalar = bool | int | float | str


class OptionDescription(Struct, frozen=True, kw_only=True):
    """One option of an engine, which a job may set in ``engine_options``."""

    name: str
    kind: Literal["bool", "int", "float", "text"]
    default: _Scalar
    """The value without a choice; the text ``auto`` for a number that the engine finds itself."""
    help: str = ""
    """One line for people."""
    choices: list[str] = []
    """The texts that the option takes; empty when it takes any."""
    low: float | None = None
    high: float | None = None
    """The range of a number, both ends included; null for no limit."""


class EngineDescription(Struct, frozen=True, kw_only=True):
    """One engine of a server."""

    name: str
    """The name in a job's ``settings.engine``."""
    title: str
    """The name that people read."""
    summary: str = ""
    """What the engine is for, in one line."""
    problem: str = ""
    """Why the engine cannot be used, with the remedy; empty when it can."""
    reads_prompt: bool = False
    needs_prompt: bool = False
    """Whether the engine refuses a job with an empty prompt."""
    is_for_artists: bool = True
    """Whether a host offers it to artists."""
    options: list[OptionDescription] = []
    presets: dict[str, dict[str, _Scalar]] = {}
    """Engine options by the name of a quality that a host offers; a quality that is not here takes none."""


class GetEngines(Message, frozen=True, kw_only=True, tag="get_engines"):
    """Ask which engines the server has. It is answered by ``engines``."""

    request: RequestNumber


class Engines(Message, frozen=True, kw_only=True, tag="engines"):
    """The engines of the server. It answers ``get_engines``."""

    request: int
    engines: list[EngineDescription] | None = None
    """All engines, sorted by name; null while no worker has been ready since the server's start: ask again
    later."""


def engine_problem(settings: Settings, engines: Iterable[EngineDescription]) -> str:
    """Say what is wrong with a job's engine or the names of its engine options, given a server's engines;
    empty when nothing is. For ``auto`` no option is checked, because only the chosen engine knows them."""
    known = {one.name: one for one in engines}
    if settings.engine == AUTO:
        return ""
    engine = known.get(settings.engine)
    if engine is None:
        hint = name_hint(settings.engine, (AUTO, *known))
        return f"$.settings.engine: there is no engine {settings.engine!r}; {hint}"
    if engine.needs_prompt and not settings.prompt.strip():
        return f"$.settings.prompt: it is empty, and {engine.name!r} needs it: say what remains in the shot"
    options = [option.name for option in engine.options]
    for name in settings.engine_options:
        if name not in options:
            hint = name_hint(name, options)
            return f"$.settings.engine_options: {name!r} is not known to {engine.name!r}; {hint}"
    return ""
