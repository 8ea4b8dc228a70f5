"""The folder ``VoidRemove.ofx.bundle``: its layout, and what the installer notes in it."""

from __future__ import annotations

import plistlib
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from installer.errors import SetupError
from installer.openfx.targets import NAME, Target

FOLDER = f"{NAME}.ofx.bundle"
BINARY = f"{NAME}.ofx"
IDENTIFIER = "net.voidfornuke.remove"
"""The plug-in's identifier, which hosts also look for its icon by."""
_NOTE = Path("Contents", "Resources", "bridge.txt")
_ICON = Path("gizmos", "VoidRemove.png")


@dataclass(frozen=True, slots=True)
class Note:
    """What the plug-in and the uninstaller read.

    ``pythons`` are the bridge's, by system: one bundle may lie on a disk that several systems share.
    ``made_folder`` says that the folder around the bundle was not there.
    """

    version: str
    pythons: Mapping[str, str] = field(default_factory=dict)
    made_folder: bool = False

    def text(self) -> str:
        """Return the note as it is written: a line for each fact, for a reader of a dozen lines of C++."""
        lines = ["# Written by the installer of VOID for Nuke; the plug-in reads the bridge's Python here."]
        lines += [f"version={self.version}", f"made_folder={int(self.made_folder)}"]
        lines += [f"python.{system}={python}" for system, python in sorted(self.pythons.items())]
        return "\n".join(lines) + "\n"


def binary_of(bundle: Path, target: Target) -> Path:
    """Return the place of a target's binary in a bundle."""
    return bundle / "Contents" / target.folder / BINARY


def write_frame(bundle: Path, checkout: Path, version: str) -> None:
    """Write what belongs to a bundle beside its binaries and the note: the property list and the icon."""
    resources = bundle / "Contents" / "Resources"
    resources.mkdir(parents=True, exist_ok=True)
    properties = {
        "CFBundleDevelopmentRegion": "English",
        "CFBundleExecutable": BINARY,
        "CFBundleIdentifier": IDENTIFIER,
        "CFBundleInfoDictionaryVersion": "6.0",
        "CFBundlePackageType": "BNDL",
        "CFBundleVersion": version,
    }
    (bundle / "Contents" / "Info.plist").write_bytes(plistlib.dumps(properties))
    icon = checkout / _ICON
    if icon.is_file():
        shutil.copyfile(icon, resources / f"{IDENTIFIER}.png")


def write_note(bundle: Path, note: Note) -> None:
    """Write the note of a bundle.

    Raises:
        SetupError: when a path of a Python has more than one line.
    """
    for python in note.pythons.values():
        if "\n" in python or "\r" in python:
            raise SetupError("The bridge's Python", f"{python!r} is not one line", "choose another --prefix")
    (bundle / _NOTE).write_text(note.text(), encoding="utf-8")


def read_note(bundle: Path) -> Note | None:
    """Return the note of a bundle, or None where there is none: then the installer did not make it."""
    try:
        text = (bundle / _NOTE).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    facts = dict(line.split("=", 1) for line in text.splitlines() if "=" in line and not line.startswith("#"))
    pythons = {
        key.removeprefix("python."): value for key, value in facts.items() if key.startswith("python.")
    }
    return Note(facts.get("version", ""), pythons, facts.get("made_folder") == "1")
