"""A client that speaks ZMTP 3 and CURVE byte by byte, and can say in the handshake what no library says.

The formats are those of ZeroMQ's RFC 23 (ZMTP), 25 (CURVE over ZMTP) and 26 (CurveZMQ). The arithmetic is the
libsodium that pyzmq brings with it; where it brings none, the tests are skipped.
"""

from __future__ import annotations

import ctypes
import json
import secrets
import socket
import struct
from pathlib import Path
from typing import Any

import pytest
import zmq
from zmq.utils import z85

from void_protocol.keys import Connection

_ZEROS = bytes(32)


def _sodium() -> ctypes.CDLL:
    libraries = sorted((Path(zmq.__file__).parent.parent / "pyzmq.libs").glob("libsodium*"))
    if not libraries:
        pytest.skip("pyzmq brings no libsodium here")
    return ctypes.CDLL(str(libraries[0]))


class RawClient:
    """A connection that is through with its handshake when it is made, unless the server has ended it."""

    def __init__(
        self,
        connection: Connection,
        metadata: list[tuple[bytes, bytes]] | bytes = (),
        *,
        twice: bool = False,
        timeout_s: float = 5.0,
    ) -> None:
        """Connect.

        Args:
            metadata: properties after ``Socket-Type``, in this order, or all bytes of the metadata.
            twice: send the last message of the handshake twice, before the answer.
        """
        self._sodium = _sodium()
        host, port = connection.endpoint.removeprefix("tcp://").rsplit(":", 1)
        self.socket = socket.create_connection((host, int(port)), timeout=timeout_s)
        self._nonce = 0
        try:
            self._shake_hands(connection, metadata, twice)
        except BaseException:
            self.socket.close()
            raise

    def _shake_hands(
        self, connection: Connection, metadata: list[tuple[bytes, bytes]] | bytes, twice: bool
    ) -> None:
        server_key = z85.decode(connection.server_key)
        key, secret = z85.decode(connection.client_key), z85.decode(connection.client_secret)
        greeting = b"\xff" + bytes(8) + b"\x7f\x03\x00" + b"CURVE".ljust(20, b"\0") + bytes(32)
        self.socket.sendall(greeting)
        self._read(64)
        own_key, own_secret = (z85.decode(part) for part in zmq.curve_keypair())
        hello = self._box(_ZEROS * 2, b"CurveZMQHELLO---", server_key, own_secret)
        self._send(b"\x05HELLO\x01\x00" + bytes(72) + own_key + hello, command=True)
        welcome = self._receive()
        assert welcome.startswith(b"\x07WELCOME"), welcome
        nonce, box = b"WELCOME-" + welcome[8:24], welcome[24:]
        opened = self._open(box, nonce, server_key, own_secret)
        their_key, cookie = opened[:32], opened[32:]
        vouch_nonce = secrets.token_bytes(16)
        vouch = self._box_with(own_key + server_key, b"VOUCH---" + vouch_nonce, their_key, secret)
        if not isinstance(metadata, bytes):
            metadata = b"".join(_property(*each) for each in ((b"Socket-Type", b"DEALER"), *metadata))
        about = key + vouch_nonce + vouch + metadata
        initiate = b"\x08INITIATE" + cookie + self._box(about, b"CurveZMQINITIATE", their_key, own_secret)
        for _ in range(1 + twice):
            self._send(initiate, command=True)
        self._key, self._secret = their_key, own_secret
        ready = self._receive()
        assert ready.startswith(b"\x05READY"), ready

    def __enter__(self) -> RawClient:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def say(self, **message: Any) -> None:
        box = self._box(b"\0" + json.dumps(message).encode(), b"CurveZMQMESSAGEC", self._key, self._secret)
        self._send(b"\x07MESSAGE" + box)

    def hear(self) -> dict[str, Any]:
        """The next message that is no command of ZeroMQ's own."""
        while True:
            body = self._receive()
            assert body.startswith(b"\x07MESSAGE")
            nonce = b"CurveZMQMESSAGES" + body[8:16]
            text = self._open(body[16:], nonce, self._key, self._secret)
            if not text[0] & 2:
                return dict(json.loads(text[1:]))

    def _send(self, body: bytes, *, command: bool = False) -> None:
        flags = 4 * command
        if len(body) < 256:
            self.socket.sendall(bytes([flags, len(body)]) + body)
        else:
            self.socket.sendall(struct.pack(">BQ", flags | 2, len(body)) + body)

    def _receive(self) -> bytes:
        flags = self._read(1)[0]
        size = struct.unpack(">Q", self._read(8))[0] if flags & 2 else self._read(1)[0]
        return self._read(size)

    def _read(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            part = self.socket.recv(size - len(data))
            if not part:
                raise ConnectionError("the server has ended the connection")
            data += part
        return data

    def _box(self, text: bytes, prefix: bytes, key: bytes, secret: bytes) -> bytes:
        self._nonce += 1
        short = struct.pack(">Q", self._nonce)
        return short + self._box_with(text, prefix + short, key, secret)

    def _box_with(self, text: bytes, nonce: bytes, key: bytes, secret: bytes) -> bytes:
        box = ctypes.create_string_buffer(len(text) + 16)
        size = ctypes.c_ulonglong(len(text))
        assert self._sodium.crypto_box_easy(box, text, size, nonce, key, secret) == 0
        return box.raw

    def _open(self, box: bytes, nonce: bytes, key: bytes, secret: bytes) -> bytes:
        text = ctypes.create_string_buffer(len(box) - 16)
        size = ctypes.c_ulonglong(len(box))
        assert self._sodium.crypto_box_open_easy(text, box, size, nonce, key, secret) == 0
        return text.raw


def _property(name: bytes, value: bytes) -> bytes:
    return bytes([len(name)]) + name + struct.pack(">I", len(value)) + value
