"""The systems and processors that the plug-in is built for, and their places in a bundle."""

from __future__ import annotations

import platform
import sys
from dataclasses import dataclass

from installer.errors import SetupError

NAME = "VoidRemove"
"""The base name of the bundle and of every binary in it, which have to be the same."""


@dataclass(frozen=True, slots=True)
class Target:
    """One binary. ``folder`` is its place below ``Contents``; ``zig`` is what Zig calls the machine."""

    name: str
    system: str
    folder: str
    zig: str


TARGETS = (
    # The oldest glibc that the zig package knows for both: the host decides which Linux it runs on, not we.
    Target("linux-x86_64", "linux", "Linux-x86-64", "x86_64-linux-gnu.2.17"),
    Target("linux-arm64", "linux", "Linux-aarch64", "aarch64-linux-gnu.2.17"),
    Target("windows-x86_64", "windows", "Win64", "x86_64-windows-gnu"),
    Target("macos-x86_64", "macos", "MacOS", "x86_64-macos.11.0"),
    Target("macos-arm64", "macos", "MacOS", "aarch64-macos.11.0"),
)
"""All of them. The two of macOS become one universal binary."""


def this_system() -> str:
    """Return this machine's system as targets name it."""
    return {"win32": "windows", "darwin": "macos"}.get(sys.platform, "linux")


def these_targets() -> tuple[Target, ...]:
    """Return what this machine runs: one target, on macOS the one of its processor.

    Raises:
        SetupError: when the plug-in is not built for such machines.
    """
    machine = {"AMD64": "x86_64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
    name = f"{this_system()}-{machine}"
    found = tuple(target for target in TARGETS if target.name == name)
    if not found:
        known = ", ".join(target.name for target in TARGETS)
        raise SetupError("The OpenFX plug-in", f"it is not built for {name}", f"use it on one of {known}")
    return found
