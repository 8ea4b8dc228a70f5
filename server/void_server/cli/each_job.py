"""Works through the jobs of a command line, where one that fails does not stop the others."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from void_engine.errors import RemovalCancelled
from void_protocol.job import RemovalJob
from void_server.batch.listed import BadShot
from void_server.cli.exit_codes import ExitCode
from void_server.cli.explain import CommandError, error_text
from void_server.cli.terminal import say

Item = TypeVar("Item")


def each_by_itself(jobs: Sequence[RemovalJob | BadShot], work: Callable[[RemovalJob], None]) -> None:
    """Call ``work`` for each job; see :func:`each_named`."""
    each_named(jobs, lambda job: job.shot.name, work)


def each_named(
    items: Sequence[Item | BadShot], name_of: Callable[[Item], str], work: Callable[[Item], None]
) -> None:
    """Call ``work`` for each of what stands for jobs, also after one has failed or cannot be read.

    Raises:
        RemovalCancelled: at once, when the work is stopped.
        Exception: the error of the only one.
        CommandError: when some of several failed; the error of each was told on standard error.
    """
    failed: list[str] = []
    for item in items:
        name = item.name if isinstance(item, BadShot) else name_of(item)
        try:
            if isinstance(item, BadShot):
                raise item.error
            work(item)
        except RemovalCancelled:
            raise
        except Exception as error:
            if len(items) == 1:
                raise
            failed.append(name)
            say(f"error: {name}: {error_text(error)}", to_stderr=True)
    if failed:
        raise CommandError(
            f"{len(failed)} of {len(items)} jobs failed: {', '.join(failed)}", ExitCode.SOME_FAILED
        )


def good_jobs(jobs: Sequence[RemovalJob | BadShot]) -> list[RemovalJob]:
    """Return those that could be read."""
    return [job for job in jobs if isinstance(job, RemovalJob)]
