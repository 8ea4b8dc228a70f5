from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from void_server.errors import ServerSettingError
from void_server.operation.serve import _decode_settings, encode_settings
from void_server.settings import ServerSettings


@pytest.mark.parametrize(
    "endpoint",
    ["tcp://127.0.0.1:5990", "tcp://localhost:0", "tcp://[::1]:7", "tcp://127.0.0.1:*", "tcp://127.9.9.9:1"],
)
def test_loopback_needs_no_permission(tmp_path: Path, endpoint: str) -> None:
    assert ServerSettings(home=tmp_path, endpoint=endpoint).endpoint == endpoint


@pytest.mark.parametrize(
    "endpoint", ["tcp://0.0.0.0:5990", "tcp://*:5990", "tcp://192.168.1.5:1", "tcp://host:1"]
)
def test_other_interfaces_have_to_be_allowed(tmp_path: Path, endpoint: str) -> None:
    with pytest.raises(ServerSettingError, match="can be reached from other machines"):
        ServerSettings(home=tmp_path, endpoint=endpoint)
    assert ServerSettings(home=tmp_path, endpoint=endpoint, allow_remote=True).endpoint == endpoint


@pytest.mark.parametrize(
    ("setting", "value", "text"),
    [
        ("endpoint", "ipc:///tmp/x", "not of the form tcp://host:port"),
        ("endpoint", "tcp://127.0.0.1", "not of the form tcp://host:port"),
        ("endpoint", "tcp://127.0.0.1:70000", "there is no port 70000"),
        ("home", Path("/tmp/shots.%04d"), "reads like a path with a frame number"),
        ("devices", (), "at least one is needed"),
        ("runner", "void_server.translate", "not of the form module:function"),
        ("read_roots", (Path("/nowhere/at/all"),), "is not a folder"),
        ("heartbeat_s", 0.0, "not a sensible time"),
        ("cancel_grace_s", float("nan"), "not a sensible time"),
        ("most_open_jobs", 0, "must be at least 1"),
        ("upload_credit", 65, "must be 1 to 64"),
    ],
)
def test_settings_that_make_no_sense_are_named(tmp_path: Path, setting: str, value: Any, text: str) -> None:
    values: dict[str, Any] = {"home": tmp_path, setting: value}
    with pytest.raises(ServerSettingError, match=f"^{setting}: .*{text}"):
        ServerSettings(**values)


def test_port_0_takes_a_free_one(tmp_path: Path) -> None:
    assert ServerSettings(home=tmp_path, endpoint="tcp://127.0.0.1:0").bind_endpoint == "tcp://127.0.0.1:*"
    assert ServerSettings(home=tmp_path, endpoint="tcp://127.0.0.1:10").bind_endpoint == "tcp://127.0.0.1:10"


def test_roots_are_resolved(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    assert ServerSettings(home=tmp_path, read_roots=(tmp_path / "link",)).read_roots == (
        (tmp_path / "real").resolve(),
    )


def test_a_hash_in_the_home_is_part_of_its_name(tmp_path: Path) -> None:
    assert ServerSettings(home=tmp_path / "show#1").home == tmp_path / "show#1"


def test_settings_reach_a_child_process_unchanged(tmp_path: Path) -> None:
    settings = ServerSettings(
        home=tmp_path, output_roots=(tmp_path,), heartbeat_s=0.25, devices=("cuda:0", "cpu")
    )
    line = encode_settings(settings)
    assert line.count(b"\n") == 1
    assert _decode_settings(line) == settings
