"""The names of a job's fields at each place, to say what somebody may have meant who misspelt one."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from void_protocol.job import RemovalJob
from void_protocol.name_hint import name_hint

_UNKNOWN = re.compile(r"Object contains unknown field `(?P<name>.*)`", re.DOTALL)
_INDEX = re.compile(r"\[[^\]]*\]")


def unknown_field_hint(message: str, path: str) -> str:
    """Return advice for msgspec's message of a field that is not known; empty for any other message.

    Args:
        message: such as ``Object contains unknown field `grow```.
        path: the object that has the field, such as ``$.settings.matte``.
    """
    match = _UNKNOWN.fullmatch(message)
    if match is None:
        return ""
    names = fields_at(path)
    return name_hint(match["name"], names) if names else ""


def fields_at(path: str) -> list[str]:
    """Return the names of the fields that the object at ``path`` may have; none where no object of a fixed
    form is."""
    at: Any = msgspec.inspect.type_info(RemovalJob)
    for name in _INDEX.sub("", path).split(".")[1:]:
        at = next((field.type for field in _struct_fields(at) if field.encode_name == name), None)
    return [field.encode_name for field in _struct_fields(at)]


def _struct_fields(at: Any) -> tuple[msgspec.inspect.Field, ...]:
    """The fields of a struct, of what a list holds, or of what an optional value is."""
    match at:
        case msgspec.inspect.StructType():
            return at.fields
        case msgspec.inspect.ListType():
            return _struct_fields(at.item_type)
        case msgspec.inspect.Metadata():
            return _struct_fields(at.type)
        case msgspec.inspect.UnionType():
            return tuple(field for one in at.types for field in _struct_fields(one))
        case _:
            return ()
