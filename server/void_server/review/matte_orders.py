"""Mattes of what reviewers mark in a picture, which a server of this machine makes where there is one."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

from msgspec import Meta, Struct

from void_protocol.errors import ProtocolError
from void_protocol.job import RemovalJob
from void_protocol.printable import printable
from void_protocol.sequence import frame_path
from void_protocol.task import BoxPrompt, MakeMattes, PointPrompt, PromptedObject
from void_server.mattes.matting import matte_job
from void_server.review.catalogue import ReviewShot
from void_server.review.errors import NotInShotError, ReviewError

Send = Callable[[RemovalJob, Callable[[str], None]], None]
"""Sends a job to the server, and tells in words what becomes of it; raises ProtocolError without one."""
_Share = Annotated[float, Meta(ge=0.0, le=1.0)]
_LEAST = 0.01
"""A mark that is smaller than this share of the picture in either direction is a click."""
_MOST_MATTES = 999


class MarkedObject(Struct, frozen=True, forbid_unknown_fields=True):
    """What a reviewer has marked: left, top, right and bottom in shares of the picture, y down."""

    frame: int
    box: tuple[_Share, _Share, _Share, _Share]


class MatteOrders:
    """Sends what is marked to the server, and remembers for each shot what became of the last."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._said: dict[str, str] = {}
        self._taken: set[str] = set()
        self._lock = threading.Lock()

    def said(self, shot: ReviewShot) -> str:
        """What became of the shot's last matte; empty where none was asked for."""
        with self._lock:
            return self._said.get(shot.key, "")

    def order(self, shot: ReviewShot, marked: MarkedObject) -> str:
        """Ask the server for the matte of a marked object, and say what comes of it.

        Raises:
            NotInShotError: when the shot has no such frame.
            ReviewError: when no server takes it; the message says why.
        """
        if marked.frame not in shot.job.shot.frame_numbers:
            raise NotInShotError(f"the shot has no frame {marked.frame}")
        job = matte_job(shot.job, self._free_pattern(shot), MakeMattes(objects=[_prompted(shot.job, marked)]))
        pattern = printable(job.output.pattern)

        def told(text: str) -> None:
            with self._lock:
                self._said[shot.key] = f"{printable(text)}: {pattern}"

        before = self.said(shot)
        told("the matte was asked for")  # first: what the server says comes from another thread
        try:
            self._send(job, told)
        except ProtocolError as error:
            with self._lock:
                self._said[shot.key] = before
                self._taken.discard(job.output.pattern)
            raise ReviewError(f"no server takes it: {error}") from error
        return self.said(shot)

    def _free_pattern(self, shot: ReviewShot) -> str:
        """A pattern beside the shot's result whose files are not there."""
        folder = Path(shot.job.output.versioned_pattern).parent
        first = shot.job.shot.first_frame
        for number in range(1, _MOST_MATTES + 1):
            name = f"{shot.key}_object_{number:03d}"
            pattern = str(folder / name / f"{name}.%04d.exr")
            with self._lock:  # each question has a thread of its own
                if Path(frame_path(pattern, first)).parent.exists() or pattern in self._taken:
                    continue
                self._taken.add(pattern)
            return pattern
        raise ReviewError(f"{folder} has {_MOST_MATTES} mattes already; move some away")


def _prompted(job: RemovalJob, marked: MarkedObject) -> PromptedObject:
    """The prompt of a mark, in the job's pixels with y up."""
    size = job.shot.format
    left, top, right, bottom = marked.box
    if abs(right - left) < _LEAST or abs(bottom - top) < _LEAST:
        x, y = (left + right) / 2 * size.width, (1 - (top + bottom) / 2) * size.height
        return PromptedObject(points=[PointPrompt(frame=marked.frame, x=x, y=y)])
    sides = {
        "left": min(left, right) * size.width,
        "bottom": (1 - max(top, bottom)) * size.height,
        "right": max(left, right) * size.width,
        "top": (1 - min(top, bottom)) * size.height,
    }
    return PromptedObject(boxes=[BoxPrompt(frame=marked.frame, **sides)])
