"""The connections of clients: whose each is, and which have to end.

A connection is known by the name that the server gave it, and by its ticket, with which it can be cut.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

import zmq

from void_server.access.allow_list import AllowList
from void_server.broker.connections.connection_limit import ConnectionLimit
from void_server.broker.connections.partial_messages import PartialMessages, Ticket
from void_server.broker.connections.peer_names import PeerNames
from void_server.broker.connections.sessions import Sessions

_log = logging.getLogger(__name__)


class ClientConnections:
    """Decides which connections are heard. It belongs to the broker's thread."""

    def __init__(
        self,
        *,
        limit: ConnectionLimit,
        partial_messages: PartialMessages,
        names: PeerNames,
        allowed: AllowList,
        sessions: Sessions,
        idle_s: float,
    ) -> None:
        """Watch over the connections of a socket.

        Args:
            limit: knows the socket's connections, and cuts them.
            partial_messages: finds those whose message does not come to an end.
            names: made their names.
            allowed: the keys that are let in.
            sessions: what is open over them.
            idle_s: how long, in seconds, a connection may be without a session.
        """
        self._limit = limit
        self._partial_messages = partial_messages
        self._names = names
        self._allowed = allowed
        self._sessions = sessions
        self._tickets: dict[bytes, Ticket] = {}
        """The tickets of the peers that have spoken lately."""
        self._idle_s = idle_s
        self._idle_since: dict[Ticket, float] = {}
        """Since when each connection was seen without a session, in seconds of the monotonic clock."""
        self._gone: set[bytes] = set()
        """The peers whose connections had ended at the last look."""
        self.forget: Callable[[bytes], None] = lambda peer: None
        """Called with each peer whose session ends."""

    def is_heard(self, peer: bytes, key: bytes, frames: list[zmq.Frame], size: int) -> bool:
        """Return whether a message counts that came over this connection, which has proved this key. One
        whose key is off the list, or whose name is not the one that it was given for its key, is cut."""
        if peer not in self._tickets:
            if ticket := self._limit.ticket(int(frames[0].get(zmq.SRCFD))):
                self._tickets[peer] = ticket
            if not self._names.is_of(peer, key):
                _log.error("a connection has a name that this server did not give it; it is cut")
                self.cut(peer)
                return False
        if not self._allowed.was_allowed(key):
            self.cut(peer)
            return False
        if ticket := self._tickets.get(peer):
            self._partial_messages.delivered(ticket, len(frames), size)
        return True

    def look_around(self) -> None:
        """End the sessions of those who say nothing any more or are gone, and the connections of those who
        have no session for too long. To be called once a second."""
        # Who left without a word has been read to the end by the second look.
        gone = {peer for peer, ticket in self._tickets.items() if not self._limit.is_open(ticket)}
        for peer in (*self._sessions.silent(), *(gone & self._gone)):
            self._lose(peer)
        self._gone = gone
        self._tickets = {peer: ticket for peer, ticket in self._tickets.items() if peer in self._sessions}
        self._cut_idle()

    def _cut_idle(self) -> None:
        """Cut connections that nobody uses: whoever is let in could take all that there may be."""
        now = time.monotonic()
        used = set(self._tickets.values())
        idle = [ticket for ticket in self._limit.tickets() if ticket not in used]
        self._idle_since = {ticket: self._idle_since.get(ticket, now) for ticket in idle}
        for ticket, since in self._idle_since.items():
            if now > since + self._idle_s:
                self._limit.cut(ticket)

    def cut_revoked(self) -> None:
        """Cut those whose keys are off the list."""
        for peer in self._sessions.revoked(self._allowed.keys()):
            self.cut(peer)

    def cut_partial_messages(self) -> None:
        """Cut those whose message does not come to an end."""
        peers = {ticket: peer for peer, ticket in self._tickets.items()}
        for ticket in self._partial_messages.too_much(self._limit.tickets()):
            session = self._sessions.get(peers.get(ticket, b""))
            who = "a client without a session" if session is None else session.owner
            _log.warning("the connection of %s is cut: its message does not come to an end", who)
            self._limit.cut(ticket)

    def cut(self, peer: bytes) -> None:
        """End a session and its connection, so that what waits for it, and what it sends, takes no more
        memory."""
        ticket = self._tickets.get(peer)
        self._lose(peer)
        if ticket is not None:
            self._limit.cut(ticket)

    def _lose(self, peer: bytes) -> None:
        self._tickets.pop(peer, None)
        self.forget(peer)
