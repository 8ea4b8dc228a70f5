"""Puts a new folder in the place of an old one, so that a whole one is there at every time."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def replaced(ours: Path) -> Iterator[Path]:
    """Give a free path beside ``ours``: the folder that is made there takes the place of ``ours`` at the end.

    When making or moving it fails nothing is left of it, and what was at ``ours`` before is there still.

    Raises:
        OSError: when one of the two cannot be moved.
    """
    fresh, old = (ours.with_name(f".{ours.name}.{state}") for state in ("new", "old"))
    shutil.rmtree(fresh, ignore_errors=True)
    try:
        yield fresh
        _swap(fresh, ours, old)
    except BaseException:
        shutil.rmtree(fresh, ignore_errors=True)
        raise
    shutil.rmtree(old, ignore_errors=True)


def _swap(fresh: Path, ours: Path, old: Path) -> None:
    shutil.rmtree(old, ignore_errors=True)
    if ours.exists():
        ours.rename(old)
    try:
        fresh.rename(ours)
    except OSError:
        if old.exists():
            old.rename(ours)
        raise
