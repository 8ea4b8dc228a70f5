from __future__ import annotations

import gc
from typing import Any, get_args

import msgspec
import pytest
import zmq
from hypothesis import given, settings
from hypothesis import strategies as st

from void_protocol.errors import WireError
from void_protocol.messages import (
    Chunk,
    Data,
    Error,
    ErrorCode,
    Hello,
    ManifestEntry,
    Ping,
    Pong,
    Prove,
    StateEvent,
    Submit,
)
from void_protocol.proof import Challenge
from void_protocol.wire import (
    CHUNK_BYTES,
    CONTROL_BYTES,
    decode_client_frames,
    decode_manifest,
    decode_server_frames,
    encode_frames,
    encode_manifest,
)


def frames_of(*parts: bytes) -> list[zmq.Frame]:
    return [zmq.Frame(part) for part in parts]


def test_messages_survive_the_wire() -> None:
    for message, payloads in [
        (Hello(request=1, min_version=1, max_version=3, client="ä"), []),
        (Submit(request=2, inputs="streamed", outputs="paths"), [b"{}", b"[]"]),
        (Chunk(job_id="a", file=3, offset=7, last=True, sha256="f" * 64), [b"\0\xff"]),
    ]:
        frames = encode_frames(message, payloads)
        decoded, views = decode_client_frames(frames_of(*map(bytes, frames)))
        assert decoded == message
        assert [bytes(view) for view in views] == payloads
    data = Data(request=1, offset=0, size=3, last=True, sha256="0" * 64)
    assert decode_server_frames(frames_of(*map(bytes, encode_frames(data, [b"abc"]))))[0] == data


def test_payloads_are_not_copied() -> None:
    frame = zmq.Frame(b"x" * 1000)
    control = zmq.Frame(b'{"type":"chunk","job_id":"a","file":0,"offset":0}')
    _, (view,) = decode_client_frames([control, frame])
    assert view.obj is frame.buffer.obj


def test_what_a_peer_would_refuse_is_not_sent() -> None:
    with pytest.raises(WireError, match=f"payload of {CHUNK_BYTES + 1} bytes; at most {CHUNK_BYTES}"):
        encode_frames(Chunk(job_id="a", file=0, offset=0), [bytes(CHUNK_BYTES + 1)])
    with pytest.raises(WireError, match="pong: 1 payload frames; it takes 0"):
        encode_frames(Pong(request=1), [b""])
    with pytest.raises(WireError, match="error: control frame of"):
        encode_frames(Error(code="internal", message="x" * CONTROL_BYTES))


def test_a_client_does_not_take_a_clients_message() -> None:
    with pytest.raises(WireError) as caught:
        decode_server_frames(frames_of(bytes(encode_frames(Ping(request=4))[0])))
    assert (caught.value.code, caught.value.request) == ("bad_message", 4)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
likely_members = st.fixed_dictionaries(
    {"type": st.sampled_from(["hello", "chunk", "submit", "prove", "watch", "fetch", "state", "data", "?"])},
    optional={
        name: json_values | st.integers(-2, 70) | st.just("ab" * 32)
        for name in ("request", "job_id", "file", "offset", "files", "nonce", "credit", "inputs", "after")
    },
)
controls = st.one_of(
    st.binary(max_size=200),
    json_values.map(msgspec.json.encode),
    likely_members.map(msgspec.json.encode),
)


@pytest.mark.slow
@given(st.lists(controls, max_size=4))
@settings(max_examples=200, deadline=None)
def test_any_bytes_give_a_message_or_a_wire_error(parts: list[bytes]) -> None:
    for decode in (decode_client_frames, decode_server_frames):
        refusal = None
        try:
            message, payloads = decode(frames_of(*parts))
        except WireError as error:
            refusal = error
        if refusal is None:
            assert msgspec.json.decode(parts[0])["type"] == message.__struct_config__.tag
            assert len(payloads) == len(parts) - 1
        else:
            assert refusal.code in get_args(ErrorCode)
            assert str(refusal)
            assert refusal.request is None or 0 <= refusal.request <= 2**53


@given(st.binary(max_size=100) | json_values.map(msgspec.json.encode))
@settings(max_examples=200, deadline=None)
def test_any_bytes_give_a_manifest_or_a_wire_error(text: bytes) -> None:
    try:
        entries = decode_manifest(text)
    except WireError:
        return
    assert msgspec.json.decode(text) == msgspec.json.decode(encode_manifest(entries))


@pytest.mark.parametrize(
    "entry",
    [
        ["plates", 1, 2],
        ["matte.", 1, 2],
        ["matte.1/..", 1, 2],
        ["plate", 1.5, 2],
        ["plate", 1, -1],
        ["plate"],
    ],
)
def test_manifest_entries_are_checked(entry: list[Any]) -> None:
    with pytest.raises(WireError, match="the manifest is not readable"):
        decode_manifest(msgspec.json.encode([entry]))


def test_manifest_round_trip() -> None:
    entries = [ManifestEntry("plate", -1, 5), ManifestEntry("matte.12", None, 0)]
    assert encode_manifest(entries) == b'[["plate",-1,5],["matte.12",null,0]]'
    assert decode_manifest(encode_manifest(entries)) == entries


def test_numbers_beyond_what_a_double_holds_are_refused() -> None:
    control = b'{"type":"ping","request":9007199254740993}'
    with pytest.raises(WireError) as caught:
        decode_client_frames(frames_of(control))
    assert caught.value.request is None


def test_states_are_words_on_the_wire() -> None:
    text = b'{"type":"state","job_id":"a","sequence":1,"time":0.0,"state":"running"}'
    message, _ = decode_server_frames(frames_of(text))
    assert isinstance(message, StateEvent)
    with pytest.raises(WireError):
        decode_server_frames(frames_of(text.replace(b"running", b"jogging")))


@pytest.mark.slow
def test_a_frame_that_takes_long_to_decode_is_refused_before() -> None:
    """The largest proof that there may be is decoded; one with ten times as many ranges is not looked at."""

    def proof(files: int, ranges: int) -> zmq.Frame:
        file = {"path": "/p/plate.0001.exr", "ranges": [[0, 1]] * ranges}
        message = {"type": "prove", "request": 7, "nonce": "0" * 64, "files": [file] * files}
        return zmq.Frame(msgspec.json.encode(message))

    message, _ = decode_client_frames([proof(2048, 16)])
    assert isinstance(message, Prove)
    assert len(list(Challenge(message.files))) == 2048
    proofs = [proof(2048, 16) for _ in range(8)]
    gc.collect()
    before = len(gc.get_objects())
    waiting = [decode_client_frames([each])[0] for each in proofs]
    # Python's collector goes through all that there is, so a few proofs that wait would hold up a server.
    assert len(gc.get_objects()) - before < 1000
    assert waiting == [message] * 8
    hostile = proof(20_000, 16)
    assert len(hostile) < CONTROL_BYTES
    with pytest.raises(WireError, match=r"of 360002 arrays and objects; at most 50000") as caught:
        decode_client_frames([hostile])
    assert caught.value.code == "too_large"
    with pytest.raises(WireError, match="arrays and objects"):
        decode_client_frames([zmq.Frame(b"[" * 100_000)])
