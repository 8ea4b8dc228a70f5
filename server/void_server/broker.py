"""The broker: one thread, one loop, all sockets.

Each turn takes what has arrived, lets the parts act on it, makes every change durable with one commit, and
only then sends what the parts had to say.
"""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Callable
from functools import partial
from importlib.metadata import version

import zmq

from void_protocol.errors import WireError
from void_protocol.mailbox import Mailbox
from void_protocol.messages import Clean, JobState
from void_protocol.wire import LARGEST_FRAME_BYTES, decode_client_frames

from . import cleaning
from .administration import Administration
from .desk import JobDesk
from .errors import ServerStartError, StoreError
from .events import EventHub
from .fetches import Fetches
from .keys import AllowList, allowed_folder, ensure_keys
from .lanes import Lanes
from .outbox import Outbox
from .requests import Requests
from .sessions import Sessions
from .settings import ServerSettings
from .spool import Spool
from .status import StatusBoard
from .store import Store
from .supervisor import Supervisor
from .throughput import Meter
from .uploads import Uploads
from .worker_link import ZAP_DOMAIN as WORKER_ZAP_DOMAIN
from .zap import Check, Gatekeeper

_log = logging.getLogger(__name__)
_ZAP_DOMAIN = "clients"
_TICK_MS = 100
_MESSAGES_PER_TURN = 64
"""So that a busy client delays neither the commit nor the others for long."""
_HOUSEKEEPING_S = 1.0
_SWEEP_S = 600.0
_QUEUED_FRAMES = 4096
"""Frames that may wait for one client. Chunks are bounded by credit; the rest is small."""
_RECEIVED_FRAMES = 64


class Broker:
    """Owns everything of one running server. All methods but :meth:`ask_to_stop` belong to one thread."""

    def __init__(self, settings: ServerSettings) -> None:
        """Open the home and bind.

        Raises:
            KeyFileError: when the keys cannot be made or read.
            HomeInUseError, StoreError: when the job store cannot be opened.
            ServerStartError: when the endpoint cannot be bound.
        """
        self._settings = settings
        self.server_id = secrets.token_hex(8)
        self.version = version("void-nuke")
        keys = ensure_keys(settings.home)
        self._store = Store(settings.home / "jobs.sqlite")
        self._spool = Spool(settings.home)
        self._mailbox: Mailbox[Callable[[], None]] = Mailbox()
        self._lanes = Lanes(self._mailbox, 2)
        # Paths of other machines may hang: that must not hold up streamed files.
        self._path_lanes = Lanes(self._mailbox, 2)
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._allowed = AllowList(allowed_folder(settings.home))
        checks: dict[str, Check] = {_ZAP_DOMAIN: self._allowed.is_allowed}
        self._gatekeeper = Gatekeeper(self._context, checks)
        self._socket = self._bind(keys.secret)
        self.endpoint = self._socket.getsockopt_string(zmq.LAST_ENDPOINT)
        self._is_stopping = False

        self._meter = Meter()
        self._outbox = Outbox(self._socket, self._lose, self._meter)
        self._sessions = Sessions(settings.session_timeout_s, settings.most_sessions)
        events = EventHub(self._outbox)
        server_name = f"void-nuke {self.version}"
        self._desk = JobDesk(settings, self._store, self._spool, events, self._lanes, self._meter)
        self._supervisor = Supervisor(self._context, settings, self._desk)
        checks[WORKER_ZAP_DOMAIN] = self._supervisor.admits
        self._uploads = Uploads(
            store=self._store,
            spool=self._spool,
            outbox=self._outbox,
            lanes=self._lanes,
            credit=settings.upload_credit,
            on_complete=self._desk.upload_complete,
        )
        self._desk.stop_running = self._supervisor.stop_job
        self._desk.stop_upload = self._uploads.stop
        fetches = Fetches(
            outbox=self._outbox, lanes=self._lanes, most=settings.fetches, most_credit=settings.fetch_credit
        )
        self._board = StatusBoard(
            settings=settings,
            server_name=server_name,
            store=self._store,
            queue=self._desk.queue,
            sessions=self._sessions,
            supervisor=self._supervisor,
            meter=self._meter,
        )
        self._requests = Requests(
            settings=settings,
            server_id=self.server_id,
            server_name=server_name,
            sessions=self._sessions,
            name_of=self._allowed.name_of,
            outbox=self._outbox,
            lanes=self._path_lanes,
            store=self._store,
            spool=self._spool,
            desk=self._desk,
            events=events,
            uploads=self._uploads,
            fetches=fetches,
            administration=Administration(
                settings, self._outbox, self._desk, self._board.status, self._board.health, self._clean
            ),
        )

    def _bind(self, secret: bytes) -> zmq.Socket[bytes]:
        socket = self._context.socket(zmq.ROUTER)
        socket.linger = 200
        socket.setsockopt(zmq.ROUTER_MANDATORY, 1)
        socket.setsockopt(zmq.MAXMSGSIZE, LARGEST_FRAME_BYTES)
        socket.setsockopt(zmq.SNDHWM, _QUEUED_FRAMES)
        socket.setsockopt(zmq.RCVHWM, _RECEIVED_FRAMES)
        socket.setsockopt(zmq.HANDSHAKE_IVL, 10_000)
        socket.curve_server = True
        socket.curve_secretkey = secret
        socket.zap_domain = _ZAP_DOMAIN.encode()
        if "[" in self._settings.endpoint:
            socket.setsockopt(zmq.IPV6, 1)
        try:
            socket.bind(self._settings.bind_endpoint)
        except zmq.ZMQError as error:
            raise ServerStartError(
                f"cannot listen on {self._settings.endpoint}: {error}; another server may run there: "
                "stop it or choose another endpoint (port 0 takes a free one)"
            ) from error
        return socket

    def ask_to_stop(self) -> None:
        """End :meth:`run` soon. Any thread, also a signal handler."""
        self._mailbox.put(self._begin_stop)

    def _begin_stop(self) -> None:
        self._is_stopping = True

    def run(self) -> None:
        """Serve until asked to stop, then stop the workers and close everything.

        Raises:
            StoreError: when the job store cannot be written any more.
        """
        try:
            self._serve()
            self._desk.close()
        finally:
            self._supervisor.shut_down()
            self._close()

    def _serve(self) -> None:
        self._desk.recover()
        self._store.commit()
        poller = zmq.Poller()
        for source in (self._gatekeeper.socket, self._socket, self._supervisor.socket):
            poller.register(source, zmq.POLLIN)
        poller.register(self._mailbox.fileno(), zmq.POLLIN)
        next_housekeeping = next_sweep = 0.0
        while not self._is_stopping:
            ready = dict(poller.poll(_TICK_MS))
            if self._gatekeeper.socket in ready:
                self._gatekeeper.answer()
            for action in self._mailbox.drain():
                self._guard(action)
            if self._supervisor.socket in ready:
                self._guard(self._supervisor.receive)
            if self._socket in ready:
                self._receive()
            self._guard(self._supervisor.tick)
            now = time.monotonic()
            if now >= next_housekeeping:
                self._guard(self._look_around)
                next_housekeeping = now + _HOUSEKEEPING_S
            if now >= next_sweep:
                self._guard(self._sweep)
                next_sweep = now + _SWEEP_S
            self._store.commit()
            self._outbox.flush()

    def _guard(self, action: Callable[[], None]) -> None:
        """A fault in one thing must not end the service of all; a store that fails must."""
        try:
            action()
        except StoreError:
            raise
        except Exception:  # noqa: BLE001 - see above
            _log.exception("a fault in the server; it goes on")

    def _receive(self) -> None:
        for _ in range(_MESSAGES_PER_TURN):
            try:
                peer, *frames = self._socket.recv_multipart(zmq.NOBLOCK, copy=False)
            except zmq.Again:
                return
            try:
                key = str(frames[0].get("User-Id")).encode() if frames else b""
                message, payloads = decode_client_frames(frames)
            except WireError as error:
                self._requests.refuse(peer.bytes, error.request, error.code, str(error))
                continue
            self._meter.add("received_bytes", sum(len(frame) for frame in frames))
            try:
                self._requests.handle(peer.bytes, key, message, payloads)
            except StoreError:
                raise
            except Exception:  # noqa: BLE001 - a fault in one answer must not end the service of all
                _log.exception("cannot answer %s", type(message).__name__)
                text = "the server failed at this request; its log says more"
                self._requests.refuse(peer.bytes, getattr(message, "request", None), "internal", text)

    def _look_around(self) -> None:
        for peer in self._sessions.silent():
            self._lose(peer)
        for peer in self._sessions.revoked(self._allowed.keys()):
            self._lose(peer)
        for job_id in self._store.jobs_in(JobState.UPLOADING):
            if self._uploads.silence_s(job_id) > self._settings.upload_grace_s:
                self._desk.upload_abandoned(job_id)

    def _sweep(self) -> None:
        """Delete what is older than the settings keep it."""
        self._desk.queue.forget_unused()
        self._find_old(None, lambda found: self._delete_old(found, lambda problems: None))

    def _clean(self, peer: bytes, message: Clean) -> None:
        """For the administration: tell what may go, or delete it and tell."""

        def found(finds: list[cleaning.Find]) -> None:
            if message.apply:
                self._delete_old(finds, lambda problems: tell(finds, problems))
            else:
                tell(finds, [])

        def tell(finds: list[cleaning.Find], problems: list[str]) -> None:
            report = cleaning.report(message.request, finds, applied=message.apply, problems=problems)
            self._outbox.send(peer, report)

        self._find_old(message.days, found)

    def _find_old(self, days: float | None, then: Callable[[list[cleaning.Find]], None]) -> None:
        look = partial(
            cleaning.find, self._settings, self._spool, cleaning.ask(self._store, self._spool), days
        )
        self._lanes.run("cleaning", look, lambda done: then(done.result()))

    def _delete_old(self, found: list[cleaning.Find], then: Callable[[list[str]], None]) -> None:
        if found:
            size = sum(each.item.size_bytes for each in found)
            _log.info("cleaning up: %d things, %.1f MB", len(found), size / 1e6)
            cleaning.forget(self._store, found)
            self._store.commit()
        self._lanes.run("cleaning", partial(cleaning.delete, found), lambda done: then(done.result()))

    def _lose(self, peer: bytes) -> None:
        self._requests.forget(peer)

    def _close(self) -> None:
        self._lanes.close()
        self._path_lanes.close()
        try:
            self._store.commit()
            self._outbox.flush()
        finally:
            self._store.close()
            self._gatekeeper.close()
            self._socket.close()
            self._context.term()
            self._mailbox.close()
