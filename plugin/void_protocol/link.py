"""One socket of a client, from connecting until the connection is lost."""

from __future__ import annotations

import time

import zmq
from zmq.utils.monitor import recv_monitor_message

from void_protocol.keys import Connection
from void_protocol.messages import Welcome
from void_protocol.wire import LARGEST_FRAME_BYTES

_PROBLEMS: dict[int, str] = {
    zmq.EVENT_CONNECT_RETRIED: "nothing listens there; start a server with 'void serve'",
    zmq.EVENT_CONNECTED: (
        "something listens there but does not answer; "
        "perhaps the server's key is not the one pinned here (keys/server.key)"
    ),
    zmq.EVENT_HANDSHAKE_SUCCEEDED: "the server let this client in but does not answer",
    zmq.EVENT_HANDSHAKE_FAILED_AUTH: (
        "the server does not let this client in; its public key has to be put on the server's list"
    ),
    zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL: "what listens there is not this kind of server",
    zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL: (
        "the connection was refused; perhaps the server's key is not the one pinned here (keys/server.key)"
    ),
}
"""For people: what libzmq's reasons for a connection that failed mean."""


class Link:
    """A socket that connects at once. It does not say whether anybody answers."""

    def __init__(self, context: zmq.Context[zmq.Socket[bytes]], connection: Connection, wake: int) -> None:
        """The poller also watches ``wake``, a file descriptor."""
        self.opened = self.last_heard = time.monotonic()
        self.next_ping = 0.0
        self.welcome: Welcome | None = None
        self._was_reached = False
        socket = context.socket(zmq.DEALER)
        socket.setsockopt(zmq.MAXMSGSIZE, LARGEST_FRAME_BYTES)
        # Credit bounds what waits in the queue, and the thread must never block because the queue is full.
        socket.setsockopt(zmq.SNDHWM, 0)
        socket.setsockopt(zmq.RCVHWM, 0)
        if "[" in connection.endpoint:
            socket.setsockopt(zmq.IPV6, 1)
        socket.curve_serverkey = connection.server_key
        socket.curve_publickey = connection.client_key
        socket.curve_secretkey = connection.client_secret
        self.socket = socket
        self.monitor = socket.get_monitor_socket()
        self.poller = zmq.Poller()
        self.poller.register(socket, zmq.POLLIN)
        self.poller.register(self.monitor, zmq.POLLIN)
        self.poller.register(wake, zmq.POLLIN)
        socket.connect(connection.endpoint)

    def read_monitor(self) -> tuple[bool, str]:
        """Return whether the TCP connection broke, and the reason for people if one is known."""
        is_broken, problem = False, ""
        while self.monitor.poll(0):
            event = recv_monitor_message(self.monitor)["event"]
            is_broken = is_broken or event == zmq.EVENT_DISCONNECTED
            self._was_reached = self._was_reached or event == zmq.EVENT_CONNECTED
            if event == zmq.EVENT_CONNECT_RETRIED and self._was_reached:
                continue  # somebody listens, so what went wrong after that is the better reason
            problem = _PROBLEMS.get(event, problem)
        return is_broken, problem

    def close(self, linger_ms: int) -> None:
        self.socket.disable_monitor()
        self.monitor.close(0)
        self.socket.close(linger_ms)
