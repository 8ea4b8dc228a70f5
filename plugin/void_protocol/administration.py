"""Messages about the server and its queue rather than about one job: status, health, pauses, cleaning.

They belong to the unions in :mod:`void_protocol.messages`, from where everybody imports them.
"""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct, field

from void_protocol.fields import JobId, Label, Message, Priority, RequestNumber, WorkerInfo

QueueMode = Literal["open", "paused", "draining"]
"""In mode ``paused``, nothing starts. In mode ``draining``, nothing starts and new jobs are refused."""


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
    """Worker time of the recent past, in seconds; older use counts less and less. The fair share goes by
    it."""


class Throughput(Struct, frozen=True, kw_only=True):
    """How much the server finished and transferred lately."""

    window_s: float = 0.0
    """The length of the measured time: less than usual shortly after the server's start."""
    frames_per_minute: float = 0.0
    jobs_per_hour: float = 0.0
    received_bytes_per_s: float = 0.0
    sent_bytes_per_s: float = 0.0


# From the client ----------------------------------------------------------------------------------------


class GetStatus(Message, frozen=True, kw_only=True, tag="get_status"):
    """Ask how the server is. It is answered by ``status``."""

    request: RequestNumber


class GetHealth(Message, frozen=True, kw_only=True, tag="get_health"):
    """Ask whether anything is wrong with the server. It is answered by ``health``."""

    request: RequestNumber


class Pause(Message, frozen=True, kw_only=True, tag="pause"):
    """Hold back one job, or with null the whole queue (operators only). It is answered by ``job`` or
    ``status``."""

    request: RequestNumber
    job_id: JobId | None = None
    reason: Label = ""


class Resume(Message, frozen=True, kw_only=True, tag="resume"):
    """End the pause of one job; with null, of the queue, and a drain too. It is answered by ``job`` or
    ``status``."""

    request: RequestNumber
    job_id: JobId | None = None


class Drain(Message, frozen=True, kw_only=True, tag="drain"):
    """Start nothing and accept nothing new (operators only). It is answered by ``status``."""

    request: RequestNumber
    reason: Label = ""


class Retry(Message, frozen=True, kw_only=True, tag="retry"):
    """Let a job that failed or was cancelled begin again. It is answered by ``job``, and refused when only
    the submitter has the job's files: he submits it again."""

    request: RequestNumber
    job_id: JobId


class SetPriority(Message, frozen=True, kw_only=True, tag="set_priority"):
    """Set a job's place among the queued ones: higher priorities run first. It is answered by ``job``."""

    request: RequestNumber
    job_id: JobId
    priority: Priority


class Clean(Message, frozen=True, kw_only=True, tag="clean"):
    """List what is older than its retention and, with ``apply``, delete it (operators only)."""

    request: RequestNumber
    apply: bool = False
    days: Annotated[float, Meta(ge=0.0, le=36_500.0)] | None = None
    """When given, this age counts for everything instead of the server's settings."""


# From the server ----------------------------------------------------------------------------------------


class Status(Message, frozen=True, kw_only=True, tag="status"):
    """How the server is. It answers ``get_status``, ``drain``, and ``pause`` and ``resume`` of the queue."""

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
    """Memory of the broker's process; null where the system does not tell."""
    disk_free_bytes: int | None = None
    """Free bytes on the volume of the server's home; null where the system does not tell."""
    is_stopping: bool = False


class Health(Message, frozen=True, kw_only=True, tag="health"):
    """Whether the server works as it should. It answers ``get_health``."""

    request: int
    is_healthy: bool
    problems: list[str] = field(default_factory=list)
    """What is wrong, for people, the worst first; empty when healthy."""
    notes: list[str] = field(default_factory=list)
    """What is unusual but meant, such as a paused queue."""


class CleanItem(Struct, frozen=True, kw_only=True):
    """One thing that cleaning deletes, or would delete."""

    kind: Literal["job", "results", "inputs", "orphan", "log", "cache"]
    what: str
    """The job's id, or the path below the server's home."""
    why: str
    size_bytes: int
    age_s: float


class CleanReport(Message, frozen=True, kw_only=True, tag="clean_report"):
    """What cleaning found and, where it was asked to, deleted. It answers ``clean``."""

    request: int
    applied: bool
    items: list[CleanItem]
    """At most 1,000, the largest first."""
    count: int
    size_bytes: int
    """Bytes of everything found, also of items that are not listed."""
    problems: list[str] = field(default_factory=list)
    """What could not be deleted, and why."""
