"""Runs any job in this process: a removal, a proposal of what is affected, or mattes by prompts."""

from __future__ import annotations

from collections.abc import Collection

from void_engine.removal_monitor import RemovalMonitor
from void_protocol.job import RemovalJob
from void_protocol.task import Propose
from void_server.mattes.files import FilesRun
from void_server.translate import run_removal_job, warm_engine


def run_job(
    job: RemovalJob,
    monitor: RemovalMonitor,
    *,
    resume: bool = False,
    verify: bool = False,
    overwrite: bool = False,
    only: Collection[int] | None = None,
    wait_s: float = 0.0,
    start_wait_s: float | None = None,
) -> None:
    """Run a job in this process. Every pattern in it is a path on this machine.

    Args:
        resume: whether to keep those frames of the result that this very job has written before.
        verify: whether every pixel of such frames is decoded before they are kept.
        overwrite: whether frames that another job made may be replaced, each when the new one is whole.
        only: the frames to make, as a test of some; None makes all.
        wait_s: how long to wait, once the work has begun, for an obstacle that may pass, such as a late frame
            or a full volume.
        start_wait_s: how long to wait before the work begins; None for ``wait_s``, but at most
            :data:`~void_server.translate.TURN_S`, because the process may have other jobs to do meanwhile.

    Raises:
        EngineError: when it fails; the message is for the artist.
        RemovalCancelled: when the monitor asked for a stop.
    """
    if job.is_removal:
        run_removal_job(
            job,
            monitor,
            resume=resume,
            verify=verify,
            overwrite=overwrite,
            only=only,
            wait_s=wait_s,
            start_wait_s=start_wait_s,
        )
        return
    run = FilesRun(
        resume=resume,
        verify=verify,
        overwrite=overwrite,
        only=None if only is None else frozenset(only),
        wait_s=wait_s,
        start_wait_s=start_wait_s,
    )
    if not (isinstance(job.task, Propose) and job.task.by == "evidence"):
        # A removal's model stays warm in this process, and would leave no room on a card for others.
        warm_engine.cache_clear()
    # These take a while to load, and most processes run removals only.
    if isinstance(job.task, Propose):
        from void_server.mattes.proposing import run_proposal

        run_proposal(job, monitor, run)
    else:
        from void_server.mattes.matting import run_mattes

        run_mattes(job, monitor, run)
