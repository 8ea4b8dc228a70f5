"""One text file for each job: what its worker said and what became of it."""

from __future__ import annotations

import logging
import time
from pathlib import Path

_log = logging.getLogger(__name__)


class JobLog:
    """Appends lines, up to a size."""

    def __init__(self, path: Path, most_bytes: int) -> None:
        self._path = path
        self._most_bytes = most_bytes

    def append(self, text: str) -> tuple[int, str]:
        """Append ``text``, each line with the time; return where it begins and what was written (nothing
        once the log is full). A log that cannot be written does not stop a job."""
        text = text.encode("utf-8", "replace").decode()  # what a C library printed may be anything
        stamp = time.strftime("%Y-%m-%d %H:%M:%S")
        lines = "".join(f"{stamp} {line}\n" for line in text.splitlines())
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with self._path.open("ab") as file:
                offset = file.tell()
                if offset >= self._most_bytes:
                    return offset, ""
                if offset + len(lines.encode()) > self._most_bytes:
                    lines = f"{stamp} the log is full ({self._most_bytes} bytes); what follows is lost\n"
                    lines += " " * max(0, self._most_bytes - offset - len(lines.encode()))
                file.write(lines.encode())
        except OSError as error:
            _log.warning("cannot write the job log %s: %s", self._path, error)
            return 0, ""
        return offset, lines

    def read(self, offset: int, most_bytes: int) -> tuple[bytes, int]:
        """A piece of the log and its size so far. A job without a log yet has an empty one.

        Raises:
            OSError: when it is there but cannot be read.
        """
        try:
            with self._path.open("rb") as file:
                size = file.seek(0, 2)
                file.seek(min(offset, size))
                return file.read(most_bytes), size
        except FileNotFoundError:
            return b"", 0
