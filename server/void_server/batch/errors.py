"""The error of a list of shots."""

from __future__ import annotations

from void_server.errors import ServiceError


class ManifestError(ServiceError):
    """A list of shots cannot be read or has an impossible entry. The message names the row and field."""
