"""Nuke runs this file at every start, also in a terminal. It loads no Qt, and no failure leaves it."""

import logging
import platform
import sys
from pathlib import Path

import nuke


def _folder() -> Path:
    """Return this file's folder. Where Nuke does not set __file__, its plug-in path is searched for our
    package."""
    if "__file__" in globals():
        return Path(__file__).resolve().parent
    for entry in nuke.pluginPath():
        if (Path(entry) / "void_nuke" / "__init__.py").is_file():
            return Path(entry)
    raise FileNotFoundError("the plug-in's own folder is not on Nuke's plug-in path")


def _vendor_tag() -> str:
    """Return the name that the installer gives to the folder of packages for this Nuke's Python."""
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
        # The folder goes behind all others, so that a package that the studio brings itself is used as it is.
        sys.path.append(str(vendor))
    # The gizmos lie beside the plug-in in a checkout, and inside it in an installation.
    gizmos = next((one for one in (folder / "gizmos", folder.parent / "gizmos") if one.is_dir()), None)
    if gizmos is not None:
        nuke.pluginAddPath(str(gizmos))
    import void_protocol.client  # noqa: F401 - so that a missing package shows at the start


try:
    _start()
except Exception as error:  # noqa: BLE001 - Nuke has to start in any case
    logging.getLogger("void_nuke").warning(
        "VOID for Nuke is off (%s: %s). Close Nuke and run: python3 installer nuke --python %d.%d",
        type(error).__name__,
        error,
        *sys.version_info[:2],
    )
