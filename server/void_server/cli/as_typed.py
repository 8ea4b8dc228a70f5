"""Says what is wrong with a job that a command line makes by the options that were typed, not by the job's
fields, which nobody has seen yet."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from void_engine.errors import SettingError
from void_protocol.errors import JobError

_OPTIONS = {
    "$.anchors": "--anchor",
    "$.shot.name": "--name",
    "$.shot.view": "--view",
    "$.shot.layer": "--layer",
    "$.shot.colour_space": "--colour-space",
    "$.settings.prompt": "--prompt",
    "$.settings.seed": "--seed",
    "$.settings.proxy_scale": "--proxy",
    "$.settings.region": "--region",
    "$.settings.matte.growth_px": "--grow",
    "$.settings.matte.softness_px": "--soften",
    "$.settings.engine_options": "--engine-option",
    "$.settings.engine": "--engine",
    "settings.engine": "--engine",
    "$.output.pattern": "--output",
    "$.output.version": "--version",
    "$.output.compression": "--compression",
}
"""The option of each field; what lies in a field is its option's too."""
_FIELD = re.compile(r"^(?:\$\.)?[\w.]+(?:\[\d+\][\w.]*)*(?=:)", re.MULTILINE)


@contextmanager
def named_as_typed() -> Iterator[None]:
    """Name options instead of fields in the errors of a job whose fields all come from options.

    Raises:
        JobError, SettingError: the same error in other words.
    """
    try:
        yield
    except (JobError, SettingError) as error:
        raise type(error)(_FIELD.sub(lambda field: _option_of(field[0]), str(error))) from error


def _option_of(field: str) -> str:
    """The option of the field or of the nearest one that it lies in; the field itself where it has none."""
    name = re.sub(r"\[\d+\]", "", field)
    while name not in _OPTIONS:
        name, dot, _ = name.rpartition(".")
        if not dot:
            return field
    return _OPTIONS[name]
