from __future__ import annotations

import pytest

from void_server.own_name import is_own_name


@pytest.mark.parametrize(
    ("hosts", "own"),
    [
        (["127.0.0.1:9464"], True),
        (["localhost"], True),
        (["LOCALHOST:1"], True),
        (["[::1]:80"], True),
        (["evil.example:9464"], False),
        (["127.0.0.1.evil.example"], False),
        (["localhost", "localhost"], False),
        (["[::1"], False),
        ([""], False),
        ([], False),
    ],
)
def test_only_one_name_of_this_machine_is_its_own(hosts: list[str], own: bool) -> None:
    assert is_own_name(hosts) is own
