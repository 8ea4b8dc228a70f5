from __future__ import annotations

import re
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
        ("devices", (), "does not fit; use a list of at least 1, each 'auto'"),
        ("devices", ("cpu", "gpu"), "'gpu' does not fit; use 'auto'"),
        ("runner", "void_server.translate", "does not fit; use the form module:function"),
        ("read_roots", (Path("/nowhere/at/all"),), "is not a folder"),
        ("heartbeat_s", 0.0, "0.0 does not fit; use a number of seconds, above 0 and below 10000000"),
        ("cancel_grace_s", float("nan"), "nan does not fit; use a number of seconds, above 0"),
        ("job_days", float("inf"), "inf does not fit; use a number of days, above 0 and below"),
        ("most_open_jobs", 0, "0 does not fit; use a whole number, at least 1"),
        ("most_open_jobs", 1.5, "1.5 does not fit; use a whole number"),
        ("most_open_jobs", True, "True does not fit; use a whole number"),
        ("upload_credit", 65, "65 does not fit; use a whole number from 1 to 64"),
        ("worker_niceness", 20, "20 does not fit; use a whole number from 0 to 19"),
        ("spool_bytes", 0, "0 does not fit; use a number of bytes, such as 512M or 2G, at least 1"),
        ("spool_bytes", "5 GB", "'5 GB' does not fit; use a number of bytes"),
        ("metrics_port", 65_536, "65536 does not fit; use a whole number from 0 to 65535"),
        ("stage_limits_s", {"denoising": 0}, "0 does not fit; use a number of seconds"),
        ("client_queue", 10, "10 is too few for 128 chunks"),
        ("client_queue_bytes", 1024**2, "1048576 is too little for 128 chunks"),
    ],
)
def test_settings_that_make_no_sense_are_named(tmp_path: Path, setting: str, value: Any, text: str) -> None:
    values: dict[str, Any] = {"home": tmp_path, setting: value}
    with pytest.raises(ServerSettingError, match=rf"^{setting}(\.\w+)?: .*{re.escape(text)}"):
        ServerSettings(**values)


@pytest.mark.parametrize("name", ["auto", "cpu", "cuda:0", "cuda:15"])
def test_devices(name: str, tmp_path: Path) -> None:
    assert ServerSettings(home=tmp_path, devices=(name,)).devices == (name,)


@pytest.mark.parametrize("name", ["", "cuda", "cuda:", "cuda:-1", "gpu", "cuda:0;rm", "CPU", "cuda:0\n"])
def test_what_is_no_device_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(ServerSettingError, match="use 'auto'"):
        ServerSettings(home=tmp_path, devices=(name,))


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
