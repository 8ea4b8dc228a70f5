"""Finds and installs libraries of the operating system that some packages load and no wheel contains.

On Windows and macOS the wheels and the system suffice; on a bare Linux (a container, a render node without a
desktop) they may be missing.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass

from installer.errors import SystemLibraryError


@dataclass(frozen=True, slots=True)
class SystemLibrary:
    """A shared library: the name that it is loaded by, and the Debian package that has it."""

    soname: str
    debian_package: str


_QT = (
    SystemLibrary("libEGL.so.1", "libegl1"),
    SystemLibrary("libGL.so.1", "libgl1"),
    SystemLibrary("libxkbcommon.so.0", "libxkbcommon0"),
    SystemLibrary("libdbus-1.so.3", "libdbus-1-3"),
    SystemLibrary("libfontconfig.so.1", "libfontconfig1"),
    SystemLibrary("libglib-2.0.so.0", "libglib2.0-0"),
)

NEEDED_BY: dict[str, tuple[SystemLibrary, ...]] = {"pyside6": _QT, "pyside6-essentials": _QT}
"""Libraries by the normalised name of the Python distribution that loads them."""


def find_missing(distributions: Iterable[str]) -> list[SystemLibrary]:
    """Return the libraries that ``distributions`` load and the system's loader cannot find; on Linux only."""
    if not sys.platform.startswith("linux"):
        return []
    needed = {library for name in distributions for library in NEEDED_BY.get(name, ())}
    return sorted((library for library in needed if not _loads(library.soname)), key=lambda one: one.soname)


def provide(libraries: Iterable[SystemLibrary]) -> None:
    """Install ``libraries`` with the system's own package manager, where this process may.

    Raises:
        SystemLibraryError: when this process is not root on a Debian, or when apt-get fails; it has the
            command to run.
    """
    wanted = list(libraries)
    if not wanted:
        return
    what = "System libraries " + ", ".join(library.soname for library in wanted)
    may_install = sys.platform != "win32" and os.geteuid() == 0
    if not may_install or shutil.which("apt-get") is None:
        raise SystemLibraryError(what, "missing on this machine", command_for(wanted))
    variables = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    packages = [library.debian_package for library in wanted]
    # The list of packages is fetched first, because a new container has none.
    for command in (["update"], ["install", "--yes", "--no-install-recommends", *packages]):
        done = subprocess.run(
            ["apt-get", *command],
            env=variables,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
        if done.returncode != 0:
            said = " ".join((done.stderr or done.stdout).split())[-300:]
            raise SystemLibraryError(what, f"apt-get {command[0]} failed: {said}", command_for(wanted))
    still = [library.soname for library in wanted if not _loads(library.soname)]
    if still:
        why = f"apt-get installed {', '.join(packages)}, but {', '.join(still)} is still not found"
        raise SystemLibraryError(what, why, "install the package that holds it by hand")


def command_for(libraries: Iterable[SystemLibrary]) -> str:
    """Return the command with which a person installs ``libraries`` on this kind of Linux."""
    wanted = list(libraries)
    if shutil.which("apt-get"):
        return "sudo apt-get install " + " ".join(library.debian_package for library in wanted)
    if shutil.which("dnf"):
        return "sudo dnf install " + " ".join(f"'{library.soname}()(64bit)'" for library in wanted)
    sonames = ", ".join(library.soname for library in wanted)
    return f"install {sonames} with your distribution's package manager"


def _loads(soname: str) -> bool:
    try:
        ctypes.CDLL(soname)
    except OSError:
        return False
    return True
