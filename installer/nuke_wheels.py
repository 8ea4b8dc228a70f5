"""Chooses, fetches and unpacks the compiled packages that Nuke's own Python needs.

Nuke brings its own Python, so its packages cannot come from this machine's Python. They are wheels for Nuke's
Python, unpacked into a folder of their own beside the plug-in. Nothing is ever installed into Nuke itself.
"""

from __future__ import annotations

import os
import platform
import re
import subprocess
import sys
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from installer import pip_failure
from installer.environment import Environment, clean_variables
from installer.errors import SetupError
from installer.project import Project, normalised, parse_requirement

NUKE_PYTHONS = ("3.11", "3.10")
"""The Pythons of Nuke 16 and 17, and of Nuke 15."""
NEEDED = ("pyzmq", "msgspec")
"""The packages that ``void_protocol`` imports. Neither needs another package on CPython."""

# The tags begin with the newest that Nuke 15's oldest supported system has; a wheel may name any of them.
PIP_PLATFORMS = {
    "linux-x86_64": (
        *(f"manylinux_2_{minor}_x86_64" for minor in (28, 27, 26, 24, 17)),
        "manylinux2014_x86_64",
    ),
    "windows-x86_64": ("win_amd64",),
    "macos-arm64": ("macosx_11_0_arm64", "macosx_11_0_universal2", "macosx_10_15_universal2"),
    "macos-x86_64": ("macosx_10_15_x86_64", "macosx_10_15_universal2", "macosx_10_9_x86_64"),
}
PLATFORMS = tuple(PIP_PLATFORMS)
_NAME = re.compile(
    r"(?P<name>[^-]+)-(?P<version>[^-]+)(?:-\d[^-]*)?-(?P<py>[^-]+)-(?P<abi>[^-]+)-(?P<os>[^-]+)"
)


@dataclass(frozen=True, slots=True)
class NukePython:
    """The Python in a Nuke: ``version`` such as ``3.11``, and ``platform``, one of :data:`PLATFORMS`."""

    version: str
    platform: str

    @property
    def tag(self) -> str:
        """The name of the folder with its packages. ``plugin/init.py`` computes the same name inside Nuke."""
        return f"py{self.version}-{self.platform}"

    def fits(self, wheel: str) -> bool:
        """Return whether this Python can load the wheel of that file name."""
        parts = _NAME.fullmatch(wheel.removesuffix(".whl"))
        if parts is None:
            return False
        own = "cp" + self.version.replace(".", "")
        pythons, abis = parts["py"].split("."), parts["abi"].split(".")
        is_stable = "abi3" in abis and any(
            tag.startswith("cp3") and int(tag[3:]) <= int(own[3:]) for tag in pythons
        )
        is_pure = abis == ["none"] and "py3" in pythons
        fits_python = is_stable or is_pure or (own in pythons and own in abis)
        systems = (*PIP_PLATFORMS[self.platform], "any")
        return fits_python and any(system in systems for system in parts["os"].split("."))


def this_platform() -> str:
    """Return the platform of this machine, as Nuke runs on it.

    Raises:
        SetupError: when no Nuke exists for it.
    """
    system = {"linux": "linux", "win32": "windows", "darwin": "macos"}.get(sys.platform, sys.platform)
    machine = {"amd64": "x86_64", "aarch64": "arm64"}.get(
        platform.machine().lower(), platform.machine().lower()
    )
    found = f"{system}-{machine}"
    if found not in PIP_PLATFORMS:
        raise SetupError(
            f"Packages for Nuke on {found}", "there is no Nuke for it", "name another with --platform"
        )
    return found


def find_wheels(folder: Path, python: NukePython, project: Project) -> list[Path]:
    """Return the pinned wheels for ``python`` in ``folder``: fewer than :data:`NEEDED` when some are
    missing."""
    pins = _pins(project)
    found: dict[str, Path] = {}
    for path in sorted(folder.glob("*.whl")):
        parts = _NAME.fullmatch(path.stem)
        if parts is None or not python.fits(path.name):
            continue
        name = normalised(parts["name"])
        if pins.get(name) == parts["version"]:
            found[name] = path
    return [found[name] for name in NEEDED if name in found]


def fetch_wheels(folder: Path, python: NukePython, project: Project, environment: Environment) -> None:
    """Download the wheels for ``python`` into ``folder`` with the environment's pip.

    Raises:
        PackageError: when that fails; it has the package, the cause and the remedy.
    """
    folder.mkdir(parents=True, exist_ok=True)
    abi = "cp" + python.version.replace(".", "")
    pins = _pins(project)
    command = [
        *(str(environment.python), "-I", "-m", "pip", "download", "--no-input", "--no-deps"),
        *("--disable-pip-version-check", "--progress-bar", "off", "--only-binary=:all:"),
        *("--implementation", "cp", "--python-version", python.version),
        *(option for name in (abi, "abi3", "none") for option in ("--abi", name)),
        *(option for name in PIP_PLATFORMS[python.platform] for option in ("--platform", name)),
        *("--dest", str(folder), *(f"{name}=={pins[name]}" for name in NEEDED)),
    ]
    done = subprocess.run(
        command, env=clean_variables(), capture_output=True, text=True, errors="replace", check=False
    )
    output = (done.stdout + done.stderr).splitlines()
    with environment.log.open("a", encoding="utf-8") as log:
        log.write(f"\n== Packages for Nuke\n{' '.join(command)}\n" + "\n".join(output) + "\n")
    if done.returncode != 0:
        raise pip_failure.explain(output, done.returncode, "packages for Nuke", python.version)


def unpack(wheels: Sequence[Path], folder: Path) -> None:
    """Put the content of ``wheels`` into ``folder``, as an installation would.

    Raises:
        SetupError: when a wheel is damaged or wants to write outside of ``folder``.
    """
    for path in wheels:
        try:
            with zipfile.ZipFile(path) as wheel:
                for member in wheel.infolist():
                    _unpack_member(wheel, member, folder)
        except (zipfile.BadZipFile, ValueError) as error:
            remedy = f"delete {path} and run it again where there is a network"
            raise SetupError(f"The wheel {path.name}", f"it is damaged ({error})", remedy) from error


def _unpack_member(wheel: zipfile.ZipFile, member: zipfile.ZipInfo, folder: Path) -> None:
    place = PurePosixPath(member.filename)
    if place.is_absolute() or ".." in place.parts or "\\" in member.filename:
        raise ValueError(f"{member.filename} leads out of its folder")
    parts = place.parts
    if parts and parts[0].endswith(".data"):
        if len(parts) < 3 or parts[1] not in ("purelib", "platlib"):
            return  # scripts and headers are not imported
        parts = parts[2:]
    if member.is_dir():
        return
    target = folder.joinpath(*parts)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(wheel.read(member))
    if os.name == "posix":
        target.chmod(0o755 if target.suffix == ".so" or ".so." in target.name else 0o644)


def _pins(project: Project) -> dict[str, str]:
    pins: dict[str, str] = {}
    for line in project.constraints.read_text(encoding="utf-8").splitlines():
        requirement, found, version = line.partition(";")[0].partition("==")
        if found and not line.startswith("#"):
            pins[parse_requirement(requirement)[0]] = version.strip()
    missing = [name for name in NEEDED if name not in pins]
    if missing:
        raise SetupError(
            "Packages for Nuke",
            f"no version is pinned for {', '.join(missing)}",
            f"add it to {project.constraints}",
        )
    return pins
