"""Finds connections whose message does not come to an end.

ZeroMQ keeps the parts of a message until its last one is here, and has no limit for their number, so one
message of endless parts would take all memory. But the system knows how much has arrived on a connection. The
bytes that were never delivered belong to such a message; beyond what any honest message can have, the
connection is cut.
"""

from __future__ import annotations

import socket as sockets
import struct
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from void_protocol.job_file import JOB_BYTES
from void_protocol.wire import CONTROL_BYTES

_MIB = 1024**2
LARGEST_MESSAGE_BYTES = CONTROL_BYTES + 2 * JOB_BYTES
"""The largest message: a job and its manifest."""
_UNREAD_BYTES = 16 * _MIB
"""How much the system may have taken from the wire before ZeroMQ looks at it, at most."""
MOST_BYTES = LARGEST_MESSAGE_BYTES + _UNREAD_BYTES
_LOOKS = 4
_FRAME_BYTES = 64
"""What a frame takes on the wire beside its contents: header, nonce, authenticator."""
_TCP_INFO_BYTES = 136
_RECEIVED_AT = 128
"""Offset of ``tcpi_bytes_received`` in Linux' ``struct tcp_info``; the fields before it never change."""

Ticket = tuple[int, int]
"""A connection as the connection limit names it; its descriptor comes first."""


def received_bytes(descriptor: int) -> int | None:
    """Return how much has arrived on a TCP connection since its beginning; None where the system does not
    tell (not Linux, no TCP, or the connection is gone)."""
    if sys.platform != "linux":
        return None
    with suppress(OSError):
        # Family and kind are given so that nobody asks the system for them.
        connection = sockets.socket(sockets.AF_INET, sockets.SOCK_STREAM, 0, descriptor)
        try:
            told = connection.getsockopt(sockets.IPPROTO_TCP, sockets.TCP_INFO, _TCP_INFO_BYTES)
        finally:
            connection.detach()  # it is ZeroMQ's
        if len(told) >= _TCP_INFO_BYTES:
            return int(struct.unpack_from("=Q", told, _RECEIVED_AT)[0])
    return None


@dataclass
class _Connection:
    delivered: int = 0
    """Bytes of the whole messages that came from the connection."""
    looks: int = 0
    """How often the connection was looked at since it last delivered a message."""


class PartialMessages:
    """Finds connections to cut. It belongs to the broker's thread."""

    def __init__(self, most_bytes: int, received: Callable[[int], int | None] = received_bytes) -> None:
        """Allow unfinished messages of ``most_bytes`` on all connections together, and of :data:`MOST_BYTES`
        on one. A smaller number for all together counts as that for one."""
        self._most_bytes = max(most_bytes, MOST_BYTES)
        self._received = received
        self._connections: dict[Ticket, _Connection] = {}

    def delivered(self, ticket: Ticket, frames: int, size: int) -> None:
        """Count a whole message of so many frames and bytes from this connection."""
        connection = self._connections.setdefault(ticket, _Connection())
        connection.delivered += size + frames * _FRAME_BYTES
        connection.looks = 0

    def too_much(self, tickets: Sequence[Ticket]) -> list[Ticket]:
        """The connections to cut, of those that are open. To be asked now and then: whole messages may wait
        to be delivered, so the first :data:`_LOOKS` times say nothing."""
        self._connections = {ticket: self._connections.get(ticket) or _Connection() for ticket in tickets}
        suspects: dict[Ticket, int] = {}
        for ticket, connection in self._connections.items():
            received = self._received(ticket[0])
            if received is None:
                continue
            # Frames are counted a little too large: that must not become a credit.
            connection.delivered = min(connection.delivered, received)
            connection.looks += 1
            if connection.looks > _LOOKS:
                suspects[ticket] = received - connection.delivered
        found = [ticket for ticket, size in suspects.items() if size > MOST_BYTES]
        total = sum(suspects.values()) - sum(suspects.pop(ticket) for ticket in found)
        for ticket in sorted(suspects, key=suspects.__getitem__, reverse=True):
            if total <= self._most_bytes:
                break
            found.append(ticket)
            total -= suspects[ticket]
        return found
