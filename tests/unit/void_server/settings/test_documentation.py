from __future__ import annotations

from pathlib import Path

from void_server.settings import ServerSettings
from void_server.settings.declaration import settings_of
from void_server.settings.documentation import with_tables

DOCUMENT = (Path(__file__).parents[4] / "docs" / "settings.md").read_text(encoding="utf-8")


def test_the_document_lists_the_settings_as_they_are_declared() -> None:
    """To bring it up to date: python -m void_server.settings.documentation docs/settings.md"""
    assert with_tables(DOCUMENT) == DOCUMENT


def test_every_setting_says_what_it_means_and_where_it_belongs() -> None:
    for setting in settings_of(ServerSettings):
        assert setting.description.endswith("."), setting.name
        assert setting.section, setting.name
        assert f"- [{setting.section}](#" in DOCUMENT
