"""The errors of the engine. Each message names the file, frame or setting at fault and the remedy."""

from __future__ import annotations


class EngineError(Exception):
    """The base of all failures that the engine explains; the message is written for an artist."""

    def __init__(self, message: str = "", *, obstacle: str = "") -> None:
        """Make an error with a message for the artist.

        Args:
            message: what failed and what to do about it.
            obstacle: for a failure that may pass by itself, what stands in the way, worded as the state of a
                waiting job ("waiting for frame 1012"). Empty when waiting does not help.
        """
        super().__init__(message)
        self.obstacle = obstacle


class PlateError(EngineError):
    """A picture file could not be read, does not fit the shot, or could not be written."""


class MissingFrameError(PlateError):
    """A frame of the range has no file."""


class RefusedFileError(PlateError):
    """A file may not be read: it lies outside the allowed folders, is no regular file or exceeds a limit.

    Waiting does not help.
    """


class MatteError(EngineError):
    """The mattes or shapes cannot drive a removal: none at all, a wrong size, a missing channel."""


class SettingError(EngineError):
    """A setting has a value that this engine or machine cannot honour."""


class OutputError(PlateError):
    """A result could not be written; nothing half-written is left."""


class OutputExistsError(OutputError):
    """A frame of the result is already on disk; results are never overwritten."""


class NoRoomError(OutputError):
    """The results of a run would take more room than it was given."""


class RemovalCancelled(Exception):  # noqa: N818 - not a failure
    """The removal was stopped on request. This is no failure: frames that are complete stay."""
