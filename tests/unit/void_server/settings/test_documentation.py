from __future__ import annotations

import re
from pathlib import Path

import pytest

from void_server.settings import ServerSettings
from void_server.settings.declaration import settings_of
from void_server.settings.documentation import with_tables
from void_server.settings.sources import resolve_settings
from void_server.settings.words import read_words

DOCUMENT = (Path(__file__).parents[4] / "docs" / "settings.md").read_text(encoding="utf-8")


def test_the_document_lists_the_settings_as_they_are_declared() -> None:
    is_true = with_tables(DOCUMENT) == DOCUMENT
    assert is_true, "run python -m void_server.settings.documentation docs/settings.md"


def test_every_setting_says_what_it_means_and_where_it_belongs() -> None:
    for setting in settings_of(ServerSettings):
        assert setting.description.endswith("."), setting.name
        assert setting.section, setting.name
        assert f"- [{setting.section}](#" in DOCUMENT


def test_the_example_of_a_file_can_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (example,) = re.findall(r"```\n(devices = .*?)```", DOCUMENT, re.DOTALL)
    for folder in ("plates", "results"):
        (tmp_path / folder).mkdir()
    (tmp_path / "server.toml").write_text(example.replace("/mnt/", ""))
    settings = resolve_settings({"home": tmp_path}, environment={}).settings
    assert settings.devices == ("cuda:0", "cuda:1")
    assert settings.read_roots == ((tmp_path / "plates").resolve(),)
    assert settings.stage_limits_s == {"denoising": 7200.0}


def test_the_examples_of_words_can_be_read() -> None:
    folder = Path(__file__).parents[4]
    documents = [folder / "README.md", *(folder / "docs").glob("*.md")]
    words = [
        quoted or plain
        for document in documents
        for quoted, plain in re.findall(
            r"--set (?:'([^']+=[^']*)'|([a-z_.]+=[^\s`)]*))", document.read_text(encoding="utf-8")
        )
    ]
    assert len(words) >= 5
    for word in words:
        read_words([word], ServerSettings)
