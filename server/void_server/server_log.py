"""Writes the server's own log: one JSON object a line, in files that are rotated by size.

``logs/server.jsonl`` is the newest file and ``server.jsonl.1`` the one before it. Each line has ``time``
(UTC), ``level``, ``logger`` and ``message`` and, where they are known, ``job_id``, ``state``, ``worker`` and
``owner``. An exception is in ``trace``.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import queue
import shutil
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from io import TextIOWrapper
from logging.handlers import QueueHandler, QueueListener, RotatingFileHandler
from pathlib import Path

from void_protocol.printable import printable_json
from void_protocol.private_folders import make_private_folder
from void_server.settings import ServerSettings

FIELDS = ("job_id", "state", "worker", "owner")
"""What a record may carry beside its text (``extra=``), for programs that read the log."""
_WAITING_RECORDS = 10_000
_GATHER_S = 0.05
"""Records that come within this time, in seconds, are written together: a thread that woke for each of them
would take its turns from the one that answers clients."""


def server_log_file(settings: ServerSettings) -> Path:
    """Return the newest of the server's log files."""
    return settings.log_folder / "server.jsonl"


class JsonLines(logging.Formatter):
    """Formats a record as one line of JSON, which a terminal can show too."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, str] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        line.update({name: str(record.__dict__[name]) for name in FIELDS if name in record.__dict__})
        if record.exc_info:
            line["trace"] = self.formatException(record.exc_info)
        return printable_json(json.dumps(line, ensure_ascii=False))


class _LinesFile(RotatingFileHandler):
    """A rotating file that formats each record once and leaves flushing to others."""

    _size = 0

    def _open(self) -> TextIOWrapper:
        stream = super()._open()
        self._size = os.fstat(stream.fileno()).st_size
        return stream

    def emit(self, record: logging.LogRecord) -> None:
        try:
            line = self.format(record) + self.terminator
            size = len(line.encode("utf-8", "backslashreplace"))
            if self._size + size >= self.maxBytes:
                self.doRollover()
            if self.stream is None:  # the file could not be opened again after the last rotation
                self.stream = self._open()
            self.stream.write(line)
            self._size += size
        except Exception:  # noqa: BLE001 - like every handler, it must not stop what it logs
            self.handleError(record)


class _Writer(QueueListener):
    """Hands records to the handlers, and flushes ``file`` when there are no more."""

    def __init__(self, records: queue.Queue[logging.LogRecord], file: _LinesFile, *others: logging.Handler):
        super().__init__(records, file, *others, respect_handler_level=True)
        self._records = records
        self._file = file

    def dequeue(self, block: bool) -> logging.LogRecord:
        with contextlib.suppress(queue.Empty):
            return self._records.get_nowait()
        with contextlib.suppress(OSError):  # on a full disk the lines stay in memory
            self._file.flush()
        record = self._records.get(block)
        if isinstance(record, logging.LogRecord):  # anything else ends the queue
            time.sleep(_GATHER_S)
        return record


@contextlib.contextmanager
def logging_to_files(settings: ServerSettings) -> Iterator[None]:
    """Write everything that this process logs, from level INFO on, to the server's log files.

    Raises:
        OSError: when they cannot be written.
        KeyFileError: when others may write to the home or the folder of logs.
    """
    make_private_folder(settings.home)
    make_private_folder(settings.log_folder, closed=True)
    handler = _LinesFile(
        server_log_file(settings),
        maxBytes=settings.log_file_bytes,
        backupCount=settings.log_files,
        encoding="utf-8",
        errors="backslashreplace",
    )
    handler.setFormatter(JsonLines())
    root = logging.getLogger()
    level, others = root.level, list(root.handlers)
    # Nobody waits for a log, so a thread formats and writes it, also what other handlers print on a terminal.
    records: queue.Queue[logging.LogRecord] = queue.Queue(_WAITING_RECORDS)
    listener = _Writer(records, handler, *others)
    root.handlers = [_Handover(records)]
    # What no line shows is not found out for each record either: that took as long as all the rest.
    unused = ("logThreads", "logProcesses", "logMultiprocessing")
    found_out = {name: getattr(logging, name) for name in unused}
    for name in unused:
        setattr(logging, name, False)
    root.setLevel(min(level or logging.INFO, logging.INFO))
    listener.start()
    try:
        yield
    finally:
        for name, value in found_out.items():
            setattr(logging, name, value)
        root.setLevel(level)
        root.handlers = others
        listener.stop()
        handler.close()


class _Handover(QueueHandler):
    """Passes records on unchanged. When too many wait, more are dropped, so that no thread has to wait."""

    def prepare(self, record: logging.LogRecord) -> logging.LogRecord:
        return record

    def enqueue(self, record: logging.LogRecord) -> None:
        with contextlib.suppress(queue.Full):
            self.queue.put_nowait(record)


def rotate_output(path: Path, most_bytes: int, files: int) -> None:
    """Move away what a living process has written, once it is more than ``most_bytes``.

    The process keeps its file open for appending, so the text is copied to ``<name>.1`` and the file is
    emptied. Call this while nothing is written: a line that comes between the two is lost.
    """
    try:
        if path.stat().st_size <= most_bytes:
            return
        for number in range(files - 1, 0, -1):
            older = path.with_name(f"{path.name}.{number}")
            if older.exists():
                older.replace(path.with_name(f"{path.name}.{number + 1}"))
        shutil.copyfile(path, path.with_name(f"{path.name}.1"))
        with path.open("r+b") as file:
            file.truncate(0)
    except OSError as error:
        logging.getLogger(__name__).warning("cannot rotate %s: %s", path, error)
