"""A folder that is held open, so that what is read and written in it stays in it.

Whoever may write in the folder above can exchange a folder for a link at any time. Names below are looked up
in the open folder, not along its path, and links in it are not followed. Where the system cannot do that
(Windows), they are looked up along the path that the folder had when it was opened.
"""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Iterator
from pathlib import Path

from void_protocol.regular_file import CAN_OPEN_IN_FOLDERS, NotRegularError, read_small, real_path

_HAS_FOLDERS = CAN_OPEN_IN_FOLDERS and {os.rename, os.unlink} <= os.supports_dir_fd


class OpenFolder:
    """An open folder; :func:`open_folder` opens one."""

    def __init__(self, path: Path, descriptor: int | None) -> None:
        self.path = path
        """Where the folder lies, links resolved."""
        self._descriptor = descriptor

    def _name(self, name: str) -> str | Path:
        return name if self._descriptor is not None else self.path / name

    def read_small(self, name: str, most: int) -> bytes:
        """Read a file of the folder; see :func:`void_protocol.regular_file.read_small`."""
        return read_small(self._name(name), most, folder=self._descriptor)

    def replace(self, name: str, content: bytes) -> None:
        """Write a file under a name of its own and then give it ``name``. What has that name goes, and is not
        followed when it is a link.

        Raises:
            OSError: when that fails; nothing is left then.
        """
        temporary = f"{name}.{secrets.token_hex(4)}"
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
        folder = self._descriptor
        with os.fdopen(os.open(self._name(temporary), flags, 0o666, dir_fd=folder), "wb") as file:
            try:
                file.write(content)
                file.flush()
                if folder is None:
                    file.close()  # Windows renames no file that is open
                    (self.path / temporary).replace(self.path / name)
                else:
                    os.rename(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)
            except BaseException:
                file.close()
                with contextlib.suppress(OSError):
                    os.unlink(self._name(temporary), dir_fd=folder)
                raise


@contextlib.contextmanager
def open_folder(path: Path) -> Iterator[OpenFolder]:
    """Hold a folder open.

    Raises:
        NotRegularError: when it is no folder.
        OSError: when it cannot be opened.
    """
    if not _HAS_FOLDERS:
        real = path.resolve(strict=True)
        if not real.is_dir():
            raise NotRegularError(f"{path} is not a folder")
        yield OpenFolder(real, None)
        return
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield OpenFolder(real_path(descriptor) or path.resolve(strict=True), descriptor)
    finally:
        os.close(descriptor)
