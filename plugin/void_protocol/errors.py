"""What can go wrong between a host and a server, drawn once."""

from __future__ import annotations


class ProtocolError(Exception):
    """Any failure that this package explains: the message is meant for an artist."""


class JobError(ProtocolError):
    """A job is not valid. The message names each offending field by its JSON path and says what to do."""


class JobFileError(ProtocolError):
    """A job file could not be read or written."""
