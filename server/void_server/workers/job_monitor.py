"""The monitor through which a run in a worker reports to the broker."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from void_engine.arrays import Float32Array
from void_engine.colour import srgb
from void_engine.errors import RemovalCancelled
from void_engine.plates.storage.access import opened
from void_engine.shares import Shares
from void_protocol.messages import Message, PreviewEvent, ProgressEvent, ProgressInfo
from void_server.workers.worker_link import FrameWhole, LogLine, StageOver, Waiting

PROGRESS_S = 0.1
"""A stage's progress is reported at most this often, in seconds, and at the stage's end."""
PREVIEW_S = 0.5
PREVIEW_PX = 480
"""The longest side of a preview, in pixels."""
_READ_BYTES = 4 * 1024 * 1024
_REREAD_S = 1.0
_MOST_JUDGED = 20_000
"""The verdict is told of so many frames at most, a letter for each."""
_UNHASHED_FRAMES = 8
"""The most finished frames that are left waiting for their checksums."""

Send = Callable[[Message, Sequence[bytes]], None]


@dataclass
class _StageClock:
    """The time of one stage, from its first progress to its last. Stages may take turns; one that was whole
    may begin again, and what lies between is not its time."""

    began: float
    first_step: int
    last: float
    next_told: float
    is_whole: bool = False
    before_s: float = 0.0
    """The seconds of its earlier rounds."""
    seconds_told: float | None = None
    """The seconds that the broker knows of; None before it knows of the stage."""

    @property
    def elapsed_s(self) -> float:
        return self.last - self.began

    @property
    def seconds(self) -> float:
        """The time of all rounds."""
        return self.before_s + self.elapsed_s

    def tick(self, now: float, step: int, steps: int) -> None:
        """Take notice of a step."""
        if self.is_whole and step < steps:
            self.before_s += self.elapsed_s
            self.began = self.next_told = now
            self.first_step = step
        self.last = now
        self.is_whole = step >= steps

    def eta_s(self, step: int, steps: int) -> float | None:
        """Estimate what is left from the steps since the first one; None while there was only one."""
        if step >= steps:
            return 0.0
        if step <= self.first_step:
            return None
        return self.elapsed_s / (step - self.first_step) * (steps - step)


class WorkerMonitor:
    """A :class:`~void_engine.removal_monitor.RemovalMonitor`. Any thread may call; none waits for the
    network."""

    def __init__(self, job_id: str, send: Send, stop: threading.Event, wait_s: float = 0.0) -> None:
        """Prepare to report. A finished frame may be out of reach for ``wait_s`` seconds."""
        self._job_id = job_id
        self._wait_s = wait_s
        self._send = send
        self._stop = stop
        self._lock = threading.Lock()
        self._stages: dict[str, _StageClock] = {}
        self._shares: Shares | None = None
        self._verdict = ""
        self._are_shares_told = True
        self._last_told: ProgressInfo | None = None
        self.last_sign = time.monotonic()
        """When the run last spoke to this monitor."""
        self.stage = ""
        """The stage that the run was in at that time."""
        self._next_preview = 0.0
        self._last_frame = time.monotonic()
        self._hasher = ThreadPoolExecutor(1, thread_name_prefix="void-checksum")
        self._hashes: list[Future[None]] = []

    def progress(self, stage: str, step: int, steps: int, frame: int | None = None) -> None:
        self.check_cancelled()
        self.stage = stage
        now = time.monotonic()
        with self._lock:
            clock = self._stages.setdefault(stage, _StageClock(now, step, last=now, next_told=now))
            clock.tick(now, step, steps)
            if now < clock.next_told and step < steps:
                return
            clock.next_told = now + PROGRESS_S
            eta_s = clock.eta_s(step, steps)
            info = ProgressInfo(
                stage=stage,
                step=step,
                steps=steps,
                frame=frame,
                elapsed_s=round(clock.elapsed_s, 3),
                eta_s=None if eta_s is None else round(eta_s, 1),
                **self._told_shares(),
            )
            self._tell(info)
            if step >= steps:
                self._tell_time(stage, clock)

    def _tell(self, info: ProgressInfo) -> None:
        self._last_told = info
        self._are_shares_told = True
        self._send(ProgressEvent(job_id=self._job_id, progress=info), ())

    def _told_shares(self) -> dict[str, Any]:
        """The shares of the frames made so far, and the verdict, as the progress tells them."""
        told: dict[str, Any] = {"verdict": self._verdict} if self._verdict else {}
        if self._shares is None:
            return told
        names = ("real", "guessed", "invented", "moved", "model")
        shares = {name: getattr(self._shares, name) for name in names}
        return {**told, **{name: round(share, 4) for name, share in shares.items() if share is not None}}

    def _tell_time(self, stage: str, clock: _StageClock) -> None:
        """Report the part of a stage's time that the broker does not know yet; it adds up the reports."""
        seconds = clock.seconds - (clock.seconds_told or 0.0)
        if clock.seconds_told is None or seconds > 0:
            clock.seconds_told = clock.seconds
            self._send(StageOver(job_id=self._job_id, stage=stage, seconds=seconds), ())

    def preview(self, frame: int, picture: Float32Array) -> None:
        now = self.last_sign = time.monotonic()
        with self._lock:
            if now < self._next_preview:
                return
            self._next_preview = now + PREVIEW_S
        pixels = encode_preview(picture)
        height, width = pixels.shape[:2]
        event = PreviewEvent(job_id=self._job_id, frame=frame, width=width, height=height)
        self._send(event, [pixels.tobytes()])

    def log(self, message: str) -> None:
        self.last_sign = time.monotonic()
        self._send(LogLine(job_id=self._job_id, text=message), ())

    def composed(self, shares: Shares) -> None:
        with self._lock:
            self._shares = shares
            self._are_shares_told = False

    def judged(self, letters: str) -> None:
        """Tell the verdict on the frames; see :attr:`void_protocol.fields.ProgressInfo.verdict`."""
        with self._lock:
            self._verdict = letters[:_MOST_JUDGED]
            self._are_shares_told = False

    def waiting(self, obstacle: str) -> None:
        self.last_sign = time.monotonic()
        self._send(Waiting(job_id=self._job_id, obstacle=obstacle), ())

    def check_cancelled(self) -> None:
        self.last_sign = time.monotonic()
        if self._stop.is_set():
            raise RemovalCancelled

    def frame_done(self, number: int, path: Path) -> None:
        with self._lock:
            now = time.monotonic()
            seconds, self._last_frame = now - self._last_frame, now
            future = self._hasher.submit(self._report_frame, number, path, seconds)
            self._hashes.append(future)
            oldest = self._hashes.pop(0) if len(self._hashes) > _UNHASHED_FRAMES else None
        if oldest is not None:
            oldest.result()

    def _report_frame(self, number: int, path: Path, seconds: float) -> None:
        size, digest = self._hash_in_the_end(path, number)
        frame = FrameWhole(
            job_id=self._job_id, frame=number, size=size, sha256=digest, seconds=round(seconds, 4)
        )
        self._send(frame, ())

    def _hash_in_the_end(self, path: Path, number: int) -> tuple[int, str]:
        """Return size and checksum of a finished frame, also when its drive goes away for a while."""
        limit = time.monotonic() + self._wait_s
        waited = False
        while True:
            try:
                found = hash_frame(path, number)
            except OSError as error:
                if time.monotonic() >= limit or self._stop.is_set():
                    raise
                if not waited:
                    self.waiting(f"waiting for {path}, which cannot be read: {error.strerror or error}")
                waited = True
                self.last_sign = time.monotonic()
                self._stop.wait(_REREAD_S)
            else:
                if waited:
                    self.waiting("")
                return found

    def close(self) -> None:
        """Wait for the checksums and end every stage.

        Raises:
            OSError, RefusedFileError: when a finished frame could not be read.
        """
        with self._lock:
            hashes, self._hashes = self._hashes, []
            if not self._are_shares_told and self._last_told is not None:
                self._tell(msgspec.structs.replace(self._last_told, **self._told_shares()))
            for stage, clock in self._stages.items():
                self._tell_time(stage, clock)
            self._stages = {}
        try:
            for future in hashes:
                future.result()
        finally:
            self._hasher.shutdown(wait=True)


def hash_frame(path: Path, number: int) -> tuple[int, str]:
    """Return size and SHA-256 of a frame's file, which is read in bounded memory.

    Raises:
        OSError: when it cannot be read.
        RefusedFileError: when another file has taken its place that this job may not read.
    """
    digest = hashlib.sha256()
    size = 0
    with opened(path, number) as file:
        while data := file.read(_READ_BYTES):
            digest.update(data)
            size += len(data)
    return size, digest.hexdigest()


def encode_preview(picture: Float32Array) -> np.ndarray[tuple[int, int, int], np.dtype[np.uint8]]:
    """A scene-linear (H, W, 3) picture as sRGB bytes, clipped to 0..1, its longer side at
    most :data:`PREVIEW_PX` by taking every n-th pixel. Only for looking at while waiting."""
    step = -(-max(picture.shape[:2]) // PREVIEW_PX)
    linear = np.clip(np.nan_to_num(picture[::step, ::step, :3], nan=0.0, posinf=1.0, neginf=0.0), 0.0, 1.0)
    return np.asarray(np.rint(srgb.encode(linear) * 255.0), dtype=np.uint8)
