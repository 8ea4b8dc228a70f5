"""What a result is made from: the job, its version, and the content of every file that it reads.

Names and dates tell too little: a plate that is rendered again, or a matte that is drawn again, keeps its
name. So each frame of a result carries a hash of the *content* of all plates, mattes and anchors that its
removal read. Reading them all again for every look at a result would be slow. Therefore this machine
remembers the content that went with a *stamp* of the files, a hash of their names, sizes, times of change and
inode numbers: while the stamp is the same, so is the content, and only files that look changed are read.
"""

from __future__ import annotations

import hashlib
import re
import threading
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from void_engine.caches import cache_folder
from void_engine.engines.interface import Monitor
from void_engine.errors import MissingFrameError, PlateError
from void_engine.plates.exr.file import check_end, read_frame, read_header
from void_engine.plates.sequence.sequence import PlateSequence
from void_engine.plates.storage.access import opened
from void_engine.plates.storage.durable import make_folder, temporary_for
from void_engine.plates.storage.waiting import Patience, read_obstacle

JOB_ID_KEY = "void/job_id"
"""The metadata entry that says which job made a frame."""
FINGERPRINT_KEY = "void/job_fingerprint"
"""The metadata entry that says which version of that job made it: an edited job has another fingerprint."""
INPUTS_KEY = "void/inputs"
"""The metadata entry with the hash of the content of all files that the removal read."""

SHOT_KEY = "void/shot"
"""The metadata entry with the name of the shot."""
OUTPUT_VERSION_KEY = "void/output_version"
"""The metadata entry with the version of the result."""
PROXY_SCALE_KEY = "void/proxy_scale"
"""The metadata entry with the scale at which a frame was made: below 1 it is a proxy."""

_CONTENT = re.compile("[0-9a-f]{32}")
_BLOCK_BYTES = 1 << 20
_READERS = 4
"""How many files are read at a time to hash them."""


class InputFiles:
    """The files that a removal reads. Their content is found at most once, when it is needed; several threads
    may ask for it."""

    def __init__(
        self,
        sequences: Iterable[tuple[PlateSequence, Iterable[int]]],
        monitor: Monitor,
        memory: Path | None = None,
    ) -> None:
        """Name the files without touching one.

        Args:
            sequences: the plate, the mattes and the anchors, in an order that the job decides, each with the
                frames that are read of it.
            monitor: is told how far the reading is, and may stop it.
            memory: the folder that remembers the content by stamp; None for the one of this machine.
        """
        self._files = list(_each_once(sequences))
        self._monitor = monitor
        self._memory = memory
        self._lock = threading.Lock()
        self._content = ""

    def content(self) -> str:
        """Return the hash of the files' content, whatever the files are called and wherever they are.

        It is found once: what is made from now on carries the content that the files had before they were
        read.

        Raises:
            MissingFrameError: when a frame has no file.
            PlateError: when a file cannot be read.
            RemovalCancelled: when the monitor asks for a stop.
        """
        with self._lock:
            if not self._content:
                remembered = self._remembered()
                self._content = _read(remembered) or self._hashed()
                _write(remembered, self._content)
            return self._content

    def _remembered(self) -> Path | None:
        """The file that remembers the content of the files as they look now; None without a folder for it."""
        stamp = hashlib.blake2b(digest_size=16)
        for file in self._files:
            stamp.update(file.patience.insist(file.identity).encode())
        try:
            return (self._memory or cache_folder() / "inputs") / stamp.hexdigest()
        except RuntimeError:  # The user has no home.
            return None

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


def _read(path: Path | None) -> str:
    """A remembered content; empty when there is none."""
    if path is None:
        return ""
    try:
        found = path.read_text("ascii")
    except (OSError, UnicodeDecodeError):
        return ""
    return found if _CONTENT.fullmatch(found) else ""


def _write(path: Path | None, content: str) -> None:
    """Remember a content. Without the memory, files are read again, so a full disk is no error."""
    if path is None or path.exists():
        return
    with suppress(OSError):
        make_folder(path.parent)
        with temporary_for(path) as temporary:
            temporary.write_text(content, "ascii")


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
        seen = f"{status.st_size} {status.st_mtime_ns} {status.st_ino}"
        return f"{self.place} {self.number} {self.path.absolute()} {seen}\n"

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

    @classmethod
    def of(cls, metadata: Mapping[str, object]) -> MadeFrom:
        """Read it from a frame's metadata."""
        keys = (JOB_ID_KEY, FINGERPRINT_KEY, INPUTS_KEY)
        return cls(*(str(metadata.get(key, "")) for key in keys))

    def metadata(self) -> dict[str, str]:
        """Return the metadata entries that say it."""
        return {
            JOB_ID_KEY: self.job_id,
            FINGERPRINT_KEY: self.fingerprint,
            INPUTS_KEY: self.inputs,
        }

    def is_of(self, job_id: str, fingerprint: str) -> bool:
        """Whether this version of this job made the frame, from whatever files."""
        return (self.job_id, self.fingerprint) == (job_id, fingerprint)


def is_proxy_of(found: Mapping[str, object], about: Mapping[str, object]) -> bool:
    """Whether a frame with the metadata ``found`` is a proxy of what ``about``, the metadata of a result,
    tells of: the same version of the same shot, made at a smaller scale."""
    same = all(
        key in found and str(found[key]) == str(about.get(key, "")) for key in (SHOT_KEY, OUTPUT_VERSION_KEY)
    )
    return same and proxy_scale_of(found) < proxy_scale_of(about)


def proxy_scale_of(about: Mapping[str, object]) -> float:
    """The proxy scale that metadata tell; 1 where they tell none."""
    try:
        return float(str(about.get(PROXY_SCALE_KEY, 1.0)))
    except ValueError:
        return 1.0


def metadata_of(path: Path, number: int) -> Mapping[str, object] | None:
    """Return the metadata of a frame on disk; None where its header cannot be read.

    Raises:
        PlateError: when the file cannot be read because of an obstacle that may pass.
    """
    try:
        return read_header(path, number).metadata
    except PlateError as error:
        if error.obstacle:
            raise
        return None


def maker_of(path: Path, number: int) -> MadeFrom | None:
    """Return what a frame on disk says about how it was made; None where its header cannot be read.

    Raises:
        PlateError: when the file cannot be read because of an obstacle that may pass.
    """
    found = metadata_of(path, number)
    return None if found is None else MadeFrom.of(found)


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
