"""The types that messages are made of: job states, descriptions of jobs and files, checked numbers and
names."""

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
"""Why a request was refused, for programs to test. The ``message`` beside it says the same for people."""

Transfer = Literal["streamed", "paths"]

RequestNumber = Annotated[int, Meta(ge=0, le=2**53)]
JobId = Annotated[str, Meta(pattern="^[A-Za-z0-9_-]{1,64}$(?!\\n)")]
EngineName = Annotated[str, Meta(pattern="^[a-z][a-z0-9_-]{0,31}$(?!\\n)")]
Frame = Annotated[int, Meta(ge=-(2**53), le=2**53)]
JobFrame = Annotated[int, Meta(ge=-1_000_000, le=10_000_000)]
"""A frame's number in a job."""
Count = Annotated[int, Meta(ge=0, le=2**53)]
Credit = Annotated[int, Meta(ge=1, le=64)]
PRINTED = "^[^\\x00-\\x1f\\x7f-\\x9f\\u2028\\u2029]*$(?!\\n)"
"""The pattern of a text that stands on one line: without control characters and separators of lines. NUL
would end a path; the others would reach logs and terminals. ``$`` alone would let a last newline pass."""
Label = Annotated[str, Meta(max_length=256, pattern=PRINTED)]
Priority = Annotated[int, Meta(ge=-100, le=100)]
PathText = Annotated[str, Meta(min_length=1, max_length=4096, pattern=PRINTED)]
Sha256OrNone = Annotated[str, Meta(pattern="^([0-9a-f]{64})?$(?!\\n)")]


class Message(Struct, frozen=True, kw_only=True, tag_field="type"):
    """The base class of all messages."""


class JobState(str, Enum):
    """What a job is doing."""

    UPLOADING = "uploading"
    """The server has accepted the job and waits for its input files."""
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

    @property
    def can_begin_again(self) -> bool:
        """Whether the job has ended without a result, so that it may be asked for again."""
        return self in (JobState.FAILED, JobState.CANCELLED)


class Limits(Struct, frozen=True, kw_only=True):
    """The largest sizes and counts that the server accepts; it tells them in ``welcome``."""

    control_bytes: int
    job_bytes: int
    chunk_bytes: int
    file_bytes: int
    upload_credit: int
    fetch_credit: int
    fetches: int
    proof_files: int


class ProgressInfo(Struct, frozen=True, kw_only=True):
    """How far a running job is in its present stage."""

    stage: str
    step: int
    steps: int
    frame: int | None = None
    elapsed_s: float = 0.0
    eta_s: float | None = None
    """Estimated seconds until the stage ends; null while unknown."""
    real: float | None = None
    guessed: float | None = None
    invented: float | None = None
    """Shares of what the frames made so far replaced, 0..1, which add up to 1: what other frames show for
    certain, what they show less surely, and what none shows. Null before the first frame, and for engines
    that do not tell."""
    moved: float | None = None
    model: float | None = None
    """The two parts of ``guessed`` where a model has answered: objects that have moved, and the model's own.
    Null for other engines."""
    verdict: str = ""
    """A letter for each frame of the result, in order, once all were judged: ``g`` for green, ``a`` for
    amber, ``r`` for red, ``-`` for one that was not judged."""


MUCH_INVENTED = 0.3
"""The share of invented pixels from which people are advised to take another engine or a clean frame."""


class StageTime(Struct, frozen=True, kw_only=True):
    """How many seconds one stage of a job took."""

    stage: str
    seconds: float


class JobInfo(Struct, frozen=True, kw_only=True):
    """A job's state at one moment."""

    job_id: str
    name: str
    engine: str
    owner: str
    state: JobState
    message: str = ""
    """Text for people: why the job failed, or what it waits for."""
    frames_total: int
    frames_done: int
    inputs: Transfer
    outputs: Transfer
    output_pattern: str
    """Where the client wants the result; the version number is filled in."""
    created_at: float
    started_at: float | None = None
    finished_at: float | None = None
    """Times are seconds since 1970, UTC."""
    queue_position: int | None = None
    """0 means that the job runs next; null that it is not queued."""
    attempts: int = 0
    """How often a worker has started the job."""
    sequence: int = 0
    """Number of the job's newest event."""
    progress: ProgressInfo | None = None
    stage_times: list[StageTime] = []
    priority: int = 0
    """Higher ones run first."""
    is_paused: bool = False
    """Whether someone holds the job back; ``message`` says who."""
    queue_s: float = 0.0
    """Seconds spent waiting for a worker in earlier waits; the present wait is not in it."""
    run_s: float = 0.0
    """Seconds that workers spent on the job in earlier runs; the present run is not in it."""
    view: str = ""
    """The stereo view that the job works on, as the job says."""
    together: str = ""
    """A word that jobs which belong together share, such as those of both eyes."""
    engine_used: str = ""
    """The engine that the newest run of the job has; empty before the first. It differs from ``engine`` where
    that is ``auto``."""


class ResultFile(Struct, frozen=True, kw_only=True):
    """One finished frame of a job's result, as the server keeps it."""

    frame: int
    size: int
    sha256: str
    seconds: float | None = None
    """Seconds from the frame before it (or the start of the run) until this one was whole; null while
    unknown."""


class ManifestEntry(Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """One input file of a streamed job; in JSON ``[group, frame, size]``."""

    group: Annotated[str, Meta(pattern=r"^(plate|anchors|matte\.[0-9]{1,4})$(?!\\n)")]
    """What the file is in the job: ``plate``, ``anchors``, or ``matte.N`` for ``mattes[N]`` of the job."""
    frame: int | None
    """The frame number; null for a matte that is one picture for the whole shot."""
    size: Count


ProofRanges = Annotated[list[tuple[Count, Annotated[int, Meta(ge=1, le=65_536)]]], Meta(max_length=16)]


class ProofFile(Struct, frozen=True, kw_only=True):
    """An input file of which the server is asked to prove that it sees the same bytes."""

    path: PathText
    ranges: ProofRanges = []
    """``[offset, length]`` pairs to read; without any, the file's size alone is proven."""


class ProofFolder(Struct, frozen=True, kw_only=True):
    """An output folder that the server is asked to prove it can read and write."""

    path: PathText
    probe: Annotated[str, Meta(pattern="^[0-9a-f]{32}$(?!\\n)")]
    """The client has written ``.void-probe-<probe>`` into the folder."""


class ProofAnswer(Struct, frozen=True, kw_only=True):
    """The server's proof for one file or folder: a digest, or the problem that prevented it."""

    digest: str | None = None
    problem: str = ""


class MemoryUse(Struct, frozen=True, kw_only=True):
    """Memory of a worker, as it last reported it."""

    resident_bytes: int
    """Memory of the worker's process on the machine."""
    device_used_bytes: int | None = None
    """Used by all processes on the device; null where it has no memory of its own or was not used yet."""
    device_total_bytes: int | None = None


class WorkerInfo(Struct, frozen=True, kw_only=True):
    """One worker process of the server, and the job that it works on."""

    worker: str
    alive: bool
    pid: int | None = None
    job_id: str | None = None
    restarts: int = 0
    device: str = ""
    """The device as the server was given it: ``auto``, ``cpu``, ``cuda:0``."""
    busy_s: float | None = None
    """How many seconds the worker has been at its present job."""
    memory: MemoryUse | None = None
