"""The job store's one connection to SQLite. It is opened, written, committed and closed here and nowhere
else.

:mod:`~void_server.broker.jobs.store` and :mod:`~void_server.broker.jobs.store_queue` say what the tables
mean. This module knows transactions, full disks and file modes.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import time
from pathlib import Path

from void_server.broker.jobs.store_schema import open_schema
from void_server.errors import HomeInUseError, StoreError, StoreFullError

_LOG_PAGES = 16_384
"""A write-ahead log of this many pages of 4 KiB is moved into the database, even while somebody waits."""
_UNTIDY_COMMITS = 250
_LEAST_ROOM_BYTES = 256 * 1024


class Database:
    """One open SQLite file in WAL mode. All methods belong to the broker's thread. Those that write raise
    StoreError when the disk fails."""

    def __init__(self, path: Path) -> None:
        """Open or make the file.

        Raises:
            HomeInUseError: when another process has it open.
            StoreError: when it cannot be opened or belongs to another release.
        """
        self._path = path
        self.is_dirty = False
        self._untidy = 0
        """How many commits there were since the log was last moved into the database."""
        self.commits = 0
        self.commit_s = 0.0
        """Seconds that commits have taken since the start."""
        _make_private(path)
        try:
            self._db = _open(path)
        except sqlite3.OperationalError as error:
            if "locked" in str(error):
                raise HomeInUseError(
                    f"another server uses {path.parent}; stop it, or give this one a home of its own"
                ) from error
            raise StoreError(f"cannot open the job store {path}: {error}") from error
        except sqlite3.DatabaseError as error:
            raise StoreError(
                f"the job store {path} is damaged ({error}); move it away to start with an empty one"
            ) from error

    def write(self, statement: str, *values: object) -> sqlite3.Cursor:
        """Change something; :meth:`commit` makes it durable."""
        try:
            if not self.is_dirty:
                self._db.execute("BEGIN IMMEDIATE")
                self.is_dirty = True
            return self._db.execute(statement, values)
        except sqlite3.OperationalError as error:
            raise self._write_error(error) from error

    def read(self, statement: str, *values: object) -> list[sqlite3.Row]:
        """Return what a query finds, with what was written since the last commit."""
        return self._db.execute(statement, values).fetchall()

    def _write_error(self, error: sqlite3.OperationalError) -> StoreError:
        # SQLite reports an I/O error where the write-ahead log cannot grow.
        is_full = "full" in str(error) or shutil.disk_usage(self._path.parent).free < _LEAST_ROOM_BYTES
        return (StoreFullError if is_full else StoreError)(
            f"cannot write the job store {self._path}: {error}; "
            "nothing that was promised is lost: make room or restore the disk and start the server again"
        )

    def commit(self) -> None:
        """Make durable what was written since the last call.

        Raises:
            StoreError: when the disk does not take it. The server then has to end, because what it holds in
                memory is ahead of what it may tell.
        """
        if self.is_dirty:
            began = time.perf_counter()
            try:
                self._db.execute("COMMIT")
            except sqlite3.OperationalError as error:
                raise self._write_error(error) from error
            self.is_dirty = False
            self.commits += 1
            self._untidy += 1
            self.commit_s += time.perf_counter() - began

    def tidy(self) -> None:
        """Move what has gathered in the write-ahead log into the database, once that is worth it.

        The move takes the disk so long that a client who waits for an answer notices it, so this is called
        when none waits. Without a call, the commit that fills the log to :data:`_LOG_PAGES` does it.
        """
        if self._untidy >= _UNTIDY_COMMITS and not self.is_dirty:
            self._untidy = 0
            with contextlib.suppress(sqlite3.OperationalError):  # a commit will meet it again and report it
                self._db.execute("PRAGMA wal_checkpoint(PASSIVE)")

    def close(self) -> None:
        """Close without a commit."""
        self._db.close()


def _open(path: Path) -> sqlite3.Connection:
    database = sqlite3.connect(path, isolation_level=None, timeout=0.5)
    try:
        database.row_factory = sqlite3.Row
        database.execute("PRAGMA locking_mode=EXCLUSIVE")
        database.execute("PRAGMA journal_mode=WAL")
        database.execute("PRAGMA synchronous=FULL")
        database.execute(f"PRAGMA wal_autocheckpoint={_LOG_PAGES}")
        open_schema(database, path)
    except BaseException:
        database.close()
        raise
    return database


def _make_private(path: Path) -> None:
    """Let only the owner read the store, whatever the home folder's own mode, because it holds everybody's
    jobs.

    SQLite gives its log beside it (``-wal``) the mode of the database. The file of an open store must not be
    opened here: closing it again would end this process's own locks on it (POSIX).
    """
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    except FileExistsError:
        for file in (path, *(path.with_name(path.name + end) for end in ("-wal", "-shm", "-journal"))):
            with contextlib.suppress(OSError):  # it is another user's; SQLite will report what it may do
                file.chmod(0o600)
    except OSError as error:
        raise StoreError(f"cannot open the job store {path}: {error.strerror or error}") from error
