"""What can go wrong in the server, drawn once. A message names the file, job or setting and the remedy."""

from __future__ import annotations


class ServiceError(Exception):
    """Any failure that the server explains to whoever runs it."""


class ServerSettingError(ServiceError):
    """A setting cannot be honoured.

    Args:
        setting: its name.
        reason: what is wrong with its value, and what to use.
        place: where the value comes from, such as a file or an option; empty where nobody knows.
    """

    def __init__(self, setting: str, reason: str, place: str = "") -> None:
        super().__init__(f"{place}: {setting}: {reason}" if place else f"{setting}: {reason}")
        self.setting, self.reason = setting, reason


class SettingsFileError(ServiceError):
    """A file of settings cannot be read or written."""


class KeyListError(ServiceError):
    """The list of clients cannot be changed as asked."""


class HomeInUseError(ServiceError):
    """Another server runs with the same home folder."""


class StoreError(ServiceError):
    """The job store cannot be opened, or was written by another release."""


class StoreFullError(StoreError):
    """The job store's volume is full: the server has to stop until there is room."""


class ServerStartError(ServiceError):
    """A server process did not come up."""


class RunnerError(ServiceError):
    """The function that runs jobs cannot be loaded."""


class RequestRefused(Exception):  # noqa: N818 - an answer, not a failure of the server
    """A client's request is answered with an ``error`` message of this code."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
