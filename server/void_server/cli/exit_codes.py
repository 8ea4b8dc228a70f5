"""The exit statuses of ``void``. ``docs/commands.md`` lists them for dispatchers."""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """What the exit status of ``void`` says. A wrong command line also ends with 2."""

    DONE = 0
    FAILED = 1
    """The removal failed for a reason that none of the others covers."""
    INVALID_JOB = 2
    BAD_INPUT = 3
    """A plate, matte or movie is missing, unreadable or does not fit."""
    BAD_OUTPUT = 4
    """The result exists already or could not be written."""
    NO_SERVER = 5
    """The server does not answer, or does not let this user in."""
    JOB_FAILED = 6
    """The server ran the job, and the job failed there."""
    REFUSED = 7
    """The server answered with a refusal: an unknown job, a job id with other content, a full queue."""
    SOME_FAILED = 8
    """Some shots of a batch failed; its report says which and why."""
    NOT_GOOD = 9
    """``void check``, or ``void batch --strict``: frames of a result are at fault or missing."""
    CANCELLED = 130
