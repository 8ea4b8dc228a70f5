"""Does what each message of a client asks for."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from functools import partial
from typing import assert_never

import msgspec

from void_protocol.job import RemovalJob
from void_protocol.job_file import JOB_BYTES
from void_protocol.messages import (
    PROTOCOL_VERSION,
    Bye,
    Chunk,
    ClientMessage,
    Error,
    Fetch,
    FetchCredit,
    GetJob,
    GetLog,
    GetResults,
    Hello,
    JobList,
    JobReply,
    Limits,
    ListJobs,
    LogText,
    Ping,
    Pong,
    Proof,
    Prove,
    ResultList,
    StopFetch,
    Submit,
    Unwatch,
    Watch,
    Welcome,
)
from void_protocol.wire import CHUNK_BYTES, CONTROL_BYTES
from void_server.broker.connections.outbox import Outbox
from void_server.broker.connections.sessions import ClientSession, Sessions
from void_server.broker.connections.subscriptions import Subscriptions
from void_server.broker.jobs.lifecycle import JobLifecycle
from void_server.broker.jobs.spool import Spool
from void_server.broker.jobs.store import Store
from void_server.broker.keyed_threads import KeyedThreads
from void_server.broker.operators.administration import Administration, AdministrationMessage
from void_server.broker.transfers.fetches import Fetches
from void_server.broker.transfers.proofs import PROOF_FILES, answer
from void_server.broker.transfers.submissions import Submissions
from void_server.broker.transfers.uploads import Uploads
from void_server.errors import RequestRefused
from void_server.settings import ServerSettings

_log = logging.getLogger(__name__)
_job_decoder = msgspec.json.Decoder(RemovalJob)
_LISTED_JOBS = 250
"""The most jobs of one list, so that it fits into one message whatever is in it."""


class Requests:
    """Answers one message at a time, on the broker's thread."""

    def __init__(
        self,
        *,
        settings: ServerSettings,
        server_id: str,
        server_name: str,
        sessions: Sessions,
        name_of: Callable[[bytes], str | None],
        outbox: Outbox,
        threads: KeyedThreads,
        store: Store,
        spool: Spool,
        lifecycle: JobLifecycle,
        events: Subscriptions,
        submissions: Submissions,
        uploads: Uploads,
        fetches: Fetches,
        administration: Administration,
    ) -> None:
        self._settings = settings
        self._server_id = server_id
        self._server_name = server_name
        self._sessions = sessions
        self._name_of = name_of
        self._outbox = outbox
        self._threads = threads
        self._store = store
        self._spool = spool
        self._lifecycle = lifecycle
        self._events = events
        self._submissions = submissions
        self._uploads = uploads
        self._fetches = fetches
        self._administration = administration
        self._proofs: Counter[bytes] = Counter()
        """How many proofs of each peer wait for their thread."""
        self._log_reads: Counter[bytes] = Counter()
        """How many log reads of each peer wait for their thread."""

    def handle(self, peer: bytes, key: bytes, message: ClientMessage, payloads: Sequence[memoryview]) -> None:
        """Do what a message asks; with ``hello`` comes the client's public key. A refusal becomes an error
        reply."""
        request = getattr(message, "request", None)
        try:
            if isinstance(message, Hello):
                self._hello(peer, key, message)
                return
            session = self._sessions.heard(peer)
            if session is None:
                raise RequestRefused("no_session", "say hello first; after a restart, again")
            self._in_session(session, message, payloads)
        except RequestRefused as refusal:
            self.refuse(peer, request, refusal.code, str(refusal))

    def refuse(self, peer: bytes, request: int | None, code: str, text: str) -> None:
        """Send an error reply."""
        self._outbox.send(peer, Error(request=request, code=code, message=text))

    def _hello(self, peer: bytes, key: bytes, message: Hello) -> None:
        owner = self._name_of(key)
        if owner is None:  # the key was taken off the list while the connection was open
            raise RequestRefused("not_allowed", "this client's key is not on the server's list any more")
        if not message.min_version <= PROTOCOL_VERSION <= message.max_version:
            raise RequestRefused(
                "version",
                f"this server speaks protocol version {PROTOCOL_VERSION}, the client "
                f"{message.min_version} to {message.max_version}; update the older of the two",
            )
        if self._sessions.heard(peer) is None:
            self._check_room(key, owner)
        self._sessions.open(ClientSession(peer, key, owner, message.client, PROTOCOL_VERSION))
        _log.info("%s is here with %r (%r on %r)", owner, message.client, message.user, message.host)
        settings = self._settings
        limits = Limits(
            control_bytes=CONTROL_BYTES,
            job_bytes=JOB_BYTES,
            chunk_bytes=CHUNK_BYTES,
            file_bytes=settings.file_bytes,
            upload_credit=settings.upload_credit,
            fetch_credit=settings.fetch_credit,
            fetches=settings.fetches,
            proof_files=PROOF_FILES,
        )
        self._outbox.send(
            peer,
            Welcome(
                request=message.request,
                version=PROTOCOL_VERSION,
                server=self._server_name,
                server_id=self._server_id,
                heartbeat_s=settings.heartbeat_s,
                limits=limits,
            ),
        )

    def _check_room(self, key: bytes, owner: str) -> None:
        settings = self._settings
        if self._sessions.is_full:
            raise RequestRefused(
                "limit", f"{settings.most_sessions} clients are connected already (most_sessions)"
            )
        if self._sessions.has_many(key):
            raise RequestRefused(
                "limit", f"{owner} is connected {settings.client_sessions} times already (client_sessions)"
            )

    def _in_session(
        self, session: ClientSession, message: ClientMessage, payloads: Sequence[memoryview]
    ) -> None:
        peer = session.peer
        if isinstance(message, AdministrationMessage):
            self._administration.handle(session, message)
            return
        match message:
            case Chunk():
                self._uploads.chunk(peer, message, payloads[0])
            case FetchCredit(request=request, chunks=chunks):
                self._fetches.credit(peer, request, chunks)
            case Ping(request=request):
                self._outbox.send(peer, Pong(request=request))
            case Submit():
                self._submissions.take(session, message, payloads)
            case Prove():
                self._prove(peer, message)
            case Watch():
                self._watch(peer, message)
            case Unwatch(request=request, job_id=job_id):
                self._events.unwatch(peer, job_id)
                self._reply_job(peer, request, job_id)
            case GetJob(request=request, job_id=job_id):
                self._reply_job(peer, request, job_id)
            case ListJobs(request=request, states=states, limit=limit):
                self._outbox.send(
                    peer,
                    JobList(
                        request=request, jobs=self._lifecycle.list_jobs(states, min(limit, _LISTED_JOBS))
                    ),
                )
            case GetResults():
                self._results(peer, message)
            case GetLog():
                self._log_text(peer, message)
            case Fetch():
                self._fetch(peer, message)
            case StopFetch(request=request):
                self._fetches.stop(peer, request)
            case Bye():
                self.forget(peer)
            case Hello():
                raise RequestRefused("bad_message", "Hello is not for a session")
            case _:
                assert_never(message)

    def forget(self, peer: bytes) -> None:
        """Forget a peer that is gone. Its upload waits for a while; everything else ends."""
        self._sessions.drop(peer)
        self._events.drop(peer)
        self._submissions.drop(peer)
        self._fetches.drop(peer)

    def _reply_job(self, peer: bytes, request: int, job_id: str) -> None:
        self._outbox.send(peer, JobReply(request=request, job=self._lifecycle.info(job_id)))

    def _prove(self, peer: bytes, message: Prove) -> None:
        waiting = self._proofs[peer]
        if waiting >= self._settings.client_proofs:
            raise RequestRefused(
                "limit", f"{waiting} proofs wait already (client_proofs); send one at a time"
            )
        self._proofs[peer] += 1

        def answered(done: Future[Proof]) -> None:
            _count_down(self._proofs, peer)
            try:
                self._outbox.send(peer, done.result())
            except RequestRefused as refusal:
                self.refuse(peer, message.request, refusal.code, str(refusal))

        self._threads.run("proof", partial(answer, message, self._settings), answered)

    def _watch(self, peer: bytes, message: Watch) -> None:
        info = self._lifecycle.info(message.job_id)
        after = info.sequence if message.after is None else message.after
        gap = after > info.sequence or info.sequence - after > self._settings.event_backlog
        missed = [] if gap else self._store.events_after(message.job_id, after)
        self._events.watch(peer, message.job_id)
        self._outbox.send(peer, JobReply(request=message.request, job=info, gap=gap))
        for event in missed:
            self._outbox.send(peer, event)

    def _results(self, peer: bytes, message: GetResults) -> None:
        self._lifecycle.info(message.job_id)
        results = self._store.results(message.job_id, message.after_frame, message.limit + 1)
        reply = ResultList(
            request=message.request,
            results=results[: message.limit],
            more=len(results) > message.limit,
        )
        self._outbox.send(peer, reply)

    def _log_text(self, peer: bytes, message: GetLog) -> None:
        self._lifecycle.info(message.job_id)
        waiting, most = self._log_reads[peer], self._settings.fetches
        if waiting >= most:
            raise RequestRefused(
                "limit",
                f"{waiting} requests for logs wait already, at most {most} (fetches); send one at a time",
            )
        self._log_reads[peer] += 1

        def tell(done: Future[tuple[bytes, int]]) -> None:
            _count_down(self._log_reads, peer)
            try:
                text, size = done.result()
            except OSError as error:
                self.refuse(
                    peer, message.request, "storage", f"cannot read the log of job {message.job_id}: {error}"
                )
                return
            reply = LogText(request=message.request, offset=min(message.offset, size), size=size)
            self._outbox.send(peer, reply, [text])

        self._lifecycle.logs.read(message.job_id, message.offset, message.max_bytes, tell)

    def _fetch(self, peer: bytes, message: Fetch) -> None:
        info = self._lifecycle.info(message.job_id)
        result = self._store.result(message.job_id, message.frame)
        if result is None:
            raise RequestRefused("unknown_frame", f"job {message.job_id} has no frame {message.frame} yet")
        text, _ = self._store.texts(message.job_id)
        path = self._spool.result_file(_job_decoder.decode(text), info.outputs, message.frame)
        roots = self._settings.writable if info.outputs == "paths" else None
        self._fetches.begin(peer, message.request, path, roots, result, message.credit)


def _count_down(waiting: Counter[bytes], peer: bytes) -> None:
    """Count one waiting request of the peer less; a peer that has none left is forgotten."""
    waiting[peer] -= 1
    if not waiting[peer]:
        del waiting[peer]
