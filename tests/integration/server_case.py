"""What the tests of the server share: a real server process, real files, and a client written from the
protocol's document with nothing but a JSON library and a socket."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import zmq

from void_protocol.job import Anchors, Format, Matte, Output, RemovalJob, Settings, Shot
from void_protocol.keys import Connection, load_connection
from void_server.access.key_commands import new_client
from void_server.operation.server_process import ServerProcess
from void_server.settings import ServerSettings

CHECKOUT = Path(__file__).parents[2]
FIRST = 1001
MAGIC = b"\x76\x2f\x31\x01"


def server_for(home: Path, **settings: Any) -> ServerProcess:
    """A server with impatient settings."""
    values: dict[str, Any] = {
        "endpoint": "tcp://127.0.0.1:0",
        "runner": "tests.integration.server_runner:copy_frames",
        "heartbeat_s": 0.5,
        "cancel_grace_s": 1.0,
        **settings,
    }
    return ServerProcess(ServerSettings(home=home, **values))


def write_shot(folder: Path, frames: int = 5, size: int = 1_500_000) -> Path:
    """Files that only the wire has to understand: random bytes of odd sizes, begun as an EXR file begins."""
    folder.mkdir(parents=True, exist_ok=True)
    chance = random.Random(folder.name)
    for index in range(frames):
        (folder / f"plate.{FIRST + index}.exr").write_bytes(MAGIC + chance.randbytes(size + index)[4:])
    (folder / "matte.exr").write_bytes(MAGIC + chance.randbytes(1230))
    (folder / f"clean.{FIRST}.exr").write_bytes(MAGIC + b"a cleaned frame")
    return folder


def job_for(shot: Path, output: Path, *, frames: int = 5, prompt: str = "", **changes: Any) -> RemovalJob:
    return RemovalJob(
        shot=Shot(
            name="shot",
            plate=str(shot / "plate.%04d.exr"),
            first_frame=FIRST,
            last_frame=FIRST + frames - 1,
            format=Format(width=64, height=48),
        ),
        mattes=[Matte(role="remove", pattern=str(shot / "matte.exr"))],
        anchors=Anchors(pattern=str(shot / "clean.####.exr"), frames=[FIRST]),
        settings=Settings(prompt=prompt),
        output=Output(pattern=str(output / "result_{version}.####.exr")),
        **changes,
    )


def assert_copied(shot: Path, output: Path, frames: int = 5) -> None:
    """Every result is there, is its plate's copy, and nothing else is there."""
    for index in range(frames):
        plate = (shot / f"plate.{FIRST + index}.exr").read_bytes()
        assert (output / f"result_v001.{FIRST + index}.exr").read_bytes() == plate
    names = [path.name for path in output.iterdir() if path.name != "crashed.once"]
    assert len(names) == frames, names


def wait_until(condition: Callable[[], bool], timeout_s: float = 60.0) -> None:
    """Wait for something that comes soon, unless other work of the machine takes the time."""
    limit = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < limit, "it did not come to that"
        time.sleep(0.02)


class Stranger:
    """A client in another language, as far as that can be had in Python."""

    def __init__(self, connection: Connection, routing_id: bytes | None = None) -> None:
        self._context = zmq.Context()
        self.socket = self._context.socket(zmq.DEALER)
        self.socket.linger = 0
        if routing_id is not None:
            self.socket.setsockopt(zmq.ROUTING_ID, routing_id)
        self.socket.curve_serverkey = connection.server_key
        self.socket.curve_publickey = connection.client_key
        self.socket.curve_secretkey = connection.client_secret
        self.socket.connect(connection.endpoint)

    def __enter__(self) -> Stranger:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()
        self._context.destroy(0)  # also what a test that failed has left open

    def say(self, *payloads: bytes, **message: Any) -> None:
        self.socket.send_multipart([json.dumps(message).encode(), *payloads])

    def hear(self, timeout_s: float = 60.0) -> tuple[dict[str, Any], list[bytes]]:
        assert self.socket.poll(int(1000 * timeout_s)), "no answer"
        control, *payloads = self.socket.recv_multipart()
        return json.loads(control), payloads

    def hear_of(self, *kinds: str) -> tuple[dict[str, Any], list[bytes]]:
        """The next message of one of these types; others are passed over."""
        while True:
            message, payloads = self.hear()
            if message["type"] in kinds:
                return message, payloads

    def ask(self, *payloads: bytes, **message: Any) -> dict[str, Any]:
        """Say and hear the reply with the same request number."""
        self.say(*payloads, **message)
        while True:
            reply, _ = self.hear()
            if reply.get("request") == message["request"]:
                return reply

    def hello(self) -> dict[str, Any]:
        welcome = self.ask(type="hello", request=1, min_version=1, max_version=1, client="stranger")
        assert welcome["type"] == "welcome", welcome
        return welcome

    def is_silent(self, wait_s: float = 0.2) -> bool:
        return not self.socket.poll(int(1000 * wait_s))


def connection_of_another(server: ServerProcess, folder: Path) -> Connection:
    """Let a client in who is called as ``folder`` is, with the keys there."""
    new_client(server.settings.home, folder.name, folder, server.connection().endpoint)
    return load_connection(folder)
