"""The Python that has the server's packages: where it is, and how a process of it is started from a host."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

_BENT_BY_HOSTS = ("PYTHONHOME", "PYTHONPATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "QT_PLUGIN_PATH")
"""Variables with which a host prepares its own processes; another Python must not inherit them."""


def installed_server_python(package_folder: Path | None = None) -> str:
    """The server's Python as the installer noted it beside the plug-in, or that of the checkout's own
    environment; empty when there is neither.

    Args:
        package_folder: of ``void_nuke``; its own by default.
    """
    folder = package_folder or Path(__file__).resolve().parent
    record = folder.parent / "installed.json"
    try:
        return str(json.loads(record.read_text(encoding="utf-8"))["server_python"])
    except (OSError, ValueError, KeyError):
        inside = Path("Scripts", "python.exe") if os.name == "nt" else Path("bin", "python")
        python = folder.parent.parent / ".venv" / inside
        return str(python) if python.is_file() else ""


def plain_variables() -> dict[str, str]:
    """The host's environment variables without those that would bend another Python."""
    return {name: value for name, value in os.environ.items() if name not in _BENT_BY_HOSTS}


def without_window() -> dict[str, Any]:
    """For a process that is waited for: no console window on Windows."""
    if sys.platform == "win32":
        return {"creationflags": subprocess.CREATE_NO_WINDOW}
    return {}


def detached() -> dict[str, Any]:
    """For a process that outlives the host and its terminal."""
    if sys.platform == "win32":
        return {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW}
    return {"start_new_session": True}
