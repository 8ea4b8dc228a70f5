"""What the broker and its worker processes say to each other, on a private loopback socket.

The broker makes fresh keys at each start and hands them to the worker on its standard input, which also is
the worker's lifeline: when it closes, the broker is gone and the worker leaves at once.
"""

from __future__ import annotations

from typing import Literal, Union

import msgspec
from msgspec import Struct

from void_protocol.messages import Message, PreviewEvent, ProgressEvent

ZAP_DOMAIN = "worker"
BEAT_S = 1.0
"""How often a worker says that it lives."""


class WorkerConfig(Struct, frozen=True, kw_only=True):
    """One line of JSON on the worker's standard input."""

    endpoint: str
    identity: str
    server_key: str
    public_key: str
    secret_key: str
    runner: str
    device: str


class Ready(Message, frozen=True, kw_only=True, tag="ready"):
    """The worker has loaded its runner."""


class Beat(Message, frozen=True, kw_only=True, tag="beat"):
    pass


class LogLine(Message, frozen=True, kw_only=True, tag="log_line"):
    job_id: str
    text: str


class FrameWhole(Message, frozen=True, kw_only=True, tag="frame_whole"):
    job_id: str
    frame: int
    size: int
    sha256: str


class StageOver(Message, frozen=True, kw_only=True, tag="stage_over"):
    job_id: str
    stage: str
    seconds: float


class Finished(Message, frozen=True, kw_only=True, tag="finished"):
    job_id: str
    outcome: Literal["done", "failed", "cancelled"]
    message: str = ""


class Run(Message, frozen=True, kw_only=True, tag="run"):
    """Payload: the job's JSON, with local paths."""

    job_id: str
    resume: bool


class Stop(Message, frozen=True, kw_only=True, tag="stop"):
    job_id: str


FromWorker = Union[  # noqa: UP007 - msgspec wants a type, mypy a name
    Ready, Beat, LogLine, FrameWhole, StageOver, Finished, ProgressEvent, PreviewEvent
]
ToWorker = Union[Run, Stop]  # noqa: UP007

encode = msgspec.json.Encoder().encode
decode_from_worker: msgspec.json.Decoder[FromWorker] = msgspec.json.Decoder(FromWorker)
decode_to_worker: msgspec.json.Decoder[ToWorker] = msgspec.json.Decoder(ToWorker)
