from __future__ import annotations

from pathlib import Path

import pytest

from void_server.cli.lazy_commands import imported_command
from void_server.errors import ServerSettingError
from void_server.farm.order import FarmSettings
from void_server.settings.declaration import settings_of


def test_what_follows_from_the_settings(tmp_path: Path) -> None:
    order = FarmSettings(
        folder=tmp_path,
        ocio="/studio/config.ocio",
        cache="",
        nuke_script=tmp_path / "a.nk",
        nuke_writes=("W1", "W2"),
    )
    assert order.scratch_folder == tmp_path / "scratch"
    assert order.environment == {"OCIO": "/studio/config.ocio"}
    assert order.export is not None
    assert (order.export.script, tuple(order.export.writes)) == (tmp_path / "a.nk", ("W1", "W2"))
    assert FarmSettings(folder=tmp_path).export is None


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("part_frames", 0, "0 does not fit; use a whole number, at least 1"),
        ("timeout_s", 0, "0 does not fit; use a whole number, at least 1"),
        ("grace_s", 601, "601 does not fit; use a whole number from 1 to 600"),
        ("gpus", -1, "-1 does not fit"),
        ("nuke_script", Path("a.nk"), "a script and its Write nodes go together"),
    ],
)
def test_what_makes_no_sense_is_named(tmp_path: Path, name: str, value: object, text: str) -> None:
    with pytest.raises(ServerSettingError, match=f"^{name}: {text}"):
        FarmSettings(folder=tmp_path, **{name: value})  # type: ignore[arg-type]


def test_every_setting_is_an_option_of_the_bundle_command() -> None:
    options = {name for one in imported_command("bundle", "farm_bundle").params for name in one.opts}
    for setting in settings_of(FarmSettings):
        assert set(setting.named.options) <= options, setting.name
        assert setting.named.options, setting.name
