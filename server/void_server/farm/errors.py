"""The error of render farms."""

from __future__ import annotations

from void_server.errors import ServiceError


class FarmError(ServiceError):
    """A bundle cannot be made or submitted, or a step was run out of order. The message says what to do."""


class PartNotMadeError(FarmError):
    """A part of a shot has not made one of its frames."""

    def __init__(self, message: str, start: int) -> None:
        super().__init__(message)
        self.start = start
        """The first frame of the part."""
