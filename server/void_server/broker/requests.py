"""Hands each message of a client to the room that does what it asks for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import assert_never

from void_protocol.messages import (
    Bye,
    Chunk,
    ClientMessage,
    Fetch,
    FetchCredit,
    GetJob,
    GetLog,
    GetResults,
    Hello,
    ListJobs,
    Ping,
    Pong,
    Prove,
    StopFetch,
    Submit,
    Unwatch,
    Watch,
)
from void_server.broker.connections.greeting import Greeting
from void_server.broker.connections.outbox import Outbox
from void_server.broker.connections.sessions import ClientSession, Sessions
from void_server.broker.connections.subscriptions import Subscriptions
from void_server.broker.operators.administration import Administration, AdministrationMessage
from void_server.broker.transfers.fetches import Fetches
from void_server.broker.transfers.job_queries import JobQueries
from void_server.broker.transfers.proofs import Proofs
from void_server.broker.transfers.submissions import Submissions
from void_server.broker.transfers.uploads import Uploads
from void_server.errors import RequestRefused


@dataclass(frozen=True, kw_only=True)
class Rooms:
    """Those who do what clients ask for."""

    greeting: Greeting
    administration: Administration
    queries: JobQueries
    proofs: Proofs
    submissions: Submissions
    uploads: Uploads
    fetches: Fetches
    events: Subscriptions


class Requests:
    """Answers one message at a time, on the broker's thread."""

    def __init__(self, sessions: Sessions, outbox: Outbox, rooms: Rooms) -> None:
        """Take messages in ``sessions``, have them done by ``rooms``, and refuse through ``outbox``."""
        self._sessions = sessions
        self._outbox = outbox
        self._rooms = rooms

    def handle(self, peer: bytes, key: bytes, message: ClientMessage, payloads: Sequence[memoryview]) -> None:
        """Do what a message asks that came over a connection with this public key (Z85 text). A refusal
        becomes an error reply."""
        request = getattr(message, "request", None)
        try:
            if isinstance(message, Hello):
                self._rooms.greeting.greet(peer, key, message)
                return
            session = self._sessions.heard(peer, key)
            if session is None:
                raise RequestRefused("no_session", "say hello first; after a restart, again")
            self._in_session(session, message, payloads)
        except RequestRefused as refusal:
            self._outbox.refuse(peer, request, refusal.code, str(refusal))

    def _in_session(
        self, session: ClientSession, message: ClientMessage, payloads: Sequence[memoryview]
    ) -> None:
        peer, rooms = session.peer, self._rooms
        if isinstance(message, AdministrationMessage):
            rooms.administration.handle(session, message)
            return
        match message:
            case Chunk():
                rooms.uploads.chunk(peer, message, payloads[0])
            case FetchCredit(request=request, chunks=chunks):
                rooms.fetches.credit(peer, request, chunks)
            case Ping(request=request):
                self._outbox.send(peer, Pong(request=request))
            case Submit():
                rooms.submissions.take(session, message, payloads)
            case Prove():
                rooms.proofs.prove(session, message)
            case Watch():
                rooms.queries.watch(peer, message)
            case Unwatch(request=request, job_id=job_id):
                rooms.queries.unwatch(peer, request, job_id)
            case GetJob(request=request, job_id=job_id):
                rooms.queries.job(peer, request, job_id)
            case ListJobs():
                rooms.queries.jobs(peer, message)
            case GetResults():
                rooms.queries.results(peer, message)
            case GetLog():
                rooms.queries.log_text(peer, message)
            case Fetch():
                rooms.queries.fetch(peer, message)
            case StopFetch(request=request):
                rooms.fetches.stop(peer, request)
            case Bye():
                self.forget(peer)
            case Hello():
                raise RequestRefused("bad_message", "Hello is not for a session")
            case _:
                assert_never(message)

    def forget(self, peer: bytes) -> None:
        """Forget a peer that is gone. Its upload waits for a while; everything else ends."""
        rooms = self._rooms
        self._sessions.drop(peer)
        rooms.events.drop(peer)
        rooms.submissions.drop(peer)
        rooms.fetches.drop(peer)
