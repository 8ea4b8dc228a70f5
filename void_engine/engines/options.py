"""The options of an engine: each is declared once, as a field of a dataclass, and checked by its declaration.

An engine declares its options as below, reads those of a job with :func:`read_options`, and lists them with
:func:`options_of` in its :class:`~void_engine.engines.info.EngineInfo`::

    @dataclass(frozen=True, slots=True)
    class BlurOptions:
        radius: float = option(2.0, "Radius of the blur in pixels.", low=0, high=100)

This module loads no packages.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, Literal, TypeVar

from void_engine.engines.name_hint import name_hint
from void_engine.errors import SettingError

Scalar = str | int | float | bool
"""The types of an option's value."""
OptionKind = Literal["bool", "int", "float", "text"]
"""The names of the types of options, as hosts and documents show them."""
AUTO_VALUE = "auto"
"""The value in a job for a number that the engine finds itself; only options whose default is NaN take it."""

_DECLARATION = "void_nuke.option"
_KINDS: Mapping[type, OptionKind] = {bool: "bool", int: "int", float: "float", str: "text"}
_WANTED: Mapping[OptionKind, str] = {
    "bool": "true or false",
    "int": "a whole number",
    "float": "a number",
    "text": "text",
}
_TRUTHS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
_Options = TypeVar("_Options")


@dataclass(frozen=True, slots=True)
class EngineOption:
    """The declaration of one option."""

    name: str
    kind: OptionKind
    default: Scalar
    """The value when a job does not set the option; NaN for a number that the engine finds itself."""
    help: str
    """One line that explains the option to people."""
    choices: tuple[str, ...] = ()
    """The allowed texts; empty for any."""
    low: float | None = None
    """The least allowed number; None for no limit."""
    high: float | None = None
    """The greatest allowed number; None for no limit."""

    @property
    def has_auto(self) -> bool:
        """Whether the engine finds the value itself when a job leaves it out or says ``auto``."""
        return isinstance(self.default, float) and math.isnan(self.default)

    @property
    def plain_default(self) -> Scalar:
        """The default in the form in which a job would set it."""
        return AUTO_VALUE if self.has_auto else self.default

    @property
    def default_text(self) -> str:
        """The default as people read it: ``true``, ``0.88``, ``""``."""
        if self.kind == "bool":
            return str(self.default).lower()
        return str(self.plain_default) or '""'

    @property
    def domain(self) -> str:
        """The allowed values, for people: ``0..1``, ``exact, fast, draft``, ``true or false``."""
        if self.choices:
            return ", ".join(self.choices)
        if self.kind == "bool":
            return _WANTED[self.kind]
        if self.low is None and self.high is None:
            return _WANTED[self.kind]
        if self.high is None:
            return f"{self.low:g} or more"
        return f"up to {self.high:g}" if self.low is None else f"{self.low:g}..{self.high:g}"

    def read(self, value: Scalar) -> Scalar:
        """Convert ``value`` to the option's own type. Text is accepted too, since command lines give it.

        Raises:
            SettingError: when the value is of another type, none of the choices, or out of range.
        """
        read = self._converted(value)
        if self.choices and read not in self.choices:
            raise SettingError(
                f"engine option {self.name} is {read!r}; choose one of {', '.join(self.choices)}"
            )
        if isinstance(read, float) and math.isnan(read):
            return read
        too_low = self.low is not None and not isinstance(read, str) and read < self.low
        too_high = self.high is not None and not isinstance(read, str) and read > self.high
        if too_low or too_high:
            within = "" if self.low is None or self.high is None else "in "
            raise SettingError(f"engine option {self.name} is {read}; it must be {within}{self.domain}")
        return read

    def _converted(self, value: Scalar) -> Scalar:
        try:
            return self._convert(value)
        except (KeyError, OverflowError, TypeError, ValueError):
            raise SettingError(
                f"engine option {self.name} is {value!r}; it takes {_WANTED[self.kind]}"
            ) from None

    def _convert(self, value: Scalar) -> Scalar:
        if self.kind == "text":
            return str(value)
        if self.kind == "bool":
            return (
                _TRUTHS[value.lower()] if isinstance(value, str) else _require(value, isinstance(value, bool))
            )
        _require(value, not isinstance(value, bool))
        if self.kind == "int":
            whole = int(value)
            _require(value, isinstance(value, str) or whole == value)
            return whole
        if value == AUTO_VALUE and self.has_auto:
            return math.nan
        number = float(value)
        _require(value, not math.isnan(number))
        return number


def option(
    default: Any,
    text: str,
    *,
    choices: Iterable[str] = (),
    low: float | None = None,
    high: float | None = None,
) -> Any:
    """Declare an option as a field of a dataclass. Its type is that of the default: bool, int, float or text.

    Args:
        default: the value when a job does not set the option; NaN for a number that the engine finds itself.
        text: one line that explains the option to people.
        choices: the allowed texts; empty for any.
        low: the least allowed number; None for no limit.
        high: the greatest allowed number; None for no limit.
    """
    declared = EngineOption("", _KINDS[type(default)], default, text, tuple(choices), low, high)
    return field(default=default, metadata={_DECLARATION: declared})


def options_of(declared: type) -> tuple[EngineOption, ...]:
    """The options that a dataclass declares, in the order of its fields."""
    return tuple(
        replace(nameless, name=one.name)
        for one in fields(declared)
        if (nameless := one.metadata.get(_DECLARATION)) is not None
    )


def check_values(
    engine: str, options: Iterable[EngineOption], given: Mapping[str, Scalar]
) -> dict[str, Scalar]:
    """Check the options of a job, and return each value in its option's own type.

    Args:
        engine: the engine's name, for messages.
        options: the options that the engine declares.
        given: the job's ``engine_options``.

    Raises:
        SettingError: for an unknown name (the message suggests a similar one), or a value of the wrong type
            or out of range.
    """
    known = {one.name: one for one in options}
    for name in given:
        if name not in known:
            raise SettingError(f"engine option {name!r} is not known to {engine!r}; {name_hint(name, known)}")
    return {name: known[name].read(value) for name, value in given.items()}


def read_options(
    declared: type[_Options],
    engine: str,
    given: Mapping[str, Scalar],
    defaults: Mapping[str, Any] | None = None,
) -> _Options:
    """Read the options of a job into the dataclass that declares them.

    Args:
        declared: the dataclass; each of its fields is made by :func:`option`.
        engine: the engine's name, for messages.
        given: the job's ``engine_options``.
        defaults: values that replace the declared defaults of some options.

    Raises:
        SettingError: for an unknown name, or a value of the wrong type or out of range.
    """
    return declared(**{**(defaults or {}), **check_values(engine, options_of(declared), given)})


def _require(value: Scalar, is_right: bool) -> Scalar:
    if not is_right:
        raise ValueError(value)
    return value
