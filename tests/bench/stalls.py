"""Measures how long the broker's thread stands still while hostile clients do what they can.

    python tests/bench/stalls.py [--seconds 4] [--only NAME]

A real server runs in a process of its own that notes every turn of the broker's loop: how long it took from
the moment at which something had arrived, and how much processor time the thread needed for it. The first is
what clients wait for, and holds what other processes of the machine take; the second does not.

A friendly client pings every five milliseconds. Meanwhile one attack after the other of
:mod:`tests.bench.stall_attacks` is made, each with the keys of another client, who is let in.
"""

from __future__ import annotations

import argparse
import errno
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import zmq

CHECKOUT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(CHECKOUT))

from tests.bench.stall_attacks import ATTACKS, FULL, Attacks  # noqa: E402
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


# The measured server ---------------------------------------------------------------------------------------


def serve_measured() -> None:
    """Run a server whose turns are noted, and which finds its volume full while the attack says so. Its
    settings come on standard input."""
    from void_server.broker.broker import Broker
    from void_server.broker.transfers.uploads import _IncomingFile

    full = Path(os.environ[JOURNAL]).with_name(FULL)
    append = _IncomingFile._append

    def append_if_there_is_room(file: _IncomingFile, data: memoryview) -> None:
        if full.exists():
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        append(file, data)

    _IncomingFile._append = append_if_there_is_room  # type: ignore[method-assign]
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


def measure(seconds: float, only: str = "") -> float:
    """Make the attacks whose names hold ``only``, and print a line for each. Return the worst stall in ms of
    processor time."""
    with tempfile.TemporaryDirectory(prefix="void-stalls-") as place:
        folder = Path(place).resolve()
        journal = folder / "turns.txt"
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = int(probe.getsockname()[1])
        settings = ServerSettings(
            home=folder / "home",
            endpoint="tcp://127.0.0.1:0",
            heartbeat_s=60.0,
            metrics_port=port,
            read_roots=(folder,),
            output_roots=(folder,),
            client_spool_bytes=256 * 1024**2,
            runner="tests.integration.faulty_runner:run",
        )
        worst = 0.0
        with running(settings, journal):
            local = load_connection(settings.home)
            print(f"{'attack':34} {'turns':>6} {'worst':>9} {'processor':>10} {'ping p99':>9} {'worst':>9}")
            for attack in ATTACKS:
                own, name = folder / attack.__name__, attack.__name__.replace("_", " ")
                if only not in name:
                    continue
                new_client(settings.home, attack.__name__, own, local.endpoint)
                attacks = Attacks(load_connection(own), own, port)
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
    parser.add_argument("--only", default="", metavar="NAME", help="attacks whose names hold this text")
    options = parser.parse_args()
    measure(options.seconds, options.only)


if __name__ == "__main__":
    main()
