"""Decides which paths of clients the server touches at all.

A path outside the folders that clients may use is refused in the same words whether or not something is
there, so that nobody learns what the server's machine holds. The worker checks again when it opens a file
(``void_engine.plates.storage.access``), because somebody may have put a link there since then.
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO

from void_protocol.regular_file import NotRegularError, open_regular, real_path
from void_server.access.open_folder import OpenFolder, open_folder
from void_server.errors import RequestRefused
from void_server.settings import ServerSettings

_EXR_MAGIC = b"\x76\x2f\x31\x01"


@dataclass(frozen=True)
class PathRules:
    """The folders that paths of clients may lead to, links resolved."""

    setting: str
    """The name of the setting that holds the roots, for errors."""
    roots: tuple[Path, ...] | None
    """Paths must lie below one of these; None allows any place."""
    closed: tuple[Path, ...] = ()
    """Paths must not lie below any of these, whatever the roots are: they are the server's own."""

    def require(self, named: Path, real: Path) -> None:
        """Refuse a path. ``real`` is where it leads, with links resolved.

        Raises:
            RequestRefused: with code ``refused_path``, in the same words for all that lies outside.
        """
        is_inside = self.roots is None or any(real.is_relative_to(root) for root in self.roots)
        if is_inside and not any(real.is_relative_to(folder) for folder in self.closed):
            return
        what = f"is outside the folders that this server may use ({self.setting})"
        if self.roots is None:
            what = "lies in the server's own home, which no job may use"
        raise RequestRefused("refused_path", f"{shown(named)} {what}; send the files instead of their paths")

    def resolve(self, named: Path) -> Path:
        """Return where an absolute path leads, with links resolved, if it leads to an allowed place.

        Raises:
            RequestRefused: with code ``refused_path``.
        """
        if not named.is_absolute():
            text = f"{shown(named)} is not absolute; the server has another current folder"
            raise RequestRefused("refused_path", text)
        try:
            real = named.resolve()
        except (OSError, RuntimeError) as error:  # the name is too long, or links lead in a circle
            if self.roots is not None:  # what is wrong with a path outside is nobody's business
                self.require(named, Path())
            text = f"{shown(named)} cannot be followed: {error}"
            raise RequestRefused("refused_path", text) from error
        self.require(named, real)
        return real


def reading_rules(settings: ServerSettings) -> PathRules:
    """Return where clients may have files read by their paths."""
    return PathRules("read_roots", settings.readable, (_real_home(settings.home),))


def writing_rules(settings: ServerSettings) -> PathRules:
    """Return where clients may have files written by their paths."""
    return PathRules("output_roots", settings.writable, (_real_home(settings.home),))


@lru_cache(8)
def _real_home(home: Path) -> Path:
    """Return the server's home with links resolved. It is asked for with every job, and does not move."""
    return home.resolve()


def shown(path: Path) -> str:
    """Return a path for an error, without the end of one that is longer than any real one."""
    text = str(path)
    return text if len(text) <= 300 else f"{text[:300]}..."


@contextlib.contextmanager
def opened_exr(path: Path, rules: PathRules) -> Iterator[BinaryIO]:
    """Open an EXR file for reading. Other files are refused, because what a client may ask about their bytes
    would tell it what they hold.

    Raises:
        OSError: when it cannot be opened.
        RequestRefused: with code ``refused_path``.
    """
    with open_allowed(path, rules) as file:
        if not begins_as_exr(file):
            raise RequestRefused("refused_path", f"{shown(path)} is not an EXR file")
        yield file


def begins_as_exr(file: BinaryIO) -> bool:
    """Return whether the file's first bytes are those of an EXR. It is at its beginning afterwards."""
    file.seek(0)
    magic = file.read(len(_EXR_MAGIC))
    file.seek(0)
    return magic == _EXR_MAGIC


def open_allowed(path: Path, rules: PathRules) -> BinaryIO:
    """Open a regular file that the rules allow for reading, without a buffer. The open file is checked, not
    only its name.

    Raises:
        OSError: when it cannot be opened.
        RequestRefused: with code ``refused_path``.
    """
    rules.resolve(path)
    try:
        if not stat.S_ISREG(path.stat().st_mode):  # the mere opening of a device may do something
            raise NotRegularError
        file = open_regular(path)
    except NotRegularError as error:
        raise RequestRefused("refused_path", f"{shown(path)} is not a regular file") from error
    try:
        rules.require(path, real_of(file, path))
    except BaseException:
        file.close()
        raise
    return file


def open_result(folder: Path, name: str) -> BinaryIO:
    """Open a finished frame of a job for reading, without a buffer. No link is followed to it.

    Args:
        folder: the folder that the job writes to, as it was when the job was accepted, links resolved.
        name: the frame's name there.

    Raises:
        OSError: when it cannot be opened.
        RequestRefused: when the folder is another one by now, or the file no regular one.
    """
    path = folder / name
    try:
        file = open_regular(path, follow=False)
    except NotRegularError as error:
        raise RequestRefused("refused_path", f"{name} is not a regular file any more") from error
    try:
        if real_of(file, path).parent != folder:
            text = (
                f"the folder of {name} is not the one any more that the job wrote to: a link leads elsewhere"
            )
            raise RequestRefused("refused_path", text)
    except BaseException:
        file.close()
        raise
    return file


@contextlib.contextmanager
def opened_folder(path: Path, rules: PathRules) -> Iterator[OpenFolder]:
    """Hold a folder open that the rules allow.

    Raises:
        OSError: when it cannot be opened.
        RequestRefused: with code ``refused_path``.
    """
    rules.resolve(path)
    with open_folder(path) as folder:
        rules.require(path, folder.path)
        yield folder


def real_of(file: BinaryIO, path: Path) -> Path:
    """Return where an open file lies, without any link. Where the system cannot tell of an open file, its
    name is followed once more, and must still mean that file.

    Raises:
        RequestRefused: when its name means another file by now.
    """
    real = real_path(file.fileno())
    if real is not None:
        return real
    try:
        real = path.resolve(strict=True)
        if os.path.samestat(real.stat(), os.fstat(file.fileno())):
            return real
    except (OSError, RuntimeError):
        pass
    raise RequestRefused("refused_path", f"{shown(path)} was exchanged while it was opened; try again")
