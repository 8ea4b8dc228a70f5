from __future__ import annotations

from pathlib import Path

import pytest

from void_server.errors import ServerSettingError
from void_server.settings import ServerSettings
from void_server.settings.words import read_words


def test_words_become_settings() -> None:
    words = ["client_open_jobs=50", "spool_bytes=500G", "handshake_s=2.5", "allow_remote=true", "job_days=7"]
    assert read_words(words, ServerSettings) == {
        "client_open_jobs": 50,
        "spool_bytes": 500 * 1024**3,
        "handshake_s": 2.5,
        "allow_remote": True,
        "job_days": 7.0,
    }


def test_a_list_is_named_again_for_each_item() -> None:
    words = ["devices=cuda:0", "devices=cpu", "read_roots=/a=b,c"]
    assert read_words(words, ServerSettings) == {
        "devices": ("cuda:0", "cpu"),
        "read_roots": (Path("/a=b,c"),),
    }


def test_an_entry_of_a_table_has_a_name() -> None:
    words = ["stage_limits_s.encoding plate=600", "stage_limits_s.denoising=7200.0"]
    assert read_words(words, ServerSettings) == {
        "stage_limits_s": {"encoding plate": 600.0, "denoising": 7200.0}
    }


def test_nothing_behind_the_sign_asks_for_the_default() -> None:
    assert read_words(["metrics_port=", "devices=", "stage_limits_s="], ServerSettings) == {
        "metrics_port": None,
        "devices": ("auto",),
        "stage_limits_s": {},
    }


@pytest.mark.parametrize(
    ("word", "text"),
    [
        ("spool_bytes", "write it as NAME=VALUE"),
        ("=3", "write it as NAME=VALUE"),
        ("spool_bytes=-1", "'-1' does not fit; use a number of bytes, such as 512M or 2G"),
        ("spool_bytes=1P", "'1P' does not fit"),
        ("spool_byte=1G", "there is no such setting; did you mean 'spool_bytes'"),
        ("colour=red", "there is no such setting; 'void serve --show-config' lists them all"),
        ("client_open_jobs=1.5", "'1.5' does not fit; use a whole number"),
        ("connections=0", "'0' does not fit; use a whole number, at least 1"),
        ("allow_remote=maybe", "'maybe' does not fit; use true or false"),
        ("wait_limit_s.denoising=5", "it is no table and has no entries"),
        ("stage_limits_s=5", "it takes a name for each entry: stage_limits_s.NAME=5"),
        ("stage_limits_s.=5", "write it as NAME=VALUE"),
        ("stage_limits_s.a=0", "'0' does not fit"),
    ],
)
def test_words_that_are_none(word: str, text: str) -> None:
    with pytest.raises(ServerSettingError) as told:
        read_words([word], ServerSettings)
    assert str(told.value).startswith(f"--set {word}: ")
    assert text in str(told.value)


def test_a_setting_is_given_once() -> None:
    with pytest.raises(ServerSettingError, match="connections=6: it is given twice"):
        read_words(["connections=5", "connections=6"], ServerSettings)
    for words in (["stage_limits_s=", "stage_limits_s.a=1"], ["stage_limits_s.a=1", "stage_limits_s="]):
        with pytest.raises(ServerSettingError, match=f"{words[1]}: it is given twice"):
            read_words(words, ServerSettings)
