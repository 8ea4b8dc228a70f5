"""Hashes the content of everything that a job reads. Files that did not change are not read again."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
from msgspec import Struct

from void_engine.errors import MissingFrameError
from void_engine.plates.sequence.pattern import FramePattern
from void_protocol.durable import write_whole
from void_protocol.job import RemovalJob
from void_protocol.job_file import encode_job

_BLOCK = 1 << 20


class _Known(Struct, array_like=True):
    size: int
    modified_ns: int
    digest: str


class ContentHashes:
    """Hashes of files. They are remembered in a file by path, size and time of change."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._known: dict[str, _Known] = {}
        if path is not None and path.is_file():
            try:
                self._known = msgspec.json.decode(path.read_bytes(), type=dict[str, _Known])
            except msgspec.DecodeError:
                self._known = {}  # without the memory every file is hashed again

    def of_job(self, job: RemovalJob, check_cancelled: Callable[[], None]) -> str:
        """Return the hash of a job's settings and of the content of all files that it names.

        Raises:
            MissingFrameError: when a frame has no file; it names the first one.
            RemovalCancelled: from ``check_cancelled``.
        """
        total = hashlib.sha256(encode_job(job))

        def digest(entry: tuple[Path, int]) -> str:
            check_cancelled()
            return self._digest(*entry)

        with ThreadPoolExecutor(4, thread_name_prefix="hash") as pool:
            for found in pool.map(digest, _files(job)):
                total.update(found.encode())
        return total.hexdigest()

    def save(self) -> None:
        """Save the hashes for the next run."""
        if self._path is not None:
            write_whole(self._path, msgspec.json.encode(self._known))

    def _digest(self, path: Path, number: int) -> str:
        try:
            status = path.stat()
        except OSError as error:
            raise MissingFrameError(f"frame {number} is missing: there is no file {path}") from error
        known = self._known.get(str(path))
        if known is not None and (known.size, known.modified_ns) == (status.st_size, status.st_mtime_ns):
            return known.digest
        content = hashlib.blake2b(digest_size=16)
        with path.open("rb") as file:
            while block := file.read(_BLOCK):
                content.update(block)
        self._known[str(path)] = _Known(status.st_size, status.st_mtime_ns, content.hexdigest())
        return content.hexdigest()


def _files(job: RemovalJob) -> Iterable[tuple[Path, int]]:
    """Yield every file once, with one of the frames that need it."""
    numbers = job.shot.frame_numbers
    found: dict[Path, int] = {}
    listed = [(pattern, numbers) for pattern in (job.shot.plate, *(matte.pattern for matte in job.mattes))]
    anchors = [] if job.anchors is None else [(job.anchors.pattern, job.anchors.frames)]
    for text, wanted in (*listed, *anchors):
        pattern = FramePattern.parse(text)
        for number in wanted:
            found.setdefault(pattern.path(number), number)
    return found.items()
