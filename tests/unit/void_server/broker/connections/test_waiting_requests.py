"""Every peer has its own count of waiting requests, and gets room again when one was answered."""

from __future__ import annotations

import pytest

from void_server.broker.connections.waiting_requests import WaitingRequests
from void_server.errors import RequestRefused


def test_one_peer_is_refused_at_the_limit_and_another_is_not() -> None:
    waiting = WaitingRequests("proofs", 2, "client_proofs")
    waiting.begin(b"a")
    waiting.begin(b"a")

    with pytest.raises(
        RequestRefused, match=r"^2 proofs wait already, at most 2 \(client_proofs\); "
    ) as refused:
        waiting.begin(b"a")
    waiting.begin(b"b")

    assert refused.value.code == "limit"


def test_what_was_refused_is_not_counted_and_what_was_answered_makes_room() -> None:
    waiting = WaitingRequests("proofs", 1, "client_proofs")
    waiting.begin(b"a")
    for _ in range(3):
        with pytest.raises(RequestRefused):
            waiting.begin(b"a")

    waiting.end(b"a")
    waiting.begin(b"a")
    waiting.end(b"a")

    assert not waiting._waiting  # a peer that has nothing left takes no memory
