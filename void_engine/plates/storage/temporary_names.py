"""The names of files that are not whole yet, and whether whoever was writing one is still at work.

A temporary file stands beside the file that it will become: hidden, ending in ``.part``. Its name says which
process writes it: the machine, the process's number and the second in which it began. So a process that
cleans up after one that was killed deletes nothing that a living one is writing, such as the same task of a
farm on another machine.
"""

from __future__ import annotations

import hashlib
import os
import platform
import re
import secrets
import time
from collections.abc import Collection
from functools import cache

SUFFIX = ".part"
ABANDONED_S = 3600.0
"""A temporary file of another machine that was not written to for this many seconds is taken for abandoned: a
frame takes seconds to write."""
_LONGEST_NAME = 255
"""How many bytes of a file's name most file systems take."""
_END = r"[0-9a-f]{8}" + re.escape(SUFFIX) + r"(?:\.raw\.exr)?"
_PATTERN = re.compile(
    r"\.(?P<name>.+)\.(?P<machine>[0-9a-f]{8})-(?P<process>\d+)-(?P<began>\d+)\." + _END, re.DOTALL
)
_EARLIER_PATTERN = re.compile(r"\.(?P<name>.+)\." + _END, re.DOTALL)
"""The names that earlier releases gave, which do not say who writes."""
_BEGAN_TOLERANCE_S = 2


def temporary_name(name: str, suffix: str = "") -> str:
    """Return a fresh name, in the same folder, for a file that will be called ``name``."""
    tail = f".{_machine()}-{os.getpid()}-{_began(os.getpid())}.{secrets.token_hex(4)}{SUFFIX}{suffix}"
    return f".{_fitting(name, len(tail))}{tail}"


def is_abandoned(entry: str, names: Collection[str], modified_s: float) -> bool:
    """Whether a file in a folder is a temporary one for a file of ``names`` that nobody is writing any more.

    Args:
        entry: the file's name.
        names: final names.
        modified_s: when the file was last written to, in seconds since 1970.
    """
    found = _PATTERN.fullmatch(entry)
    if found is None:
        earlier = _EARLIER_PATTERN.fullmatch(entry)
        return earlier is not None and earlier["name"] in names
    room = len(os.fsencode(entry)) - len(os.fsencode(found["name"])) - 1
    if found["name"] not in names and found["name"] not in {_fitting(name, room) for name in names}:
        return False
    if found["machine"] != _machine():
        return time.time() - modified_s > ABANDONED_S
    return abs(_began(int(found["process"])) - int(found["began"])) > _BEGAN_TOLERANCE_S


def _fitting(name: str, room: int) -> str:
    """The name, or its beginning and a hash of it where file systems would not take ``room`` bytes more."""
    most = _LONGEST_NAME - 1 - room
    encoded = os.fsencode(name)
    if len(encoded) <= most:
        return name
    digest = hashlib.blake2b(encoded, digest_size=8).hexdigest()
    return encoded[: most - len(digest) - 1].decode("utf-8", "ignore") + f"~{digest}"


@cache
def _machine() -> str:
    return hashlib.blake2b(platform.node().encode(), digest_size=4).hexdigest()


def _began(process: int) -> int:
    """The second in which a process began; 0 when there is no such process."""
    if process == os.getpid():
        return _own_beginning(process)
    return _beginning(process)


@cache
def _own_beginning(process: int) -> int:
    return _beginning(process)


def _beginning(process: int) -> int:
    import psutil  # takes a while to import, and most processes need it only when they write

    try:
        return int(psutil.Process(process).create_time())
    except psutil.Error:
        return 0
