"""A plate as a sequence of frames that are read ahead on threads and cached.

OpenImageIO releases Python's global lock while it works, so Python threads suffice. Each thread reads whole
files; the library's own thread pool still splits one file when the others are idle.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from void_engine.errors import MissingFrameError, PlateError, RefusedFileError
from void_engine.geometry import Box, union_of
from void_engine.plates.exr.file import read_frame, read_header
from void_engine.plates.frame.frame import Frame
from void_engine.plates.frame.header import FrameHeader
from void_engine.plates.frame.layers import shown
from void_engine.plates.frame.proxy import divisor_of, proxy_window
from void_engine.plates.sequence.pattern import FramePattern, compact_frames, refuse_foreign_path
from void_engine.plates.storage.waiting import NO_PATIENCE, Patience

DEFAULT_CACHE_BYTES = 256 * 2**20
"""How much memory the cached frames of a sequence may hold by default."""
_IN_THE_MAKING_S = 20.0
"""An unreadable file that changed less than this many seconds ago is taken for one that is being written."""
T = TypeVar("T")
_Version = tuple[int, int]
"""A file's size and modification time, by which it is recognised hours later. The inode number is not used,
because a network drive that was gone and is back may number its files anew."""


@dataclass(frozen=True, slots=True)
class ShotFormat:
    """The format that the frames of a shot have in common, as :meth:`PlateSequence.check` finds it."""

    first: FrameHeader
    """The header of the first frame, at full size."""
    data_window: Box
    """The box around the data windows of all frames, at the sequence's scale."""

    @property
    def display_size(self) -> tuple[int, int]:
        """``(width, height)`` of the files at full size, whatever the sequence's scale is."""
        return self.first.display_size

    @property
    def pixel_aspect(self) -> float:
        """Width of a pixel over its height."""
        return self.first.pixel_aspect


class PlateSequence:
    """Random access to the frames ``first_frame`` to ``last_frame`` (both included) of a plate.

    A still stands for every frame. Frames that were read stay in memory up to ``cache_bytes``; the least
    recently used leave first, and the newest stays however large it is. A file that changes between two reads
    is an error, because a result must not be made half from one plate and half from another. Going through
    the frames in order, in either direction, reads the next ``read_ahead`` frames on threads. A sequence may
    be used from several threads, and a frame that several of them ask for is read once. Close it, or use it
    as a context manager.
    """

    def __init__(
        self,
        pattern: FramePattern | str | Path,
        first_frame: int,
        last_frame: int,
        *,
        scale: float = 1.0,
        cache_bytes: int = DEFAULT_CACHE_BYTES,
        read_ahead: int = 2,
        threads: int = 2,
    ) -> None:
        """Prepare the sequence without touching a file.

        Args:
            pattern: the files' names.
            first_frame, last_frame: the range of frames, both included.
            scale: scale of the frames to return, 1 or that of a proxy (:meth:`Frame.scaled`).
            cache_bytes: how much memory the cached frames may hold.
            read_ahead: how many frames are read ahead.
            threads: how many threads read ahead.

        Raises:
            PlateError: for a pattern that cannot be used or a range that runs backwards.
            SettingError: for a scale that is not one over a whole number.
        """
        self.pattern = pattern if isinstance(pattern, FramePattern) else FramePattern.parse(pattern)
        refuse_foreign_path(self.pattern.text)
        if last_frame < first_frame:
            raise PlateError(
                f"{self.pattern}: the last frame {last_frame} comes before the first frame {first_frame}"
            )
        self.frame_numbers = range(first_frame, last_frame + 1)
        self._divisor = divisor_of(scale)
        self._cache_bytes = cache_bytes
        self._read_ahead = read_ahead
        self.patience: Patience = NO_PATIENCE
        """How long to wait for a frame that is late or cannot be read now."""
        self._pool = ThreadPoolExecutor(max(1, threads), thread_name_prefix="plate-read")
        self._lock = threading.Lock()
        self._frames: OrderedDict[int, Future[Frame]] = OrderedDict()
        self._held_bytes = 0
        self._frame_bytes = 0
        """The size of the last frame that was read."""
        self._versions: dict[int, _Version] = {}
        """Versions of the files that were read, by frame number."""
        self._last_asked: int | None = None

    def __enter__(self) -> PlateSequence:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop reading ahead and release the frames; reads that are under way are waited for."""
        self._pool.shutdown(cancel_futures=True)
        with self._lock:
            for future in self._frames.values():
                future.cancel()  # This wakes whoever waits for a read that will not begin.
            self._frames.clear()
            self._held_bytes = 0

    def header(self, number: int) -> FrameHeader:
        """A frame's header, read from its file.

        Raises:
            KeyError: for a number outside the range.
            PlateError: when the file cannot be read.
        """
        self._require(number)
        path = self.pattern.path(number)
        return _read_steadily(path, number, lambda: read_header(path, number))[0]

    @property
    def pixel_aspect(self) -> float:
        """Width of a pixel over its height, read from the first frame.

        Raises:
            PlateError: when the first frame cannot be read.
        """
        return self.header(self.frame_numbers[0]).pixel_aspect

    def check(self) -> ShotFormat:
        """Read the headers of all frames and make sure that they belong to one shot.

        Data windows may differ from frame to frame.

        Raises:
            MissingFrameError: when frames have no file; the message lists all of them.
            PlateError: for the first frame that cannot be read, or whose display window, pixel aspect or
                channels differ from the first frame's.
        """
        if self.pattern.is_still:
            return self._format_of([self.header(self.frame_numbers[0])])
        numbers = list(self.frame_numbers)
        missing = [number for number in numbers if not self.pattern.path(number).exists()]
        if missing:
            plural = "s" if len(missing) > 1 else ""
            raise MissingFrameError(
                f"{self.pattern}: missing frame{plural} {compact_frames(missing)} "
                f"of {compact_frames(numbers)}; render or copy them, or change the frame range",
                obstacle=f"waiting for frame{plural} {compact_frames(missing)} of {self.pattern}",
            )
        waiting = [self._pool.submit(self.header, number) for number in numbers]
        headers = []
        try:
            for pending in waiting:
                headers.append(pending.result())
                _require_same_shot(headers[0], headers[-1])
        finally:
            for pending in waiting:
                pending.cancel()
        return self._format_of(headers)

    def _format_of(self, headers: Sequence[FrameHeader]) -> ShotFormat:
        window = union_of(header.data_window for header in headers)
        return ShotFormat(headers[0], proxy_window(window, self._divisor))

    def frame(self, number: int) -> Frame:
        """A frame with its pixels, from the cache where it is still there.

        Raises:
            KeyError: for a number outside the range.
            PlateError: when its file cannot be read even after :attr:`patience` has run out.
        """
        self._require(number)
        return self.patience.insist(lambda: self._frame(number))

    def _frame(self, number: int) -> Frame:
        key = self._key(number)
        with self._lock:
            future = self._frames.get(key)
            reader = future is None
            if future is None:
                future = self._frames[key] = Future()
            self._frames.move_to_end(key)
            if reader:
                # Room is made first: of the largest frames, one more is a good part of the memory.
                self._evict(key, self._frame_bytes)
        if reader:
            self._read(key, future)
        frame = self._result(key, future)
        self._prefetch_after(number, frame.size_bytes)
        return frame.numbered(number)

    def prefetch(self, numbers: Sequence[int]) -> None:
        """Start to read these frames on threads; a failed read raises only when its frame is asked for."""
        for number in numbers:
            self._require(number)
            key = self._key(number)
            with self._lock:
                if key in self._frames:
                    continue
                future: Future[Frame] = Future()
                self._frames[key] = future
            try:
                self._pool.submit(self._read, key, future)
            except RuntimeError:
                # The sequence was closed meanwhile, so nothing is read ahead any more.
                with self._lock:
                    self._frames.pop(key, None)
                future.cancel()
                return

    def _key(self, number: int) -> int:
        return self.frame_numbers[0] if self.pattern.is_still else number

    def _require(self, number: int) -> None:
        if number not in self.frame_numbers:
            raise KeyError(
                f"frame {number} is outside {compact_frames(self.frame_numbers)} of {self.pattern}"
            )

    def _read(self, key: int, future: Future[Frame]) -> None:
        """Read a frame and store it in ``future``, which the cache holds under ``key``."""
        if not future.set_running_or_notify_cancel():
            return
        try:
            path = self.pattern.path(key)
            whole, version = _read_steadily(path, key, lambda: read_frame(path, key))
            if self._versions.setdefault(key, version) != version:
                raise PlateError(
                    f"frame {key} ({path}) was replaced or changed after this run had read it; run the "
                    "job again under a new version, so that all of the result is of one plate"
                )
            frame = whole.scaled(1 / self._divisor)
        except BaseException as error:  # noqa: BLE001 - the future hands it to whoever waits for the frame
            with self._lock:
                # The failed read is forgotten, so that the frame can be read once its file is repaired.
                if self._frames.get(key) is future:
                    del self._frames[key]
            future.set_exception(error)
            return
        future.set_result(frame)
        with self._lock:
            if self._frames.get(key) is future:
                self._held_bytes += frame.size_bytes
                self._frame_bytes = frame.size_bytes
                self._evict(key)

    def _evict(self, newest: int, coming: int = 0) -> None:
        """Drop the least recently used frames until the limit is kept with as many bytes as are coming. The
        caller holds the lock."""
        for key, future in list(self._frames.items()):
            if self._held_bytes + coming <= self._cache_bytes:
                return
            if key != newest and future.done() and future.exception() is None:
                self._held_bytes -= future.result().size_bytes
                del self._frames[key]

    def _result(self, key: int, future: Future[Frame]) -> Frame:
        try:
            return future.result()
        except CancelledError as error:
            raise PlateError(
                f"{self.pattern}: frame {key} was asked for while the plate was closed"
            ) from error

    def _prefetch_after(self, number: int, frame_bytes: int) -> None:
        """Read ahead where the caller goes through the frames in order; a jump starts nothing."""
        with self._lock:
            last, self._last_asked = self._last_asked, number
        step = 1 if last is None else number - last
        if self.pattern.is_still or abs(step) != 1:
            return
        # One frame is in use and one was just used; the rest of the cache is free for reading ahead.
        room = self._cache_bytes // max(1, frame_bytes) - 2
        ahead = [number + step * offset for offset in range(1, min(self._read_ahead, room) + 1)]
        self.prefetch([wanted for wanted in ahead if wanted in self.frame_numbers])


def _read_steadily(path: Path, number: int, read: Callable[[], T]) -> tuple[T, _Version]:
    """Read a file that does not change meanwhile, and return the version of it that was read.

    Raises:
        PlateError: when ``read`` raises it, or when the file was replaced or written to meanwhile.
    """
    before = _identity(path)
    try:
        result = read()
    except (MissingFrameError, RefusedFileError):
        raise
    except PlateError as error:
        # A renderer may write under the final name, and what it has written so far looks damaged.
        if not error.obstacle and before is not None and time.time() - before[1] / 1e9 < _IN_THE_MAKING_S:
            error.obstacle = f"waiting for frame {number} to be whole ({path})"
        raise
    if _identity(path) != before:
        raise PlateError(
            f"frame {number} ({path}) was replaced or changed while it was read; keep the plate as it is "
            "until the job is done",
            obstacle=f"waiting for frame {number}, which is being replaced ({path})",
        )
    return result, before[:2] if before else (0, 0)


def _identity(path: Path) -> tuple[int, int, int] | None:
    """Size, modification time and inode of a file, which differ once another takes its place, or None."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_size, found.st_mtime_ns, found.st_ino


def _require_same_shot(first: FrameHeader, other: FrameHeader) -> None:
    def differs(what: str, ours: object, theirs: object) -> PlateError:
        return PlateError(
            f"{other.described} has {what} {theirs}, but frame {first.number} has {ours}; "
            "all frames of a shot must agree: render it again or choose a range that agrees"
        )

    def size(header: FrameHeader) -> str:
        return "{}x{}".format(*header.display_size)

    if other.display_size != first.display_size:
        raise differs("a display window of", size(first), size(other))
    if other.pixel_aspect != first.pixel_aspect:
        raise differs("a pixel aspect of", first.pixel_aspect, other.pixel_aspect)
    if set(other.channels) != set(first.channels):
        raise differs("the channels", _channels_text(first), _channels_text(other))


def _channels_text(header: FrameHeader) -> str:
    names = {"float16": "half", "float32": "float", "uint32": "uint"}
    return ", ".join(f"{shown(channel.name)} ({names[channel.dtype.name]})" for channel in header.channels)
