"""Knows who watches which job, and sends its events to them."""

from __future__ import annotations

from collections.abc import Sequence

from void_protocol.messages import JobEvent, ProgressEvent, ProgressInfo, StateEvent
from void_protocol.wire import Payload
from void_server.broker.connections.outbox import Outbox


class Subscriptions:
    """The watchers of each job."""

    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox
        self._watchers: dict[str, set[bytes]] = {}
        self._progress: dict[str, ProgressInfo] = {}

    def watch(self, peer: bytes, job_id: str) -> None:
        self._watchers.setdefault(job_id, set()).add(peer)

    def unwatch(self, peer: bytes, job_id: str) -> None:
        watchers = self._watchers.get(job_id)
        if watchers is not None:
            watchers.discard(peer)
            if not watchers:
                del self._watchers[job_id]

    def drop(self, peer: bytes) -> None:
        """Forget a peer and all its watches."""
        for job_id in [job_id for job_id, watchers in self._watchers.items() if peer in watchers]:
            self.unwatch(peer, job_id)

    def publish(self, event: JobEvent, payloads: Sequence[Payload] = ()) -> None:
        """Send an event to everyone who watches its job."""
        if isinstance(event, ProgressEvent):
            self._progress[event.job_id] = event.progress
        elif isinstance(event, StateEvent) and event.state != "running":
            self._progress.pop(event.job_id, None)
        for peer in self._watchers.get(event.job_id, ()):
            self._outbox.send(peer, event, payloads, is_urgent=False)

    def progress(self, job_id: str) -> ProgressInfo | None:
        """Return the newest progress of a running job."""
        return self._progress.get(job_id)
