"""The messages between the broker and its worker processes, on a private loopback socket.

The broker makes new keys at each start and hands them to the worker on its standard input. That is also the
worker's lifeline: when it closes, the broker is gone and the worker leaves at once.
"""

from __future__ import annotations

from typing import Literal, Union

import msgspec
from msgspec import Struct

from void_protocol.messages import (
    EngineDescription,
    MemoryUse,
    Message,
    PreviewEvent,
    ProgressEvent,
    Transfer,
)

ZAP_DOMAIN = "worker"
BEAT_S = 1.0
"""How often, in seconds, a worker says that it is alive."""
MEMORY_S = 2.0
"""How often, in seconds, a worker reports its memory."""


class WorkerConfig(Struct, frozen=True, kw_only=True):
    """What a worker is told at its start, as one line of JSON on its standard input."""

    endpoint: str
    identity: str
    server_key: str
    public_key: str
    secret_key: str
    runner: str
    device: str
    frame_pixels: int
    frame_bytes: int
    niceness: int = 0
    """How much the process gives way to others, as nice(1) says it."""
    wait_s: float = 0.0
    """How many seconds a job may wait for an obstacle."""


class Ready(Message, frozen=True, kw_only=True, tag="ready"):
    """The worker has loaded its runner."""

    engines: list[EngineDescription] | None = None
    """The engines of the worker's Python, sorted by name."""


class Beat(Message, frozen=True, kw_only=True, tag="beat"):
    """A sign of life of a worker, and of its job."""

    silent_s: float = 0.0
    """Seconds since the running job last reported to its monitor; 0 without a job."""
    stage: str = ""
    """The stage that the job was in at that time."""


class Probe(Message, frozen=True, kw_only=True, tag="probe"):
    """A message of the broker that only finds out whether the worker can be reached. It has no answer."""


class LogLine(Message, frozen=True, kw_only=True, tag="log_line"):
    """A line for the job's log."""

    job_id: str
    text: str


class EngineChosen(Message, frozen=True, kw_only=True, tag="engine_chosen"):
    """The engine that runs the job, which ``auto`` leaves open."""

    job_id: str
    engine: str


class Waiting(Message, frozen=True, kw_only=True, tag="waiting"):
    """The job waits until what ``obstacle`` names has passed; with an empty text it goes on."""

    job_id: str
    obstacle: str


class FrameWhole(Message, frozen=True, kw_only=True, tag="frame_whole"):
    """A frame of the job's result is whole."""

    job_id: str
    frame: int
    size: int
    sha256: str
    seconds: float | None = None
    """Seconds since the frame before it, or since the start of the run."""


class Memory(Message, frozen=True, kw_only=True, tag="memory"):
    """The memory that the worker uses now."""

    use: MemoryUse


class StageOver(Message, frozen=True, kw_only=True, tag="stage_over"):
    """A stage of the job has taken this much more time."""

    job_id: str
    stage: str
    seconds: float


class Finished(Message, frozen=True, kw_only=True, tag="finished"):
    """The job's run is over."""

    job_id: str
    outcome: Literal["done", "failed", "cancelled", "blocked", "no_room"]
    """``blocked`` by an obstacle that may pass; ``no_room`` for its results in the spool."""
    message: str = ""
    obstacle: str = ""
    """With ``blocked``, the obstacle that may pass."""


class Run(Message, frozen=True, kw_only=True, tag="run"):
    """An order to run a job. Its payloads are the job's JSON as the client has sent it, and where the files
    lie that go by path (:class:`~void_server.access.places.Places`)."""

    job_id: str
    resume: bool
    folder: str = ""
    """The job's own folder in the spool."""
    inputs: Transfer = "paths"
    outputs: Transfer = "paths"
    text_file: str = ""
    """The file that holds the job's JSON when the payload is empty, because it is long."""
    room_bytes: int | None = None
    """How many bytes of results this run may write; null for any number."""


class Stop(Message, frozen=True, kw_only=True, tag="stop"):
    """An order to stop a job."""

    job_id: str


FromWorker = Union[  # noqa: UP007 - msgspec wants a type, mypy a name
    Ready,
    Beat,
    Memory,
    LogLine,
    EngineChosen,
    Waiting,
    FrameWhole,
    StageOver,
    Finished,
    ProgressEvent,
    PreviewEvent,
]
ToWorker = Union[Run, Stop, Probe]  # noqa: UP007

encode = msgspec.json.Encoder().encode
decode_from_worker: msgspec.json.Decoder[FromWorker] = msgspec.json.Decoder(FromWorker)
decode_to_worker: msgspec.json.Decoder[ToWorker] = msgspec.json.Decoder(ToWorker)
