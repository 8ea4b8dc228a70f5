"""What can be wrong with a file of roto shapes. A message names the file and the place in it."""

from __future__ import annotations

from void_server.errors import ServiceError


class RotoFileError(ServiceError):
    """A file of roto shapes cannot be read, or what is asked of it is not in it."""


class NotCarried(Exception):  # noqa: N818 - a reason to leave a shape out, no failure
    """Something about a shape cannot be carried. The message says what, as part of a sentence, such as
    "an expression" of "its points have an expression"."""


class ScriptSyntaxError(RotoFileError):
    """The text of a script breaks off or does not fit together.

    Args:
        reason: what is wrong.
        at: the place in the text, in characters; the line is made of it where the file is known.
    """

    def __init__(self, reason: str, at: int) -> None:
        super().__init__(reason)
        self.reason, self.at = reason, at
