"""What goes wrong in a review."""

from __future__ import annotations

from void_server.errors import ServiceError


class ReviewError(ServiceError):
    """A page cannot be made, or notes cannot be read or kept."""


class NotInShotError(ReviewError):
    """What a reviewer has marked is not in the shot."""
