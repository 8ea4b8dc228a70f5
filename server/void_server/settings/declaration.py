"""How a setting is declared, and what follows from its declaration: the check, the error, the description.

A group of settings is a frozen dataclass below :class:`DeclaredSettings`. Each field says its type, its range
and its meaning in one place, ``Annotated[int, msgspec.Meta(ge=1, le=64, description="...")]``. Values are
checked when the group is made, wherever they come from.
"""

from __future__ import annotations

import dataclasses
import inspect
import re
from collections.abc import Mapping
from dataclasses import MISSING, dataclass
from functools import cache, cached_property
from typing import Any, ClassVar, get_type_hints

from msgspec import Meta

from void_server.settings.kinds import Kind


@dataclass(frozen=True)
class Named:
    """The other names by which people give a setting, and what counts when nobody gives it."""

    options: tuple[str, ...] = ()
    """The setting's options on the command line, such as ``("--output", "-o")``."""
    variable: str = ""
    """The environment variable that stands in for it."""
    otherwise: str = ""
    """What the default means, in words, where the value itself does not say it."""


def option(*names: str, variable: str = "", otherwise: str = "") -> Named:
    """Declare by which options and which environment variable a setting can be given."""
    return Named(names, variable, otherwise)


def as_typed(reason: str, options: Mapping[str, str]) -> str:
    """What is wrong with an option, with the other settings that it names as they are typed too.

    Args:
        reason: the text.
        options: the option of each setting that has one, such as ``--allow-remote`` for ``allow_remote``.
    """
    for name, flag in options.items():
        if "_" in name:  # Any other name may be a word of the text.
            reason = re.sub(rf"\b{name}\b", flag, reason)
    return reason


@dataclass(frozen=True)
class Setting:
    """One declared setting."""

    name: str
    annotation: Any
    section: str
    """The title of the group that declares it."""
    _default: Any
    _default_factory: Any

    @property
    def is_required(self) -> bool:
        """Whether the setting has no default."""
        return self._default is MISSING and self._default_factory is MISSING

    @property
    def default(self) -> Any:
        """The setting's default; None where it has none."""
        if self._default_factory is not MISSING:
            return self._default_factory()
        return None if self._default is MISSING else self._default

    @cached_property
    def kind(self) -> Kind:
        """The kind of values that the setting takes."""
        return Kind(self.annotation)

    @cached_property
    def named(self) -> Named:
        """The setting's other names."""
        return next((note for note in self._notes if isinstance(note, Named)), Named())

    @property
    def description(self) -> str:
        """The setting's meaning, as Markdown."""
        found = (note.description for note in self._notes if isinstance(note, Meta))
        return next((text for text in found if text), "")

    @property
    def _notes(self) -> tuple[Any, ...]:
        return getattr(self.annotation, "__metadata__", ())

    @property
    def default_in_words(self) -> str:
        """What counts when nobody gives the setting, in words; empty where it must be given."""
        if self.is_required:
            return ""
        if self.named.otherwise:
            variable = f"{self.named.variable}, else " if self.named.variable else ""
            return f"{variable}{self.named.otherwise}"
        if self.default in (None, "", {}):
            return "none"
        words = self.kind.in_words(self.default)
        if isinstance(words, bool):
            return str(words).lower()
        if isinstance(words, float):
            return f"{words:.12g}"
        if isinstance(words, list):
            return ", ".join(map(str, words)) or "none"
        return str(words)

    def read(self, value: Any, *, as_text: bool = False) -> Any:
        """Return the value as the setting's type; see :meth:`void_server.settings.kinds.Kind.read`."""
        return self.kind.read(self.name, value, as_text=as_text)


@dataclass(frozen=True, kw_only=True)
class DeclaredSettings:
    """A group of settings, which is checked when it is made.

    Raises:
        ServerSettingError: when a value is not allowed; it names the setting, the value and what it takes.
    """

    section: ClassVar[str] = ""
    """The group's title in the help and in the documentation."""

    def __post_init__(self) -> None:
        for setting in settings_of(type(self)):
            object.__setattr__(self, setting.name, setting.read(getattr(self, setting.name)))


def settings_of(group: type[DeclaredSettings]) -> tuple[Setting, ...]:
    """Return the settings of a group, in the order of their declaration."""
    hashable: Any = group  # every class is, whatever mypy makes of the hash of its instances
    return _settings_of(hashable)


@cache
def _settings_of(group: Any) -> tuple[Setting, ...]:
    hints = get_type_hints(group, include_extras=True)
    sections = {
        name: getattr(part, "section", "")
        for part in reversed(group.__mro__)
        for name in inspect.get_annotations(part)
    }
    return tuple(
        Setting(field.name, hints[field.name], sections[field.name], field.default, field.default_factory)
        for field in dataclasses.fields(group)
    )
