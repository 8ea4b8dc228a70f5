from __future__ import annotations

import socket
import sys
from pathlib import Path

import pytest

from void_server.broker.connections.partial_messages import (
    MOST_BYTES,
    PartialMessages,
    Ticket,
    received_bytes,
)

A, B, C = (7, 1), (8, 2), (9, 3)
MIB = 1024**2


class Wire:
    """What the system would tell."""

    def __init__(self) -> None:
        self.received: dict[int, int | None] = {7: 0, 8: 0, 9: 0}

    def __call__(self, descriptor: int) -> int | None:
        return self.received[descriptor]


def look(messages: PartialMessages, times: int, *tickets: Ticket) -> list[Ticket]:
    found: list[Ticket] = []
    for _ in range(times):
        found = messages.too_much(tickets)
    return found


def test_more_than_any_message_may_have_is_too_much() -> None:
    wire = Wire()
    messages = PartialMessages(1, wire)
    wire.received[7] = wire.received[8] = MOST_BYTES + 1
    assert look(messages, 4, A, B) == []  # whole ones may just be waiting
    messages.delivered(B, 3, MOST_BYTES)
    assert look(messages, 1, A, B) == [A]
    assert look(messages, 9, B) == []


def test_all_together_may_have_so_much() -> None:
    wire = Wire()
    messages = PartialMessages(300 * MIB, wire)
    wire.received.update({7: 120 * MIB, 8: 140 * MIB, 9: 40 * MIB})
    assert look(messages, 9, A, B, C) == []
    wire.received[9] = 41 * MIB
    assert look(messages, 1, A, B, C) == [B]
    assert look(messages, 1, A, C) == []


def test_small_messages_earn_no_credit() -> None:
    wire = Wire()
    messages = PartialMessages(1, wire)
    for _ in range(1000):  # each counted as more than it was
        messages.delivered(A, 3, 100_000)
    wire.received[7] = 1000
    look(messages, 9, A)
    wire.received[7] = 1000 + MOST_BYTES + 1
    assert look(messages, 9, A) == [A]


def test_a_descriptor_that_is_used_again_is_another_connection() -> None:
    wire = Wire()
    messages = PartialMessages(1, wire)
    messages.delivered(A, 1, 10 * MOST_BYTES)
    wire.received[7] = MOST_BYTES + 1
    assert look(messages, 9, (7, 2)) == [(7, 2)]


def test_where_nobody_tells_nothing_is_known() -> None:
    wire = Wire()
    wire.received[7] = None
    assert look(PartialMessages(1, wire), 9, A) == []


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells")
def test_the_system_tells_what_has_arrived() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as listening,
        socket.create_connection(listening.getsockname()) as here,
    ):
        there, _ = listening.accept()
        with there:
            assert received_bytes(there.fileno()) == 0
            here.sendall(b"x" * 1000)
            there.recv(10, socket.MSG_PEEK | socket.MSG_WAITALL)
            assert received_bytes(there.fileno()) == 1000
            there.recv(1000)
            assert received_bytes(there.fileno()) == 1000
            number = there.fileno()
    assert received_bytes(number) is None
    with Path(__file__).open("rb") as file:
        assert received_bytes(file.fileno()) is None
