"""What a server leaves in its home belongs to it alone, whatever the umask of the shell that started it."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.server_case import job_for, server_for, write_shot
from void_protocol.client import Client
from void_protocol.errors import KeyFileError
from void_server.errors import ServerStartError

pytestmark = pytest.mark.skipif(os.name != "posix", reason="POSIX permissions")


@pytest.fixture
def loose_umask() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


@pytest.mark.usefixtures("loose_umask")
def test_folders_are_private_and_keys_are_nobody_elses(tmp_path: Path) -> None:
    """A job with streamed files has run, so that every folder there is has been made."""
    home = tmp_path / "studio" / "void" / "home"
    shot = write_shot(tmp_path / "shot", frames=2, size=1000)
    with server_for(home) as server, Client(server.connection()) as client:
        client.wait_connected()
        remote = client.submit(job_for(shot, tmp_path / "out", frames=2), transfer="streamed")
        remote.done.result(20)
        made = [path for path in home.rglob("*") if path.is_dir()]
        names = {path.relative_to(home).parts[0] for path in made}
        assert {"keys", "logs", "jobs", "cache"} <= names
        assert any(path.name == "result" for path in made)
        for folder in (*made, home, home.parent, home.parent.parent):
            assert stat.S_IMODE(folder.stat().st_mode) == 0o700, folder
        for file in (home / "keys").glob("*_secret"):
            assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert stat.S_IMODE((home / "jobs.sqlite").stat().st_mode) == 0o600


def test_a_home_that_others_may_write_to_is_refused_at_the_start(tmp_path: Path) -> None:
    home = tmp_path / "home"
    for name in ("jobs", "cache"):
        (home / name).mkdir(parents=True, mode=0o700)
    server = server_for(home)
    for name in ("", "jobs", "cache"):
        (home / name).chmod(0o775)
        with pytest.raises((ServerStartError, KeyFileError), match="written to by others; run: chmod 700"):
            server.start()
        (home / name).chmod(0o700)
    with server:
        pass
