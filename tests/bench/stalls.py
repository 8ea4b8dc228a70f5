"""Measures how long the broker's thread stands still while hostile clients do what they can.

    python tests/bench/stalls.py [--seconds 4]

A real server runs in a process of its own that notes every turn of the broker's loop: how long it took from
the moment at which something had arrived, and how much processor time the thread needed for it. The first is
what clients wait for, and holds what other processes of the machine take; the second does not.

A friendly client pings every five milliseconds. Meanwhile one attack after the other is made with the keys
of another client, who is let in: names of connections are claimed, a large job's result is fetched forty
times at once, long proofs are asked for, large jobs and malformed ones are submitted, the port of the figures
is held open, and the server is flooded with what is cheap to ask.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import zmq

CHECKOUT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(CHECKOUT))

from tests.integration.server_case import Stranger  # noqa: E402
from void_protocol.keys import Connection, load_connection  # noqa: E402
from void_server.access.key_commands import new_client  # noqa: E402
from void_server.operation.serve import encode_settings  # noqa: E402
from void_server.operation.serve import main as serve_from_standard_input  # noqa: E402
from void_server.settings import ServerSettings  # noqa: E402

JOURNAL = "VOID_STALL_JOURNAL"
NOTED_S = 0.001
"""Shorter turns are not noted, in seconds."""
AIM_MS = 50.0
_FIRST_NAME = 0xE43C9869
_RANGE = 65_536


# The measured server ---------------------------------------------------------------------------------------


def serve_measured() -> None:
    """Run a server whose turns are noted. Its settings come on standard input."""
    from void_server.broker.broker import Broker

    journal = Path(os.environ[JOURNAL]).open("a", buffering=1)  # noqa: SIM115 - open to the process's end
    woke = [0.0, 0.0]

    class TimedPoller(zmq.Poller):
        def poll(self, timeout: Any = None) -> Any:
            found = super().poll(timeout)
            woke[:] = time.perf_counter(), time.thread_time()
            return found

    zmq.Poller = TimedPoller  # type: ignore[misc]
    turn = Broker.turn

    def timed(broker: Broker, wait_ms: int) -> None:
        turn(broker, wait_ms)
        wall, processor = time.perf_counter() - woke[0], time.thread_time() - woke[1]
        if wall > NOTED_S:
            journal.write(f"{time.time():.4f} {wall:.5f} {processor:.5f}\n")

    Broker.turn = timed  # type: ignore[method-assign]
    serve_from_standard_input()


@contextmanager
def running(settings: ServerSettings, journal: Path) -> Iterator[None]:
    """A measured server, until the end of the context."""
    settings.home.mkdir(mode=0o700)
    with (settings.home.parent / "server.log").open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-c", "from tests.bench.stalls import serve_measured; serve_measured()"],
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=CHECKOUT,
            env={**os.environ, JOURNAL: str(journal)},
        )
    assert process.stdin is not None
    process.stdin.write(encode_settings(settings))
    process.stdin.flush()
    while not (settings.home / "server.json").exists():
        assert process.poll() is None, (settings.home.parent / "server.log").read_text()
        time.sleep(0.05)
    try:
        yield
        assert process.poll() is None, "the server has ended"
    finally:
        process.stdin.close()
        process.wait(60)


# The attacks -----------------------------------------------------------------------------------------------


class Attacks:
    """What a client who is let in may try. Each attack goes on until ``is_over``."""

    def __init__(self, connection: Connection, folder: Path, metrics_port: int) -> None:
        self._connection = connection
        self._folder = folder
        self._metrics_port = metrics_port
        self._plate = folder / "plate.1001.exr"
        with self._plate.open("wb") as file:
            file.write(b"\x76\x2f\x31\x01")
            file.truncate(32 * _RANGE)
        self._number = 100
        self._large = self._job("large-job", shapes=14)

    def _next(self) -> int:
        self._number += 1
        return self._number

    def _client(self, stack: ExitStack, routing_id: bytes | None = None) -> Stranger:
        client = stack.enter_context(Stranger(self._connection, routing_id))
        # The answer may be that this key has too many sessions, which the attack goes on with.
        client.ask(type="hello", request=1, min_version=1, max_version=1)
        return client

    def _job(self, job_id: str, shapes: int = 0) -> bytes:
        """A job of one frame; each shape takes some hundreds of kilobytes."""
        point = [1.125, 2.25, -1.0625, 0.5, 1.0625, -0.5, 0.125, 0.125, -0.0625, 0.25, 0.0625, 0.03125]
        frame = {"frame": 1001, "points": [point] * 4000}
        job: dict[str, Any] = {
            "schema_version": 1,
            "job_id": job_id,
            "shot": {
                "name": job_id,
                "plate": str(self._plate.with_name("plate.%04d.exr")),
                "first_frame": 1001,
                "last_frame": 1001,
                "format": {"width": 64, "height": 48},
            },
            "shapes": [{"name": f"s{n}", "role": "remove", "frames": [frame]} for n in range(shapes)],
            "output": {"pattern": str(self._folder / "out" / f"{job_id}.%04d.exr")},
            "settings": {"engine": "identity"},
        }
        return json.dumps(job).encode()

    def quiet(self, is_over: Callable[[], bool]) -> None:
        """Nothing happens."""
        while not is_over():
            time.sleep(0.01)

    def names_are_claimed(self, is_over: Callable[[], bool]) -> None:
        """Connections come and go under the names that libzmq would give next."""
        while not is_over():
            with ExitStack() as stack:
                for number in range(20):
                    name = b"\0" + (_FIRST_NAME + number).to_bytes(4, "big")
                    self._client(stack, name)

    def a_large_jobs_result_is_fetched(self, is_over: Callable[[], bool]) -> None:
        """Forty small messages at a time name a job of some megabytes."""
        with ExitStack() as stack:
            client = self._client(stack)
            manifest = json.dumps([["plate", 1001, 100]]).encode()
            reply = client.ask(
                self._large, manifest, type="submit", request=self._next(), inputs="streamed",
                outputs="streamed",
            )  # fmt: skip
            print(f"  ({len(self._large) / 1e6:.1f} MB: {reply.get('message') or reply['type']})")
            while not is_over():
                for _ in range(40):
                    client.say(type="fetch", request=self._next(), job_id="large-job", frame=1001, credit=4)
                    client.say(type="get_job", request=self._next(), job_id="large-job")
                client.ask(type="ping", request=self._next())

    def long_proofs(self, is_over: Callable[[], bool]) -> None:
        """Each has two gigabytes to read."""
        large = {"path": str(self._plate), "ranges": [[_RANGE * n, _RANGE] for n in range(16)]}
        with ExitStack() as stack:
            clients = [self._client(stack) for _ in range(4)]
            while not is_over():
                for client in clients:
                    client.say(type="prove", request=self._next(), nonce="00" * 32, files=[large] * 2048)
                time.sleep(0.3)

    def large_submissions(self, is_over: Callable[[], bool]) -> None:
        """Jobs as large as they may be and larger, right ones and wrong ones."""
        chance = random.Random(1)
        texts = [self._large, b"[" * 4_000_000, b'{"shot":' * 500_000, chance.randbytes(8_000_000)]
        with ExitStack() as stack:
            clients = [self._client(stack) for _ in range(4)]
            while not is_over():
                for client, text in zip(clients, texts, strict=True):
                    client.ask(text, type="submit", request=self._next(), inputs="paths", outputs="paths")

    def many_submissions(self, is_over: Callable[[], bool]) -> None:
        """Small jobs over many connections, until the quota and beyond."""
        with ExitStack() as stack:
            clients = [self._client(stack) for _ in range(20)]
            manifest = json.dumps([["plate", 1001, 100]]).encode()
            while not is_over():
                for client in clients:
                    text = self._job(f"small-{self._next()}")
                    client.say(
                        text, manifest, type="submit", request=self._number, inputs="streamed",
                        outputs="streamed",
                    )  # fmt: skip
                for client in clients:
                    client.hear(20.0)

    def cheap_questions(self, is_over: Callable[[], bool]) -> None:
        """Lists, states and pings without end, and malformed messages between them."""
        with ExitStack() as stack:
            clients = [self._client(stack) for _ in range(8)]
            while not is_over():
                for client in clients:
                    for kind in ("ping", "list_jobs", "get_status", "get_engines", "ping"):
                        client.say(type=kind, request=self._next())
                    client.socket.send_multipart([b"[" * 100_000, b"x"])
                    client.socket.send_multipart([b'{"type":"welcome"}'] * 4)
                for client in clients:
                    client.ask(type="ping", request=self._next())

    def the_figures_are_held(self, is_over: Callable[[], bool]) -> None:
        """Hundreds of connections to the port of the figures."""
        while not is_over():
            with ExitStack() as stack:
                for _ in range(100):
                    with suppress(OSError):
                        held = socket.create_connection(("127.0.0.1", self._metrics_port), timeout=2)
                        stack.enter_context(held)
                        held.sendall(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n")


ATTACKS = (
    Attacks.quiet,
    Attacks.names_are_claimed,
    Attacks.a_large_jobs_result_is_fetched,
    Attacks.long_proofs,
    Attacks.large_submissions,
    Attacks.many_submissions,
    Attacks.cheap_questions,
    Attacks.the_figures_are_held,
)


def ping_until(connection: Connection, is_over: Callable[[], bool], times: list[float]) -> None:
    """Note how long each ping of a friendly client takes, in seconds."""
    with Stranger(connection) as friend:
        friend.hello()
        number = 10
        while not is_over():
            number += 1
            began = time.perf_counter()
            friend.say(type="ping", request=number)
            friend.hear(60.0)
            times.append(time.perf_counter() - began)
            time.sleep(0.005)


def measure(seconds: float) -> float:
    """Make all attacks, and print a line for each. Return the worst stall in ms of processor time."""
    with tempfile.TemporaryDirectory(prefix="void-stalls-") as place:
        folder, journal = Path(place), Path(place) / "turns.txt"
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = int(probe.getsockname()[1])
        settings = ServerSettings(
            home=folder / "home", endpoint="tcp://127.0.0.1:0", heartbeat_s=60.0, metrics_port=port
        )
        worst = 0.0
        with running(settings, journal):
            local = load_connection(settings.home)
            new_client(settings.home, "hostile", folder / "hostile", local.endpoint)
            attacks = Attacks(load_connection(folder / "hostile"), folder, port)
            print(f"{'attack':34} {'turns':>6} {'worst':>9} {'processor':>10} {'ping p99':>9} {'worst':>9}")
            for attack in ATTACKS:
                began, times = time.time(), list[float]()
                limit = time.monotonic() + seconds

                def is_over(limit: float = limit) -> bool:
                    return time.monotonic() > limit

                pinging = threading.Thread(target=ping_until, args=(local, is_over, times))
                pinging.start()
                attack(attacks, is_over)
                pinging.join()
                time.sleep(2.5)  # until the sessions of those who left have ended
                turns = [
                    (float(wall), float(processor))
                    for moment, wall, processor in map(str.split, journal.read_text().splitlines())
                    if float(moment) >= began
                ]
                wall, processor = (1000 * max((turn[i] for turn in turns), default=0.0) for i in (0, 1))
                times.sort()
                worst = max(worst, processor)
                name = attack.__name__.replace("_", " ")
                p99, last = 1000 * times[int(0.99 * len(times))], 1000 * times[-1]
                print(
                    f"{name:34} {len(turns):6} {wall:6.1f} ms {processor:7.1f} ms "
                    f"{p99:6.1f} ms {last:6.1f} ms"
                )
        print(
            f"worst stall of the broker's thread: {worst:.1f} ms of processor time; aim: below {AIM_MS:g} ms"
        )
        return worst


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=4.0, help="for each attack")
    measure(parser.parse_args().seconds)


if __name__ == "__main__":
    main()
