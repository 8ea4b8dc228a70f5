"""Requests for operators and owners of jobs: pauses, priorities, health and cleaning."""

from __future__ import annotations

from concurrent.futures import Future

from void_protocol.client import Client
from void_protocol.messages import (
    Clean,
    CleanReport,
    Drain,
    GetHealth,
    Health,
    JobInfo,
    JobReply,
    Pause,
    Resume,
    Retry,
    SetPriority,
    Status,
)


class Operating:
    """Requests that go through a client. A future fails with ServerError (``operators_only``) where this user
    is not allowed to ask."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def health(self) -> Future[Health]:
        """Ask whether anything is wrong with the server."""
        return self._client.ask(GetHealth(request=0), Health, lambda reply: reply)

    def pause_job(self, job_id: str, reason: str = "") -> Future[JobInfo]:
        """Hold a job back; a running one keeps its whole frames and goes on when it is resumed."""
        return self._client.ask(Pause(request=0, job_id=job_id, reason=reason), JobReply, _job)

    def resume_job(self, job_id: str) -> Future[JobInfo]:
        """Let a job that was held back run."""
        return self._client.ask(Resume(request=0, job_id=job_id), JobReply, _job)

    def retry(self, job_id: str) -> Future[JobInfo]:
        """Let a job that failed or was cancelled begin again, with the frames that it has."""
        return self._client.ask(Retry(request=0, job_id=job_id), JobReply, _job)

    def set_priority(self, job_id: str, priority: int) -> Future[JobInfo]:
        """Set a job's priority, -100 to 100: higher ones run first, and 0 is usual."""
        return self._client.ask(SetPriority(request=0, job_id=job_id, priority=priority), JobReply, _job)

    def pause_queue(self, reason: str = "") -> Future[Status]:
        """Start no more jobs; new ones are still accepted."""
        return self._client.ask(Pause(request=0, reason=reason), Status, lambda reply: reply)

    def resume_queue(self) -> Future[Status]:
        """End a pause or a drain."""
        return self._client.ask(Resume(request=0), Status, lambda reply: reply)

    def drain(self, reason: str = "") -> Future[Status]:
        """Start no more jobs and accept no new ones."""
        return self._client.ask(Drain(request=0, reason=reason), Status, lambda reply: reply)

    def clean(self, *, apply: bool = False, days: float | None = None) -> Future[CleanReport]:
        """List what is older than its retention, or than ``days``; with ``apply``, delete it."""
        return self._client.ask(Clean(request=0, apply=apply, days=days), CleanReport, lambda reply: reply)


def _job(reply: JobReply) -> JobInfo:
    return reply.job
