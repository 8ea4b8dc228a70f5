"""Runs a job in a worker and judges its result, so that whoever follows the job hears of both."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from void_engine.errors import RemovalCancelled
from void_engine.removal_monitor import RemovalMonitor
from void_protocol.job import RemovalJob
from void_server.errors import message_of
from void_server.job_run import run_job
from void_server.verdict.job_result import judge_job


@runtime_checkable
class VerdictListener(Protocol):
    """A monitor that tells others of the verdict."""

    def judged(self, letters: str) -> None:
        """Hear the verdict: see :attr:`void_protocol.fields.ProgressInfo.verdict`."""


def run_and_judge(
    job: RemovalJob, monitor: RemovalMonitor, *, resume: bool = False, wait_s: float = 0.0
) -> None:
    """Run a job as :func:`void_server.job_run.run_job` does, then judge what a removal has made.

    The verdict is told and logged. It is no file: whom a worker writes files for says where. A job whose
    frames are at fault, or cannot be judged, is done all the same.

    Raises:
        EngineError: when the removal fails; the message is for the artist.
        RemovalCancelled: when the monitor asked for a stop.
    """
    run_job(job, monitor, resume=resume, wait_s=wait_s)
    if not job.is_removal:
        return
    try:
        verdict = judge_job(job, monitor)
    except RemovalCancelled:
        raise
    except Exception as error:  # noqa: BLE001 - the frames are whole
        monitor.log(f"the result could not be judged: {message_of(error)}")
        return
    if isinstance(monitor, VerdictListener):
        monitor.judged(verdict.letters)
    monitor.log(f"verdict: {verdict.summary}")
    for finding in verdict.findings:
        monitor.log(finding.line)
