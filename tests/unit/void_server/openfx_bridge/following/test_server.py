from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from void_server.openfx_bridge.errors import BridgeError
from void_server.openfx_bridge.following import server as module
from void_server.openfx_bridge.following.server import ServerLink


def test_a_background_render_starts_no_server(tmp_path: Path) -> None:
    link = ServerLink(tmp_path / "home", may_start=False)
    with pytest.raises(BridgeError, match="no server runs"):
        link.client()
    assert not (tmp_path / "home").exists()


def test_a_server_that_ends_at_once_is_explained_by_its_last_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started = []

    def popen(command: list[str], **given: Any) -> subprocess.Popen[bytes]:
        started.append(command)
        return real([sys.executable, "-c", "print('the disk is upside down'); raise SystemExit(3)"], **given)

    real = subprocess.Popen
    monkeypatch.setattr(module.subprocess, "Popen", popen)
    monkeypatch.setattr(module, "_OTHERS_S", 0.2)
    link = ServerLink(tmp_path / "home", may_start=True)
    with pytest.raises(BridgeError, match="cannot be started: the disk is upside down"):
        link.client()
    assert len(started) == 1
    assert started[0][1:4] == ["-P", "-m", "void_server"]
    with pytest.raises(BridgeError):  # it is tried again, because the disk may have been turned
        link.client()
    assert len(started) == 2


def test_a_link_that_is_closed_waits_for_nobody(tmp_path: Path) -> None:
    link = ServerLink(tmp_path / "home", may_start=True)
    link.close()
    with pytest.raises(BridgeError):
        link.client()
