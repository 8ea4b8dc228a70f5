"""What can go wrong in the engine, drawn once. A message names the file, frame or setting and the remedy."""

from __future__ import annotations


class EngineError(Exception):
    """Any failure that the engine explains: the message is meant for an artist."""

    def __init__(self, message: str = "", *, obstacle: str = "") -> None:
        """Make an error with a message for the artist.

        Args:
            obstacle: what stands in the way, where it may pass by itself: the state of a job that waits for
                it ("waiting for frame 1012"). Empty where waiting does not help.
        """
        super().__init__(message)
        self.obstacle = obstacle


class PlateError(EngineError):
    """A picture file could not be read, does not fit the shot, or could not be written."""


class MissingFrameError(PlateError):
    """A frame of the range has no file."""


class RefusedFileError(PlateError):
    """A file that is not read here at all: outside the allowed folders, no file, or beyond a limit. Waiting
    does not help."""


class MatteError(EngineError):
    """The mattes or shapes cannot drive a removal (none at all, wrong size, a channel that is not there)."""


class SettingError(EngineError):
    """A setting has a value that this engine or machine cannot honour."""


class OutputError(PlateError):
    """A result could not be written; nothing half-written is left."""


class OutputExistsError(OutputError):
    """A frame of the result is already on disk; results are never overwritten."""


class RemovalCancelled(Exception):  # noqa: N818 - not a failure
    """The removal was stopped on request. Not an error: frames that are complete stay."""
