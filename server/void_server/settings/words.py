"""Reads settings from words on a command line: ``client_open_jobs=50``, ``spool_bytes=500G``.

A list is given by repeating its name, and an entry of a table as ``stage_limits_s.denoising=3600``.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from void_protocol.name_hint import name_hint
from void_server.errors import ServerSettingError
from void_server.settings.declaration import DeclaredSettings, Setting, settings_of


def known_setting(name: str, group: type[DeclaredSettings]) -> Setting:
    """Return the setting of that name.

    Raises:
        ServerSettingError: when there is none; it offers the nearest names.
    """
    known = {setting.name: setting for setting in settings_of(group)}
    if name in known:
        return known[name]
    advice = name_hint(name, known, "'void serve --show-config' lists them all")
    raise ServerSettingError(name, f"there is no such setting; {advice}")


def read_words(words: Iterable[str], group: type[DeclaredSettings]) -> dict[str, Any]:
    """Read settings from words and check them one by one. A name with nothing after its ``=`` asks for the
    default.

    Raises:
        ServerSettingError: when a word is not NAME=VALUE, a name is no setting, a setting is given twice, or
            a value is not allowed.
    """
    texts: dict[str, list[str]] = {}
    tables: dict[str, dict[str, str]] = {}
    for word in words:
        path, equals, text = word.partition("=")
        name, dot, entry = path.strip().partition(".")
        place = f"--set {word}"
        if not equals or not name or (dot and not entry):
            raise ServerSettingError(name or word, "write it as NAME=VALUE, such as spool_bytes=500G", place)
        try:
            setting = known_setting(name, group)
            is_table = setting.kind.is_table
            if is_table != bool(dot) and not (is_table and text == ""):
                raise ServerSettingError(name, _table_advice(setting, text))
            if (name in texts and not setting.kind.is_list) or (name in tables and not dot):
                raise ServerSettingError(name, "it is given twice; give it once")
            if dot:
                tables.setdefault(name, {})[entry] = text
            else:
                texts.setdefault(name, []).append(text)
            _value(setting, [] if dot else [text], {entry: text})
        except ServerSettingError as error:
            raise ServerSettingError(error.setting, error.reason, place) from None
    return {
        setting.name: _value(setting, texts.get(setting.name, []), tables.get(setting.name, {}))
        for setting in settings_of(group)
        if setting.name in texts or setting.name in tables
    }


def _value(setting: Setting, texts: list[str], table: dict[str, str]) -> Any:
    if texts == [""]:
        return setting.default
    if setting.kind.is_table:
        return setting.read(table, as_text=True)
    return setting.read(texts if setting.kind.is_list else texts[0], as_text=True)


def _table_advice(setting: Setting, text: str) -> str:
    if setting.kind.is_table:
        return f"it takes a name for each entry: {setting.name}.NAME={text}"
    return "it is no table and has no entries"
