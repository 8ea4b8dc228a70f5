"""The error of render farms."""

from __future__ import annotations

from void_server.errors import ServiceError


class FarmError(ServiceError):
    """A bundle cannot be made or submitted, or a step was run out of order. The message says what to do."""
