"""The client's background thread, which alone touches the socket.

It opens the session, keeps the heartbeat, notices when the server is lost and reconnects by itself. Requests
that had no answer when the connection was lost are sent again, which is safe for every request of the
protocol.
"""

from __future__ import annotations

import getpass
import logging
import platform
import queue
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Protocol

import msgspec
import zmq

from void_protocol.errors import (
    ProtocolError,
    ServerError,
    ServerUnreachableError,
    VersionRefusedError,
    WireError,
)
from void_protocol.keys import Connection
from void_protocol.link import Link
from void_protocol.mailbox import Mailbox
from void_protocol.messages import (
    PROTOCOL_VERSION,
    Bye,
    Data,
    Error,
    Hello,
    Message,
    Ping,
    Pong,
    ServerMessage,
    Welcome,
)
from void_protocol.wire import Payload, decode_server_frames, encode_frames

_log = logging.getLogger(__name__)
_HELLO_WAIT_S = 5.0
"""A ``hello`` without an answer for this long is sent again on a new socket."""
_MISSED_BEATS = 3
"""The connection counts as lost after this many unanswered heartbeats."""
_FIRST_PAUSE_S = 0.2
_LONGEST_PAUSE_S = 5.0
_TICK_MS = 200
_FETCHES = 4
"""How many files are fetched at a time: enough to keep network, checksum and disk busy, fewer than servers
allow."""
Reply = tuple[ServerMessage, list[memoryview]]
StreamItem = tuple[Data, memoryview] | ProtocolError | None
"""A piece of a fetched file, a refusal, or None when the connection was lost."""


class Listener(Protocol):
    """Is told what the server sends unasked. Its methods are called on the session's thread."""

    def connected(self, welcome: Welcome) -> None: ...

    def disconnected(self, why: str) -> None: ...

    def received(self, message: ServerMessage, payloads: list[memoryview]) -> None: ...


@dataclass
class _Waiting:
    frames: list[Payload]
    future: Future[Reply]
    deadline: float


class Session:
    """One lasting conversation with a server, over as many connections as it takes."""

    def __init__(
        self, connection: Connection, listener: Listener, client_name: str, timeout_s: float
    ) -> None:
        self._connection = connection
        self._listener = listener
        self._client_name = client_name
        self._timeout_s = timeout_s
        self._mailbox: Mailbox[Callable[[], None]] = Mailbox()
        self._thread = threading.Thread(target=self._run, name="void-client", daemon=True)
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._link: Link | None = None
        self._pause_s = _FIRST_PAUSE_S
        self._next_open = 0.0
        self._numbers = iter(range(1, 2**53))
        self._numbers_lock = threading.Lock()
        self._waiting: dict[int, _Waiting] = {}
        self._streams: dict[int, queue.SimpleQueue[StreamItem]] = {}
        self._is_closing = False
        self._refused: ProtocolError | None = None
        self._changed = threading.Condition()
        self._welcome: Welcome | None = None
        self.fetch_slots = threading.BoundedSemaphore(_FETCHES)
        """A thread that fetches a file holds one of these; the server limits how many run on one
        connection."""
        self.last_problem = "the server has not answered yet"

    # Any thread -----------------------------------------------------------------------------------------

    def start(self) -> None:
        self._thread.start()

    @property
    def is_own_thread(self) -> bool:
        return threading.current_thread() is self._thread

    @property
    def welcome(self) -> Welcome | None:
        """What the server said when the present connection began; None while there is none."""
        return self._welcome

    def wait_connected(self, timeout_s: float) -> Welcome:
        """Block until there is a connection.

        Raises:
            ServerUnreachableError: when there is none in time; the message gives the last known reason.
            VersionRefusedError: when the server speaks no common version.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._welcome is not None or self._refused is not None, timeout_s)
            if self._refused is not None:
                raise self._refused
            if self._welcome is None:
                raise ServerUnreachableError(self._unreachable())
            return self._welcome

    def _unreachable(self) -> str:
        return f"no server at {self._connection.endpoint}: {self.last_problem}"

    def new_number(self) -> int:
        with self._numbers_lock:
            return next(self._numbers)

    def request(
        self, message: Message, payloads: Sequence[Payload] = (), timeout_s: float | None = None
    ) -> Future[Reply]:
        """Send a request, now or as soon as there is a connection. ``message.request`` is filled in here.

        The future fails with ServerError when the server refuses and with ServerUnreachableError when no
        answer has come after ``timeout_s``, or at once when the session is closed.
        """
        number = self.new_number()
        frames = encode_frames(msgspec.structs.replace(message, request=number), payloads)
        future: Future[Reply] = Future()
        future.set_running_or_notify_cancel()  # a request that was sent cannot be taken back
        deadline = time.monotonic() + (self._timeout_s if timeout_s is None else timeout_s)
        waiting = _Waiting(frames, future, deadline)
        if not self._mailbox.put(lambda: self._ask(number, waiting)):
            future.set_exception(_closed())
        return future

    def send(self, message: Message, payloads: Sequence[Payload] = ()) -> None:
        """Send a message that has no reply; it is dropped while there is no connection."""
        frames = encode_frames(message, payloads)
        self._mailbox.put(lambda: self._send(frames))

    def open_stream(self, message: Message) -> tuple[int, queue.SimpleQueue[StreamItem]]:
        """Ask for a file, whose pieces arrive in the queue. ``message.request`` is filled in here."""
        number = self.new_number()
        frames = encode_frames(msgspec.structs.replace(message, request=number))
        items: queue.SimpleQueue[StreamItem] = queue.SimpleQueue()

        def begin() -> None:
            if self._link is None or self._link.welcome is None:
                items.put(self._refused)
            else:
                self._streams[number] = items
                self._send(frames)

        if not self._mailbox.put(begin):
            items.put(_closed())
        return number, items

    def close_stream(self, number: int) -> None:
        self._mailbox.put(lambda: self._forget_stream(number))

    def call(self, action: Callable[[], None]) -> None:
        """Run ``action`` on the session's thread."""
        self._mailbox.put(action)

    def close(self, timeout_s: float = 5.0) -> None:
        """Say goodbye to the server and end the thread. Requests without an answer fail."""

        def begin() -> None:
            self._is_closing = True

        self._mailbox.put(begin)
        if not self.is_own_thread:
            self._thread.join(timeout_s)

    # The session's thread -------------------------------------------------------------------------------

    def _run(self) -> None:
        try:
            while not self._is_closing:
                self._turn()
        finally:
            self._end()

    def _turn(self) -> None:
        if self._link is None and self._refused is None and time.monotonic() >= self._next_open:
            self._open()
        link = self._link
        if link is None:
            poller = zmq.Poller()
            poller.register(self._mailbox.fileno(), zmq.POLLIN)
            poller.poll(_TICK_MS)
        else:
            ready = dict(link.poller.poll(_TICK_MS))
            if link.socket in ready:
                self._receive(link)
            if link.monitor in ready:
                self._look_at_monitor(link)
        for action in self._mailbox.drain():
            action()
        self._check_times()

    def _open(self) -> None:
        self._link = Link(self._context, self._connection, self._mailbox.fileno())
        hello = Hello(
            request=0,
            min_version=PROTOCOL_VERSION,
            max_version=PROTOCOL_VERSION,
            client=self._client_name,
            user=_user_name(),
            host=platform.node()[:256],
        )
        self._send(encode_frames(hello))

    def _receive(self, link: Link) -> None:
        for _ in range(256):
            try:
                frames = link.socket.recv_multipart(zmq.NOBLOCK, copy=False)
            except zmq.Again:
                return
            try:
                message, payloads = decode_server_frames(frames)
            except WireError as error:
                _log.warning("the server at %s sent what is no message: %s", self._connection.endpoint, error)
                continue
            link.last_heard = time.monotonic()
            self._received(link, message, payloads)
            if self._link is not link:
                return

    def _received(self, link: Link, message: ServerMessage, payloads: list[memoryview]) -> None:
        if isinstance(message, Welcome):
            self._welcomed(link, message)
            return
        if isinstance(message, Error) and message.code == "no_session":
            self._lose("the server does not know this connection any more")
            return
        if isinstance(message, Error) and message.request == 0 and link.welcome is None:
            self._hello_refused(message)
            return
        if isinstance(message, Pong):
            return
        number = getattr(message, "request", None)
        stream = self._streams.get(number) if number is not None else None
        if stream is not None and number is not None:
            self._to_stream(number, stream, message, payloads)
            return
        waiting = self._waiting.pop(number, None) if number is not None else None
        if waiting is None:
            self._notify(lambda: self._listener.received(message, payloads))
        elif isinstance(message, Error):
            waiting.future.set_exception(ServerError(message.code, message.message))
        else:
            waiting.future.set_result((message, payloads))

    def _to_stream(
        self,
        number: int,
        stream: queue.SimpleQueue[StreamItem],
        message: ServerMessage,
        payloads: list[memoryview],
    ) -> None:
        if isinstance(message, Data):
            stream.put((message, payloads[0]))
            if message.last:
                del self._streams[number]
        elif isinstance(message, Error):
            stream.put(ServerError(message.code, message.message))
            del self._streams[number]

    def _welcomed(self, link: Link, welcome: Welcome) -> None:
        link.welcome = welcome
        link.next_ping = time.monotonic() + welcome.heartbeat_s
        self._pause_s = _FIRST_PAUSE_S
        with self._changed:
            self._welcome = welcome
            self._changed.notify_all()
        self._notify(lambda: self._listener.connected(welcome))
        for waiting in self._waiting.values():
            self._send(waiting.frames)

    def _hello_refused(self, message: Error) -> None:
        if message.code != "version":
            self._lose(message.message)
            return
        with self._changed:
            self._refused = VersionRefusedError(message.message)
            self._changed.notify_all()
        self._fail_waiting(self._refused)
        self._drop_link()

    def _look_at_monitor(self, link: Link) -> None:
        is_broken, problem = link.read_monitor()
        self.last_problem = problem or self.last_problem
        if is_broken and link.welcome is not None:
            self._lose("the connection broke")

    def _check_times(self) -> None:
        now = time.monotonic()
        link = self._link
        if link is not None and link.welcome is None and now > link.opened + _HELLO_WAIT_S:
            self._lose(self.last_problem)
        elif link is not None and link.welcome is not None:
            if now > link.last_heard + _MISSED_BEATS * link.welcome.heartbeat_s:
                self._lose(f"the server has been silent for {now - link.last_heard:.0f} s")
            elif now >= link.next_ping:
                link.next_ping = now + link.welcome.heartbeat_s
                self._send(encode_frames(Ping(request=0)))
        for number in [number for number, waiting in self._waiting.items() if now > waiting.deadline]:
            waiting = self._waiting.pop(number)
            waiting.future.set_exception(ServerUnreachableError(self._unreachable()))

    def _lose(self, why: str) -> None:
        was_connected = self._link is not None and self._link.welcome is not None
        self.last_problem = why
        self._drop_link()
        self._next_open = time.monotonic() + self._pause_s
        self._pause_s = min(2 * self._pause_s, _LONGEST_PAUSE_S)
        streams, self._streams = self._streams, {}
        for stream in streams.values():
            stream.put(None)
        if was_connected:
            _log.info("lost the server at %s: %s", self._connection.endpoint, why)
            self._notify(lambda: self._listener.disconnected(why))

    def _drop_link(self) -> None:
        with self._changed:
            self._welcome = None
        link, self._link = self._link, None
        if link is not None:
            link.close(linger_ms=0)

    def _ask(self, number: int, waiting: _Waiting) -> None:
        if self._refused is not None:
            waiting.future.set_exception(self._refused)
            return
        self._waiting[number] = waiting
        if self._link is not None and self._link.welcome is not None:
            self._send(waiting.frames)

    def _send(self, frames: Sequence[Payload]) -> None:
        link = self._link
        if link is None:
            return
        try:
            link.socket.send_multipart(frames, zmq.NOBLOCK, copy=False)
        except zmq.Again:
            # The socket has no connection and makes none: the server has hung up and lets this client in no
            # more. Whoever waits for an answer sends the message again.
            self._mailbox.put(lambda: self._lose_link(link))

    def _lose_link(self, link: Link) -> None:
        if self._link is link:
            self._lose("the server has hung up")

    def _forget_stream(self, number: int) -> None:
        self._streams.pop(number, None)

    def _notify(self, action: Callable[[], None]) -> None:
        try:
            action()
        except Exception:  # noqa: BLE001 - a listener's failure must not cut the connection
            _log.exception("a callback of the client failed")

    def _fail_waiting(self, error: ProtocolError) -> None:
        waiting, self._waiting = self._waiting, {}
        for each in waiting.values():
            each.future.set_exception(error)

    def _end(self) -> None:
        if self._link is not None and self._link.welcome is not None:
            self._send(encode_frames(Bye()))
            self._link.close(linger_ms=500)
            self._link = None
        self._drop_link()
        error = _closed()
        with self._changed:
            self._refused = error
            self._changed.notify_all()
        for action in self._mailbox.close():
            action()
        self._fail_waiting(error)
        for stream in self._streams.values():
            stream.put(error)
        self._context.term()


def _closed() -> ServerUnreachableError:
    return ServerUnreachableError("the client was closed")


def _user_name() -> str:
    try:
        return getpass.getuser()[:256]
    except (OSError, KeyError):  # the machine has no name for this user
        return ""
