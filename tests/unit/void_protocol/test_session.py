from __future__ import annotations

import threading
from concurrent.futures import Future

import pytest
import zmq

from void_protocol.client import Client
from void_protocol.errors import ServerUnreachableError
from void_protocol.keys import Connection
from void_protocol.messages import Fetch, GetStatus, ServerMessage, Welcome
from void_protocol.session import Reply, Session


class Deaf:
    """A listener that nobody talks to."""

    def connected(self, welcome: Welcome) -> None: ...

    def disconnected(self, why: str) -> None: ...

    def received(self, message: ServerMessage, payloads: list[memoryview]) -> None: ...


def nowhere() -> Connection:
    server_key, _ = zmq.curve_keypair()
    client_key, client_secret = zmq.curve_keypair()
    return Connection("tcp://127.0.0.1:9", server_key, client_key, client_secret)


def test_a_closed_session_refuses_at_once() -> None:
    session = Session(nowhere(), Deaf(), "test", 60.0)
    session.start()
    waiting = session.request(GetStatus(request=0))
    session.close()
    for future in (waiting, session.request(GetStatus(request=0), timeout_s=3600.0)):
        with pytest.raises(ServerUnreachableError, match="client was closed"):
            future.result(1)
    _, items = session.open_stream(Fetch(request=0, job_id="a", frame=1, credit=1))
    assert isinstance(items.get(timeout=1), ServerUnreachableError)
    session.close()  # once more is nothing


def test_a_request_while_the_session_closes_is_answered() -> None:
    for _ in range(10):
        session = Session(nowhere(), Deaf(), "test", 60.0)
        session.start()
        asked: list[Future[Reply]] = []

        def ask(session: Session = session, asked: list[Future[Reply]] = asked) -> None:
            asked.extend(session.request(GetStatus(request=0)) for _ in range(300))

        asking = threading.Thread(target=ask)
        asking.start()
        session.close()
        asking.join()
        for future in asked:
            with pytest.raises(ServerUnreachableError, match="client was closed"):
                future.result(1)


def test_a_closed_client_answers_too() -> None:
    client = Client(nowhere())
    client.close()
    with pytest.raises(ServerUnreachableError, match="client was closed"):
        client.jobs().result(1)
    with pytest.raises(ServerUnreachableError, match="client was closed"):
        client.follow("a").done.result(1)
