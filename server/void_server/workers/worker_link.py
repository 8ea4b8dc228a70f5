"""What the broker and its worker processes say to each other, on a private loopback socket.

The broker makes fresh keys at each start and hands them to the worker on its standard input, which also is
the worker's lifeline: when it closes, the broker is gone and the worker leaves at once.
"""

from __future__ import annotations

from typing import Literal, Union

import msgspec
from msgspec import Struct

from void_protocol.messages import EngineDescription, MemoryUse, Message, PreviewEvent, ProgressEvent

ZAP_DOMAIN = "worker"
BEAT_S = 1.0
"""How often a worker says that it lives."""
MEMORY_S = 2.0
"""How often it says how much memory it uses."""


class WorkerConfig(Struct, frozen=True, kw_only=True):
    """One line of JSON on the worker's standard input."""

    endpoint: str
    identity: str
    server_key: str
    public_key: str
    secret_key: str
    runner: str
    device: str
    read_roots: list[str] | None = None
    """Files are read only below these; null for anywhere."""
    output_roots: list[str] | None = None
    """Files are written only below these; null for anywhere."""
    frame_pixels: int
    frame_bytes: int
    niceness: int = 0
    """How much the process stands back behind others."""
    wait_s: float = 0.0
    """How long a job may wait for what stands in its way."""


class Ready(Message, frozen=True, kw_only=True, tag="ready"):
    """The worker has loaded its runner."""

    engines: list[EngineDescription] | None = None
    """The engines of its Python, by name."""


class Beat(Message, frozen=True, kw_only=True, tag="beat"):
    silent_s: float = 0.0
    """How long the running job has not spoken to its monitor; 0 without a job."""
    stage: str = ""
    """What that job was at when it last did."""


class Probe(Message, frozen=True, kw_only=True, tag="probe"):
    """From the broker: it wants to know whether the worker can be reached. No answer."""


class LogLine(Message, frozen=True, kw_only=True, tag="log_line"):
    job_id: str
    text: str


class Waiting(Message, frozen=True, kw_only=True, tag="waiting"):
    """The job stands still until what ``obstacle`` names has passed; empty: it goes on."""

    job_id: str
    obstacle: str


class FrameWhole(Message, frozen=True, kw_only=True, tag="frame_whole"):
    job_id: str
    frame: int
    size: int
    sha256: str
    seconds: float | None = None
    """Since the frame before it, or the start of the run."""


class Memory(Message, frozen=True, kw_only=True, tag="memory"):
    """What the worker uses now."""

    use: MemoryUse


class StageOver(Message, frozen=True, kw_only=True, tag="stage_over"):
    job_id: str
    stage: str
    seconds: float


class Finished(Message, frozen=True, kw_only=True, tag="finished"):
    job_id: str
    outcome: Literal["done", "failed", "cancelled", "blocked"]
    message: str = ""
    obstacle: str = ""
    """With ``blocked``: what stands in the way and may pass."""


class Run(Message, frozen=True, kw_only=True, tag="run"):
    """Payload: the job's JSON, with local paths."""

    job_id: str
    resume: bool


class Stop(Message, frozen=True, kw_only=True, tag="stop"):
    job_id: str


FromWorker = Union[  # noqa: UP007 - msgspec wants a type, mypy a name
    Ready, Beat, Memory, LogLine, Waiting, FrameWhole, StageOver, Finished, ProgressEvent, PreviewEvent
]
ToWorker = Union[Run, Stop, Probe]  # noqa: UP007

encode = msgspec.json.Encoder().encode
decode_from_worker: msgspec.json.Decoder[FromWorker] = msgspec.json.Decoder(FromWorker)
decode_to_worker: msgspec.json.Decoder[ToWorker] = msgspec.json.Decoder(ToWorker)
