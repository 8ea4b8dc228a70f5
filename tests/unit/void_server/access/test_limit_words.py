from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest

from void_server.access.limit_words import limit_names, limit_words, read_limits
from void_server.access.limits import ResourceLimits
from void_server.errors import ServerSettingError
from void_server.settings import ServerSettings

DOCUMENT = (Path(__file__).parents[4] / "docs" / "security.md").read_text(encoding="utf-8")


def test_words_become_settings_and_come_back(tmp_path: Path) -> None:
    words = ["client_open_jobs=50", "spool_bytes=500G", "handshake_s=2.5", "most_open_jobs=7"]
    settings = ServerSettings(home=tmp_path, **read_limits(words))  # type: ignore[arg-type]
    assert (settings.client_open_jobs, settings.spool_bytes) == (50, 500 * 1024**3)
    assert (settings.handshake_s, settings.most_open_jobs) == (2.5, 7)
    assert read_limits(limit_words(settings)) == read_limits(words)
    assert limit_words(ServerSettings(home=tmp_path)) == []


@pytest.mark.parametrize(
    ("word", "text"),
    [
        ("spool_bytes", "write it as NAME=NUMBER"),
        ("spool_bytes=-1", "write it as NAME=NUMBER"),
        ("spool_bytes=1P", "write it as NAME=NUMBER"),
        ("runner=7", "there is no limit runner"),
        ("client_open_jobs=1.5", "takes a whole number"),
    ],
)
def test_words_that_are_none(word: str, text: str) -> None:
    with pytest.raises(ServerSettingError, match=text):
        read_limits([word])


@pytest.mark.parametrize(
    ("word", "text"),
    [
        ("connections=0", "connections: must be at least 1"),
        ("handshake_s=0", "handshake_s: 0.0 is not a sensible time"),
        ("client_queue=10", "client_queue: 10 is too few for 128 chunks"),
        ("client_queue_bytes=1M", "client_queue_bytes: 1048576 is too little"),
    ],
)
def test_limits_that_make_no_sense(tmp_path: Path, word: str, text: str) -> None:
    with pytest.raises(ServerSettingError, match=text):
        ServerSettings(home=tmp_path, **read_limits([word]))  # type: ignore[arg-type]


def test_every_limit_is_documented() -> None:
    assert {field.name for field in fields(ResourceLimits)} <= set(limit_names())
    for name in limit_names():
        assert f"`{name}`" in DOCUMENT, name


def test_a_stage_has_a_limit_of_its_own(tmp_path: Path) -> None:
    words = ["stage_limit_s[encoding plate]=600.0", "stage_limit_s[denoising]=7200.0", "wait_limit_s=60.0"]
    values = read_limits(words)
    assert values == {
        "wait_limit_s": 60.0,
        "stage_limits_s": {"encoding plate": 600.0, "denoising": 7200.0},
    }
    settings = ServerSettings(home=tmp_path, **values)  # type: ignore[arg-type]
    assert sorted(limit_words(settings)) == sorted(words)


@pytest.mark.parametrize("word", ["wait_limit_s[denoising]=5", "stage_limit_s[]=5", "stage_limit_s[a=5"])
def test_only_stages_have_stages(word: str) -> None:
    with pytest.raises(ServerSettingError, match="--limit"):
        read_limits([word])
