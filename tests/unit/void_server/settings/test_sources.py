from __future__ import annotations

from pathlib import Path

import pytest
import tomllib

from void_server.errors import ServerSettingError, SettingsFileError
from void_server.settings import ServerSettings
from void_server.settings.declaration import settings_of
from void_server.settings.sources import resolve_settings, write_new_file

EVERYTHING = """
endpoint = "tcp://0.0.0.0:5999"
allow_remote = true
read_roots = ["plates"]
devices = ["cuda:0", "cpu"]
models = "~/models"
spool_bytes = "1.5T"
file_bytes = 1000
job_days = 3
metrics_port = 9100

[stage_limits_s]
denoising = 7200
"encoding plate" = 60.5
"""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "plates").mkdir()
    return tmp_path


def test_the_command_line_goes_before_the_file_and_the_file_before_what_is_usual(home: Path) -> None:
    (home / "server.toml").write_text(EVERYTHING)
    environment = {"VOID_MODELS": "/elsewhere", "VOID_CACHE": "/caches"}
    found = resolve_settings(
        {"home": home, "devices": ["cpu"]},
        ["job_days=9", "stage_limits_s.denoising=5"],
        environment=environment,
    )
    settings = found.settings
    assert found.file == home / "server.toml"
    assert (settings.endpoint, settings.allow_remote) == ("tcp://0.0.0.0:5999", True)
    assert settings.read_roots == ((home / "plates").resolve(),)
    assert settings.devices == ("cpu",)
    assert settings.models == Path("~/models").expanduser()
    assert settings.cache_folder == Path("/caches")
    assert (settings.spool_bytes, settings.file_bytes) == (3 * 1024**4 // 2, 1000)
    assert (settings.job_days, settings.metrics_port) == (9.0, 9100)
    assert settings.stage_limits_s == {"denoising": 5.0, "encoding plate": 60.5}
    assert settings.connections == 1024
    origins = {name: found.origins.get(name) for name in ("home", "devices", "job_days", "file_bytes")}
    assert origins == {
        "home": "--home",
        "devices": "--device",
        "job_days": "--set",
        "file_bytes": str(home / "server.toml"),
    }
    assert found.origins["cache_folder"] == "VOID_CACHE"
    assert found.origins["stage_limits_s"] == f"{home / 'server.toml'} and --set"
    assert "connections" not in found.origins


def test_an_empty_word_asks_for_the_default_of_a_table_too(home: Path) -> None:
    (home / "server.toml").write_text("[stage_limits_s]\ndenoising = 60\n")
    found = resolve_settings({"home": home}, ["stage_limits_s="], environment={})
    assert found.settings.stage_limits_s == {}
    assert found.origins["stage_limits_s"] == "--set"


def test_what_is_shown_is_a_file_that_means_the_same(home: Path) -> None:
    (home / "server.toml").write_text(EVERYTHING)
    shown = resolve_settings({"home": home}, ["client_proofs=7"], environment={})
    text = shown.as_toml()
    assert 'spool_bytes = "1536G" # ' + str(home / "server.toml") in text
    assert "client_proofs = 7 # --set\n" in text
    assert "connections = 1024 # default\n" in text
    assert "# cache_folder is not set (default: VOID_CACHE, else `cache` in the home)\n" in text
    unset = {"cache_folder"}
    assert set(tomllib.loads(text)) == {setting.name for setting in settings_of(ServerSettings)} - unset
    (home / "again.toml").write_text(text)
    assert resolve_settings({}, (), home / "again.toml", environment={}).settings == shown.settings


def test_no_key_and_no_password_is_a_setting(home: Path) -> None:
    """What --show-config prints can be sent to others."""
    names = [setting.name for setting in settings_of(ServerSettings)]
    assert not [
        name for name in names if any(word in name for word in ("key", "secret", "password", "token"))
    ]


@pytest.mark.parametrize(
    ("line", "text"),
    [
        (
            "spool_byte = 5",
            "spool_byte: there is no such setting; did you mean 'spool_bytes' or 'client_spool_bytes'?",
        ),
        ('connections = "many"', "connections: 'many' does not fit; use a whole number, at least 1"),
        ("connections = 0", "connections: 0 does not fit; use a whole number, at least 1"),
        ("connections = true", "connections: True does not fit; use a whole number, at least 1"),
        ('devices = "cpu"', "devices: 'cpu' does not fit; use a list of at least 1, each 'auto'"),
        ('devices = ["gpu"]', "devices: 'gpu' does not fit; use 'auto'"),
        ("home = 7", "home: 7 does not fit; use a path"),
        ('job_days = "30"', "job_days: '30' does not fit; use a number of days, above 0"),
        ("client_queue = 10", "client_queue: 10 is too few for 128 chunks"),
        ('endpoint = "tcp://0.0.0.0:1"', "endpoint: tcp://0.0.0.0:1 can be reached from other machines"),
        ("[place]\nhome = 3", "place: there is no such setting"),
    ],
)
def test_what_is_wrong_in_the_file_is_told_with_its_name(home: Path, line: str, text: str) -> None:
    file = home / "studio.toml"
    file.write_text(line)
    with pytest.raises(ServerSettingError) as told:
        resolve_settings({} if "home" in line else {"home": home}, (), file, environment={})
    assert str(told.value).startswith(f"{file}: {text}")
    assert "\n" not in str(told.value)


def test_paths_of_the_command_line_begin_at_the_current_folder(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(home)
    given = {"home": Path("h"), "models": Path("m"), "read_roots": [Path("plates")]}
    settings = resolve_settings(given, ["cache_folder=c"], environment={}).settings
    assert (settings.home, settings.models, settings.cache_folder) == (home / "h", home / "m", home / "c")
    assert settings.read_roots == ((home / "plates").resolve(),)


def test_a_file_that_cannot_be_read_is_named(home: Path) -> None:
    file = home / "studio.toml"
    with pytest.raises(
        SettingsFileError,
        match=r"studio\.toml cannot be read: No such file.*--config",
    ):
        resolve_settings({}, (), file)
    file.write_text("connections = 5\nspool_bytes = 5G\n")
    with pytest.raises(SettingsFileError, match=r"studio\.toml is not TOML: .*line 2"):
        resolve_settings({}, (), file)
    file.write_bytes(b'models = "\xff"\n')
    with pytest.raises(SettingsFileError, match="not text in UTF-8"):
        resolve_settings({}, (), file)


def test_a_file_in_the_home_cannot_send_the_server_elsewhere(home: Path) -> None:
    """A home that was moved must not serve the old place."""
    (home / "server.toml").write_text('home = "/srv/void"\n')
    with pytest.raises(
        ServerSettingError, match=r"server\.toml: home: .* names another one; delete the line"
    ):
        resolve_settings({}, (), environment={"VOID_HOME": str(home)})
    named = resolve_settings({}, (), home / "server.toml", environment={"VOID_HOME": str(home)})
    assert named.settings.home == Path("/srv/void")


def test_a_setting_has_one_place_on_the_command_line(home: Path) -> None:
    with pytest.raises(ServerSettingError, match="endpoint: it is given by --endpoint and by --set"):
        resolve_settings({"endpoint": "tcp://127.0.0.1:1"}, ["endpoint=tcp://127.0.0.1:2"])


def test_what_is_wrong_with_an_option_is_told_with_its_name(home: Path) -> None:
    with pytest.raises(ServerSettingError, match=r"^--device: 'gpu' does not fit"):
        resolve_settings({"home": home, "devices": ["gpu"]})
    away = "tcp://0.0.0.0:5870"
    with pytest.raises(ServerSettingError, match=r"^--endpoint: tcp://0.* explicitly \(--allow-remote\)$"):
        resolve_settings({"home": home, "endpoint": away})
    with pytest.raises(ServerSettingError, match=r"^--set: endpoint: tcp://0.* explicitly \(allow_remote\)$"):
        resolve_settings({"home": home}, [f"endpoint={away}"])
    with pytest.raises(ServerSettingError, match=r"^VOID_HOME: home: .* reads like a path with a frame"):
        resolve_settings({}, environment={"VOID_HOME": "/shots.%04d"})


def test_what_is_written_has_only_what_differs_and_replaces_nothing(home: Path) -> None:
    wanted = resolve_settings({"home": home, "devices": ["cpu"]}, ["connections=1024"], environment={})
    file = home / "new" / "server.toml"
    write_new_file(wanted, file)
    assert tomllib.loads(file.read_text()) == {"home": str(home), "devices": ["cpu"]}
    with pytest.raises(SettingsFileError, match="cannot be written: File exists"):
        write_new_file(wanted, file)
