"""What a result is made from: the job, its version, and the content of every file that it reads.

Names and dates tell too little: a plate that is rendered again, or a matte that is drawn again, keeps its
name. So each frame of a result carries a hash of the *content* of all plates, mattes and anchors that its
removal read. Reading them all again for every look at a result would be slow. Therefore the frame also
carries a *stamp* of these files, a hash of their sizes, times of change and inode numbers: while the stamp is
the same, so is the content, and only a file that looks changed is read.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from void_engine.engines.interface import Monitor
from void_engine.errors import MissingFrameError, PlateError
from void_engine.plates.exr.file import check_end, read_frame, read_header
from void_engine.plates.sequence.sequence import PlateSequence
from void_engine.plates.storage.access import opened
from void_engine.plates.storage.waiting import Patience, read_obstacle

JOB_ID_KEY = "void/job_id"
"""The metadata entry that says which job made a frame."""
FINGERPRINT_KEY = "void/job_fingerprint"
"""The metadata entry that says which version of that job made it: an edited job has another fingerprint."""
INPUTS_KEY = "void/inputs"
"""The metadata entry with the hash of the content of all files that the removal read."""
STAMP_KEY = "void/inputs_stamp"
"""The metadata entry with the stamp that these files had."""

_BLOCK_BYTES = 1 << 20
_READERS = 4
"""How many files are read at a time to hash them."""


class InputFiles:
    """The files that a removal reads. Their stamp is cheap; their content is read at most once, when it is
    needed, and may be asked for from several threads."""

    def __init__(self, sequences: Iterable[tuple[PlateSequence, Iterable[int]]], monitor: Monitor) -> None:
        """Name the files without touching one.

        Args:
            sequences: the plate, the mattes and the anchors, in an order that the job decides, each with the
                frames that are read of it.
            monitor: is told how far the reading is, and may stop it.
        """
        self._files = list(_each_once(sequences))
        self._monitor = monitor
        self._lock = threading.Lock()
        self._stamp = ""
        self._content = ""

    def stamp(self) -> str:
        """Return the hash of the files' sizes, times of change and inode numbers.

        It is taken once, so that what is made from now on carries the stamp of the files as they were before
        they were read.

        Raises:
            MissingFrameError: when a frame has no file.
            PlateError: when a file cannot be looked at.
        """
        with self._lock:
            if not self._stamp:
                total = hashlib.blake2b(digest_size=16)
                for file in self._files:
                    total.update(file.patience.insist(file.identity).encode())
                self._stamp = total.hexdigest()
            return self._stamp

    def content(self) -> str:
        """Return the hash of the files' content, whatever the files are called and wherever they are.

        Raises:
            MissingFrameError: when a frame has no file.
            PlateError: when a file cannot be read.
            RemovalCancelled: when the monitor asks for a stop.
        """
        self.stamp()
        with self._lock:
            if not self._content:
                self._content = self._hashed()
            return self._content

    def know(self, content: str) -> None:
        """Take over the content of files with this stamp, which a frame of the result tells."""
        with self._lock:
            self._content = self._content or content

    def _hashed(self) -> str:
        total = hashlib.blake2b(digest_size=16)
        count = len(self._files)
        with ThreadPoolExecutor(_READERS, thread_name_prefix="hash") as pool:
            try:
                digests = pool.map(self._digest, self._files)
                for step, (file, digest) in enumerate(zip(self._files, digests, strict=True)):
                    self._monitor.progress("inputs", step, count, file.number)
                    total.update(f"{file.place} {file.number} {digest}\n".encode())
            except BaseException:
                pool.shutdown(cancel_futures=True)
                raise
        self._monitor.progress("inputs", count, count)
        return total.hexdigest()

    def _digest(self, file: _InputFile) -> str:
        return file.patience.insist(partial(file.digest, self._monitor))


@dataclass(frozen=True)
class _InputFile:
    place: int
    """Which of the sequences the file belongs to."""
    number: int
    """The first frame that the file stands for."""
    path: Path
    patience: Patience

    def identity(self) -> str:
        """What tells cheaply that a file is the same: its size, time of change and inode number."""
        try:
            status = self.path.stat()
        except OSError as error:
            raise self._unreadable(error) from error
        return f"{self.place} {self.number} {status.st_size} {status.st_mtime_ns} {status.st_ino}\n"

    def digest(self, monitor: Monitor) -> str:
        """The hash of the file's bytes."""
        content = hashlib.blake2b(digest_size=16)
        try:
            with opened(self.path, self.number) as file:
                while block := file.read(_BLOCK_BYTES):
                    monitor.check_cancelled()
                    content.update(block)
        except OSError as error:
            raise self._unreadable(error) from error
        return content.hexdigest()

    def _unreadable(self, error: OSError) -> PlateError:
        if isinstance(error, FileNotFoundError):
            return MissingFrameError(
                f"frame {self.number} is missing: there is no file {self.path}",
                obstacle=f"waiting for frame {self.number} ({self.path})",
            )
        return PlateError(
            f"frame {self.number} ({self.path}) cannot be read: {error.strerror or error}",
            obstacle=read_obstacle(self.path, self.number, error),
        )


def _each_once(sequences: Iterable[tuple[PlateSequence, Iterable[int]]]) -> Iterator[_InputFile]:
    """Yield every file of each sequence once, since a still stands for many frames."""
    for place, (sequence, numbers) in enumerate(sequences):
        seen: set[Path] = set()
        for number in numbers:
            path = sequence.pattern.path(number)
            if path not in seen:
                seen.add(path)
                yield _InputFile(place, number, path, sequence.patience)


@dataclass(frozen=True)
class MadeFrom:
    """What a frame on disk says about how it was made; empty texts where it does not say."""

    job_id: str = ""
    fingerprint: str = ""
    inputs: str = ""
    stamp: str = ""

    @classmethod
    def of(cls, metadata: Mapping[str, object]) -> MadeFrom:
        """Read it from a frame's metadata."""
        keys = (JOB_ID_KEY, FINGERPRINT_KEY, INPUTS_KEY, STAMP_KEY)
        return cls(*(str(metadata.get(key, "")) for key in keys))

    def metadata(self) -> dict[str, str]:
        """Return the metadata entries that say it."""
        return {
            JOB_ID_KEY: self.job_id,
            FINGERPRINT_KEY: self.fingerprint,
            INPUTS_KEY: self.inputs,
            STAMP_KEY: self.stamp,
        }

    def is_of(self, job_id: str, fingerprint: str) -> bool:
        """Whether this version of this job made the frame, from whatever files."""
        return (self.job_id, self.fingerprint) == (job_id, fingerprint)

    def reads_like(self, inputs: InputFiles) -> bool:
        """Whether the frame was made from files of the content that they have now.

        Raises:
            PlateError: when a file cannot be read.
            RemovalCancelled: when the monitor asks for a stop.
        """
        if not self.inputs:
            return False
        if self.stamp == inputs.stamp():
            inputs.know(self.inputs)
            return True
        return self.inputs == inputs.content()


def maker_of(path: Path, number: int) -> MadeFrom | None:
    """Return what a frame on disk says about how it was made; None where its header cannot be read.

    Raises:
        PlateError: when the file cannot be read because of an obstacle that may pass.
    """
    try:
        return MadeFrom.of(read_header(path, number).metadata)
    except PlateError as error:
        if error.obstacle:
            raise
        return None


def is_whole(path: Path, number: int, *, every_pixel: bool = False) -> bool:
    """Whether a frame's file has its end: disks and file servers may lose what they reported as written.

    Args:
        every_pixel: whether all pixels are decoded too, which finds damage anywhere in the file.

    Raises:
        PlateError: when the file cannot be read because of an obstacle that may pass.
    """
    try:
        check_end(path, number)
        if every_pixel:
            read_frame(path, number)
    except PlateError as error:
        if error.obstacle:
            raise
        return False
    return True


def is_empty(path: Path) -> bool:
    """Whether a file has no byte, as a file system that was full or lost its power may leave it."""
    try:
        return path.stat().st_size == 0
    except OSError:
        return False
