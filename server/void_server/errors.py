"""What can go wrong in the server, drawn once. A message names the file, job or setting and the remedy."""

from __future__ import annotations

from void_protocol.messages import JobState


class ServiceError(Exception):
    """Any failure that the server explains to whoever runs it."""


class ServerSettingError(ServiceError):
    """A setting of the server cannot be honoured."""


class KeyListError(ServiceError):
    """The list of clients cannot be changed as asked."""


class HomeInUseError(ServiceError):
    """Another server runs with the same home folder."""


class StoreError(ServiceError):
    """The job store cannot be opened, or was written by another release."""


class StoreFullError(StoreError):
    """The job store's volume is full: the server has to stop until there is room."""


class StateChangeRefused(ServiceError):  # noqa: N818 - the job stays as it is
    """A job's state may not follow its present one; see :mod:`void_server.broker.jobs.job_states`."""

    def __init__(self, job_id: str, before: JobState | None, after: JobState) -> None:
        known = "is not stored" if before is None else f"is {before.value}"
        super().__init__(f"job {job_id} {known} and cannot become {after.value}")


class ServerStartError(ServiceError):
    """A server process did not come up."""


class RunnerError(ServiceError):
    """The function that runs jobs cannot be loaded."""


class RequestRefused(Exception):  # noqa: N818 - an answer, not a failure of the server
    """A client's request is answered with an ``error`` message of this code."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
