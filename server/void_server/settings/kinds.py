"""Kinds of values: what an annotated type takes, described in words and read from a file or from text."""

from __future__ import annotations

import re
from collections.abc import Callable
from enum import Enum
from functools import cached_property
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin

import msgspec
from msgspec import Meta, inspect

from void_server.errors import ServerSettingError

_BYTES, _SECONDS, _DAYS = "bytes", "seconds", "days"
_SIZE = re.compile(r"(?P<whole>[0-9]+)(?P<part>\.[0-9]+)?(?P<unit>[KMGT]?)")
_UNITS = {"": 1, "K": 1024, "M": 1024**2, "G": 1024**3, "T": 1024**4}
_LONGEST = 1e7

Count = Annotated[int, Meta(ge=1)]
Bytes = Annotated[int, Meta(ge=1, extra={"unit": _BYTES})]
BytesOrZero = Annotated[int, Meta(ge=0, extra={"unit": _BYTES})]
Seconds = Annotated[float, Meta(gt=0, lt=_LONGEST, extra={"unit": _SECONDS})]
SecondsOrZero = Annotated[float, Meta(ge=0, lt=_LONGEST, extra={"unit": _SECONDS})]
Days = Annotated[float, Meta(gt=0, lt=_LONGEST, extra={"unit": _DAYS})]


class Kind:
    """The values of one annotated type: numbers in a range, texts of a form, paths, a choice, lists of such
    values, or tables of them.

    Args:
        annotation: the type, with ``msgspec.Meta`` for its range or form. In ``Meta.extra``, ``unit`` is
            ``bytes``, ``seconds`` or ``days``, and ``takes`` describes the form of a text.
    """

    def __init__(self, annotation: Any) -> None:
        notes, bare = _taken_apart(annotation)
        self.is_optional = False
        """Whether the value may be None."""
        if get_origin(bare) in (Union, UnionType):
            self.is_optional = True
            (annotation,) = (one for one in get_args(bare) if one is not NoneType)
            inner, bare = _taken_apart(annotation)
            notes += inner
        self.python_type: Any = bare
        """The type without notes, ranges and None."""
        self._annotation = annotation
        self._extra = {
            key: value
            for note in notes
            if isinstance(note, Meta)
            for key, value in (note.extra or {}).items()
        }

    @cached_property
    def _info(self) -> inspect.Type:
        info = inspect.type_info(self._annotation)
        return info.type if isinstance(info, inspect.Metadata) else info

    @cached_property
    def item(self) -> Kind | None:
        """The kind of a list's items, or of a table's entries."""
        match get_origin(self.python_type):
            case origin if origin is tuple:
                return Kind(get_args(self.python_type)[0])
            case origin if origin is dict:
                return Kind(get_args(self.python_type)[1])
            case _:
                return None

    @property
    def is_list(self) -> bool:
        return get_origin(self.python_type) is tuple

    @property
    def is_table(self) -> bool:
        return get_origin(self.python_type) is dict

    @property
    def is_path(self) -> bool:
        """Whether the value is a path, or a list of paths."""
        return self.python_type is Path or (self.is_list and self.item is not None and self.item.is_path)

    @property
    def is_size(self) -> bool:
        """Whether the value counts bytes."""
        return self._extra.get("unit") == _BYTES

    @cached_property
    def least(self) -> float | None:
        """The smallest number that is allowed."""
        return getattr(self._info, "ge", None)

    @cached_property
    def most(self) -> float | None:
        """The largest number that is allowed."""
        return getattr(self._info, "le", None)

    @cached_property
    def takes(self) -> str:
        """What the kind takes, in words: ``a whole number from 1 to 64``."""
        if "takes" in self._extra:
            return str(self._extra["takes"])
        unit = str(self._extra.get("unit", ""))
        match self._info:
            case inspect.BoolType():
                return "true or false"
            case inspect.IntType() | inspect.FloatType() if unit == _BYTES:
                return f"a number of bytes, such as 512M or 2G{self._range(size_in_words)}"
            case inspect.IntType() | inspect.FloatType():
                number = "a whole number" if self.python_type is int else "a number"
                return f"{number}{f' of {unit}' if unit else ''}{self._range('{:.12g}'.format)}"
            case inspect.EnumType() as info:
                return " or ".join(str(one.value) for one in info.cls)
            case inspect.VarTupleType(min_length=least):
                each = "" if self.item is None else self.item.takes
                return f"a list of at least {least}, each {each}" if least else f"a list, each {each}"
            case inspect.DictType():
                return f"a table of names, each with {'' if self.item is None else self.item.takes}"
            case inspect.CustomType():
                return "a path"
            case _:
                return "text"

    def _range(self, in_words: Callable[[float], str]) -> str:
        info = self._info
        if not isinstance(info, inspect.IntType | inspect.FloatType):
            return ""
        if info.ge is not None and info.le is not None:
            return f" from {in_words(info.ge)} to {in_words(info.le)}"
        bounds = [
            f"{word} {in_words(bound)}"
            for word, bound in (
                ("at least", info.ge), ("above", info.gt), ("at most", info.le), ("below", info.lt),
            )
            if bound is not None
        ]  # fmt: skip
        return f", {' and '.join(bounds)}" if bounds else ""

    def read(self, name: str, value: Any, *, as_text: bool = False) -> Any:
        """Read a value of this kind.

        Args:
            name: the setting's name, for the error.
            value: the value as it is in Python or in a file.
            as_text: whether ``"5"`` means 5, because the source has nothing but text.

        Raises:
            ServerSettingError: when the value is not allowed; it names the setting, the value and what it
                takes.
        """
        if value is None and self.is_optional:
            return None
        if self.is_list and self.item is not None and isinstance(value, list | tuple):
            read = tuple(self.item.read(name, item, as_text=as_text) for item in value)
            return self._converted(name, read, as_text)
        if self.is_table and self.item is not None and isinstance(value, dict):
            return {
                key: self.item.read(f"{name}.{key}", item, as_text=as_text) for key, item in value.items()
            }
        return self._converted(name, value, as_text)

    def _converted(self, name: str, value: Any, as_text: bool) -> Any:
        try:
            plain = read_size(value) if self.is_size and isinstance(value, str) else value
            return msgspec.convert(plain, self._annotation, strict=not as_text, dec_hook=_read_path)
        except (msgspec.ValidationError, ValueError):
            raise ServerSettingError(name, f"{_written(value)} does not fit; use {self.takes}") from None

    def in_words(self, value: Any) -> Any:
        """Return a value as a file has it: sizes with their unit, paths and choices as text, and lists of
        these."""
        if self.is_list and self.item is not None:
            return [self.item.in_words(item) for item in value]
        if self.is_size:
            words = size_in_words(value)
            return int(words) if words.isdigit() else words
        if isinstance(value, Enum):
            return value.value
        return str(value) if isinstance(value, Path) else value


def read_size(text: str) -> int:
    """Read a number of bytes such as ``500G`` or ``1.5G``; K, M, G and T are powers of 1024.

    Raises:
        ValueError: when the text is anything else, or the number is no whole number of bytes.
    """
    match = _SIZE.fullmatch(text)
    if match is None:
        raise ValueError(text)
    factor = _UNITS[match["unit"]]
    rest = float(match["part"] or 0) * factor
    if rest != int(rest):
        raise ValueError(text)
    return int(match["whole"]) * factor + int(rest)


def size_in_words(size: float) -> str:
    """Return the shortest text that :func:`read_size` reads as ``size``."""
    for unit, factor in reversed(_UNITS.items()):
        if size and size % factor == 0:
            return f"{int(size // factor)}{unit}"
    return str(int(size))


def _taken_apart(annotation: Any) -> tuple[list[Any], Any]:
    """Return the notes of an annotated type, and the type itself."""
    notes = list(getattr(annotation, "__metadata__", ()))
    return notes, annotation.__origin__ if notes else annotation


def _read_path(kind: type, value: Any) -> Any:
    if isinstance(value, kind):
        return value
    if kind is Path and isinstance(value, str) and value:
        return Path(value)
    raise ValueError(value)


def _written(value: Any) -> str:
    """Return a value as people write it."""
    if isinstance(value, list | tuple):
        return f"[{', '.join(_written(item) for item in value)}]"
    return repr(str(value)) if isinstance(value, Path) else repr(value)
