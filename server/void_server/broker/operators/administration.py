"""Answers what clients ask of the server, its queue and the jobs in it, and says who may ask.

There is one rule: everybody sees every job; only its owner and operators change it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import assert_never

from void_protocol.messages import (
    Cancel,
    Clean,
    Drain,
    GetEngines,
    GetHealth,
    GetStatus,
    JobReply,
    Message,
    Pause,
    QueueMode,
    Release,
    Resume,
    Retry,
    SetPriority,
)
from void_server.access.permissions import check_operator, check_priority
from void_server.broker.connections.outbox import Outbox
from void_server.broker.connections.sessions import ClientSession
from void_server.broker.jobs.lifecycle import JobLifecycle
from void_server.settings import ServerSettings

AdministrationMessage = (
    GetStatus
    | GetHealth
    | GetEngines
    | Cancel
    | Release
    | Pause
    | Resume
    | Drain
    | Retry
    | SetPriority
    | Clean
)


class Administration:
    """Answers these requests, on the broker's thread."""

    def __init__(
        self,
        settings: ServerSettings,
        outbox: Outbox,
        lifecycle: JobLifecycle,
        status: Callable[[int], Message],
        health: Callable[[int], Message],
        engines: Callable[[int], Message],
        clean: Callable[[bytes, Clean], None],
    ) -> None:
        """Prepare to answer. ``status`` and ``health`` make replies to a request number; ``clean`` answers a
        peer later."""
        self._settings = settings
        self._outbox = outbox
        self._lifecycle = lifecycle
        self._status = status
        self._health = health
        self._engines = engines
        self._clean = clean

    def handle(self, session: ClientSession, message: AdministrationMessage) -> None:
        """Do what a request asks and answer it.

        Raises:
            RequestRefused: when it cannot be done, or this client is not allowed to ask.
        """
        peer, owner = session.peer, session.owner
        match message:
            case GetStatus(request=request):
                self._outbox.send(peer, self._status(request))
            case GetHealth(request=request):
                self._outbox.send(peer, self._health(request))
            case GetEngines(request=request):
                self._outbox.send(peer, self._engines(request))
            case Cancel(request=request, job_id=job_id):
                self._check_owner(session, job_id, "cancel")
                self._outbox.send(peer, JobReply(request=request, job=self._lifecycle.cancel(job_id)))
            case Release(request=request, job_id=job_id):
                self._check_owner(session, job_id, "release the results of")
                self._outbox.send(peer, JobReply(request=request, job=self._lifecycle.release(job_id)))
            case Drain(request=request, reason=reason):
                self._set_gate(session, "drain the server", "draining", reason, request)
            case Pause(request=request, job_id=job_id, reason=reason):
                if job_id is None:
                    self._set_gate(session, "pause the queue", "paused", reason, request)
                    return
                self._check_owner(session, job_id, "pause")
                job = self._lifecycle.pause(job_id, owner, reason)
                self._outbox.send(peer, JobReply(request=request, job=job))
            case Resume(request=request, job_id=job_id):
                if job_id is None:
                    self._set_gate(session, "resume the queue", "open", "", request)
                    return
                self._check_owner(session, job_id, "resume")
                self._outbox.send(peer, JobReply(request=request, job=self._lifecycle.resume(job_id)))
            case Retry(request=request, job_id=job_id):
                self._check_owner(session, job_id, "retry")
                self._lifecycle.reopening.begin_by_id(self._lifecycle.info(job_id))
                self._outbox.send(peer, JobReply(request=request, job=self._lifecycle.info(job_id)))
            case SetPriority(request=request, job_id=job_id, priority=priority):
                self._check_owner(session, job_id, "change the priority of")
                check_priority(self._settings, owner, priority)
                job = self._lifecycle.set_priority(job_id, priority)
                self._outbox.send(peer, JobReply(request=request, job=job))
            case Clean():
                check_operator(self._settings, session.owner, "clean up")
                self._clean(peer, message)
            case _:
                assert_never(message)

    def _set_gate(
        self, session: ClientSession, what: str, mode: QueueMode, reason: str, request: int
    ) -> None:
        check_operator(self._settings, session.owner, what)
        self._lifecycle.set_gate(mode, session.owner, reason)
        self._outbox.send(session.peer, self._status(request))

    def _check_owner(self, session: ClientSession, job_id: str, what: str) -> None:
        owner = self._lifecycle.info(job_id).owner
        if owner != session.owner:
            check_operator(self._settings, session.owner, f"{what} job {job_id} of {owner}")
