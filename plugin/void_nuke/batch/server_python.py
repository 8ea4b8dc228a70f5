"""Finds the Python that has the server's packages, and says how a host starts a process of it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

_BENT_BY_HOSTS = ("PYTHONHOME", "PYTHONPATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "QT_PLUGIN_PATH")
"""Variables that a host sets for its own processes. Another Python must not inherit them."""


def installed_server_python(package_folder: Path | None = None) -> str:
    """Return the server's Python: the one that the installer noted beside the plug-in, else that of the
    checkout's own environment, else an empty text.

    Args:
        package_folder: the folder of the ``void_nuke`` package, when it is not this one.
    """
    folder = package_folder or Path(__file__).resolve().parent.parent
    record = folder.parent / "installed.json"
    try:
        return str(json.loads(record.read_text(encoding="utf-8"))["server_python"])
    except (OSError, ValueError, KeyError):
        inside = Path("Scripts", "python.exe") if os.name == "nt" else Path("bin", "python")
        python = folder.parent.parent / ".venv" / inside
        return str(python) if python.is_file() else ""


def plain_variables() -> dict[str, str]:
    """Return the host's environment variables without those that would mislead another Python."""
    return {name: value for name, value in os.environ.items() if name not in _BENT_BY_HOSTS}


def without_window() -> dict[str, Any]:
    """Return the ``Popen`` arguments of a process that is waited for: on Windows it opens no console
    window."""
    if sys.platform == "win32":
        return {"creationflags": subprocess.CREATE_NO_WINDOW}
    return {}


def detached() -> dict[str, Any]:
    """Return the ``Popen`` arguments of a process that outlives the host and its terminal."""
    if sys.platform == "win32":
        return {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW}
    return {"start_new_session": True}
