"""Encodes and decodes messages: one JSON control frame, then the payload frames that its type asks for.

The decoder is given whatever a peer sends. It answers with a message or a :class:`WireError`, never with
another exception, and it checks sizes before it parses.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar, get_args

import msgspec

from void_protocol.errors import WireError
from void_protocol.job import MAX_FRAMES
from void_protocol.job_check import MAX_INPUT_FILES
from void_protocol.job_file import JOB_BYTES
from void_protocol.messages import (
    Chunk,
    ClientMessage,
    Data,
    LogText,
    ManifestEntry,
    Message,
    PreviewEvent,
    ServerMessage,
    Submit,
)

if TYPE_CHECKING:
    import zmq

CONTROL_BYTES = 4 * 1024 * 1024
"""The largest control frame that either side may send, in bytes."""
CHUNK_BYTES = 1024 * 1024
"""The largest piece of a file in one message, in bytes."""
PREVIEW_BYTES = 1024 * 1024
"""The largest preview picture, in bytes."""
LOG_BYTES = 1024 * 1024
"""The largest piece of a log in one message, in bytes."""

Payload = bytes | memoryview
_PayloadRule = tuple[int, int, int]  # fewest frames, most frames, bytes in each

_PAYLOADS: dict[type[Message], _PayloadRule] = {
    Submit: (1, 2, JOB_BYTES),
    Chunk: (1, 1, CHUNK_BYTES),
    Data: (1, 1, CHUNK_BYTES),
    LogText: (1, 1, LOG_BYTES),
    PreviewEvent: (1, 1, PREVIEW_BYTES),
}
_NO_PAYLOAD: _PayloadRule = (0, 0, 0)
MAX_MANIFEST_FILES = MAX_INPUT_FILES + MAX_FRAMES
_QUICK_BYTES = 64 * 1024
"""A smaller control frame is decoded in no time whatever is in it."""
_MOST_PARTS = 50_000
"""The most arrays and objects of a client's control frame. The largest proof has 36,866."""
_MOST_FRAMES = 3
"""The most frames that any message has."""
LARGEST_FRAME_BYTES = max(CONTROL_BYTES, JOB_BYTES) + 1024
"""The frame size, in bytes, above which a socket should refuse to receive (``ZMQ_MAXMSGSIZE``). The limit
applies to frames as they travel, and encrypted ones are some bytes longer."""

_encoder = msgspec.json.Encoder()
_client_decoder: msgspec.json.Decoder[ClientMessage] = msgspec.json.Decoder(ClientMessage)
_server_decoder: msgspec.json.Decoder[ServerMessage] = msgspec.json.Decoder(ServerMessage)
_manifest_decoder = msgspec.json.Decoder(list[ManifestEntry])

_M = TypeVar("_M")


class _Head(msgspec.Struct):
    """The only fields that can be read of a message that is not understood."""

    type: Any = None
    request: Any = None


_head_decoder = msgspec.json.Decoder(_Head)
_KNOWN_TYPES = {
    str(kind.__struct_config__.tag) for kind in (*get_args(ClientMessage), *get_args(ServerMessage))
}


def encode_frames(message: Message, payloads: Sequence[Payload] = ()) -> list[Payload]:
    """Encode a message as frames for a socket.

    Raises:
        WireError: when the message is larger than a peer would accept.
    """
    control = _encoder.encode(message)
    _check_sizes(type(message), len(control), [len(payload) for payload in payloads], None)
    return [control, *payloads]


def decode_client_frames(frames: Sequence[zmq.Frame]) -> tuple[ClientMessage, list[memoryview]]:
    """Decode what a client sent; the payloads are views of the frames.

    Raises:
        WireError: with the code and, where it could be read, the request number for an error reply.
    """
    if frames and len(frames[0]) > _QUICK_BYTES:
        _check_parts(frames[0].buffer)
    return _decode(frames, _client_decoder.decode)


def decode_server_frames(frames: Sequence[zmq.Frame]) -> tuple[ServerMessage, list[memoryview]]:
    """Decode what a server sent. Raises as :func:`decode_client_frames` does."""
    return _decode(frames, _server_decoder.decode)


def _check_parts(control: memoryview) -> None:
    """Refuse a frame that takes long to decode. How long that is depends on the number of arrays and objects
    in it, and counting their brackets takes hardly any time."""
    if len(control) > CONTROL_BYTES:
        return  # which is refused all the same
    text = bytes(control)
    parts = text.count(b"[") + text.count(b"{")
    if parts > _MOST_PARTS:
        raise WireError("too_large", f"a control frame of {parts} arrays and objects; at most {_MOST_PARTS}")


def _decode(frames: Sequence[zmq.Frame], decode: Callable[[memoryview], _M]) -> tuple[_M, list[memoryview]]:
    if not 1 <= len(frames) <= _MOST_FRAMES:
        raise WireError("bad_message", f"{len(frames)} frames; a message has 1 to {_MOST_FRAMES}")
    control = frames[0].buffer
    if len(control) > CONTROL_BYTES:
        raise WireError("too_large", f"a control frame of {len(control)} bytes; at most {CONTROL_BYTES}")
    try:
        message = decode(control)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _not_understood(control, error) from error
    payloads = [frame.buffer for frame in frames[1:]]
    _check_sizes(
        type(message), len(control), [len(each) for each in payloads], getattr(message, "request", None)
    )
    return message, payloads


def _not_understood(control: memoryview, error: Exception) -> WireError:
    try:
        head = _head_decoder.decode(control)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return WireError("bad_message", f"the control frame is not a JSON object: {error}")
    request = head.request if isinstance(head.request, int) and 0 <= head.request <= 2**53 else None
    if isinstance(head.request, bool):
        request = None
    if not isinstance(head.type, str) or head.type not in _KNOWN_TYPES:
        return WireError("unknown_type", f"message type {str(head.type)[:64]!r} is not known here", request)
    return WireError("bad_message", f"{head.type}: {error}", request)


def _check_sizes(kind: type, control_bytes: int, sizes: list[int], request: int | None) -> None:
    fewest, most, largest = _PAYLOADS.get(kind, _NO_PAYLOAD)
    name = str(kind.__struct_config__.tag) if issubclass(kind, Message) else kind.__name__
    if control_bytes > CONTROL_BYTES:
        raise WireError(
            "too_large", f"{name}: control frame of {control_bytes} bytes; at most {CONTROL_BYTES}"
        )
    if not fewest <= len(sizes) <= most:
        wanted = f"{fewest}" if fewest == most else f"{fewest} to {most}"
        raise WireError("bad_message", f"{name}: {len(sizes)} payload frames; it takes {wanted}", request)
    for size in sizes:
        if size > largest:
            raise WireError("too_large", f"{name}: payload of {size} bytes; at most {largest}", request)


def encode_manifest(entries: Sequence[ManifestEntry]) -> bytes:
    """Encode the manifest as JSON: a list of ``[group, frame, size]``."""
    return _encoder.encode(list(entries))


def decode_manifest(text: Payload) -> list[ManifestEntry]:
    """Decode the manifest from JSON.

    Raises:
        WireError: when it is not a list of ``[group, frame, size]``, or has more files than a job may.
    """
    most = MAX_MANIFEST_FILES
    if bytes(text).count(b"[") > most + 1:
        raise WireError("too_large", f"submit: the manifest has more than {most} files")
    try:
        return _manifest_decoder.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise WireError("bad_message", f"submit: the manifest is not readable: {error}") from error
