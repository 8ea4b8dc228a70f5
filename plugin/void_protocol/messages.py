"""Every message of the protocol, as a tagged union. ``docs/protocol.md`` explains each of them.

A message is one JSON object with a ``type``, followed by the binary payload frames that its class names.
Fields that a receiver does not know are ignored, so that fields can be added within a protocol version.
Requests carry a ``request`` number of the client's choice; the reply, or an ``error``, carries it back.
"""

from __future__ import annotations

from typing import Annotated, Union

from msgspec import Meta, Raw, field

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
from void_protocol.administration import Retry as Retry
from void_protocol.administration import SetPriority as SetPriority
from void_protocol.administration import Status as Status
from void_protocol.administration import Throughput as Throughput
from void_protocol.engines import EngineDescription as EngineDescription
from void_protocol.engines import Engines as Engines
from void_protocol.engines import GetEngines as GetEngines
from void_protocol.engines import OptionDescription as OptionDescription
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
    """Open a session: the first message of a client. It is answered by ``welcome``."""

    request: RequestNumber
    min_version: Annotated[int, Meta(ge=1)]
    max_version: Annotated[int, Meta(ge=1)]
    client: Label = ""
    user: Label = ""
    host: Label = ""


class Ping(Message, frozen=True, kw_only=True, tag="ping"):
    """Ask for a sign of life. It is answered by ``pong``."""

    request: RequestNumber


class Bye(Message, frozen=True, kw_only=True, tag="bye"):
    """The client leaves. There is no reply."""


class Prove(Message, frozen=True, kw_only=True, tag="prove"):
    """Ask the server to prove that it sees the client's files. It is answered by ``proof``."""

    request: RequestNumber
    nonce: Annotated[str, Meta(pattern="^[0-9a-f]{64}$(?!\\n)")]
    files: Raw = Raw(b"[]")
    """The JSON text of a list of :class:`ProofFile`. It stays a text until :mod:`void_protocol.proof` reads
    it, because a server keeps many of them waiting, and each has up to 36,865 arrays and objects."""
    folder: ProofFolder | None = None


class Submit(Message, frozen=True, kw_only=True, tag="submit"):
    """Submit a job. Its payload is the job's JSON and, with streamed inputs, the manifest's JSON. It is
    answered by ``accepted``."""

    request: RequestNumber
    inputs: Transfer
    outputs: Transfer
    priority: Priority = 0
    """The priority of a job that is new; it does not make two submissions different."""
    again: bool = False
    """Whether a job that is known, and has failed or was cancelled, is to begin again. Only its owner can
    ask."""


class Chunk(Message, frozen=True, kw_only=True, tag="chunk"):
    """A piece of an input file; its payload is the bytes. Instead of a reply, ``upload_credit``,
    ``file_stored`` and ``file_refused`` come."""

    job_id: JobId
    file: Count
    """The file's index in the manifest."""
    offset: Count
    last: bool = False
    sha256: Sha256OrNone = ""
    """The SHA-256 of the whole file; sent with the last chunk."""


class Watch(Message, frozen=True, kw_only=True, tag="watch"):
    """Ask for the events of a job from now on. It is answered by ``job``."""

    request: RequestNumber
    job_id: JobId
    after: Count | None = None
    """Also send the events that came after this one; null asks only for those from now on."""


class Unwatch(Message, frozen=True, kw_only=True, tag="unwatch"):
    """Ask for no more events of a job. It is answered by ``job``."""

    request: RequestNumber
    job_id: JobId


class Cancel(Message, frozen=True, kw_only=True, tag="cancel"):
    """Ask for a job to be stopped. It is answered by ``job``."""

    request: RequestNumber
    job_id: JobId


class GetJob(Message, frozen=True, kw_only=True, tag="get_job"):
    """Ask for one job. It is answered by ``job``."""

    request: RequestNumber
    job_id: JobId


class ListJobs(Message, frozen=True, kw_only=True, tag="list_jobs"):
    """Ask for the newest jobs. It is answered by ``job_list``."""

    request: RequestNumber
    states: Annotated[list[JobState], Meta(max_length=16)] | None = None
    limit: Annotated[int, Meta(ge=1, le=1000)] = 200
    """How many jobs to list at most, the newest first."""


class GetResults(Message, frozen=True, kw_only=True, tag="get_results"):
    """Ask which frames of a job's result are whole. It is answered by ``result_list``."""

    request: RequestNumber
    job_id: JobId
    after_frame: Frame | None = None
    limit: Annotated[int, Meta(ge=1, le=10_000)] = 10_000


class GetLog(Message, frozen=True, kw_only=True, tag="get_log"):
    """Ask for a piece of a job's log. It is answered by ``log_text``."""

    request: RequestNumber
    job_id: JobId
    offset: Count = 0
    max_bytes: Annotated[int, Meta(ge=1, le=1_048_576)] = 262_144


class Fetch(Message, frozen=True, kw_only=True, tag="fetch"):
    """Ask for one frame of a job's result. Its bytes come in messages of type ``data``."""

    request: RequestNumber
    job_id: JobId
    frame: Frame
    credit: Credit


class FetchCredit(Message, frozen=True, kw_only=True, tag="fetch_credit"):
    """Allow the server to send this many more chunks of a file that is being fetched. There is no reply."""

    request: RequestNumber
    chunks: Credit


class StopFetch(Message, frozen=True, kw_only=True, tag="stop_fetch"):
    """Ask for no more chunks of a file that is being fetched. There is no reply."""

    request: RequestNumber


class Release(Message, frozen=True, kw_only=True, tag="release"):
    """Allow the server to delete what it keeps of a finished job's results. It is answered by ``job``."""

    request: RequestNumber
    job_id: JobId


# From the server ----------------------------------------------------------------------------------------


class Welcome(Message, frozen=True, kw_only=True, tag="welcome"):
    """The server's answer to ``hello``: who it is and what it accepts."""

    request: int
    version: int
    server: str
    server_id: str
    """An identity that is new after each start of the server."""
    heartbeat_s: float
    limits: Limits
    owner: str = ""
    """The client's name on the server's list, which its jobs carry."""


class Pong(Message, frozen=True, kw_only=True, tag="pong"):
    """Answers ``ping``."""

    request: int


class Error(Message, frozen=True, kw_only=True, tag="error"):
    """A request was refused or failed. Without a ``request`` number it concerns the connection itself."""

    request: int | None = None
    code: str
    message: str


class Proof(Message, frozen=True, kw_only=True, tag="proof"):
    """What the server could prove. It answers ``prove``."""

    request: int
    files: list[ProofAnswer]
    folder: ProofAnswer | None = None


class Accepted(Message, frozen=True, kw_only=True, tag="accepted"):
    """The server has stored a submission. It answers ``submit``."""

    request: int
    job: JobInfo
    have: list[tuple[int, int]] = field(default_factory=list)
    """Runs ``[first, last]`` of manifest indices of files that the server has already."""
    partial: list[tuple[int, int]] = field(default_factory=list)
    """``[file, bytes]`` for each file that has begun to arrive; the next chunk may begin at that byte."""
    credit: int = 0
    """How many chunks the client may send before the first ``upload_credit``."""


class UploadCredit(Message, frozen=True, kw_only=True, tag="upload_credit"):
    """Allows the client to send this many more chunks of a job's input files."""

    job_id: str
    chunks: int


class FileStored(Message, frozen=True, kw_only=True, tag="file_stored"):
    """An input file has arrived whole."""

    job_id: str
    file: int


class FileRefused(Message, frozen=True, kw_only=True, tag="file_refused"):
    """An input file has to be sent again from its start; with the code ``full``, after a while."""

    job_id: str
    file: int
    code: str
    message: str


class JobReply(Message, frozen=True, kw_only=True, tag="job"):
    """One job as it is now. It answers every message that asks about one job or changes it: ``watch``,
    ``unwatch``, ``get_job``, ``cancel``, ``release``, ``pause``, ``resume`` and ``set_priority``."""

    request: int
    job: JobInfo
    gap: bool = False
    """In an answer to ``watch``: events between ``after`` and ``job.sequence`` are lost, so ``job`` is the
    new start."""


class JobList(Message, frozen=True, kw_only=True, tag="job_list"):
    """Answers ``list_jobs``."""

    request: int
    jobs: list[JobInfo]


class ResultList(Message, frozen=True, kw_only=True, tag="result_list"):
    """The frames of a job's result that are whole. It answers ``get_results``."""

    request: int
    results: list[ResultFile]
    more: bool = False
    """Whether there are more results; ask for them with ``after_frame``."""


class LogText(Message, frozen=True, kw_only=True, tag="log_text"):
    """A piece of a job's log. Its payload is UTF-8 text. It answers ``get_log``."""

    request: int
    offset: int
    size: int
    """Size of the whole log so far, in bytes."""


class Data(Message, frozen=True, kw_only=True, tag="data"):
    """A piece of a fetched file. Its payload is the bytes."""

    request: int
    offset: int
    size: int
    """Size of the whole file in bytes."""
    last: bool = False
    sha256: str = ""
    """The SHA-256 of the whole file; sent with the last chunk."""


# Events: from the server to those who watch ---------------------------------------------------------------


class StateEvent(Message, frozen=True, kw_only=True, tag="state"):
    """A job's state has changed."""

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
    """How far a job is. The event has no sequence number: the newest one replaces all before it."""

    job_id: str
    progress: ProgressInfo


class PreviewEvent(Message, frozen=True, kw_only=True, tag="preview"):
    """A small picture of a frame in the making. It has no sequence number. Its payload is rows from the top,
    three bytes R G B for each pixel, sRGB-encoded."""

    job_id: str
    frame: int
    width: int
    height: int
    encoding: str = "srgb8"


class LogEvent(Message, frozen=True, kw_only=True, tag="log"):
    """New lines of a job's log, which begin there at byte ``offset``. The event has no sequence number."""

    job_id: str
    offset: int
    text: str


ClientMessage = Union[  # noqa: UP007 - evaluated on Python 3.10
    Hello, Ping, Bye, Prove, Submit, Chunk, Watch, Unwatch, Cancel, GetJob, ListJobs, GetResults, GetLog,
    Fetch, FetchCredit, StopFetch, Release, GetStatus, GetHealth, GetEngines, Pause, Resume, Drain,
    SetPriority, Clean, Retry,
]  # fmt: skip
ServerMessage = Union[  # noqa: UP007
    Welcome, Pong, Error, Proof, Accepted, UploadCredit, FileStored, FileRefused, JobReply, JobList,
    ResultList, LogText, Data, Status, Health, Engines, CleanReport,
    StateEvent, FrameEvent, ProgressEvent, PreviewEvent, LogEvent,
]  # fmt: skip
NumberedEvent = Union[StateEvent, FrameEvent]  # noqa: UP007
JobEvent = Union[StateEvent, FrameEvent, ProgressEvent, PreviewEvent, LogEvent]  # noqa: UP007
