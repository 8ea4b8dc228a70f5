"""Knows which Pythons the project runs on, and finds another one when ``python3`` is not among them.

This module keeps to the syntax and library of Python 3.6, because an unsupported Python has to be able to run
it.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, List, Optional  # noqa: UP035 - list[str] is not an expression in Python 3.6

# All pinned packages have wheels for these on Linux, macOS (Apple silicon) and Windows. The first is
# preferred: it is the Python of the VFX reference platform (CY2024, CY2025), and the tests run on it.
SUPPORTED = ((3, 11), (3, 12), (3, 13))

_PROBE = "import sys; print('%d.%d' % sys.version_info[:2]); print(sys.executable)"


def is_supported(version: Any) -> bool:
    """Return whether ``version``, a pair such as ``(3, 11)``, is one that the project supports."""
    return tuple(version) in SUPPORTED


def supported_names() -> str:
    """Return the supported versions in words: ``"3.11, 3.12 or 3.13"``."""
    names = ["{}.{}".format(*version) for version in SUPPORTED]
    return ", ".join(names[:-1]) + " or " + names[-1]


def find_supported() -> Optional[Path]:  # noqa: UP045 - see above
    """Return the executable of a supported Python on the PATH (or known to Windows' launcher), or None."""
    for version in SUPPORTED:
        name = "{}.{}".format(*version)
        for command in (["python" + name], ["py", "-" + name]):
            program = shutil.which(command[0])
            if program is None:
                continue
            # The program is run to find out, because a name on the PATH may be an empty shim of a version
            # manager.
            answer = _probe([program] + command[1:])  # noqa: RUF005 - see above
            if answer is not None and answer[0] == name:
                return Path(answer[1])
    return None


def hand_over(folder: Path, arguments: List[str]) -> int:  # noqa: UP006 - see above
    """Run the installer in ``folder`` again with a supported Python, or explain that there is none.

    Returns:
        The exit status: the other Python's, or 2 when none was found.
    """
    running = "{}.{}".format(*sys.version_info[:2])
    other = find_supported()
    if other is None:
        print(f"This is Python {running}; VOID for Nuke needs Python {supported_names()}.")
        print("Try: " + _how_to_get_python())
        return 2
    print(f"This is Python {running}, which is not supported; going on with {other}.", flush=True)
    process = subprocess.Popen([str(other), str(folder)] + arguments)  # noqa: RUF005 - see above
    try:
        return process.wait()
    except KeyboardInterrupt:  # the child got the signal too and ends by itself
        return process.wait()


def base_executable() -> Path:
    """Return the Python behind this process, never that of an environment, which may have to be made
    again."""
    return Path(getattr(sys, "_base_executable", None) or sys.executable)


def how_to_get_venv() -> str:
    """Say what to do when this Python cannot make environments, because Debian packages that separately."""
    if shutil.which("apt-get"):
        return "sudo apt-get install python{}.{}-venv".format(*sys.version_info[:2])
    return f"install a complete Python {supported_names()}, for example from python.org"


def _how_to_get_python() -> str:
    newest = "{}.{}".format(*SUPPORTED[-1])
    first = "{}.{}".format(*SUPPORTED[0])
    again = ", then run the same command again (or name that Python in place of python3)"
    if os.name == "nt":
        return "winget install Python.Python." + first + again
    if sys.platform == "darwin":
        return "brew install python@" + first + again
    if shutil.which("apt-get"):
        return f"sudo apt-get install python{first} python{first}-venv" + again
    if shutil.which("dnf"):
        return "sudo dnf install python" + first + again
    return f"install Python {first} or {newest} from your distribution or from python.org" + again


def _probe(command: List[str]) -> Optional[List[str]]:  # noqa: UP006, UP045 - see above
    try:
        output = subprocess.check_output(command + ["-c", _PROBE], stderr=subprocess.DEVNULL, timeout=30)  # noqa: RUF005
    except (OSError, subprocess.SubprocessError):
        return None
    lines = output.decode("utf-8", "replace").splitlines()
    return lines if len(lines) == 2 else None
