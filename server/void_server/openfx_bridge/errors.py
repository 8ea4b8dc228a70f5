"""The errors of the bridge. A message is what the artist reads in the host."""

from __future__ import annotations

from void_server.errors import ServiceError


class BridgeError(ServiceError):
    """A request cannot be met. The message says why and what to do."""


class FramingError(ServiceError):
    """Bytes came that are no message, so that nobody knows where the next one begins."""
