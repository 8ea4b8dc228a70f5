"""The private folder in which pixel files lie: one for each bridge, removed with it.

A bridge that is killed leaves its folder, and the next one of the same user removes it.
"""

from __future__ import annotations

import getpass
import logging
import os
import re
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path

import psutil

from void_protocol.errors import KeyFileError
from void_protocol.private_folders import make_private_folder
from void_server.openfx_bridge.errors import BridgeError
from void_server.openfx_bridge.processes import began, is_gone

_log = logging.getLogger(__name__)

_SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - a folder for this user alone is made in it
_LEAST_FREE = 2 << 30
"""How much must be free in shared memory before pixel files lie there, in bytes."""
_MOST_ROOM = 8 << 30
_LEAST_ROOM = 64 << 20
_NAME = re.compile(r"bridge-(\d+)-(\d+)", re.ASCII)
"""The process, and when it began in hundredths of a second."""


class PixelFolder:
    """The folder of this process's pixel files."""

    def __init__(self, base: Path | None = None) -> None:
        """Make it, and remove those of bridges that are gone.

        Args:
            base: where the folders of all bridges of this user lie; None for shared memory where there is
                much, else the system's temporary folder.

        Raises:
            BridgeError: when it cannot be made.
        """
        root = self.root = (base or _place()) / f"void-openfx-{_user()}"
        """The folder of all bridges of this user."""
        self.path = root / f"bridge-{os.getpid()}-{round(100 * began(os.getpid()))}"
        try:
            make_private_folder(root, closed=True)
            _sweep(root)
            make_private_folder(self.path, closed=True)
        except (OSError, KeyFileError) as error:
            raise BridgeError(f"No private folder for pixels can be made: {error}.") from error

    @property
    def room_bytes(self) -> int:
        """How many bytes of the plug-in's frames may wait in it."""
        try:
            free = shutil.disk_usage(self.path).free
        except OSError:
            return _LEAST_ROOM
        # Shared memory is memory that the host would have.
        return max(_LEAST_ROOM, min(_MOST_ROOM, free // 4, psutil.virtual_memory().available // 4))

    def remove(self) -> None:
        """Remove it with all that is in it."""
        shutil.rmtree(self.path, ignore_errors=True)


def _place() -> Path:
    with suppress(OSError):
        if os.access(_SHARED_MEMORY, os.W_OK) and shutil.disk_usage(_SHARED_MEMORY).free >= _LEAST_FREE:
            return _SHARED_MEMORY
    return Path(tempfile.gettempdir())


def _user() -> str:
    if os.name == "posix":
        return str(os.getuid())
    return re.sub(r"\W", "_", getpass.getuser())


def _sweep(root: Path) -> None:
    for folder in root.iterdir():
        match = _NAME.fullmatch(folder.name)
        if match is not None and is_gone(int(match[1]), int(match[2]) / 100):
            _log.info("removing the pixel files that a killed bridge left in %s", folder)
            shutil.rmtree(folder, ignore_errors=True)
