"""Answers libzmq's question whether a client may come in (ZeroMQ RFC 27, ZAP).

The broker's own loop answers, so that a change of the list counts at once and no thread is needed. Every
CURVE socket of the same context asks here, with its own domain.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass

import zmq
from zmq.utils import z85

from void_server.broker.connections.io_barrier import IoBarrier

ZAP_ENDPOINT = "inproc://zeromq.zap.01"
_log = logging.getLogger(__name__)
_QUESTIONS_PER_TURN = 64


@dataclass(frozen=True)
class Domain:
    """Who may come in at the sockets of one domain."""

    admits: Callable[[bytes], bool]
    """Says whether a client with this public key (Z85) may come in."""
    name_for: Callable[[bytes], bytes] | None = None
    """Gives the connection of a client with this key its name; None leaves it to the client."""


@dataclass(frozen=True)
class _Question:
    asker: bytes
    number: bytes
    frames: list[bytes]


class Gatekeeper:
    """Lets clients in or turns them away, and names their connections. It must be made before any CURVE
    socket of the context."""

    def __init__(
        self,
        context: zmq.Context[zmq.Socket[bytes]],
        io_threads: int,
        domains: dict[str, Domain],
    ) -> None:
        """Answer for sockets of these domains; the context has ``io_threads``.

        Raises:
            ServerStartError: when this machine's loopback interface does not carry messages.
        """
        self._domains = domains
        self._barrier = IoBarrier(context, io_threads)
        self._asked: list[_Question] = []
        self._passing: list[_Question] = []
        """Questions whose answers wait for the barrier."""
        self._socket = context.socket(zmq.ROUTER)
        self._socket.linger = 0
        self._socket.bind(ZAP_ENDPOINT)

    @property
    def sources(self) -> list[zmq.Socket[bytes] | int]:
        """What to poll: :meth:`look` is to be called when one of these sockets and descriptors can be read,
        and now and then. They may be others after that."""
        return [self._socket, *self._barrier.filenos()]

    def look(self) -> None:
        """Take questions, and answer those that may be answered now. Messages of a client that is let in
        carry its public key as their ``User-Id``."""
        for _ in range(_QUESTIONS_PER_TURN):
            try:
                asker, _, *frames = self._socket.recv_multipart(zmq.NOBLOCK)
            except zmq.Again:
                break
            self._asked.append(_Question(asker, frames[1] if len(frames) > 1 else b"", frames))
        if self._passing and self._barrier.look():
            passed, self._passing = self._passing, []
            for question in passed:
                self._answer(question)
        if self._barrier.is_broken:
            _log.warning("a connection inside the server's process was lost; it is made anew")
            self._barrier.mend()
        if self._asked and not self._passing:
            self._passing, self._asked = self._asked, []
            self._barrier.begin()

    def _answer(self, question: _Question) -> None:
        try:
            admitted = self._admitted(question.frames)
        except Exception:  # noqa: BLE001 - a problem with keys must not let anyone in, nor stop the broker
            _log.exception("cannot check a client's key; it is refused")
            admitted = None
        status = (b"200", b"OK", *admitted) if admitted is not None else (b"400", b"Unknown key", b"", b"")
        self._socket.send_multipart([question.asker, b"", b"1.0", question.number, *status])

    def _admitted(self, frames: list[bytes]) -> tuple[bytes, bytes] | None:
        """Return the key of a client that is let in, and the metadata of its connection; else None."""
        if len(frames) != 7:
            return None
        version, _, name, address, _, mechanism, raw_key = frames
        domain = self._domains.get(name.decode("utf-8", "replace"))
        if version != b"1.0" or mechanism != b"CURVE" or domain is None:
            return None
        key = z85.encode(raw_key)
        if domain.admits(key):
            return key, b"" if domain.name_for is None else _property(b"Identity", domain.name_for(key))
        _log.warning(
            "refused a client from %s with the unknown key %s",
            address.decode("ascii", "replace"),
            key.decode(),
        )
        return None

    def close(self) -> None:
        self._socket.close()
        self._barrier.close()


def _property(name: bytes, value: bytes) -> bytes:
    """Encode one property of a connection, as ZMTP's metadata has it. libzmq takes ``Identity`` from here
    before it takes the client's."""
    return bytes([len(name)]) + name + len(value).to_bytes(4, "big") + value
