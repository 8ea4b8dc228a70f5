"""Answers what clients ask of jobs: their state, their events, their results and their logs."""

from __future__ import annotations

from concurrent.futures import Future
from pathlib import Path

from void_protocol.messages import (
    Fetch,
    GetLog,
    GetResults,
    JobList,
    JobReply,
    ListJobs,
    LogText,
    ResultList,
    Watch,
)
from void_protocol.sequence import frame_path
from void_server.access.allowed_paths import writing_rules
from void_server.broker.connections.outbox import Outbox
from void_server.broker.connections.subscriptions import Subscriptions
from void_server.broker.connections.waiting_requests import WaitingRequests
from void_server.broker.jobs.lifecycle import JobLifecycle
from void_server.broker.jobs.spool import Spool
from void_server.broker.jobs.store import Store
from void_server.broker.transfers.fetches import Fetches
from void_server.errors import RequestRefused, reason_of
from void_server.settings import ServerSettings

_LISTED_JOBS = 250
"""The most jobs of one list, so that it fits into one message whatever is in it."""


class JobQueries:
    """Answers questions about jobs. Each method raises RequestRefused for a job that there is not."""

    def __init__(
        self,
        *,
        settings: ServerSettings,
        lifecycle: JobLifecycle,
        store: Store,
        spool: Spool,
        events: Subscriptions,
        fetches: Fetches,
        outbox: Outbox,
    ) -> None:
        """Answer through ``outbox`` from what the store and the spool hold."""
        self._settings = settings
        self._lifecycle = lifecycle
        self._store = store
        self._spool = spool
        self._events = events
        self._fetches = fetches
        self._outbox = outbox
        self._log_reads = WaitingRequests("requests for logs", settings.fetches, "fetches")

    def job(self, peer: bytes, request: int, job_id: str) -> None:
        """Tell the state of a job."""
        self._outbox.send(peer, JobReply(request=request, job=self._lifecycle.info(job_id)))

    def jobs(self, peer: bytes, message: ListJobs) -> None:
        """List jobs, the newest first."""
        jobs = self._lifecycle.list_jobs(message.states, min(message.limit, _LISTED_JOBS))
        self._outbox.send(peer, JobList(request=message.request, jobs=jobs))

    def watch(self, peer: bytes, message: Watch) -> None:
        """Tell the state of a job, the events that the client missed, and all that happens from now on."""
        info = self._lifecycle.info(message.job_id)
        after = info.sequence if message.after is None else message.after
        gap = after > info.sequence or info.sequence - after > self._settings.event_backlog
        missed = [] if gap else self._store.events_after(message.job_id, after)
        self._events.watch(peer, message.job_id)
        self._outbox.send(peer, JobReply(request=message.request, job=info, gap=gap))
        for event in missed:
            self._outbox.send(peer, event)

    def unwatch(self, peer: bytes, request: int, job_id: str) -> None:
        """Tell no more events of a job."""
        self._events.unwatch(peer, job_id)
        self.job(peer, request, job_id)

    def results(self, peer: bytes, message: GetResults) -> None:
        """List the frames of a job that are whole."""
        self._lifecycle.info(message.job_id)
        results = self._store.results(message.job_id, message.after_frame, message.limit + 1)
        reply = ResultList(
            request=message.request,
            results=results[: message.limit],
            more=len(results) > message.limit,
        )
        self._outbox.send(peer, reply)

    def log_text(self, peer: bytes, message: GetLog) -> None:
        """Send a piece of a job's log."""
        self._lifecycle.info(message.job_id)
        self._log_reads.begin(peer)

        def tell(done: Future[tuple[bytes, int]]) -> None:
            self._log_reads.end(peer)
            try:
                text, size = done.result()
            except OSError as error:
                self._outbox.refuse(
                    peer,
                    message.request,
                    "storage",
                    f"cannot read the log of job {message.job_id}: {reason_of(error)}",
                )
                return
            reply = LogText(request=message.request, offset=min(message.offset, size), size=size)
            self._outbox.send(peer, reply, [text])

        self._lifecycle.logs.read(message.job_id, message.offset, message.max_bytes, tell)

    def fetch(self, peer: bytes, message: Fetch) -> None:
        """Begin to send a frame of a job."""
        self._fetches.check(peer, message.request)
        info = self._lifecycle.info(message.job_id)
        if info.outputs == "streamed" and self._store.is_released(message.job_id):
            raise RequestRefused(
                "unknown_frame",
                f"the results of job {message.job_id} are not here any more: they were released, or kept for "
                "result_days; run it again under another id",
            )
        result = self._store.result(message.job_id, message.frame)
        if result is None:
            raise RequestRefused("unknown_frame", f"job {message.job_id} has no frame {message.frame} yet")
        rules = None
        if info.outputs == "streamed":
            path = frame_path(self._spool.result_pattern(message.job_id), message.frame)
        else:
            path = frame_path(info.output_pattern, message.frame)
            rules = writing_rules(self._settings)
            if folder := self._store.result_folder(message.job_id):
                path = Path(folder) / path.name
        self._fetches.begin(peer, message.request, path, rules, result, message.credit)
