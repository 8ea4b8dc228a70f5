"""Fuzzes what the sockets hand over: frames to messages, manifests. ``python -m tests.fuzz.wire``"""

from __future__ import annotations

import zmq

from tests.fuzz.driver import explained, main
from void_protocol.errors import WireError
from void_protocol.messages import (
    Chunk,
    Error,
    Fetch,
    GetLog,
    Hello,
    JobState,
    ListJobs,
    Message,
    ProofFile,
    ProofFolder,
    Prove,
    ResultFile,
    ResultList,
    StateEvent,
    Submit,
    Watch,
)
from void_protocol.proof import Challenge, encode_challenge
from void_protocol.wire import (
    decode_client_frames,
    decode_manifest,
    decode_server_frames,
    encode_frames,
    encode_manifest,
)

_SAMPLES: list[Message] = [
    Hello(request=1, min_version=1, max_version=1, client="c", user="u", host="h"),
    Prove(
        request=2,
        nonce="0" * 64,
        files=encode_challenge([ProofFile(path="/a", ranges=[(0, 9)])]),
        folder=ProofFolder(path="/b", probe="a" * 32),
    ),
    Submit(request=3, inputs="streamed", outputs="paths"),
    Chunk(job_id="a", file=1, offset=2, last=True, sha256="0" * 64),
    Watch(request=4, job_id="a", after=5),
    ListJobs(request=5, states=[JobState.DONE], limit=7),
    GetLog(request=6, job_id="a", offset=3, max_bytes=9),
    Fetch(request=7, job_id="a", frame=-5, credit=3),
    StateEvent(job_id="a", sequence=1, time=1.5, state=JobState.FAILED, message="x"),
    ResultList(request=8, results=[ResultFile(frame=1, size=2, sha256="x")]),
    Error(request=None, code="limit", message="m"),
]

_PAYLOADS = {Submit: [b"{}", b"[]"], Chunk: [b"x"]}


def seeds() -> list[bytes]:
    """Control frames, and manifests."""
    controls = [bytes(encode_frames(sample, _PAYLOADS.get(type(sample), ()))[0]) for sample in _SAMPLES]
    return [*controls, b'[["plate",1,5],["matte.0",null,6]]']


def assert_request(number: int | None) -> None:
    """What a reply will carry back."""
    assert number is None or 0 <= number <= 2**53


def target(data: bytes) -> None:
    """Nothing but a WireError may come of any bytes, and what was understood can be said again."""
    for decode in (decode_client_frames, decode_server_frames):
        for count in (0, 1, 2):
            frames = [zmq.Frame(data)] + [zmq.Frame(data[:7])] * count
            try:
                message, payloads = decode(frames)
            except WireError as error:
                explained(error)
                assert_request(error.request)
                continue
            if isinstance(message, Prove):
                try:
                    list(Challenge(message.files))
                except WireError as error:
                    explained(error)
            again = [zmq.Frame(bytes(frame)) for frame in encode_frames(message, payloads)]
            assert decode(again)[0] == message
    try:
        entries = decode_manifest(data)
    except WireError:
        return
    assert decode_manifest(encode_manifest(entries)) == entries


if __name__ == "__main__":
    main(target, seeds(), "wire")
