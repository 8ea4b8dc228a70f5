from __future__ import annotations

from pathlib import Path

import pytest

from void_server.access.permissions import check_operator, check_priority
from void_server.errors import RequestRefused
from void_server.settings import ServerSettings


def test_operators_may_more_than_others(tmp_path: Path) -> None:
    settings = ServerSettings(home=tmp_path, operators=("anna", "ben"))
    check_operator(settings, "anna", "clean up")
    check_priority(settings, "ben", 5)
    check_priority(settings, "carl", 0)
    check_priority(settings, "carl", -3)
    with pytest.raises(RequestRefused, match=r"carl may not clean up; operators may: anna, ben") as refused:
        check_operator(settings, "carl", "clean up")
    assert refused.value.code == "operators_only"
    with pytest.raises(RequestRefused, match=r"priority 1: only operators .* go above 0 \(anna, ben\)"):
        check_priority(settings, "carl", 1)


def test_a_server_without_operators_says_which_setting_names_them(tmp_path: Path) -> None:
    with pytest.raises(RequestRefused, match="see the server's setting 'operators'"):
        check_operator(ServerSettings(home=tmp_path, operators=()), "anna", "drain the server")
