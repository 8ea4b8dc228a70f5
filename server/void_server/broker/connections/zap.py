"""Answers libzmq's question whether a client may come in (ZeroMQ RFC 27, ZAP).

The broker's own loop answers, so that a change of the list counts at once and no thread is needed. Every
CURVE socket of the same context asks here, with its own domain.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

import zmq
from zmq.utils import z85

ZAP_ENDPOINT = "inproc://zeromq.zap.01"
_log = logging.getLogger(__name__)

Check = Callable[[bytes], bool]
"""A function that says whether a client with this public key (Z85) may come in."""


class Gatekeeper:
    """Lets clients in or turns them away. It must be bound before any CURVE socket of the context."""

    def __init__(self, context: zmq.Context[zmq.Socket[bytes]], checks: dict[str, Check]) -> None:
        self._checks = checks
        self.socket = context.socket(zmq.REP)
        self.socket.linger = 0
        self.socket.bind(ZAP_ENDPOINT)

    def answer(self) -> None:
        """Answer one waiting question. Messages of a client that is let in carry its public key as their
        ``User-Id``."""
        frames = self.socket.recv_multipart()
        number = frames[1] if len(frames) > 1 else b""
        try:
            key = self._admitted_key(frames)
        except Exception:  # noqa: BLE001 - a problem with keys must not let anyone in, nor stop the broker
            _log.exception("cannot check a client's key; it is refused")
            key = None
        status = (b"200", b"OK", key, b"") if key is not None else (b"400", b"Unknown key", b"", b"")
        self.socket.send_multipart([b"1.0", number, *status])

    def _admitted_key(self, frames: list[bytes]) -> bytes | None:
        if len(frames) != 7:
            return None
        version, _, domain, address, _, mechanism, raw_key = frames
        check = self._checks.get(domain.decode("utf-8", "replace"))
        if version != b"1.0" or mechanism != b"CURVE" or check is None:
            return None
        key = z85.encode(raw_key)
        if check(key):
            return key
        _log.warning(
            "refused a client from %s with the unknown key %s",
            address.decode("ascii", "replace"),
            key.decode(),
        )
        return None

    def close(self) -> None:
        self.socket.close()
