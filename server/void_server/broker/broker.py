"""The broker: one thread with one loop that owns all sockets.

Each turn takes what has arrived, lets the parts of the broker act on it, makes every change durable with one
commit, and only then sends the answers.
"""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Callable
from importlib.metadata import version

import zmq

from void_protocol.errors import WireError
from void_protocol.mailbox import Mailbox
from void_protocol.messages import JobState
from void_protocol.wire import decode_client_frames
from void_server.access.allow_list import AllowList, allowed_folder
from void_server.access.server_keys import ensure_keys
from void_server.broker.connections.client_connections import ClientConnections
from void_server.broker.connections.client_socket import ZAP_DOMAIN, listen, make_client_socket
from void_server.broker.connections.connection_limit import ConnectionLimit, raise_file_limit
from void_server.broker.connections.greeting import Greeting
from void_server.broker.connections.handle_reserve import HandleReserve
from void_server.broker.connections.outbox import Outbox
from void_server.broker.connections.partial_messages import PartialMessages
from void_server.broker.connections.peer_names import PeerNames, key_of
from void_server.broker.connections.sessions import Sessions
from void_server.broker.connections.subscriptions import Subscriptions
from void_server.broker.connections.zap import Domain, Gatekeeper
from void_server.broker.jobs.lifecycle import JobLifecycle
from void_server.broker.jobs.spool import Spool
from void_server.broker.jobs.store import Store
from void_server.broker.keyed_threads import KeyedThreads
from void_server.broker.operators.administration import Administration
from void_server.broker.operators.housekeeping import Housekeeping
from void_server.broker.operators.metrics import MetricsServer, Picture
from void_server.broker.operators.status import StatusBoard
from void_server.broker.periodic import PeriodicTask, run_due
from void_server.broker.requests import Requests, Rooms
from void_server.broker.throughput import Meter
from void_server.broker.transfers.fetches import Fetches
from void_server.broker.transfers.job_queries import JobQueries
from void_server.broker.transfers.owner_threads import OwnerThreads
from void_server.broker.transfers.proofs import Proofs
from void_server.broker.transfers.submissions import Submissions
from void_server.broker.transfers.uploads import Uploads
from void_server.errors import StoreError
from void_server.settings import ServerSettings
from void_server.workers.supervisor import Supervisor
from void_server.workers.worker_link import ZAP_DOMAIN as WORKER_ZAP_DOMAIN

_log = logging.getLogger(__name__)
_TICK_MS = 100
_LAZY_S = 0.02
"""How long, in seconds, changes that nobody waits for may go without a commit."""
_IO_THREADS = 2
"""Threads that encrypt and decrypt. A connection belongs to one of them."""
_MESSAGES_PER_TURN = 64
"""The most messages of one turn, so that a busy client delays neither the commit nor the others for long."""
_RECEIVE_S = 0.005
"""How long, in seconds, a turn takes further messages; the one that it is at may be a large one."""
_LOOK_S = 0.02
"""How often, in seconds, the supervisor looks after its workers. It hands out jobs in every turn."""
_HOUSEKEEPING_S = 1.0
_SWEEP_S = 600.0
_PROOF_SPARE_S = 5.0
"""A proof ends by itself when its time is over, in seconds; one that takes this much longer hangs."""
_PARTIAL_MESSAGES_S = 0.25
_REVOCATION_S = 0.1
_PATHS_END_S = 1.0
"""How long, in seconds, the end waits for what only reads; a drive on another machine may hang for ever."""


class Broker:
    """Owns everything of one running server. All methods but :meth:`ask_to_stop` belong to one thread."""

    def __init__(self, settings: ServerSettings) -> None:
        """Open the home and bind the socket.

        Raises:
            KeyFileError: when the keys cannot be made or read.
            HomeInUseError, StoreError: when the job store cannot be opened.
            ServerStartError: when the endpoint cannot be bound.
        """
        self._settings = settings
        self.server_id = secrets.token_hex(8)
        self.version = version("void-nuke")
        files = raise_file_limit(settings.client_files)
        if files is not None and files < settings.client_files:
            _log.warning(
                "this process may open %d files, and clients may want %d (connections, most_open_jobs, and "
                "most_sessions x fetches): raise 'ulimit -n', or lower these settings",
                files,
                settings.client_files,
            )
        self._reserve = HandleReserve()
        keys = ensure_keys(settings.home)
        self._store = Store(settings.home / "jobs.sqlite")
        self._spool = Spool(settings.home)
        self._spool.prepare()
        self._mailbox: Mailbox[Callable[[], None]] = Mailbox()
        self._threads = KeyedThreads(self._mailbox, 2)
        self._proof_threads = OwnerThreads(
            lambda: KeyedThreads(self._mailbox, 1), settings.path_wait_s + _PROOF_SPARE_S
        )
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context(io_threads=_IO_THREADS)
        allowed, names = AllowList(allowed_folder(settings.home), self._reserve.run), PeerNames()
        domains = {ZAP_DOMAIN: Domain(allowed.is_allowed, names.make)}
        self._gatekeeper = Gatekeeper(self._context, _IO_THREADS, domains)
        self._socket = make_client_socket(self._context, settings, keys.secret)
        self._connection_limit = ConnectionLimit(self._socket, settings.connections)
        self.endpoint = listen(self._socket, settings)
        self._poller = zmq.Poller()
        self._gates: list[zmq.Socket[bytes] | int] = []
        self._dirty_since: float | None = None
        """Since when a change that is not urgent waits for a commit; None while none does."""
        self._stop_at: float | None = None
        """The time at which a requested stop waits no longer for running jobs; None while no stop was
        requested."""

        self._meter = Meter()
        self._sessions = Sessions(
            settings.session_timeout_s, settings.most_sessions, settings.client_sessions
        )
        self._connections = ClientConnections(
            limit=self._connection_limit,
            partial_messages=PartialMessages(settings.submission_bytes),
            names=names,
            allowed=allowed,
            sessions=self._sessions,
            idle_s=2 * settings.handshake_s,
        )
        self._outbox = Outbox(
            self._socket, self._connections.cut, self._meter, most_bytes=settings.client_queue_bytes
        )
        events = Subscriptions(self._outbox)
        server_name = f"void-nuke {self.version}"
        self._lifecycle = JobLifecycle(settings, self._store, self._spool, events, self._threads, self._meter)
        self._supervisor = Supervisor(self._context, settings, self._lifecycle)
        domains[WORKER_ZAP_DOMAIN] = Domain(self._supervisor.admits)
        self._uploads = Uploads(
            store=self._store,
            spool=self._spool,
            outbox=self._outbox,
            threads=self._threads,
            credit=settings.upload_credit,
            progress_bytes=settings.upload_progress_bytes,
            on_complete=self._lifecycle.upload_complete,
            on_blocked=self._lifecycle.upload_blocked,
        )
        self._lifecycle.stop_running = self._supervisor.stop_job
        self._lifecycle.stop_upload = self._uploads.stop
        self._submissions = Submissions(
            settings=settings,
            spool=self._spool,
            lifecycle=self._lifecycle,
            uploads=self._uploads,
            outbox=self._outbox,
            mailbox=self._mailbox,
            engines=lambda: self._supervisor.engines,
        )
        fetches = Fetches(
            outbox=self._outbox,
            threads=self._threads,
            most=settings.fetches,
            most_credit=settings.fetch_credit,
        )
        self._housekeeping = Housekeeping(
            settings=settings,
            store=self._store,
            spool=self._spool,
            threads=self._threads,
            outbox=self._outbox,
            queue=self._lifecycle.queue,
            on_results_gone=self._lifecycle.room.released,
        )
        self._board = StatusBoard(
            settings=settings,
            server_name=server_name,
            store=self._store,
            queue=self._lifecycle.queue,
            sessions=self._sessions,
            supervisor=self._supervisor,
            meter=self._meter,
        )
        self._metrics = None if settings.metrics_port is None else MetricsServer(settings.metrics_port)
        if self._metrics is not None:
            _log.info("metrics at %s", self._metrics.url)
        rooms = Rooms(
            greeting=Greeting(
                settings=settings,
                server_id=self.server_id,
                server_name=server_name,
                sessions=self._sessions,
                outbox=self._outbox,
                name_of=allowed.name_of,
            ),
            administration=Administration(
                settings,
                self._outbox,
                self._lifecycle,
                self._board.status,
                self._board.health,
                self._board.engines,
                self._housekeeping.clean,
            ),
            queries=JobQueries(
                settings=settings,
                lifecycle=self._lifecycle,
                store=self._store,
                spool=self._spool,
                events=events,
                fetches=fetches,
                outbox=self._outbox,
            ),
            proofs=Proofs(settings, self._outbox, self._proof_threads),
            submissions=self._submissions,
            uploads=self._uploads,
            fetches=fetches,
            events=events,
        )
        self._requests = Requests(self._sessions, self._outbox, rooms)
        self._connections.forget = self._requests.forget

        self._periodic = [
            PeriodicTask(_LOOK_S, self._supervisor.tick),
            PeriodicTask(_PARTIAL_MESSAGES_S, self._connections.cut_partial_messages),
            PeriodicTask(_REVOCATION_S, self._connections.cut_revoked),
            PeriodicTask(_HOUSEKEEPING_S, self._look_around),
            PeriodicTask(_HOUSEKEEPING_S, self._show),
            PeriodicTask(_HOUSEKEEPING_S, self._proof_threads.look),
            PeriodicTask(_SWEEP_S, self._housekeeping.sweep),
        ]

    def ask_to_stop(self) -> None:
        """End :meth:`run`. Running jobs may finish for as long as the settings' grace says; then they stop
        and keep their finished frames. A second call stops them at once. Any thread may call this, also a
        signal handler."""
        self._mailbox.put(self._begin_stop)

    def _begin_stop(self) -> None:
        is_second = self._stop_at is not None
        grace_s = 0.0 if is_second else self._settings.stop_grace_s
        self._stop_at = time.monotonic() + grace_s
        self._reserve.give_up()
        self._board.is_stopping = True
        self._lifecycle.close()
        if self._supervisor.is_busy and grace_s:
            _log.info("stopping; running jobs have %g s to finish, then they keep what is whole", grace_s)

    @property
    def _is_over(self) -> bool:
        """Whether a stop was requested and nothing is worth waiting for any more."""
        if self._stop_at is None:
            return False
        return not self._supervisor.is_busy or time.monotonic() >= self._stop_at

    def run(self) -> None:
        """Serve until asked to stop, then stop the workers and close everything.

        Raises:
            StoreError: when the job store cannot be written any more.
        """
        try:
            self._serve()
        finally:
            try:
                self._supervisor.shut_down()
            finally:
                self._close()

    def _serve(self) -> None:
        self.begin()
        while not self._is_over:
            self.turn(_TICK_MS if self._dirty_since is None else int(1000 * _LAZY_S))

    def begin(self) -> None:
        """Take up what an earlier process has left. :meth:`run` does so first."""
        self._lifecycle.recover()
        self._store.commit()
        for source in (self._socket, self._supervisor.socket, self._connection_limit.monitor):
            self._poller.register(source, zmq.POLLIN)
        self._poller.register(self._mailbox.fileno(), zmq.POLLIN)

    def turn(self, wait_ms: int) -> None:
        """Wait for something to happen, at most for so many milliseconds, and do one turn of the loop."""
        self._poll_gates()
        ready = dict(self._poller.poll(wait_ms))
        if not ready:
            self._guard(self._store.database.tidy)
        self._guard(self._gatekeeper.look)
        if self._connection_limit.monitor in ready:
            self._guard(self._connection_limit.look)
        for action in self._mailbox.drain():
            self._guard(action)
        if self._supervisor.socket in ready:
            self._guard(self._supervisor.receive)
        if self._socket in ready:
            self._receive()
        self._guard(self._submissions.begin)
        run_due(self._periodic, time.monotonic(), self._guard)
        self._guard(self._supervisor.hand_out)
        self._settle()

    def _poll_gates(self) -> None:
        """Have the gatekeeper's sources polled, which may be others now."""
        sources = self._gatekeeper.sources
        if sources != self._gates:
            for source in self._gates:
                self._poller.unregister(source)
            for source in sources:
                self._poller.register(source, zmq.POLLIN)
            self._gates = sources

    def _settle(self) -> None:
        """Make durable what has happened, then tell those whom it concerns.

        A commit takes the disk some milliseconds, in which nobody is served. So what only a worker has
        reported (a frame is whole, a stage is over) waits for others of its kind, for :data:`_LAZY_S` at
        most. Orders to workers wait likewise while submissions are being read, because one commit serves
        both.
        """
        now = time.monotonic()
        if not self._store.database.is_dirty:
            self._dirty_since = None
        elif not self._is_urgent:
            if self._dirty_since is None:
                self._dirty_since = now
            if now < self._dirty_since + _LAZY_S:
                return
        self._dirty_since = None
        self._store.commit()
        self._lifecycle.clear_away()
        self._supervisor.send_orders()
        self._outbox.flush()
        self._lifecycle.logs.flush()

    @property
    def _is_urgent(self) -> bool:
        if self._outbox.is_urgent:
            return True
        return self._supervisor.has_orders and not self._submissions.are_coming

    def _guard(self, action: Callable[[], None]) -> None:
        """Call ``action``. Its failure must not end the service of all; only a failing store may."""
        try:
            action()
        except StoreError:
            raise
        except Exception:  # noqa: BLE001 - see the docstring
            _log.exception("a fault in the server; it goes on")

    def _receive(self) -> None:
        limit = time.monotonic() + _RECEIVE_S
        for _ in range(_MESSAGES_PER_TURN):
            if time.monotonic() > limit:
                return
            try:
                peer, *frames = self._socket.recv_multipart(zmq.NOBLOCK, copy=False)
            except zmq.Again:
                return
            size = sum(len(frame) for frame in frames)
            key = key_of(frames[0])
            if not self._connections.is_heard(peer.bytes, key, frames, size):
                continue
            try:
                message, payloads = decode_client_frames(frames)
            except WireError as error:
                self._outbox.refuse(peer.bytes, error.request, error.code, str(error))
                continue
            except Exception:  # noqa: BLE001 - no client's message may end the service for all
                _log.exception("cannot read a message")
                self._outbox.refuse(peer.bytes, None, "internal", "the server failed at this message")
                continue
            self._meter.add("received_bytes", size)
            try:
                self._requests.handle(peer.bytes, key, message, payloads)
            except StoreError:
                raise
            except Exception:  # noqa: BLE001 - a failure in one answer must not end the service for all
                _log.exception("cannot answer %s", type(message).__name__)
                text = "the server failed at this request; its log says more"
                self._outbox.refuse(peer.bytes, getattr(message, "request", None), "internal", text)

    def _show(self) -> None:
        if self._metrics is not None:
            self._metrics.picture = Picture(
                status=self._board.status(0),
                health=self._board.health(0),
                totals=dict(self._meter.totals),
                commit_s=self._store.database.commit_s,
                commits=self._store.database.commits,
            )

    def _look_around(self) -> None:
        self._connections.look_around()
        self._outbox.sweep()
        for job_id in self._store.jobs_in(JobState.UPLOADING):
            if self._uploads.silence_s(job_id) > self._settings.upload_grace_s:
                self._lifecycle.upload_abandoned(job_id)

    def _close(self) -> None:
        self._reserve.give_up()
        if self._metrics is not None:
            self._metrics.close()
        self._proof_threads.close(_PATHS_END_S)
        self._submissions.close(_PATHS_END_S)
        self._threads.close()
        self._lifecycle.logs.close()
        try:
            self._store.commit()
            self._outbox.flush()
        finally:
            self._store.close()
            self._gatekeeper.close()
            self._connection_limit.close()
            self._socket.close()
            self._context.term()
            self._mailbox.close()
