"""Names connections, so that no client can choose what its own is called.

ZeroMQ lets a client propose the name under which a ROUTER socket knows its connection, and counts through
names for those that propose none. A client that proposed a name which the counter came to later made the
library end the process; one that proposed the name of a client that had just gone would have been taken for
it. So the server gives every connection a name of its own, when it lets its key in. A name tells whose key
it was made for: nobody else can make one, and nothing has to be remembered for connections that never speak.
"""

from __future__ import annotations

import hashlib
import secrets

import zmq

_NONCE_BYTES = 12
_MARK_BYTES = 12
_FIRST = b"c"
"""ZeroMQ's own names begin with a zero byte; none of ours does."""


class PeerNames:
    """Makes names of connections and recognizes them."""

    def __init__(self) -> None:
        self._secret = secrets.token_bytes(32)

    def make(self, key: bytes) -> bytes:
        """Return a fresh name for a connection of the client with this public key (Z85 text)."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return _FIRST + nonce + self._mark(nonce, key)

    def is_of(self, name: bytes, key: bytes) -> bool:
        """Return whether :meth:`make` has made this name for this key."""
        nonce, mark = name[1 : 1 + _NONCE_BYTES], name[1 + _NONCE_BYTES :]
        return name[:1] == _FIRST and secrets.compare_digest(mark, self._mark(nonce, key))

    def _mark(self, nonce: bytes, key: bytes) -> bytes:
        return hashlib.blake2b(nonce + key, key=self._secret, digest_size=_MARK_BYTES).digest()


def key_of(frame: zmq.Frame) -> bytes:
    """Return the public key (Z85 text) that the connection of this frame has proved; empty when it has proved
    none. It is the connection's own, whatever the client says of itself."""
    try:
        return str(frame.get("User-Id")).encode()
    except zmq.ZMQError:
        return b""
