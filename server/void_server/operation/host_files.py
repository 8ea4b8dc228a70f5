"""Writes what hosts load (panel, gizmos and their packages; the OpenFX plug-in) into a folder, from an
installed VOID for Nuke.

The wheel carries these files, and the sources of the plug-in with what builds it; in a checkout they are
where they are developed. The folder is one that ``NUKE_PATH`` names, and holds nothing that belongs to one
machine but the server's Python.
"""

from __future__ import annotations

import json
import platform
import shutil
import subprocess
import sys
from collections.abc import Sequence
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from void_server.errors import ServiceError

PACKAGES = ("pyzmq", "msgspec")
"""The packages that a host's own Python needs."""
_CARRIED = Path(__file__).parents[1] / "host_files"
"""The host files of an installed wheel."""
_CHECKOUT = Path(__file__).parents[3]
_START_FILES = ("init.py", "menu.py")
_OUR_PACKAGES = ("void_nuke", "void_protocol")
# The tags that the installer takes (installer/nuke_wheels.py), which runs where no server is installed yet.
_SYSTEMS = {
    "linux-x86_64": (
        *(f"manylinux_2_{minor}_x86_64" for minor in (28, 27, 26, 24, 17)),
        "manylinux2014_x86_64",
    ),
    "windows-x86_64": ("win_amd64",),
    "macos-arm64": ("macosx_11_0_arm64", "macosx_11_0_universal2", "macosx_10_15_universal2"),
    "macos-x86_64": ("macosx_10_15_x86_64", "macosx_10_15_universal2", "macosx_10_9_x86_64"),
}
_MACHINES = {"amd64": "x86_64", "aarch64": "arm64"}
SYSTEMS = tuple(_SYSTEMS)
"""The systems that a Nuke runs on."""


def this_system() -> str:
    """Return the name of this machine's system, as :data:`SYSTEMS` has it where a Nuke exists for it."""
    name = {"win32": "windows", "darwin": "macos"}.get(sys.platform, sys.platform)
    machine = platform.machine().lower()
    return f"{name}-{_MACHINES.get(machine, machine)}"


def write_host_files(folder: Path) -> None:
    """Write panel and gizmos into ``folder``, in place of those of an earlier release.

    Raises:
        ServiceError: when this installation has no host files, or the folder cannot be written, or holds
            somebody else's ``init.py``.
    """
    start, gizmos = _sources()
    record = folder / "installed.json"
    if (folder / "init.py").exists() and not record.exists():
        raise ServiceError(
            f"{folder} has an init.py of somebody else; name a folder of its own, such as "
            f"{folder / 'void_for_nuke'}, and put that on NUKE_PATH"
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name in _START_FILES:
            shutil.copyfile(start / name, folder / name)
        for source in (*(_package_folder(name) for name in _OUR_PACKAGES), gizmos):
            shutil.rmtree(folder / source.name, ignore_errors=True)
            shutil.copytree(
                source, folder / source.name, ignore=shutil.ignore_patterns("__pycache__", "*.pyc")
            )
        told = {"version": version("void-nuke"), "server_python": sys.executable}
        record.write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        raise ServiceError(f"the host files cannot be written to {folder}: {error}") from error


def packages_command(folder: Path, python: str, system: str, wheelhouse: Path | None) -> Sequence[str]:
    """Return the command that puts the packages for a host's Python into ``folder``, where ``init.py`` looks.

    Args:
        folder: the folder of the host files.
        python: the version of the host's Python, such as ``3.11``.
        system: one of :data:`SYSTEMS`.
        wheelhouse: a folder of wheels to take them from; None asks the package index.
    """
    abi = "cp" + python.replace(".", "")
    return [
        *(sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"),
        *("--no-deps", "--upgrade", "--only-binary=:all:"),
        *("--implementation", "cp", "--python-version", python),
        *(option for name in (abi, "abi3", "none") for option in ("--abi", name)),
        *(option for name in _SYSTEMS[system] for option in ("--platform", name)),
        *(() if wheelhouse is None else ("--no-index", "--find-links", str(wheelhouse))),
        *("--target", str(folder / "vendor" / f"py{python}-{system}")),
        *(f"{name}=={version(name)}" for name in PACKAGES),
    ]


def fetch_packages(folder: Path, python: str, system: str, wheelhouse: Path | None = None) -> None:
    """Put the packages for a host's Python beside the host files; those for others stay.

    Raises:
        ServiceError: when pip cannot; the message has its last words.
    """
    command = packages_command(folder, python, system, wheelhouse)
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    if done.returncode:
        said = (done.stderr or done.stdout).strip()[-1500:]
        raise ServiceError(f"the packages for Python {python} on {system} cannot be fetched:\n{said}")


def build_openfx(folder: Path) -> Path:
    """Build the OpenFX plug-in for this system, whose bridge runs with this Python.

    Args:
        folder: the folder for the plug-in's bundle, one that ``OFX_PLUGIN_PATH`` names.

    Returns:
        The bundle.

    Raises:
        ServiceError: when this installation has no sources, there is no C++ compiler, or it does not compile.
    """
    root = next((one for one in (_CARRIED / "openfx", _CHECKOUT) if (one / "installer").is_dir()), None)
    if root is None or not (root / "plugin" / "openfx").is_dir():
        raise ServiceError("this installation has no OpenFX sources; install the wheel void-nuke again")
    command = [sys.executable, str(root / "installer"), "openfx", "--no-server"]
    command += ["--plugin-path", str(folder), "--python", sys.executable, "--no-zig-download"]
    folder.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    if done.returncode:
        said = [line.strip() for line in (done.stdout + done.stderr).splitlines() if line.strip()]
        raise ServiceError(f"the OpenFX plug-in cannot be built: {' '.join(said[-3:])}")
    return folder / "VoidRemove.ofx.bundle"


def _sources() -> tuple[Path, Path]:
    """The folders of the start files and of the gizmos."""
    for start, gizmos in (
        (_CARRIED, _CARRIED / "gizmos"),
        (_CHECKOUT / "plugin", _CHECKOUT / "gizmos"),
    ):
        if (start / "init.py").is_file() and gizmos.is_dir():
            return start, gizmos
    raise ServiceError("this installation has no host files; install the wheel void-nuke again")


def _package_folder(name: str) -> Path:
    spec = find_spec(name)
    if spec is None or spec.origin is None:
        raise ServiceError(f"the package {name} is not installed; install the wheel void-nuke again")
    return Path(spec.origin).parent
