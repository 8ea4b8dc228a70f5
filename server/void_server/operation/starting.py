"""What the two ways to start a server as another process share: where it prints, and the wait for it."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, TypeVar

from void_protocol.private_folders import make_private_folder
from void_server.errors import ServerStartError

Found = TypeVar("Found")
_LOOK_S = 0.02
_TAIL_BYTES = 2000


def output_file(home: Path) -> Path:
    """Return the file that takes what the server of a home prints."""
    return home / "logs" / "server.log"


def open_output(home: Path) -> BinaryIO:
    """Make the folders of a home that a server needs to print, and open the file that it prints to.

    Raises:
        KeyFileError: when others may write to the home.
    """
    path = output_file(home)
    make_private_folder(home)
    make_private_folder(path.parent)
    return path.open("ab")


def await_start(
    process: subprocess.Popen[bytes], home: Path, find: Callable[[], Found | None], timeout_s: float
) -> Found:
    """Wait until a server that was started listens, and return what ``find`` finds of it then. The process is
    killed when that is not in time.

    Raises:
        ServerStartError: when it ends, or does not listen in time; the message has its last output.
    """
    limit = time.monotonic() + timeout_s
    while (found := find()) is None:
        if process.poll() is not None:
            raise ServerStartError(f"the server ended at once:\n{_last_words(home)}")
        if time.monotonic() > limit:
            process.kill()
            raise ServerStartError(f"no server after {timeout_s:g} s:\n{_last_words(home)}")
        time.sleep(_LOOK_S)
    return found


def _last_words(home: Path) -> str:
    return output_file(home).read_bytes()[-_TAIL_BYTES:].decode("utf-8", "replace")
