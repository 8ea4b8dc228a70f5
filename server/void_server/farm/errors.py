"""What can go wrong on the way to a farm and on it."""

from __future__ import annotations

from void_server.errors import ServiceError


class FarmError(ServiceError):
    """A bundle cannot be made or submitted, or a step was run out of order; the message has the remedy."""
