"""Every message of the protocol, as a tagged union. ``docs/protocol.md`` explains them to strangers.

A message is one JSON object with a ``type``, followed by the binary payload frames that its class names.
Fields that a receiver does not know are ignored, so that fields can be added within a protocol version.
Requests carry a ``request`` number of the client's choice; the reply, or an ``error``, carries it back.
"""

from __future__ import annotations

from typing import Annotated, Union

from msgspec import Meta, field

# What is named twice below belongs to this module's readers too.
from void_protocol.administration import Clean as Clean
from void_protocol.administration import CleanItem as CleanItem
from void_protocol.administration import CleanReport as CleanReport
from void_protocol.administration import Drain as Drain
from void_protocol.administration import GetHealth as GetHealth
from void_protocol.administration import GetStatus as GetStatus
from void_protocol.administration import Health as Health
from void_protocol.administration import OwnerShare as OwnerShare
from void_protocol.administration import Pause as Pause
from void_protocol.administration import QueueInfo as QueueInfo
from void_protocol.administration import QueueMode as QueueMode
from void_protocol.administration import Resume as Resume
from void_protocol.administration import SetPriority as SetPriority
from void_protocol.administration import Status as Status
from void_protocol.administration import Throughput as Throughput
from void_protocol.fields import Count, Credit, Frame, JobId, Label, Priority, RequestNumber, Sha256OrNone
from void_protocol.fields import ErrorCode as ErrorCode
from void_protocol.fields import JobInfo as JobInfo
from void_protocol.fields import JobState as JobState
from void_protocol.fields import Limits as Limits
from void_protocol.fields import ManifestEntry as ManifestEntry
from void_protocol.fields import MemoryUse as MemoryUse
from void_protocol.fields import Message as Message
from void_protocol.fields import ProgressInfo as ProgressInfo
from void_protocol.fields import ProofAnswer as ProofAnswer
from void_protocol.fields import ProofFile as ProofFile
from void_protocol.fields import ProofFolder as ProofFolder
from void_protocol.fields import ResultFile as ResultFile
from void_protocol.fields import StageTime as StageTime
from void_protocol.fields import Transfer as Transfer
from void_protocol.fields import WorkerInfo as WorkerInfo

PROTOCOL_VERSION = 1
"""The version that this package speaks, the oldest and the newest."""


# From the client ----------------------------------------------------------------------------------------


class Hello(Message, frozen=True, kw_only=True, tag="hello"):
    request: RequestNumber
    min_version: Annotated[int, Meta(ge=1)]
    max_version: Annotated[int, Meta(ge=1)]
    client: Label = ""
    user: Label = ""
    host: Label = ""


class Ping(Message, frozen=True, kw_only=True, tag="ping"):
    request: RequestNumber


class Bye(Message, frozen=True, kw_only=True, tag="bye"):
    """The client leaves; no reply."""


class Prove(Message, frozen=True, kw_only=True, tag="prove"):
    request: RequestNumber
    nonce: Annotated[str, Meta(pattern="^[0-9a-f]{64}$(?!\\n)")]
    files: list[ProofFile] = field(default_factory=list)
    folder: ProofFolder | None = None


class Submit(Message, frozen=True, kw_only=True, tag="submit"):
    """Payload: the job's JSON; with streamed inputs also the manifest's JSON."""

    request: RequestNumber
    inputs: Transfer
    outputs: Transfer
    priority: Priority = 0
    """For a job that is new; not part of what makes two submissions the same."""


class Chunk(Message, frozen=True, kw_only=True, tag="chunk"):
    """Payload: the bytes. No reply; ``upload_credit``, ``file_stored`` and ``file_refused`` come instead."""

    job_id: JobId
    file: Count
    """Index in the manifest."""
    offset: Count
    last: bool = False
    sha256: Sha256OrNone = ""
    """Of the whole file, with the last chunk."""


class Watch(Message, frozen=True, kw_only=True, tag="watch"):
    request: RequestNumber
    job_id: JobId
    after: Count | None = None
    """Send the events after this one; null for those from now on."""


class Unwatch(Message, frozen=True, kw_only=True, tag="unwatch"):
    request: RequestNumber
    job_id: JobId


class Cancel(Message, frozen=True, kw_only=True, tag="cancel"):
    request: RequestNumber
    job_id: JobId


class GetJob(Message, frozen=True, kw_only=True, tag="get_job"):
    request: RequestNumber
    job_id: JobId


class ListJobs(Message, frozen=True, kw_only=True, tag="list_jobs"):
    request: RequestNumber
    states: Annotated[list[JobState], Meta(max_length=16)] | None = None
    limit: Annotated[int, Meta(ge=1, le=1000)] = 200
    """The newest ones."""


class GetResults(Message, frozen=True, kw_only=True, tag="get_results"):
    request: RequestNumber
    job_id: JobId
    after_frame: Frame | None = None
    limit: Annotated[int, Meta(ge=1, le=10_000)] = 10_000


class GetLog(Message, frozen=True, kw_only=True, tag="get_log"):
    request: RequestNumber
    job_id: JobId
    offset: Count = 0
    max_bytes: Annotated[int, Meta(ge=1, le=1_048_576)] = 262_144


class Fetch(Message, frozen=True, kw_only=True, tag="fetch"):
    request: RequestNumber
    job_id: JobId
    frame: Frame
    credit: Credit


class FetchCredit(Message, frozen=True, kw_only=True, tag="fetch_credit"):
    request: RequestNumber
    chunks: Credit


class StopFetch(Message, frozen=True, kw_only=True, tag="stop_fetch"):
    """No reply."""

    request: RequestNumber


class Release(Message, frozen=True, kw_only=True, tag="release"):
    """The client has what it wants of a final job: files that the server spooled for it may go."""

    request: RequestNumber
    job_id: JobId


# From the server ----------------------------------------------------------------------------------------


class Welcome(Message, frozen=True, kw_only=True, tag="welcome"):
    request: int
    version: int
    server: str
    server_id: str
    """Another one after each start of the server."""
    heartbeat_s: float
    limits: Limits


class Pong(Message, frozen=True, kw_only=True, tag="pong"):
    request: int


class Error(Message, frozen=True, kw_only=True, tag="error"):
    request: int | None = None
    code: str
    message: str


class Proof(Message, frozen=True, kw_only=True, tag="proof"):
    request: int
    files: list[ProofAnswer]
    folder: ProofAnswer | None = None


class Accepted(Message, frozen=True, kw_only=True, tag="accepted"):
    request: int
    job: JobInfo
    have: list[tuple[int, int]] = field(default_factory=list)
    """Runs ``[first, last]`` of manifest indices that the server holds already."""
    partial: list[tuple[int, int]] = field(default_factory=list)
    """``[file, bytes]``: files that have begun to arrive; the next chunk may begin at that byte."""
    credit: int = 0
    """Chunks that the client may send before the first ``upload_credit``."""


class UploadCredit(Message, frozen=True, kw_only=True, tag="upload_credit"):
    job_id: str
    chunks: int


class FileStored(Message, frozen=True, kw_only=True, tag="file_stored"):
    job_id: str
    file: int


class FileRefused(Message, frozen=True, kw_only=True, tag="file_refused"):
    """The file has to be sent again from its start: after a while when the code is ``full``."""

    job_id: str
    file: int
    code: str
    message: str


class JobReply(Message, frozen=True, kw_only=True, tag="job"):
    """Answers watch, unwatch, cancel, get_job and release."""

    request: int
    job: JobInfo
    gap: bool = False
    """For watch: events between ``after`` and ``job.sequence`` are not available; start from ``job``."""


class JobList(Message, frozen=True, kw_only=True, tag="job_list"):
    request: int
    jobs: list[JobInfo]


class ResultList(Message, frozen=True, kw_only=True, tag="result_list"):
    request: int
    results: list[ResultFile]
    more: bool = False
    """Ask again with ``after_frame``."""


class LogText(Message, frozen=True, kw_only=True, tag="log_text"):
    """Payload: UTF-8 text."""

    request: int
    offset: int
    size: int
    """Bytes of log so far."""


class Data(Message, frozen=True, kw_only=True, tag="data"):
    """Payload: the bytes of a fetched file."""

    request: int
    offset: int
    size: int
    """Of the whole file."""
    last: bool = False
    sha256: str = ""
    """Of the whole file, with the last chunk."""


# Events: from the server to those who watch ---------------------------------------------------------------


class StateEvent(Message, frozen=True, kw_only=True, tag="state"):
    job_id: str
    sequence: int
    time: float
    state: JobState
    message: str = ""


class FrameEvent(Message, frozen=True, kw_only=True, tag="frame"):
    """A frame of the result is whole."""

    job_id: str
    sequence: int
    time: float
    frame: int
    size: int
    sha256: str


class ProgressEvent(Message, frozen=True, kw_only=True, tag="progress"):
    """Not numbered: the newest one replaces all before it."""

    job_id: str
    progress: ProgressInfo


class PreviewEvent(Message, frozen=True, kw_only=True, tag="preview"):
    """Not numbered. Payload: rows from the top, three bytes R G B for each pixel, sRGB-encoded."""

    job_id: str
    frame: int
    width: int
    height: int
    encoding: str = "srgb8"


class LogEvent(Message, frozen=True, kw_only=True, tag="log"):
    """Not numbered; ``offset`` is where the lines begin in the job's log."""

    job_id: str
    offset: int
    text: str


ClientMessage = Union[  # noqa: UP007 - evaluated on Python 3.10
    Hello, Ping, Bye, Prove, Submit, Chunk, Watch, Unwatch, Cancel, GetJob, ListJobs, GetResults, GetLog,
    Fetch, FetchCredit, StopFetch, Release, GetStatus, GetHealth, Pause, Resume, Drain, SetPriority, Clean,
]  # fmt: skip
ServerMessage = Union[  # noqa: UP007
    Welcome, Pong, Error, Proof, Accepted, UploadCredit, FileStored, FileRefused, JobReply, JobList,
    ResultList, LogText, Data, Status, Health, CleanReport,
    StateEvent, FrameEvent, ProgressEvent, PreviewEvent, LogEvent,
]  # fmt: skip
NumberedEvent = Union[StateEvent, FrameEvent]  # noqa: UP007
JobEvent = Union[StateEvent, FrameEvent, ProgressEvent, PreviewEvent, LogEvent]  # noqa: UP007
