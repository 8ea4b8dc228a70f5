"""Limits as words on a command line: ``client_open_jobs=50``, ``spool_bytes=500G``.

A stage has a limit of its own as ``stage_limit_s[denoising]=3600``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import fields

from void_server.access.limits import ResourceLimits
from void_server.errors import ServerSettingError
from void_server.settings import ServerSettings

_OLDER = (
    "most_sessions", "file_bytes", "upload_bytes", "log_bytes", "upload_credit",
    "fetch_credit", "fetches", "heartbeat_s", "cancel_grace_s", "worker_silence_s", "worker_start_s",
    "stage_limit_s", "wait_limit_s", "most_worker_deaths", "most_attempts", "upload_grace_s",
    "log_file_bytes", "log_files", "low_disk_bytes", "fair_share_half_life_s",
    "worker_niceness",
)  # fmt: skip
"""Limits among the other settings; the rest of those has options of its own."""
_DEFAULTS: dict[str, int | float] = {
    field.name: getattr(ServerSettings, field.name)
    for field in fields(ServerSettings)
    if field.name in _OLDER or field.name in {own.name for own in fields(ResourceLimits)}
}
_WORD = re.compile(
    r"(?P<name>[a-z_]+)(\[(?P<stage>[a-z ]+)\])?=(?P<number>[0-9]+(\.[0-9]+)?)(?P<unit>[KMGT]?)"
)
_UNITS = {"": 1, "K": 1024, "M": 1024**2, "G": 1024**3, "T": 1024**4}


def limit_names() -> list[str]:
    """All that can be named, in order."""
    return sorted(_DEFAULTS)


def read_limits(words: Iterable[str]) -> dict[str, int | float | dict[str, float]]:
    """Keyword arguments for :class:`~void_server.settings.ServerSettings`. K, M, G and T are powers of 1024.

    Raises:
        ServerSettingError: for a word that is not NAME=NUMBER, or a name that is no limit.
    """
    values: dict[str, int | float | dict[str, float]] = {}
    stages: dict[str, float] = {}
    for word in words:
        match = _WORD.fullmatch(word)
        if match is None:
            raise ServerSettingError(f"--limit {word}: write it as NAME=NUMBER, such as spool_bytes=500G")
        name = match["name"]
        if name not in _DEFAULTS:
            raise ServerSettingError(f"--limit {word}: there is no limit {name}, only {', '.join(_DEFAULTS)}")
        number = float(match["number"]) * _UNITS[match["unit"]]
        if match["stage"] is not None:
            if name != "stage_limit_s":
                raise ServerSettingError(f"--limit {word}: only stage_limit_s is for each stage")
            stages[match["stage"]] = number
            continue
        if isinstance(_DEFAULTS[name], int):
            if number != int(number):
                raise ServerSettingError(f"--limit {word}: {name} takes a whole number")
            number = int(number)
        values[name] = number
    if stages:
        values["stage_limits_s"] = stages
    return values


def limit_words(settings: ServerSettings) -> list[str]:
    """The words for what differs from the defaults."""
    return [
        f"{name}={getattr(settings, name)}"
        for name, default in _DEFAULTS.items()
        if getattr(settings, name) != default
    ] + [f"stage_limit_s[{stage}]={limit_s}" for stage, limit_s in settings.stage_limits_s.items()]
