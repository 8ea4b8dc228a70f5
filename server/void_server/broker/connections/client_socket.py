"""The socket at which clients connect, as the settings want it."""

from __future__ import annotations

import zmq

from void_protocol.wire import LARGEST_FRAME_BYTES
from void_server.errors import ServerStartError
from void_server.settings import ServerSettings

ZAP_DOMAIN = "clients"
"""The name under which this socket asks who may come in."""
_RECEIVED_MESSAGES = 16
"""The most messages of one connection that wait to be read; each may hold a whole job."""


def make_client_socket(
    context: zmq.Context[zmq.Socket[bytes]], settings: ServerSettings, secret: bytes
) -> zmq.Socket[bytes]:
    """Make the socket, with the server's secret key (Z85 text). It does not listen yet."""
    socket = context.socket(zmq.ROUTER)
    socket.linger = 200
    socket.setsockopt(zmq.ROUTER_MANDATORY, 1)
    socket.setsockopt(zmq.MAXMSGSIZE, LARGEST_FRAME_BYTES)
    socket.setsockopt(zmq.SNDHWM, settings.client_queue)
    socket.setsockopt(zmq.RCVHWM, _RECEIVED_MESSAGES)
    socket.setsockopt(zmq.HANDSHAKE_IVL, int(1000 * settings.handshake_s))
    # This is ZeroMQ's own ping: a client that does not answer, or sends one message for ever, is cut off.
    socket.setsockopt(zmq.HEARTBEAT_IVL, int(250 * settings.connection_silence_s))
    socket.setsockopt(zmq.HEARTBEAT_TIMEOUT, int(1000 * settings.connection_silence_s))
    socket.curve_server = True
    socket.curve_secretkey = secret
    socket.zap_domain = ZAP_DOMAIN.encode()
    if "[" in settings.endpoint:
        socket.setsockopt(zmq.IPV6, 1)
    return socket


def listen(socket: zmq.Socket[bytes], settings: ServerSettings) -> str:
    """Bind the socket, and return its endpoint with the real port.

    Raises:
        ServerStartError: when it cannot be bound.
    """
    try:
        socket.bind(settings.bind_endpoint)
    except zmq.ZMQError as error:
        raise ServerStartError(
            f"cannot listen on {settings.endpoint}: {error}; another server may run there: "
            "stop it or choose another endpoint (port 0 takes a free one)"
        ) from error
    return socket.getsockopt_string(zmq.LAST_ENDPOINT)
