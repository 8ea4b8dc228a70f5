"""Tells whether a process is still the one that has left something behind."""

from __future__ import annotations

import psutil

_SAME_S = 1.0
"""Two beginnings that are no further apart, in seconds, are one."""


def began(pid: int) -> float:
    """When a process began, in seconds since 1970: its number alone may be another's by now.

    Raises:
        psutil.Error: when there is no such process, or it cannot be looked at.
    """
    return psutil.Process(pid).create_time()


def is_gone(pid: int, began_s: float) -> bool:
    """Whether the process of this number that began then is gone, as far as this user can tell."""
    try:
        return abs(began(pid) - began_s) > _SAME_S
    except psutil.NoSuchProcess:
        return True
    except psutil.Error:
        return False
