"""Opens files whose names come from others, without waiting for anybody.

Under a name that somebody else may choose or exchange there can be a pipe, on which an open waits for ever, a
device that never ends, or a link to any of these. So a file is opened in a way that does not wait, and then
the open file is looked at, not its name.

``void_engine/plates/storage/access.py`` does the same for plates, since the engine does not import this
package.
"""

from __future__ import annotations

import errno
import os
import stat
import sys
from pathlib import Path
from typing import BinaryIO

_OPEN_FILES = Path("/proc/self/fd")
_FLAGS = (
    os.O_RDONLY
    | getattr(os, "O_NONBLOCK", 0)
    | getattr(os, "O_NOCTTY", 0)
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_BINARY", 0)
)
_LINKS = (errno.ELOOP, errno.EMLINK, errno.ENOTDIR)
"""The errors of systems that were told to follow no link and met one."""
_MAC_PATH_BYTES = 1024
CAN_OPEN_IN_FOLDERS = os.open in os.supports_dir_fd
"""Whether this system opens a file in a folder that is open, whatever has become of the folder's name."""


class NotRegularError(OSError):
    """A name belongs to a folder, a pipe, a device, a socket or a link that is not followed."""


def open_regular(name: str | Path, *, folder: int | None = None, follow: bool = True) -> BinaryIO:
    """Open a regular file for reading, without a buffer.

    Args:
        name: the file's path, or its name in ``folder``.
        folder: the descriptor of an open folder; only where :data:`CAN_OPEN_IN_FOLDERS`.
        follow: whether a link in the file's place is followed.

    Raises:
        NotRegularError: when it is anything else than a regular file.
        OSError: when it cannot be opened.
    """
    flags = _FLAGS if follow else _FLAGS | getattr(os, "O_NOFOLLOW", 0)
    if not follow and not hasattr(os, "O_NOFOLLOW") and Path(name).is_symlink():
        raise NotRegularError(errno.ELOOP, "it is a link", str(name))
    try:
        descriptor = os.open(name, flags, dir_fd=folder)
    except OSError as error:
        if not follow and error.errno in _LINKS:
            raise NotRegularError(error.errno, "it is a link, not a regular file", str(name)) from error
        if error.errno in (errno.ENXIO, errno.EISDIR):  # a socket; on Windows a folder is EACCES
            raise NotRegularError(error.errno, "it is not a regular file", str(name)) from error
        raise
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise NotRegularError(errno.EINVAL, "it is not a regular file", str(name))
        return os.fdopen(descriptor, "rb", buffering=0)
    except BaseException:
        os.close(descriptor)
        raise


def read_small(name: str | Path, most: int, *, folder: int | None = None) -> bytes:
    """Read a regular file that is no link, but no more than ``most`` + 1 bytes: a longer result means that
    the file is longer than allowed.

    Raises:
        NotRegularError, OSError: as :func:`open_regular` does.
    """
    with open_regular(name, folder=folder, follow=False) as file:
        content = b""
        while len(content) <= most and (more := file.read(most + 1 - len(content))):
            content += more
        return content


def real_path(descriptor: int) -> Path | None:
    """Return where an open file or folder lies, without any link; None where the system cannot tell."""
    if _OPEN_FILES.is_dir():
        return (_OPEN_FILES / str(descriptor)).readlink()
    if sys.platform == "darwin":
        import fcntl

        found = fcntl.fcntl(descriptor, fcntl.F_GETPATH, bytes(_MAC_PATH_BYTES))
        return Path(os.fsdecode(found.rstrip(b"\0")))
    return None
