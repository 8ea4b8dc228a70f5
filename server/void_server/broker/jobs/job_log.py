"""Keeps one text file for each job, with what its worker reported and what became of it. Every line begins
with the time in UTC, ``2026-01-31T23:59:59+00:00``, and has printable characters only.

The broker's thread decides what a log says and at which byte. Another thread writes it, all lines of one turn
at once, so that opening files costs the broker nothing. A log is not a promise: a power cut may take its last
lines.
"""

from __future__ import annotations

import logging
import time
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from void_protocol.errors import KeyFileError
from void_protocol.printable import printable_entry
from void_protocol.private_folders import make_private_folder
from void_server.broker.keyed_threads import KeyedThreads

_log = logging.getLogger(__name__)
_KNOWN_LOGS = 4096
"""How many logs have their sizes kept in memory; the sizes of others are looked up."""


class JobLogs:
    """The logs of all jobs. All methods belong to the broker's thread."""

    def __init__(
        self,
        path_of: Callable[[str], Path],
        most_bytes: int,
        threads: KeyedThreads,
        first_line: Callable[[str], tuple[float, str]],
    ) -> None:
        """Prepare to write logs.

        Args:
            path_of: returns where a job's log lies.
            most_bytes: the largest size of one log.
            threads: the threads that read and write the files.
            first_line: returns how a job's log begins, and when that was (seconds since 1970). The line is
                made when the log is first written or read.
        """
        self._path_of = path_of
        self._first_line = first_line
        self._most_bytes = most_bytes
        self._threads = threads
        self._sizes: OrderedDict[str, int] = OrderedDict()
        self._waiting: dict[str, list[bytes]] = {}

    def append(self, job_id: str, text: str) -> tuple[int, str]:
        """Append ``text``, each line with the time. Return where it begins and what the next :meth:`flush`
        will write (nothing once the log is full)."""
        offset = self._size(job_id)
        if offset >= self._most_bytes:
            return offset, ""
        stamp = _stamp(time.time())
        lines = _dated(stamp, text)
        if offset + len(lines.encode()) > self._most_bytes:
            lines = f"{stamp} the log is full ({self._most_bytes} bytes); what follows is lost\n"
            lines += " " * max(0, self._most_bytes - offset - len(lines.encode()))
        data = lines.encode()
        self._sizes[job_id] = offset + len(data)
        self._waiting.setdefault(job_id, []).append(data)
        return offset, lines

    def forget(self, job_id: str) -> None:
        """Forget the log's size, because the job's folder is new or gone; it is looked up again."""
        self._sizes.pop(job_id, None)
        self._waiting.pop(job_id, None)

    def flush(self) -> None:
        """Hand what was appended to the threads that write."""
        waiting, self._waiting = self._waiting, {}
        for job_id, pieces in waiting.items():
            self._threads.do(job_id, partial(_write, self._path_of(job_id), b"".join(pieces)))

    def close(self) -> None:
        """Write what is left, here and now, because the threads have ended."""
        waiting, self._waiting = self._waiting, {}
        for job_id, pieces in waiting.items():
            _write(self._path_of(job_id), b"".join(pieces))

    def read(
        self, job_id: str, offset: int, most_bytes: int, then: Callable[[Future[tuple[bytes, int]]], None]
    ) -> None:
        """Read a piece of a log, and its size so far, on its thread. Everything that was appended before is
        in it. The future fails with OSError when the log is there but cannot be read."""
        self._size(job_id)  # a log without a line yet begins now
        self.flush()
        self._threads.run(job_id, partial(read_log, self._path_of(job_id), offset, most_bytes), then)

    def _size(self, job_id: str) -> int:
        size = self._sizes.get(job_id)
        if size is None:
            try:
                size = self._path_of(job_id).stat().st_size
            except OSError:
                size = self._begin(job_id)
            if len(self._sizes) >= _KNOWN_LOGS:
                self._sizes.popitem(last=False)
        self._sizes[job_id] = size
        self._sizes.move_to_end(job_id)
        return size

    def _begin(self, job_id: str) -> int:
        """Give a log its first line and return that line's length in bytes."""
        when, text = self._first_line(job_id)
        data = _dated(_stamp(when), text).encode()
        self._waiting.setdefault(job_id, []).append(data)
        return len(data)


def _stamp(when: float) -> str:
    return datetime.fromtimestamp(when, UTC).isoformat(timespec="seconds")


def _dated(stamp: str, text: str) -> str:
    """Begin each line with the time. The second line of a text and those after it are indented, so that no
    part of a text (it may quote a file of somebody else) looks like another entry of the log."""
    return "".join(f"{stamp} {line}\n" for line in printable_entry(text.removesuffix("\n")).split("\n"))


def _write(path: Path, data: bytes) -> None:
    """Write lines to a log; a log that cannot be written does not stop a job."""
    try:
        make_private_folder(path.parent)
        with path.open("ab") as file:
            file.write(data)
    except (OSError, KeyFileError) as error:
        _log.warning("cannot write the job log %s: %s", path, error)


def read_log(path: Path, offset: int, most_bytes: int) -> tuple[bytes, int]:
    """Read a piece of a log, and its size so far. The log of a job without one is empty.

    Raises:
        OSError: when it is there but cannot be read.
    """
    try:
        with path.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(min(offset, size))
            return file.read(most_bytes), size
    except FileNotFoundError:
        return b"", 0
