"""Reads ``server.toml``, and writes settings as TOML together with where each comes from."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import tomlkit
import tomllib

from void_server.errors import ServerSettingError, SettingsFileError
from void_server.settings.declaration import DeclaredSettings, settings_of
from void_server.settings.words import known_setting

FILE_NAME = "server.toml"
"""The file in the home that is read unless another one is named."""


def read_settings_file(file: Path, group: type[DeclaredSettings]) -> dict[str, Any]:
    """Read the settings that a file names and check them one by one. Relative paths in it begin at its
    folder.

    Raises:
        SettingsFileError: when the file cannot be read, or is not TOML.
        ServerSettingError: when a name is unknown or a value is not allowed; it names the file and the
            setting.
    """
    try:
        document = tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsFileError(
            f"{file} cannot be read: {error.strerror or error}; name a file of settings with --config"
        ) from error
    except UnicodeDecodeError as error:
        raise SettingsFileError(f"{file} is not text in UTF-8 ({error.reason}); save it as such") from error
    except tomllib.TOMLDecodeError as error:
        raise SettingsFileError(f"{file} is not TOML: {error}") from error
    return {name: _read(name, value, file, group) for name, value in document.items()}


def _read(name: str, value: Any, file: Path, group: type[DeclaredSettings]) -> Any:
    try:
        setting = known_setting(name, group)
        read = setting.read(value)
    except ServerSettingError as error:
        raise ServerSettingError(error.setting, error.reason, str(file)) from None
    if not setting.kind.is_path:
        return read
    folder = file.absolute().parent
    return (
        tuple(folder / path.expanduser() for path in read)
        if setting.kind.is_list
        else folder / read.expanduser()
    )


def format_settings(
    settings: DeclaredSettings, origins: Mapping[str, str], names: Collection[str] | None = None
) -> str:
    """Write settings as TOML that reads back the same, each with a comment that says where it comes from.

    Args:
        settings: any group of settings.
        origins: by name, the origin of each setting that is not the default.
        names: the settings to write; None writes all of them.
    """
    document = tomlkit.document()
    section = None
    chosen = [one for one in settings_of(type(settings)) if names is None or one.name in names]
    # Everything after a table's head belongs to that table in TOML.
    for setting in sorted(chosen, key=lambda one: one.kind.is_table):
        if setting.section != section and not setting.kind.is_table:
            if section is not None:
                document.add(tomlkit.nl())
            section = setting.section
            document.add(tomlkit.comment(section))
        value = getattr(settings, setting.name)
        origin = origins.get(setting.name, "default")
        if value is None:
            document.add(tomlkit.comment(f"{setting.name} is not set ({origin}: {setting.default_in_words})"))
            continue
        item = tomlkit.item(setting.kind.in_words(value))
        item.comment(origin)
        if setting.kind.is_table:
            document.add(tomlkit.nl())
        document.add(setting.name, item)
    return tomlkit.dumps(document)
