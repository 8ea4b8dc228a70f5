"""What messages are made of: states, descriptions of jobs and files, checked numbers and names."""

from __future__ import annotations

from enum import Enum
from typing import Annotated, Literal

from msgspec import Meta, Struct

ErrorCode = Literal[
    "bad_message",
    "unknown_type",
    "version",
    "not_allowed",
    "no_session",
    "too_large",
    "limit",
    "bad_job",
    "conflict",
    "unknown_job",
    "bad_chunk",
    "checksum",
    "no_upload",
    "refused_path",
    "unknown_frame",
    "not_ready",
    "operators_only",
    "storage",
    "internal",
]
"""Why a request was refused, for programs. ``message`` says it for people."""

Transfer = Literal["streamed", "paths"]

RequestNumber = Annotated[int, Meta(ge=0, le=2**53)]
JobId = Annotated[str, Meta(pattern="^[A-Za-z0-9_-]{1,64}$(?!\\n)")]
Frame = Annotated[int, Meta(ge=-(2**53), le=2**53)]
Count = Annotated[int, Meta(ge=0, le=2**53)]
Credit = Annotated[int, Meta(ge=1, le=64)]
Label = Annotated[str, Meta(max_length=256)]
Priority = Annotated[int, Meta(ge=-100, le=100)]
PathText = Annotated[str, Meta(min_length=1, max_length=4096)]
Sha256OrNone = Annotated[str, Meta(pattern="^([0-9a-f]{64})?$(?!\\n)")]


class Message(Struct, frozen=True, kw_only=True, tag_field="type"):
    """Base of all messages."""


class JobState(str, Enum):
    """What a job is doing."""

    UPLOADING = "uploading"
    """Accepted; the server waits for input files."""
    QUEUED = "queued"
    RUNNING = "running"
    CANCELLING = "cancelling"
    """A stop was asked for; the worker has not confirmed it yet."""
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_final(self) -> bool:
        return self in (JobState.DONE, JobState.FAILED, JobState.CANCELLED)


class Limits(Struct, frozen=True, kw_only=True):
    """What the server accepts; told in ``welcome``."""

    control_bytes: int
    job_bytes: int
    chunk_bytes: int
    file_bytes: int
    upload_credit: int
    fetch_credit: int
    fetches: int
    proof_files: int


class ProgressInfo(Struct, frozen=True, kw_only=True):
    stage: str
    step: int
    steps: int
    frame: int | None = None
    elapsed_s: float = 0.0
    eta_s: float | None = None
    """What is left of this stage, estimated; null while unknown."""


class StageTime(Struct, frozen=True, kw_only=True):
    stage: str
    seconds: float


class JobInfo(Struct, frozen=True, kw_only=True):
    """A frozen picture of a job."""

    job_id: str
    name: str
    engine: str
    owner: str
    state: JobState
    message: str = ""
    """Why, for people: the failure, or what the job waits for."""
    frames_total: int
    frames_done: int
    inputs: Transfer
    outputs: Transfer
    output_pattern: str
    """Where the client wants the result, version put in."""
    created_at: float
    started_at: float | None = None
    finished_at: float | None = None
    """Seconds since 1970, UTC."""
    queue_position: int | None = None
    """0 is the next to run; null when not queued."""
    attempts: int = 0
    """How often a worker started it."""
    sequence: int = 0
    """Number of the job's newest event."""
    progress: ProgressInfo | None = None
    stage_times: list[StageTime] = []
    priority: int = 0
    """Higher ones run first."""
    is_paused: bool = False
    """Whether someone holds the job back; ``message`` says who."""
    queue_s: float = 0.0
    """Time spent waiting for a worker so far, without the present wait."""
    run_s: float = 0.0
    """Time that workers spent on it so far, without the present run."""


class ResultFile(Struct, frozen=True, kw_only=True):
    frame: int
    size: int
    sha256: str
    seconds: float | None = None
    """From the frame before it, or the start of the run, until this one was whole; null while unknown."""


class ManifestEntry(Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """One input file of a streamed job; in JSON ``[group, frame, size]``."""

    group: Annotated[str, Meta(pattern=r"^(plate|anchors|matte\.[0-9]{1,4})$(?!\\n)")]
    """``plate``, ``anchors``, or ``matte.N`` for ``mattes[N]`` of the job."""
    frame: int | None
    """null for a matte that is one picture for the whole shot."""
    size: Count


class ProofFile(Struct, frozen=True, kw_only=True):
    path: PathText
    ranges: Annotated[list[tuple[Count, Annotated[int, Meta(ge=1, le=65_536)]]], Meta(max_length=16)] = []
    """``[offset, length]`` pairs; none asks for the size alone."""


class ProofFolder(Struct, frozen=True, kw_only=True):
    path: PathText
    probe: Annotated[str, Meta(pattern="^[0-9a-f]{32}$(?!\\n)")]
    """The client has written ``.void-probe-<probe>`` into the folder."""


class ProofAnswer(Struct, frozen=True, kw_only=True):
    digest: str | None = None
    problem: str = ""


class MemoryUse(Struct, frozen=True, kw_only=True):
    """Memory of a worker, as it last said."""

    resident_bytes: int
    """Of the process, in the machine's memory."""
    device_used_bytes: int | None = None
    """On the device, by everybody; null where it has no memory of its own or was not used yet."""
    device_total_bytes: int | None = None


class WorkerInfo(Struct, frozen=True, kw_only=True):
    worker: str
    alive: bool
    pid: int | None = None
    job_id: str | None = None
    restarts: int = 0
    device: str = ""
    """As the server was told: ``auto``, ``cpu``, ``cuda:0``."""
    busy_s: float | None = None
    """For how long it has been at its job."""
    memory: MemoryUse | None = None
