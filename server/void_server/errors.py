"""The errors of the server. A message names the file, job or setting, and the remedy."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from void_protocol.messages import JobState


class ServiceError(Exception):
    """Any failure that the server explains to the person who runs it."""


class ServerSettingError(ServiceError):
    """A setting has a value that it cannot have.

    Args:
        setting: its name.
        reason: what is wrong with its value, and what to use.
        place: where the value comes from, such as a file or an option; empty where nobody knows.
    """

    def __init__(self, setting: str, reason: str, place: str = "") -> None:
        # An option says which setting is meant; a file, ``--set`` or a variable does not.
        is_option = place.startswith("--") and place != "--set"
        parts = [place, "" if is_option else setting, reason]
        super().__init__(": ".join(part for part in parts if part))
        self.setting, self.reason = setting, reason


class SettingsFileError(ServiceError):
    """A file of settings cannot be read or written."""


class KeyListError(ServiceError):
    """The list of clients cannot be changed as requested."""


class HomeInUseError(ServiceError):
    """Another server is running with the same home folder."""


class StoreError(ServiceError):
    """The job store cannot be opened, or was written by another release."""


class StoreFullError(StoreError):
    """The volume of the job store is full. The server has to stop until there is room."""


class StateChangeRefused(ServiceError):  # noqa: N818 - the job stays as it is
    """A job's state may not follow its present one; see :mod:`void_server.broker.jobs.job_states`."""

    def __init__(self, job_id: str, before: JobState | None, after: JobState) -> None:
        known = "is not stored" if before is None else f"is {before.value}"
        super().__init__(f"job {job_id} {known} and cannot become {after.value}")


class ServerStartError(ServiceError):
    """A server process did not start."""


class RunnerError(ServiceError):
    """The function that runs jobs cannot be loaded."""


class RequestRefused(Exception):  # noqa: N818 - this is an answer, not a failure of the server
    """A client's request is refused: the answer is an ``error`` message of this code."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def reason_of(error: BaseException) -> str:
    """Return why something failed, without the path that an OSError names: where the server keeps its files
    is no business of its clients."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error)


def message_of(error: BaseException) -> str:
    """Return what an error says; its kind where it says nothing."""
    return str(error) or type(error).__name__
