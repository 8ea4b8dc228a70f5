"""Which task a farm's machine shall run: what the words of ``void farm step`` say."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from void_server.farm.monitor import Dialect
from void_server.farm.planning import FarmStep


@dataclass(frozen=True, kw_only=True)
class StepOrder:
    """One task of a step."""

    name: FarmStep
    plan: Path
    """The bundle's ``plan.json``, as it is called on the submitter's machine."""
    task: int
    """The number of the task, from 0."""
    scratch: Path
    """The folder that all machines see, as it is called on the submitter's machine."""
    path_mapping: Path | None = None
    """A file of rules for paths, as Open Job Description writes them."""
    dialect: Dialect = Dialect.OPENJD


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise ValueError(text)
    return int(text)


_STEP = ""
"""The step has no option: it is the word without one."""
_OPTIONS: Mapping[str, tuple[str, Callable[[str], Any]]] = {
    _STEP: ("name", FarmStep),
    "--plan": ("plan", Path),
    "--task": ("task", _number),
    "--scratch": ("scratch", Path),
    "--path-mapping": ("path_mapping", Path),
    "--dialect": ("dialect", Dialect),
}


def read_order(words: Sequence[str]) -> StepOrder | None:
    """Read the words after ``void farm step`` as dispatchers write them: the step, and each option once, with
    its value as the next word or after ``=``.

    Returns:
        The order; None for anything else, about which the whole command line knows more to say.
    """
    found: dict[str, Any] = {}
    rest = list(words)
    try:
        while rest:
            word = rest.pop(0)
            name, is_joined, value = word.partition("=")
            if not word.startswith("-"):
                name, value = _STEP, word
            elif not is_joined:
                value = rest.pop(0)
            field, read = _OPTIONS[name]
            if field in found or value == "":
                return None
            found[field] = read(value)
        return StepOrder(**found)
    except (KeyError, IndexError, TypeError, ValueError):
        return None
