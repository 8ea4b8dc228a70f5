"""What a client makes of a server of an older release."""

from __future__ import annotations

from concurrent.futures import Future

import pytest

from void_protocol.client import none_if_unknown
from void_protocol.errors import ProtocolError, ServerError, ServerUnreachableError


def test_an_answer_stays_what_it_is() -> None:
    asked: Future[list[str]] = Future()
    found = none_if_unknown(asked)
    assert not found.done()
    asked.set_result(["propagation"])
    assert found.result(0) == ["propagation"]


def test_a_server_that_does_not_know_the_message_has_nothing_to_say() -> None:
    asked: Future[int] = Future()
    asked.set_exception(ServerError("unknown_type", "there is no message of type get_engines"))
    assert none_if_unknown(asked).result(0) is None


@pytest.mark.parametrize("error", [ServerError("limit", "too many"), ServerUnreachableError("gone")])
def test_every_other_error_is_one(error: ProtocolError) -> None:
    asked: Future[int] = Future()
    asked.set_exception(error)
    assert none_if_unknown(asked).exception(0) is error
