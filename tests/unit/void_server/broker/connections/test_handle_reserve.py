from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from void_server.access.allow_list import AllowList
from void_server.access.server_keys import write_public_key
from void_server.broker.connections.handle_reserve import HandleReserve

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="handles are not limited this way")


@pytest.fixture
def no_handles() -> Iterator[list[int]]:
    """Take all handles that are left, when called for."""
    import resource

    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    held: list[int] = []
    yield held
    for each in held:
        os.close(each)
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


def use_up(held: list[int]) -> None:
    import resource

    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    probe = os.open(os.devnull, os.O_RDONLY)
    os.close(probe)
    resource.setrlimit(resource.RLIMIT_NOFILE, (probe + 3, hard))
    with suppress(OSError):
        while True:
            held.append(os.open(os.devnull, os.O_RDONLY))


def test_the_list_is_seen_without_a_free_handle(tmp_path: Path, no_handles: list[int]) -> None:
    keys = [b"a" * 40, b"b" * 40]
    for name, key in zip(("anna", "ben"), keys, strict=True):
        write_public_key(tmp_path / f"{name}.key", key)
    without, reserve = AllowList(tmp_path), HandleReserve()
    allowed = AllowList(tmp_path, reserve.run)
    assert set(allowed.keys()) == set(without.keys()) == set(keys)
    (tmp_path / "anna.key").unlink()
    use_up(no_handles)
    for _ in range(3):
        assert set(allowed.keys()) == {keys[1]}
    (tmp_path / "ben.key").unlink()
    assert not allowed.is_allowed(keys[1])
    with pytest.raises(OSError) as caught:
        without.keys()
    assert caught.value.errno == errno.EMFILE
    assert without.was_allowed(keys[1])  # what was known is kept


def test_a_changed_key_is_read_without_a_free_handle(tmp_path: Path, no_handles: list[int]) -> None:
    reserve = HandleReserve()
    allowed = AllowList(tmp_path, reserve.run)
    use_up(no_handles)
    os.close(no_handles.pop())
    os.close(no_handles.pop())
    write_public_key(tmp_path / "anna.key", b"a" * 40)
    no_handles.extend(os.open(os.devnull, os.O_RDONLY) for _ in range(2))
    assert set(allowed.keys()) == {b"a" * 40}


def test_a_reserve_that_is_given_up_stays_so(no_handles: list[int]) -> None:
    reserve = HandleReserve()
    use_up(no_handles)
    reserve.give_up()
    mine = [os.open(os.devnull, os.O_RDONLY) for _ in range(10)]
    no_handles.extend(mine)

    def fail() -> None:
        raise OSError("whatever")

    with pytest.raises(OSError, match="whatever"):
        reserve.run(fail)
    no_handles.append(os.open(os.devnull, os.O_RDONLY))  # nothing was taken back
