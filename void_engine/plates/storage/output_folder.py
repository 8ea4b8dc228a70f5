"""The folder of a result, held open from the first byte of a frame to its final name.

Whoever may write in the folder above can exchange the folder for a link at any time. So the folder is opened
once and checked, and everything after that happens in the open folder, whatever its name means by then. Where
the system cannot do that (Windows), the folder's name is checked before and after, and a moment remains.

A file is complete and on the disk before it gets its final name; see
:mod:`~void_engine.plates.storage.durable`.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from void_engine.errors import OutputError
from void_engine.plates.storage.access import HAS_OPEN_FILES, name_of_open, real_path
from void_engine.plates.storage.durable import NOT_FOR_FOLDERS, make_folder, sync_file, sync_folder
from void_engine.plates.storage.policy import current_policy
from void_engine.plates.storage.temporary_names import is_abandoned, temporary_name

_CAN_HOLD = HAS_OPEN_FILES and {os.open, os.mkdir, os.rename, os.stat, os.unlink} <= os.supports_dir_fd
_NO_LINK = getattr(os, "O_NOFOLLOW", 0)
_FOLDER = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_CLOEXEC", 0)


class NewFile:
    """A file that is being written, under a temporary name in an output folder."""

    def __init__(self, name: str, final_name: str, descriptor: int | None, path: Path) -> None:
        self.name = name
        self.final_name = final_name
        """The name that the file is made for."""
        self.descriptor = descriptor
        """The open file; None where names have to do."""
        self.path = path

    @property
    def library_path(self) -> str:
        """The name under which a library of this process writes the file."""
        return str(self.path) if self.descriptor is None else name_of_open(self.descriptor)

    def write(self, content: bytes) -> None:
        """Write a small file whole, and have it on the disk when this returns.

        Raises:
            OSError: when that fails.
        """
        if self.descriptor is None:
            self.path.write_bytes(content)
            sync_file(self.path)
            return
        left = memoryview(content)
        while left:
            left = left[os.write(self.descriptor, left) :]
        os.fsync(self.descriptor)

    @property
    def size(self) -> int:
        return (self.path.stat() if self.descriptor is None else os.fstat(self.descriptor)).st_size


class OutputFolder:
    """An open output folder; :func:`output_folder` opens one."""

    def __init__(self, path: Path, descriptor: int | None) -> None:
        self.path = path
        self._descriptor = descriptor

    @contextmanager
    def new_file(self, name: str, suffix: str = "") -> Iterator[NewFile]:
        """Make a file under a temporary name: hidden, ending in ``.part`` and ``suffix``. It is gone at the
        end of this context, unless it was given its final name.

        Raises:
            OSError: when that fails.
        """
        temporary = temporary_name(name, suffix)
        path = self.path / temporary
        if self._descriptor is None:
            try:
                yield NewFile(temporary, name, None, path)
            finally:
                with suppress(OSError):
                    path.unlink()
            return
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | _NO_LINK
        descriptor = os.open(temporary, flags, 0o666, dir_fd=self._descriptor)
        try:
            yield NewFile(temporary, name, descriptor, path)
        finally:
            os.close(descriptor)
            with suppress(OSError):
                os.unlink(temporary, dir_fd=self._descriptor)

    def names(self) -> list[str]:
        """Return the names of all that is in the folder."""
        with os.scandir(self.path if self._descriptor is None else self._descriptor) as entries:
            return [entry.name for entry in entries]

    def remove_abandoned(self, names: Collection[str]) -> None:
        """Delete temporary files for files of ``names`` that nobody is writing any more.

        Raises:
            OSError: when the folder cannot be read.
        """
        for entry in self.names():
            with suppress(OSError):
                if is_abandoned(entry, names, self._modified_s(entry)):
                    self.unlink(entry)

    def _modified_s(self, name: str) -> float:
        if self._descriptor is None:
            return (self.path / name).lstat().st_mtime
        return os.stat(name, dir_fd=self._descriptor, follow_symlinks=False).st_mtime

    def unlink(self, name: str) -> None:
        """Delete a file."""
        os.unlink(self.path / name if self._descriptor is None else name, dir_fd=self._descriptor)

    def exists(self, name: str) -> bool:
        """Return whether the folder has such a file, or a link that bears its name."""
        try:
            if self._descriptor is None:
                (self.path / name).lstat()
            else:
                os.stat(name, dir_fd=self._descriptor, follow_symlinks=False)
        except FileNotFoundError:
            return False
        return True

    def put_in_place(self, file: NewFile, name: str) -> None:
        """Give a finished file its final name, durably.

        Raises:
            OSError: when that fails; the whole file then has its temporary or its final name.
        """
        if self._descriptor is None or file.descriptor is None:
            sync_file(file.path)
            check_output_folder(self.path)
            file.path.replace(self.path / name)
            sync_folder(self.path)
            return
        os.fsync(file.descriptor)
        os.rename(file.name, name, src_dir_fd=self._descriptor, dst_dir_fd=self._descriptor)
        _sync_open_folder(self._descriptor)

    def device(self) -> int:
        """Return the number of the volume that the folder is on."""
        return (self.path.stat() if self._descriptor is None else os.fstat(self._descriptor)).st_dev

    def free_bytes(self) -> int:
        """Return how many bytes the volume has left for this user; 0 where that cannot be told."""
        with suppress(OSError):
            if self._descriptor is not None:
                found = os.fstatvfs(self._descriptor)
                return found.f_bavail * found.f_frsize
        return free_bytes(self.path)


def free_bytes(folder: Path) -> int:
    """Return how many bytes the volume of a folder has left for this user; 0 where that cannot be told."""
    with suppress(OSError):
        return shutil.disk_usage(folder).free
    return 0


def put_in_place(file: NewFile, folder: OutputFolder, name: str) -> None:
    """Give a finished file of ``folder`` its final name; see :meth:`OutputFolder.put_in_place`."""
    folder.put_in_place(file, name)


@contextmanager
def output_folder(path: Path, *, make: bool = True) -> Iterator[OutputFolder]:
    """Hold a folder open, if this process may write there. With ``make``, it is made with its parents when it
    is not there.

    Raises:
        OSError: when it cannot be made or opened.
        OutputError: when it is not the folder that may be written to.
    """
    check_output_folder(path)
    if not _CAN_HOLD:
        if make:
            make_folder(path)
        yield OutputFolder(path, None)
        return
    descriptor = _open_or_make(path) if make else os.open(path, _FOLDER)
    try:
        _check_real(path, real_path(descriptor, path))
        yield OutputFolder(path, descriptor)
    finally:
        os.close(descriptor)


def check_output_folder(folder: Path) -> None:
    """Make sure that a folder is the one where results may be written; it need not exist yet.

    Raises:
        OutputError: when it is another one.
    """
    if current_policy().output_folder is None:
        return
    try:
        real = folder.resolve()
    except (OSError, RuntimeError) as error:  # the links may lead in a circle
        raise OutputError(f"{folder} cannot be followed: {error}") from error
    _check_real(folder, real)


def _check_real(named: Path, real: Path | None) -> None:
    allowed = current_policy().output_folder
    if allowed is not None and real != allowed:
        raise OutputError(
            f"{named} is not the folder any more that this job may write to, as it was when the job was "
            "accepted: a link leads elsewhere; submit the job again, or have the files sent back"
        )


def _open_or_make(path: Path) -> int:
    """Open a folder and make what is missing of it. New folders are made in the open folder above, which no
    link can replace any more."""
    missing: list[str] = []
    above = path
    while True:
        try:
            descriptor = os.open(above, _FOLDER)
            break
        except FileNotFoundError:
            if above.parent == above:
                raise
            missing.append(above.name)
            above = above.parent
    try:
        if missing and current_policy().output_folder is not None and real_path(descriptor, above) != above:
            _check_real(path, None)
        for name in reversed(missing):
            with suppress(FileExistsError):  # another process has just made it
                os.mkdir(name, dir_fd=descriptor)
                _sync_open_folder(descriptor)
            below = os.open(name, _FOLDER | _NO_LINK, dir_fd=descriptor)
            os.close(descriptor)
            descriptor = below
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def _sync_open_folder(descriptor: int) -> None:
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in NOT_FOR_FOLDERS:
            raise
