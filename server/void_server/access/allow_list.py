"""The list of clients that the server lets in: one file with a public key for each."""

from __future__ import annotations

import errno
import logging
import os
from collections.abc import Callable, Collection
from contextlib import suppress
from pathlib import Path

from void_protocol.errors import KeyFileError
from void_protocol.keys import keys_folder, read_key_file

_log = logging.getLogger(__name__)
_NO_HANDLES = (errno.EMFILE, errno.ENFILE)


def allowed_folder(home: Path) -> Path:
    """Return the folder that holds one ``<name>.key`` with the public key of each client that is let in."""
    return keys_folder(home) / "allowed"


class AllowList:
    """The clients that are let in. The folder is read again whenever it changes."""

    def __init__(
        self, folder: Path, run: Callable[[Callable[[], None]], None] = lambda action: action()
    ) -> None:
        """Follow ``folder``. ``run`` does what opens files, and sees to it that handles are left for that."""
        self._folder = folder
        self._run = run
        self._seen: tuple[tuple[str, int, int], ...] | None = None
        self._names: dict[bytes, str] = {}

    def is_allowed(self, public: bytes) -> bool:
        """Return whether this client is on the list now. ``public`` is Z85 text."""
        return public in self.keys()

    def was_allowed(self, public: bytes) -> bool:
        """Return whether this client was on the list when it was last looked at. This touches no file, for
        every message."""
        return public in self._names

    def name_of(self, public: bytes) -> str | None:
        """Return the client's name on the list, or None for a stranger."""
        self.keys()
        return self._names.get(public)

    def keys(self) -> Collection[bytes]:
        """Return the public keys that are on the list now.

        Raises:
            OSError: when the folder cannot be read; what was known is kept.
        """
        self._run(self._look)
        return self._names.keys()

    def _look(self) -> None:
        seen = tuple(sorted(_list_keys(self._folder)))
        if seen != self._seen:
            keys = {Path(name).stem: _read_allowed(self._folder / name) for name, *_ in seen}
            self._names = {key: name for name, key in keys.items() if key is not None}
            self._seen = seen


def _list_keys(folder: Path) -> list[tuple[str, int, int]]:
    """Return what is in the folder; nothing when it is gone, which lets nobody in."""
    found = []
    with suppress(FileNotFoundError), os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.endswith(".key"):
                with suppress(FileNotFoundError):  # the client was taken off the list at this moment
                    status = Path(entry.path).stat()
                    found.append((entry.name, status.st_mtime_ns, status.st_ino))
    return found


def _read_allowed(file: Path) -> bytes | None:
    try:
        return read_key_file(file)[0]
    except KeyFileError as error:  # one damaged file must not lock the others out
        if isinstance(error.__cause__, OSError) and error.__cause__.errno in _NO_HANDLES:
            raise error.__cause__ from None
        _log.warning("this client is not let in: %s", error)
        return None
