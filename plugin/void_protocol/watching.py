"""Keeps track of the jobs that a client watches, across lost connections."""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Union

from msgspec import Struct

from void_protocol.errors import ProtocolError
from void_protocol.messages import (
    FrameEvent,
    JobInfo,
    JobReply,
    LogEvent,
    PreviewEvent,
    ProgressEvent,
    ServerMessage,
    StateEvent,
    Unwatch,
    Watch,
)
from void_protocol.session import Reply, Session

_log = logging.getLogger(__name__)


class Snapshot(Struct, frozen=True, kw_only=True):
    """The whole job as it is now. It comes first, and whenever single events may have been missed."""

    job: JobInfo


class Connected(Struct, frozen=True, kw_only=True):
    """The connection to the server was made, for the first time or again."""

    server: str


class Disconnected(Struct, frozen=True, kw_only=True):
    """The connection to the server was lost; the client tries to reconnect."""

    why: str


class Preview(Struct, frozen=True, kw_only=True):
    """A small picture of a frame in the making: rows from the top, R G B bytes, sRGB-encoded."""

    job_id: str
    frame: int
    width: int
    height: int
    pixels: bytes


WatchEvent = Union[  # noqa: UP007 - evaluated on Python 3.10
    Snapshot, StateEvent, FrameEvent, ProgressEvent, Preview, LogEvent, Connected, Disconnected
]
OnEvent = Callable[[WatchEvent], None]
"""Called on the client's background thread: it must return quickly, never block, and leave work to other
threads."""


@dataclass
class _Watch:
    job_id: str
    callbacks: list[OnEvent] = field(default_factory=list)
    sequence: int | None = None
    """The newest event that was passed on."""
    is_current: bool = False
    """Whether the server has confirmed the watch on this connection."""


class Watching:
    """Keeps the watched jobs. All methods belong to the session's thread."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._watches: dict[str, _Watch] = {}

    def add(self, job_id: str, callback: OnEvent) -> None:
        """Watch a job with one more callback, which first gets a :class:`Snapshot`."""
        watch = self._watches.setdefault(job_id, _Watch(job_id))
        watch.callbacks.append(callback)
        # The server is asked again for each callback, so that the new one gets a snapshot too.
        watch.sequence, watch.is_current = None, False
        self._ask(watch)

    def remove(self, job_id: str, callback: OnEvent) -> None:
        watch = self._watches.get(job_id)
        if watch is None or callback not in watch.callbacks:
            return
        watch.callbacks.remove(callback)
        if not watch.callbacks:
            del self._watches[job_id]
            self._session.request(Unwatch(request=0, job_id=job_id), timeout_s=10.0)

    def connected(self, server: str) -> None:
        """Renew every watch on the new connection."""
        for watch in list(self._watches.values()):
            self._tell(watch, Connected(server=server))
            self._ask(watch)

    def disconnected(self, why: str) -> None:
        for watch in list(self._watches.values()):
            watch.is_current = False
            self._tell(watch, Disconnected(why=why))

    def _ask(self, watch: _Watch) -> None:
        if self._session.welcome is None:
            return  # connected() will ask
        message = Watch(request=0, job_id=watch.job_id, after=watch.sequence)
        self._session.request(message).add_done_callback(lambda done: self._confirmed(watch, done))

    def _confirmed(self, watch: _Watch, done: Future[Reply]) -> None:
        try:
            reply, _ = done.result()
        except ProtocolError as error:
            # The job is unknown or the connection is gone; the next connection asks again.
            _log.warning("cannot watch job %s: %s", watch.job_id, error)
            return
        if not isinstance(reply, JobReply):
            return
        watch.is_current = True
        if watch.sequence is None or reply.gap:
            watch.sequence = reply.job.sequence
            self._tell(watch, Snapshot(job=reply.job))

    def received(self, message: ServerMessage, payloads: list[memoryview]) -> None:
        """Pass an event on to everyone who watches its job."""
        watch = self._watches.get(getattr(message, "job_id", ""))
        if watch is None or not watch.is_current:
            return
        if isinstance(message, StateEvent | FrameEvent):
            self._numbered(watch, message)
        elif isinstance(message, ProgressEvent | LogEvent):
            self._tell(watch, message)
        elif isinstance(message, PreviewEvent):
            preview = Preview(
                job_id=message.job_id,
                frame=message.frame,
                width=message.width,
                height=message.height,
                pixels=bytes(payloads[0]),
            )
            self._tell(watch, preview)

    def _numbered(self, watch: _Watch, event: StateEvent | FrameEvent) -> None:
        expected = (watch.sequence or 0) + 1
        if event.sequence == expected:
            watch.sequence = event.sequence
            self._tell(watch, event)
        elif event.sequence > expected:
            # An event was lost on the way, so ask for those after the last one that arrived.
            watch.is_current = False
            self._ask(watch)

    def _tell(self, watch: _Watch, event: WatchEvent) -> None:
        for callback in list(watch.callbacks):
            _call(callback, event)


def _call(callback: OnEvent, event: WatchEvent) -> None:
    try:
        callback(event)
    except Exception:  # noqa: BLE001 - one listener's failure must not reach the others
        _log.exception("a watcher's callback failed")
