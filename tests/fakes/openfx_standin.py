"""A Python stand-in for the OpenFX plug-in: starts a real bridge and speaks to it as the plug-in does."""

from __future__ import annotations

import itertools
import os
import socket
import struct
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np

from tests.integration.server_case import CHECKOUT

ANSWER_S = 60.0
Box = tuple[int, int, int, int]


class Refused(Exception):  # noqa: N818 - it is the bridge's answer
    """The bridge answered a request with an error."""


def pack(message: dict[str, Any]) -> bytes:
    """Write a message by docs/openfx_protocol.md, not by the bridge's own code."""
    payload = b""
    for key, value in message.items():
        name, text = key.encode(), str(value).encode("utf-8", "surrogateescape")
        payload += struct.pack("<HI", len(name), len(text)) + name + text
    return struct.pack("<I", len(payload)) + payload


def unpack(payload: bytes) -> dict[str, str]:
    """Read the fields of a message."""
    message, at = {}, 0
    while at < len(payload):
        key, value = struct.unpack_from("<HI", payload, at)
        at += 6
        message[payload[at : at + key].decode()] = payload[at + key : at + key + value].decode()
        at += key + value
    return message


class Standin:
    """One host process with its bridge."""

    def __init__(self, home: Path, *, background: bool = False, says_hello: bool = True) -> None:
        own = [str(CHECKOUT / part) for part in ("", "plugin", "server")]
        mine, theirs = socket.socketpair()
        self.socket = mine
        self.process = subprocess.Popen(
            [sys.executable, "-m", "void_server", "openfx-bridge"],
            stdin=theirs,
            stdout=theirs,
            stderr=subprocess.DEVNULL,
            env=os.environ | {"VOID_HOME": str(home), "PYTHONPATH": os.pathsep.join(own)},
        )
        theirs.close()
        self.events: list[dict[str, str]] = []
        self._answers: dict[str, dict[str, str]] = {}
        self._news = threading.Condition()
        self._is_over = False
        self._ids = itertools.count(1)
        self._files = itertools.count()
        threading.Thread(target=self._read, daemon=True).start()
        self.folder = Path()
        if says_hello:
            said = self.ask(
                "hello", protocol=1, host="stand-in", host_pid=os.getpid(), background=int(background)
            )
            self.folder = Path(said["folder"])

    def __enter__(self) -> Standin:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def end(self) -> int:
        """Close the stream, as a host that ends, and return the bridge's exit status."""
        self.socket.shutdown(socket.SHUT_WR)
        try:
            return self.process.wait(60)
        finally:
            self.socket.close()

    def kill(self) -> None:
        """Kill the bridge."""
        self.process.kill()
        self.process.wait()
        self.socket.close()

    def send(self, message: dict[str, Any]) -> None:
        self.socket.sendall(pack(message))

    def ask(self, kind: str, **fields: Any) -> dict[str, str]:
        """Ask and wait for the answer.

        Raises:
            Refused: when the bridge refuses.
            ConnectionError: when it is gone.
        """
        number = str(next(self._ids))
        self.send({"type": kind, "id": number, **fields})
        answer = self.answer(number)
        if answer["ok"] != "1":
            raise Refused(answer["error"])
        return answer

    def answer(self, number: str) -> dict[str, str]:
        """Wait for the answer of a request."""
        with self._news:
            if not self._news.wait_for(lambda: number in self._answers or self._is_over, ANSWER_S):
                raise TimeoutError(f"the bridge does not answer {number}")
            if number not in self._answers:
                raise ConnectionError("the bridge is gone")
            return self._answers.pop(number)

    def hand(
        self,
        removal: str,
        role: str,
        frame: int,
        pixels: np.ndarray,
        box: Box,
        *,
        pad: int = 0,
        given: bool = True,
        **fields: Any,
    ) -> dict[str, str]:
        """Hand a picture over: (H, W, C) from the *bottom* row, over ``box``. With ``given`` its file is the
        bridge's then."""
        _, width, components = pixels.shape
        depths = {"float32": "float", "float16": "half", "uint16": "short", "uint8": "byte"}
        row = width * components * pixels.dtype.itemsize
        path = self.folder / f"plate-{next(self._files)}.raw"
        path.write_bytes(b"".join(line.tobytes() + b"\xab" * pad for line in pixels))
        try:
            return self.ask(
                "frame",
                removal=removal,
                role=role,
                frame=frame,
                file=path.name,
                row_bytes=row + pad,
                components=components,
                depth=depths[pixels.dtype.name],
                given=int(given),
                **dict(zip(("x1", "y1", "x2", "y2"), box, strict=True)),
                **fields,
            )
        finally:
            path.unlink(missing_ok=True)

    def picture(self, record: str, frame: int, show: str = "result", folder: str = "") -> np.ndarray | None:
        """A frame of the result, (H, W, 4) of float32 from the bottom row; None where it is not ready."""
        said = self.ask("picture", record=record, folder=folder, frame=frame, show=show, whole=1)
        if said["state"] != "ready":
            return None
        shape = int(said["height"]), int(said["width"]), 4
        dtype = np.dtype({"half": np.float16, "float": np.float32}[said["depth"]])
        count = int(said["bytes"]) // dtype.itemsize
        pixels = np.fromfile(self.folder / said["file"], dtype, count).reshape(shape).astype(np.float32)
        self.ask("release", file=said["file"])
        return pixels

    def wait_until_ended(self, record: str, limit_s: float = 120.0) -> dict[str, str]:
        """Ask from time to time how a removal goes, until it has ended."""
        limit = time.monotonic() + limit_s
        while True:
            said = self.ask("status", record=record)
            if said["state"] not in ("running",):
                return said
            if time.monotonic() > limit:
                raise TimeoutError(f"the removal does not end: {said}")
            time.sleep(0.2)

    def _read(self) -> None:
        waiting = b""
        while True:
            try:
                data = self.socket.recv(1 << 16)
            except OSError:
                data = b""
            with self._news:
                if not data:
                    self._is_over = True
                    self._news.notify_all()
                    return
                waiting += data
                while len(waiting) >= 4 and len(waiting) >= 4 + (
                    length := struct.unpack_from("<I", waiting)[0]
                ):
                    message = unpack(waiting[4 : 4 + length])
                    waiting = waiting[4 + length :]
                    if message["type"] == "event":
                        self.events.append(message)
                    else:
                        self._answers[message["id"]] = message
                self._news.notify_all()
