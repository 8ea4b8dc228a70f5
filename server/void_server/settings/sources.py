"""Finds the settings of a server: the command line goes before the file, and the file before the defaults."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from void_protocol.keys import DEFAULT_HOME, home_folder
from void_protocol.private_folders import make_private_folder
from void_server.errors import ServerSettingError, SettingsFileError
from void_server.settings.declaration import as_typed, settings_of
from void_server.settings.server_settings import ServerSettings
from void_server.settings.toml_file import FILE_NAME, format_settings, read_settings_file
from void_server.settings.words import read_words


@dataclass(frozen=True)
class EffectiveSettings:
    """The settings of a server, with where they come from."""

    settings: ServerSettings
    origins: Mapping[str, str]
    """Where each given setting comes from: an option, ``--set``, the file or an environment variable."""
    file: Path | None
    """The file that was read; None without one."""

    def as_toml(self, names: Collection[str] | None = None) -> str:
        """Return the settings of these names, or all of them, as TOML, each with its origin as a comment."""
        return format_settings(self.settings, self.origins, names)

    @property
    def changed(self) -> list[str]:
        """The names of settings that differ from the defaults, and the home, which depends on the user."""
        return [
            setting.name
            for setting in settings_of(ServerSettings)
            if setting.name == "home" or getattr(self.settings, setting.name) != setting.default
        ]


def resolve_settings(
    options: Mapping[str, Any],
    words: Sequence[str] = (),
    config: Path | None = None,
    environment: Mapping[str, str] = os.environ,
) -> EffectiveSettings:
    """Return the settings that a command line means.

    Args:
        options: values of the options that were given, by the names of their settings.
        words: the words of ``--set``.
        config: the file; without it ``server.toml`` in the home, if it is there.
        environment: the variables that stand in for settings.

    Raises:
        SettingsFileError: when the file cannot be read.
        ServerSettingError: when a setting is wrong; it names where it was given, the setting, and what to
            use.
    """
    said = read_words(words, ServerSettings)
    declared = {setting.name: setting for setting in settings_of(ServerSettings)}
    flags = {name: setting.named.options[0] for name, setting in declared.items() if setting.named.options}
    for name in said.keys() & options.keys():
        raise ServerSettingError(name, f"it is given by {flags[name]} and by --set; give it once")
    typed = {**said, **options}
    from_variables = {
        name: setting.read(Path(environment[setting.named.variable]))
        for name, setting in declared.items()
        if setting.named.variable and environment.get(setting.named.variable)
    }
    usual_home = home_folder(typed.get("home") or from_variables.get("home") or Path(DEFAULT_HOME))
    file = config or _file_in(usual_home)
    from_file = {} if file is None else read_settings_file(file, ServerSettings)
    if config is None and "home" in from_file and from_file["home"].resolve() != usual_home.resolve():
        raise ServerSettingError(
            "home",
            f"the file is read because it lies in the home {usual_home}, and names another one; delete the "
            "line, or name the file with --config",
            str(file),
        )
    origins = {
        **{name: declared[name].named.variable for name in from_variables},
        **dict.fromkeys(from_file, str(file)),
        **dict.fromkeys(said, "--set"),
        **{name: flags[name] for name in options},
    }
    for name, value in typed.items():
        # Entries are added to the file's table; an empty one asks for the default.
        if declared[name].kind.is_table and value and from_file.get(name):
            typed[name] = {**from_file[name], **value}
            if from_file[name].keys() - value.keys():
                origins[name] = f"{file} and {origins[name]}"
    try:
        settings = ServerSettings(**{"home": usual_home, **from_variables, **from_file, **typed})
    except ServerSettingError as error:
        place = origins.get(error.setting, "")
        reason = as_typed(error.reason, flags) if error.setting in options else error.reason
        raise ServerSettingError(error.setting, reason, place) from None
    return EffectiveSettings(settings, origins, file)


def write_new_file(effective: EffectiveSettings, file: Path) -> None:
    """Write the settings that differ from the defaults into a new file.

    Raises:
        SettingsFileError: when the file exists, or cannot be written.
    """
    try:
        if not file.parent.exists():
            make_private_folder(file.parent)
        with file.open("x", encoding="utf-8") as stream:
            stream.write(effective.as_toml(effective.changed))
    except OSError as error:
        raise SettingsFileError(f"{file} cannot be written: {error.strerror or error}") from error


def _file_in(home: Path) -> Path | None:
    file = home / FILE_NAME
    return file if file.is_file() else None
