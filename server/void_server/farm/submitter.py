"""Calls the program by which a farm takes jobs."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

from void_server.farm.errors import FarmError

SUBMIT_LIMIT_S = 120
"""How long a farm may take to accept a job."""


def handed_over(words: Sequence[str], what: str) -> subprocess.CompletedProcess[str]:
    """Call a farm's own program, which takes ``what``, and return what it said.

    Raises:
        FarmError: when it fails, or says nothing for too long.
    """
    try:
        ran = subprocess.run(words, capture_output=True, text=True, timeout=SUBMIT_LIMIT_S, check=False)
    except subprocess.TimeoutExpired as error:
        raise not_taken(words[0], what, f"it had no answer within {SUBMIT_LIMIT_S} s") from error
    if ran.returncode != 0:
        raise not_taken(words[0], what, ran.stderr or ran.stdout)
    return ran


def not_taken(program: str, what: str, said: str) -> FarmError:
    """Return the error of a program that did not take ``what``, with the last line that it said."""
    return FarmError(f"{Path(program).stem} did not take {what}: {last_line(said)}")


def last_line(said: str) -> str:
    """Return the last line that a program said, for a message."""
    return (said.strip().splitlines() or ["it said nothing"])[-1]
