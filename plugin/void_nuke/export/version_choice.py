"""Finds the next free version of a result, because nothing is ever overwritten."""

from __future__ import annotations

import re
from collections.abc import Collection
from pathlib import Path

from void_nuke.errors import SelectionError
from void_protocol.job_check import FRAME_TOKEN

_VERSION = "{version}"


def next_version(pattern: str, taken: Collection[str] = ()) -> int:
    """Return the version after the highest one that has files or is in ``taken``.

    Args:
        pattern: absolute, with a frame token and with ``{version}`` in the name of a folder or of the file.
        taken: patterns (with their versions filled in) of jobs that have no files yet.

    Raises:
        SelectionError: when the pattern has no ``{version}`` or is not absolute.
    """
    if _VERSION not in pattern:
        raise SelectionError(f"the result's path {pattern} has no {{version}}; add it, such as _{{version}}")
    path = Path(pattern)
    if not path.is_absolute():
        raise SelectionError(f"the result's path {pattern} is not absolute; write it from the root")
    index = next(index for index, part in enumerate(path.parts) if _VERSION in part)
    folder = Path(*path.parts[:index])
    is_file = index == len(path.parts) - 1
    name = _expression(path.parts[index], with_frame=is_file)
    entries = folder.iterdir() if folder.is_dir() else ()
    found = [int(match[1]) for entry in entries if (match := name.fullmatch(entry.name))]
    whole = _expression(pattern, with_frame=False)
    found += [int(match[1]) for text in taken if (match := whole.fullmatch(text))]
    return max(found, default=0) + 1


def has_frames(pattern: str) -> bool:
    """Return whether any frame of ``pattern`` (with its version filled in) is on disk."""
    path = Path(pattern)
    name = re.compile(_escaped(path.name, True))
    return path.parent.is_dir() and any(name.fullmatch(entry.name) for entry in path.parent.iterdir())


def _expression(text: str, *, with_frame: bool) -> re.Pattern[str]:
    """Match ``text`` with any version (the first one is the group) and, in files, any frame."""
    before, *others = (_escaped(part, with_frame) for part in text.split(_VERSION))
    return re.compile(before + r"v(\d{3,4})" + r"v\d{3,4}".join(others))


def _escaped(text: str, with_frame: bool) -> str:
    if not with_frame:
        return re.escape(text)
    return r"-?\d+".join(re.escape(part) for part in FRAME_TOKEN.split(text))
