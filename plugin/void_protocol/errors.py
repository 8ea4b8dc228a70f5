"""What can go wrong between a host and a server, drawn once."""

from __future__ import annotations


class ProtocolError(Exception):
    """Any failure that this package explains: the message is meant for an artist."""


class JobError(ProtocolError):
    """A job is not valid. The message names each offending field by its JSON path and says what to do."""


class JobFileError(ProtocolError):
    """A job file could not be read or written."""


class WireError(ProtocolError):
    """A message does not follow the wire format. ``code`` is what an error reply carries."""

    def __init__(self, code: str, message: str, request: int | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.request = request


class KeyFileError(ProtocolError):
    """A key or connection file is missing, malformed or not private enough."""


class ServerUnreachableError(ProtocolError):
    """No server answers: not running, another address, or a key that does not fit."""


class VersionRefusedError(ProtocolError):
    """Client and server share no protocol version."""


class ServerError(ProtocolError):
    """The server refused a request. ``code`` is one of :data:`void_protocol.messages.ErrorCode`."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class ResultsGoneError(ProtocolError):
    """A job was submitted again that is done, but result files of it are not there any more."""


class TransferError(ProtocolError):
    """A file could not be sent or fetched. The message names the file and the frame."""


class ResultFileError(TransferError):
    """A file of the result exists already, or could not be written here."""
