from __future__ import annotations

from concurrent.futures import Future
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.review_case import reviewed_job
from void_protocol.errors import ServerUnreachableError
from void_server.cli import review


def test_a_server_that_does_not_answer_about_a_matte_is_told_of_and_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed: list[bool] = []
    remote = SimpleNamespace(accepted=Future(), done=Future())
    client = SimpleNamespace(submit=lambda job, again: remote, close=lambda: closed.append(True))
    monkeypatch.setattr(review, "connected_client", lambda home, endpoint: client)
    monkeypatch.setattr(review, "_ACCEPTED_S", 0.0)
    with pytest.raises(ServerUnreachableError, match="did not answer within 0 seconds"):
        review._send_to_server(None, None, reviewed_job(tmp_path), lambda text: None)
    assert closed == [True]
