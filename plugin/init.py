"""Nuke runs this at every start, also in a terminal: no Qt here, and no failure leaves this file."""

import logging
import platform
import sys
from pathlib import Path

import nuke


def _folder() -> Path:
    """Where this file is. Nuke sets __file__; where it does not, its plug-in path knows us by our package."""
    if "__file__" in globals():
        return Path(__file__).resolve().parent
    for entry in nuke.pluginPath():
        if (Path(entry) / "void_nuke" / "__init__.py").is_file():
            return Path(entry)
    raise FileNotFoundError("the plug-in's own folder is not on Nuke's plug-in path")


def _vendor_tag() -> str:
    """The name that the installer gives to the packages for this Nuke's Python."""
    system = {"win32": "windows", "darwin": "macos"}.get(sys.platform, sys.platform)
    machine = platform.machine().lower()
    machine = {"amd64": "x86_64", "aarch64": "arm64"}.get(machine, machine)
    return "py{}.{}-{}-{}".format(*sys.version_info[:2], system, machine)


def _start() -> None:
    folder = _folder()
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))
    vendor = folder / "vendor" / _vendor_tag()
    if vendor.is_dir() and str(vendor) not in sys.path:
        # Behind all others: a package that the studio brings itself is used as it is.
        sys.path.append(str(vendor))
    # In a checkout the gizmos are beside the plug-in, in an installation inside of it.
    gizmos = next((one for one in (folder / "gizmos", folder.parent / "gizmos") if one.is_dir()), None)
    if gizmos is not None:
        nuke.pluginAddPath(str(gizmos))
    import void_protocol.client  # noqa: F401 - now, so that what is missing is told at the start


try:
    _start()
except Exception as error:  # noqa: BLE001 - Nuke has to start
    logging.getLogger("void_nuke").warning(
        "VOID for Nuke is off (%s: %s). Close Nuke and run: python3 installer nuke --python %d.%d",
        type(error).__name__,
        error,
        *sys.version_info[:2],
    )
