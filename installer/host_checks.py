"""The doctor's checks before anything is installed: this Python, its venv module, the disk."""

from __future__ import annotations

import importlib.util
import platform
from pathlib import Path

from installer import interpreter
from installer.console import Console
from installer.environment import free_bytes, open_environment

_GIB = 1024**3
_NEEDED_GIB = 2
"""The space that the environment takes without the models, in GiB."""
_MODELS_GIB = 45
"""The space for the weights of both passes and the base model, in GiB, with some to spare."""


def check_host(prefix: Path, console: Console) -> bool:
    """Print a line for each finding about this machine, and return whether all are good."""
    console.check("Python", True, f"{platform.python_version()} ({interpreter.base_executable()})")
    return all([_check_venv(prefix, console), _check_disk(prefix, console)])


def _check_venv(prefix: Path, console: Console) -> bool:
    missing = [name for name in ("venv", "ensurepip") if importlib.util.find_spec(name) is None]
    if missing:
        detail = f"this Python lacks {' and '.join(missing)}"
        console.check("Environment", False, detail, interpreter.how_to_get_venv())
        return False
    environment = open_environment(prefix)
    if environment is not None:
        console.check("Environment", True, f"{prefix} (Python {environment.python_version})")
    else:
        console.check("Environment", True, f"none yet in {prefix}; it is made now")
    return True


def _check_disk(prefix: Path, console: Console) -> bool:
    free_gib = free_bytes(prefix) / _GIB
    detail = f"{free_gib:.0f} GiB free for {prefix}"
    if free_gib < _NEEDED_GIB:
        console.check(
            "Disk", False, detail, f"make {_NEEDED_GIB} GiB free, or choose another disk with --prefix"
        )
        return False
    remedy = f"the models need about {_MODELS_GIB} GiB" if free_gib < _MODELS_GIB else ""
    console.check("Disk", True, detail, remedy)
    return True
