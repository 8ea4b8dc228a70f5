"""The sessions of connected clients. One lasts from a client's hello until its bye or its silence."""

from __future__ import annotations

import time
from collections.abc import Container
from dataclasses import dataclass, field


@dataclass
class ClientSession:
    """One session of a client."""

    peer: bytes
    """The ROUTER socket's name for the connection."""
    key: bytes
    """The client's public key, as Z85 text."""
    owner: str
    """The client's name on the allow-list."""
    client: str
    version: int
    last_heard: float = field(default_factory=time.monotonic)


class Sessions:
    """All sessions, by peer."""

    def __init__(self, timeout_s: float, most: int, most_of_client: int | None = None) -> None:
        """Allow ``most`` sessions at a time, and ``most_of_client`` of them with one key."""
        self._timeout_s = timeout_s
        self._most = most
        self._most_of_client = most if most_of_client is None else most_of_client
        self._sessions: dict[bytes, ClientSession] = {}

    def __len__(self) -> int:
        return len(self._sessions)

    def __contains__(self, peer: bytes) -> bool:
        return peer in self._sessions

    @property
    def is_full(self) -> bool:
        return len(self._sessions) >= self._most

    def has_many(self, key: bytes) -> bool:
        """Return whether no more sessions may be opened with this key."""
        return sum(session.key == key for session in self._sessions.values()) >= self._most_of_client

    def open(self, session: ClientSession) -> None:
        self._sessions[session.peer] = session

    def heard(self, peer: bytes, key: bytes) -> ClientSession | None:
        """Note that a peer has just sent something over a connection with this key, and return its session.
        There is none for another key than the one that opened it."""
        session = self._sessions.get(peer)
        if session is None or session.key != key:
            return None
        session.last_heard = time.monotonic()
        return session

    def get(self, peer: bytes) -> ClientSession | None:
        """Return the session of a peer, or None."""
        return self._sessions.get(peer)

    def drop(self, peer: bytes) -> bool:
        """Forget a session, and return whether there was one."""
        return self._sessions.pop(peer, None) is not None

    def revoked(self, allowed: Container[bytes]) -> list[bytes]:
        """Return the peers whose keys are not among those that are allowed now."""
        return [peer for peer, session in self._sessions.items() if session.key not in allowed]

    def silent(self) -> list[bytes]:
        """Return the peers that have been silent for too long."""
        limit = time.monotonic() - self._timeout_s
        return [peer for peer, session in self._sessions.items() if session.last_heard < limit]
