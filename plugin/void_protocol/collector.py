"""Fetches a job's streamed results to this machine while the job still runs."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable, Collection, Iterable
from pathlib import Path

from void_protocol.download import fetch_file
from void_protocol.errors import ProtocolError, TransferError
from void_protocol.messages import ResultFile
from void_protocol.sequence import frame_path
from void_protocol.session import Session

_log = logging.getLogger(__name__)
_PARALLEL = 3
"""How many files are fetched at a time: while one arrives, one is verified and one is asked for."""

OnFrame = Callable[[int, Path], None]


class Collector:
    """Fetches each frame of a job once, on threads of its own."""

    def __init__(
        self,
        session: Session,
        job_id: str,
        pattern: str,
        on_frame: OnFrame | None,
        replaces: Collection[int] = (),
    ) -> None:
        self._replaces = replaces
        self._session = session
        self._job_id = job_id
        self._pattern = pattern
        self._on_frame = on_frame
        self._waiting: queue.SimpleQueue[ResultFile | None] = queue.SimpleQueue()
        self._changed = threading.Condition()
        self._seen: set[int] = set()
        self._open = 0
        self._error: ProtocolError | None = None
        self._is_stopped = False
        self._threads = 0

    def add(self, results: Iterable[ResultFile]) -> None:
        """Fetch these results too. Any thread may call this; it never blocks."""
        with self._changed:
            for result in results:
                if result.frame not in self._seen:
                    self._seen.add(result.frame)
                    self._open += 1
                    self._waiting.put(result)
            while self._threads < min(_PARALLEL, self._open):
                threading.Thread(target=self._work, name="void-fetch", daemon=True).start()
                self._threads += 1

    def wait(self) -> None:
        """Block until every added result is in place.

        Raises:
            ProtocolError: the first thing that went wrong. No file is being written any more then: each one
                that was on its way is either whole, or given up and its temporary file gone.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._open == 0 or self._is_stopped)
            if self._error is not None:
                raise self._error

    def stop(self) -> None:
        """Give up the transfers that are under way and end the threads."""
        with self._changed:
            self._is_stopped = True
            self._changed.notify_all()
            for _ in range(self._threads):
                self._waiting.put(None)

    def _is_given_up(self) -> bool:
        return self._is_stopped or self._error is not None

    def _work(self) -> None:
        while (result := self._waiting.get()) is not None:
            error: ProtocolError | None = None
            path = frame_path(self._pattern, result.frame)
            if self._error is None and not self._is_stopped:
                try:
                    self._fetch(result, path)
                    self._tell(result.frame, path)
                except ProtocolError as problem:
                    error = problem
                except Exception as problem:  # noqa: BLE001 - whoever waits must hear of it, whatever it is
                    _log.exception("frame %d cannot be fetched", result.frame)
                    error = TransferError(f"frame {result.frame} cannot be fetched: {problem}")
            with self._changed:
                self._open -= 1
                self._error = self._error or error
                self._changed.notify_all()

    def _fetch(self, result: ResultFile, path: Path) -> None:
        replace = result.frame in self._replaces
        fetch_file(self._session, self._job_id, result, path, self._is_given_up, replace=replace)

    def _tell(self, frame: int, path: Path) -> None:
        if self._on_frame is None:
            return
        try:
            self._on_frame(frame, path)
        except Exception:  # noqa: BLE001 - a failure in the caller's function is no failure of the transfer
            _log.exception("a callback for frame %d failed", frame)
