"""The errors of the protocol and its client; each message is written for an artist to read."""

from __future__ import annotations


class ProtocolError(Exception):
    """Any failure that this package explains. The message is meant for an artist."""


class JobError(ProtocolError):
    """A job is not valid. The message names each wrong field by its JSON path and says what to do."""


class FrameListError(ProtocolError):
    """A text that should name frames does not. The message shows it and how to write it."""


class JobFileError(ProtocolError):
    """A job file could not be read or written."""


class WireError(ProtocolError):
    """A message breaks the rules of the wire format. ``code`` is what an error reply carries."""

    def __init__(self, code: str, message: str, request: int | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.request = request


class KeyFileError(ProtocolError):
    """A key or connection file is missing, malformed or not private enough."""


class ServerUnreachableError(ProtocolError):
    """No server answers: it is not running, it has another address, or the keys do not fit."""


class VersionRefusedError(ProtocolError):
    """Client and server share no protocol version."""


class ServerError(ProtocolError):
    """The server refused a request. ``code`` is one of :data:`void_protocol.messages.ErrorCode`."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class ResultsGoneError(ProtocolError):
    """A job that is done was submitted again, but some of its result files are not there any more."""


class TransferError(ProtocolError):
    """A file could not be sent or fetched. The message names the file and the frame."""


class ResultFileError(TransferError):
    """A file of the result exists already, or could not be written here."""
