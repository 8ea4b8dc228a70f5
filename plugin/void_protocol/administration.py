"""Messages about the server and its queue rather than about one job: status, health, pauses, cleaning.

They belong to the unions in :mod:`void_protocol.messages`, from where everybody imports them.
"""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct, field

from void_protocol.fields import JobId, Label, Message, Priority, RequestNumber, WorkerInfo

QueueMode = Literal["open", "paused", "draining"]
"""Paused: nothing starts. Draining: nothing starts, and new jobs are refused."""


class QueueInfo(Struct, frozen=True, kw_only=True):
    """Whether jobs may start, and who said so."""

    mode: QueueMode = "open"
    set_by: str = ""
    reason: str = ""
    since: float | None = None
    """Seconds since 1970, UTC; null when nobody has ever changed it."""


class OwnerShare(Struct, frozen=True, kw_only=True):
    """What one client has in the queue and has used of the workers."""

    owner: str
    queued: int = 0
    running: int = 0
    used_s: float = 0.0
    """Worker time, faded: what the fair share goes by."""


class Throughput(Struct, frozen=True, kw_only=True):
    """What got done lately."""

    window_s: float = 0.0
    """Over this many seconds, or since the start if that is shorter."""
    frames_per_minute: float = 0.0
    jobs_per_hour: float = 0.0
    received_bytes_per_s: float = 0.0
    sent_bytes_per_s: float = 0.0


# From the client ----------------------------------------------------------------------------------------


class GetStatus(Message, frozen=True, kw_only=True, tag="get_status"):
    request: RequestNumber


class GetHealth(Message, frozen=True, kw_only=True, tag="get_health"):
    request: RequestNumber


class Pause(Message, frozen=True, kw_only=True, tag="pause"):
    """Hold back one job, or with null the whole queue (operators only). Answered by ``job`` or ``status``."""

    request: RequestNumber
    job_id: JobId | None = None
    reason: Label = ""


class Resume(Message, frozen=True, kw_only=True, tag="resume"):
    """End a pause; with null also a drain. Answered by ``job`` or ``status``."""

    request: RequestNumber
    job_id: JobId | None = None


class Drain(Message, frozen=True, kw_only=True, tag="drain"):
    """Start nothing and accept nothing new (operators only). Answered by ``status``."""

    request: RequestNumber
    reason: Label = ""


class SetPriority(Message, frozen=True, kw_only=True, tag="set_priority"):
    """Answered by ``job``."""

    request: RequestNumber
    job_id: JobId
    priority: Priority


class Clean(Message, frozen=True, kw_only=True, tag="clean"):
    """What is older than its retention, found and, with ``apply``, deleted (operators only)."""

    request: RequestNumber
    apply: bool = False
    days: Annotated[float, Meta(ge=0.0, le=36_500.0)] | None = None
    """Use this age for everything instead of the server's settings."""


# From the server ----------------------------------------------------------------------------------------


class Status(Message, frozen=True, kw_only=True, tag="status"):
    """Answers get_status, drain, and pause and resume of the queue."""

    request: int
    server: str
    uptime_s: float
    jobs: dict[str, int]
    """How many jobs are in each state."""
    sessions: int
    workers: list[WorkerInfo]
    queue: QueueInfo = QueueInfo()
    owners: list[OwnerShare] = field(default_factory=list)
    throughput: Throughput = Throughput()
    resident_bytes: int | None = None
    """Memory of the broker's process."""
    disk_free_bytes: int | None = None
    """On the volume of the server's home."""
    is_stopping: bool = False


class Health(Message, frozen=True, kw_only=True, tag="health"):
    request: int
    is_healthy: bool
    problems: list[str] = field(default_factory=list)
    """What is wrong, for people, the worst first; empty when healthy."""
    notes: list[str] = field(default_factory=list)
    """What is unusual but meant, such as a paused queue."""


class CleanItem(Struct, frozen=True, kw_only=True):
    """Something that may go."""

    kind: Literal["job", "results", "inputs", "orphan", "log", "cache"]
    what: str
    """The job's id, or the path below the server's home."""
    why: str
    size_bytes: int
    age_s: float


class CleanReport(Message, frozen=True, kw_only=True, tag="clean_report"):
    request: int
    applied: bool
    items: list[CleanItem]
    """At most 1,000, the largest first."""
    count: int
    size_bytes: int
    """Of all, also of those that are not listed."""
    problems: list[str] = field(default_factory=list)
    """What could not be deleted, and why."""
