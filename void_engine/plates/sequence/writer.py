"""Writes the frames of a result on threads, while the engine makes the next ones."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType

from void_engine.errors import OutputError, OutputExistsError
from void_engine.plates.exr.file import write_frame
from void_engine.plates.frame.frame import Frame
from void_engine.plates.storage.waiting import NO_PATIENCE, Patience, with_need


class PlateWriter:
    """Writes frames on threads; each thread writes whole files.

    At most ``in_flight`` frames of ``in_flight_bytes`` wait or are being written. Beyond that :meth:`submit`
    blocks, so memory is bounded. An error on a thread is raised by the next :meth:`submit` or by
    :meth:`close`. Leaving the context by an exception drops the frames that have not been started; complete
    frames stay, and nothing half-written remains.
    """

    def __init__(
        self,
        compression: str | None = None,
        *,
        threads: int = 2,
        in_flight: int = 4,
        in_flight_bytes: int = 256 << 20,
        overwrite: bool = False,
        on_written: Callable[[int, Path], None] | None = None,
        patience: Patience = NO_PATIENCE,
        expected: int = 1,
        replaced: Collection[Path] = (),
        is_same: Callable[[Path, int], bool] | None = None,
    ) -> None:
        """Start the writing threads.

        Args:
            compression, overwrite: see :func:`void_engine.plates.exr.file.write_frame`.
            threads: how many threads write.
            in_flight: how many frames may wait or be written at a time.
            in_flight_bytes: how much memory these frames may hold; one frame may hold more.
            on_written: called on the writing thread with frame number and path when a frame is complete; an
                error that it raises counts as a failed write.
            patience: how long to wait for a volume that is full or gone.
            expected: how many frames will come, to tell how much room they need.
            replaced: existing files that may be replaced although others may not.
            is_same: tells of an existing file whether it is what would be written. It then counts as written:
                another process was given the same work, and was faster.
        """
        self._compression = compression
        self._overwrite = overwrite
        self._on_written = on_written
        self._patience = patience
        self._left = expected
        self._replaced = frozenset(replaced)
        self._is_same = is_same
        self._mean_bytes = 0.0
        self._device: dict[Path, int] = {}
        self._pool = ThreadPoolExecutor(max(1, threads), thread_name_prefix="plate-write")
        self._most = max(1, in_flight)
        self._most_bytes = in_flight_bytes
        self._held: list[int] = []
        """The sizes of the frames that wait or are being written, in bytes."""
        self._lock = threading.Lock()
        self._room = threading.Condition(self._lock)
        self._error: BaseException | None = None
        self._closed = False

    def __enter__(self) -> PlateWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.close()
        else:
            self.abandon()

    def submit(self, frame: Frame, path: Path | str) -> None:
        """Hand over a frame to be written; waits while too many are in flight.

        Raises:
            PlateError, OutputExistsError: when writing an earlier frame has failed.
            ValueError: after the writer was closed.
        """
        if self._closed:
            raise ValueError("the writer is closed")
        size = frame.size_bytes
        with self._room:
            self._room.wait_for(lambda: self._has_room(size))
            self._held.append(size)
        try:
            self._raise_error()
            self._pool.submit(self._write, frame, Path(path))
        except BaseException:
            self._release(size)
            raise

    def _has_room(self, size: int) -> bool:
        if not self._held:
            return True
        return len(self._held) < self._most and sum(self._held) + size <= self._most_bytes

    def _release(self, size: int) -> None:
        with self._room:
            self._held.remove(size)
            self._room.notify_all()

    def close(self) -> None:
        """Wait until every frame is written.

        Raises:
            PlateError, OutputExistsError: when writing a frame has failed and was not reported yet.
        """
        self._closed = True
        self._pool.shutdown()
        self._raise_error()

    def abandon(self) -> None:
        """Drop the frames that have not been started and wait for those that have."""
        self._closed = True
        self._pool.shutdown(cancel_futures=True)

    def _write(self, frame: Frame, path: Path) -> None:
        try:
            with self._lock:
                if self._error is not None:
                    return
            self._patience.insist(lambda: self._attempt(frame, path))
            if self._on_written is not None:
                self._on_written(frame.number, path)
        except BaseException as error:  # noqa: BLE001 - raised again by submit or close
            with self._lock:
                self._error = self._error or error
        finally:
            self._release(frame.size_bytes)

    def _attempt(self, frame: Frame, path: Path) -> None:
        self._require_folder(path)
        try:
            overwrite = self._overwrite or path in self._replaced
            write_frame(frame, path, self._compression, overwrite=overwrite)
        except OutputExistsError:
            if self._is_same is None or not self._is_same(path, frame.number):
                raise
        except OutputError as error:
            needed = max(1, self._left) * (self._mean_bytes or frame.size_bytes)
            error.obstacle = with_need(error.obstacle, int(needed))
            raise
        size = path.stat().st_size
        with self._lock:
            self._left -= 1
            self._mean_bytes = size if not self._mean_bytes else 0.9 * self._mean_bytes + 0.1 * size
            self._device.setdefault(path.parent, path.parent.stat().st_dev)

    def _require_folder(self, path: Path) -> None:
        """Make sure that the folder is still the one that earlier frames went to.

        When a network drive goes away, an empty folder of the local disk may appear in its place. Frames
        written there would be hidden once the drive is back.
        """
        with self._lock:
            device = self._device.get(path.parent)
        try:
            if device is None or path.parent.stat().st_dev == device:
                return
            reason = "another drive is mounted there"
        except OSError as error:
            reason = error.strerror or str(error)
        raise OutputError(
            f"the output folder {path.parent} has gone away: {reason}; bring the drive back",
            obstacle=f"output folder {path.parent} is gone ({reason})",
        )

    def _raise_error(self) -> None:
        with self._lock:
            error = self._error
        if error is not None:
            raise error
