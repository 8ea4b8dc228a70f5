"""Works through the jobs of a command line, where one that fails does not stop the others."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from void_engine.errors import RemovalCancelled
from void_protocol.job import RemovalJob
from void_server.batch.listed import BadShot
from void_server.cli.exit_codes import ExitCode
from void_server.cli.explain import CommandError, error_text
from void_server.cli.terminal import say


def each_by_itself(jobs: Sequence[RemovalJob | BadShot], work: Callable[[RemovalJob], None]) -> None:
    """Call ``work`` for each job, also after one has failed or cannot be read.

    Raises:
        RemovalCancelled: at once, when the work is stopped.
        Exception: the error of the only job.
        CommandError: when some of several jobs failed; the error of each was told on standard error.
    """
    failed: list[str] = []
    for job in jobs:
        name = job.name if isinstance(job, BadShot) else job.shot.name
        try:
            if isinstance(job, BadShot):
                raise job.error
            work(job)
        except RemovalCancelled:
            raise
        except Exception as error:
            if len(jobs) == 1:
                raise
            failed.append(name)
            say(f"error: {name}: {error_text(error)}", to_stderr=True)
    if failed:
        raise CommandError(
            f"{len(failed)} of {len(jobs)} jobs failed: {', '.join(failed)}", ExitCode.SOME_FAILED
        )


def good_jobs(jobs: Sequence[RemovalJob | BadShot]) -> list[RemovalJob]:
    """Return those that could be read."""
    return [job for job in jobs if isinstance(job, RemovalJob)]
