"""Makes the virtual environment, reuses it, or finds it broken and makes it again."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from installer import interpreter
from installer.errors import VenvError

_OWNER_MARK = "void-environment"
"""A file in every environment that was made here, from its first moment. Only these environments are ever
deleted."""
_PROBE = "import sys, pip; print('%d.%d.%d' % sys.version_info[:3])"
_VERSION = re.compile(r"^(\d+)\.(\d+)\.\d+\s*\Z", re.MULTILINE)
_PROBE_TIMEOUT_S = 120


@dataclass(frozen=True, slots=True)
class Environment:
    """A virtual environment that works."""

    prefix: Path
    python_version: str

    @property
    def python(self) -> Path:
        return _python_of(self.prefix)

    @property
    def log(self) -> Path:
        """The file with all that pip printed."""
        return self.prefix / "install.log"


def open_environment(prefix: Path) -> Environment | None:
    """Return the environment in ``prefix`` if it works and has a supported Python, else None."""
    version = _probe(prefix)
    return None if version is None else Environment(prefix, version)


def make_environment(prefix: Path, checkout: Path) -> Environment:
    """Make the environment in ``prefix``, where there is none or a broken one.

    Raises:
        VenvError: when ``prefix`` holds something that was not made here, or Python cannot make environments.
    """
    _clear(prefix, is_ours=prefix == checkout / ".venv" or (prefix / _OWNER_MARK).exists())
    try:
        prefix.mkdir(parents=True, exist_ok=True)
        (prefix / _OWNER_MARK).write_text("Made by the installer of VOID for Nuke.\n", encoding="utf-8")
    except OSError as error:
        raise VenvError(f"The environment {prefix}", str(error), "choose a folder with --prefix") from error
    command = [str(interpreter.base_executable()), "-I", "-m", "venv", str(prefix)]
    made = subprocess.run(
        command, env=clean_variables(), capture_output=True, text=True, errors="replace", check=False
    )
    environment = open_environment(prefix)
    if made.returncode == 0 and environment is not None:
        return environment
    said = " ".join((made.stdout + made.stderr).split())
    if importlib.util.find_spec("ensurepip") is None:
        why = "this Python comes without the part that makes environments"
        remedy = interpreter.how_to_get_venv()
    else:
        why = f"Python's venv module ended with status {made.returncode}: {said[-300:] or 'no message'}"
        remedy = "check that the folder may be written to, or choose another with --prefix"
    raise VenvError(f"The environment {prefix}", why, remedy)


def clean_variables() -> dict[str, str]:
    """Return the process's environment variables without those by which a host application changes Python's
    paths."""
    bent = ("PYTHONHOME", "PYTHONPATH", "__PYVENV_LAUNCHER__")
    return {name: value for name, value in os.environ.items() if name not in bent}


def free_bytes(folder: Path) -> int:
    """Return the free space in bytes on the disk that ``folder`` is on or will be on."""
    while not folder.exists():
        folder = folder.parent
    return shutil.disk_usage(folder).free


def _clear(prefix: Path, *, is_ours: bool) -> None:
    if not prefix.exists():
        return
    if not prefix.is_dir() or (any(prefix.iterdir()) and not is_ours):
        raise VenvError(
            f"The environment {prefix}",
            "that folder holds something else than an environment made here that works, and is left alone",
            "name a folder that is empty or does not exist with --prefix",
        )
    try:
        for entry in prefix.iterdir():
            if entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry)
            elif entry.name != _OWNER_MARK:
                entry.unlink()
    except OSError as error:
        remedy = f"close every program that uses it and delete {prefix} by hand"
        raise VenvError(f"The broken environment {prefix}", f"cannot be deleted: {error}", remedy) from error


def _probe(prefix: Path) -> str | None:
    python = _python_of(prefix)
    if not (prefix / "pyvenv.cfg").is_file() or not python.exists():
        return None
    command = [str(python), "-I", "-c", _PROBE]
    try:
        answer = subprocess.run(
            command,
            env=clean_variables(),
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_PROBE_TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    # A studio's sitecustomize may have its say before.
    said = _VERSION.search(answer.stdout)
    if answer.returncode != 0 or said is None or not interpreter.is_supported(map(int, said.groups())):
        return None
    return said.group().strip()


def _python_of(prefix: Path) -> Path:
    return prefix / "Scripts" / "python.exe" if os.name == "nt" else prefix / "bin" / "python"
