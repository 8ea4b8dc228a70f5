"""Measures what the server adds to the network: many clients, many small jobs, streamed bytes, and time.

Everything is measured against a bare ROUTER/DEALER echo of the same bytes (no encryption, no disk, no
JSON), in the same run and in turn, because absolute times on a shared machine mean nothing.

1. ``--clients`` connections submit ``--jobs`` one-frame jobs for the identity engine, in blocks; between the
   blocks the same connections' worth of echoes goes to and fro while the server works on. Printed: p50 and
   p99 of submit-to-acknowledge over those of the echo, what the disk alone takes to make 4 KiB durable, and
   whether every job ended as done with its frame.
2. Files of ``--stream-mb`` are streamed to the server in turn with an echo of the same chunks, bare and
   with CURVE, and with the same chunks sent one way with CURVE (each answered with one byte), which is what
   a stream is without files and checksums. Printed too: what each costs in processor time.
3. ``--soak MINUTES``: a steady small load; the broker's resident memory over time, as a picture with
   ``--plot``.

    python tests/bench/server.py [--clients 20] [--jobs 2000] [--stream-mb 256] [--rounds 5]
    python tests/bench/server.py --soak 15 --plot docs/pictures/server_soak.png
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import queue
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import zmq

from void_engine.plates.exr.file import write_frame
from void_engine.plates.frame.frame import Frame
from void_protocol.client import Client
from void_protocol.job import Format, Output, RemovalJob, RotoPoint, RotoShape, Settings, ShapeFrame, Shot
from void_protocol.job_file import encode_job
from void_protocol.keys import Connection
from void_protocol.messages import JobState
from void_server.operation.server_process import ServerProcess
from void_server.settings import ServerSettings

FIRST = 1001
WIDTH, HEIGHT = 64, 48
ECHO = """
import sys, zmq
socket = zmq.Context().socket(zmq.ROUTER)
socket.setsockopt(zmq.SNDHWM, 0)
secret = sys.stdin.readline().strip()
if secret:
    socket.curve_server, socket.curve_secretkey = True, secret.encode()
print(socket.bind_to_random_port("tcp://127.0.0.1"), flush=True)
poller = zmq.Poller()
poller.register(socket, zmq.POLLIN)
poller.register(sys.stdin.fileno(), zmq.POLLIN)
while sys.stdin.fileno() not in dict(poller.poll()):
    while socket.poll(0):
        frames = socket.recv_multipart(copy=False)
        socket.send_multipart([frames[0], b"k"] if "sink" in sys.argv else frames, copy=False)
"""


@contextmanager
def echo_server(secret: bytes = b"", *words: str) -> Iterator[str]:
    """Within this context run a process that echoes every message, and give its endpoint.

    It uses CURVE if it gets a secret key. With the word ``sink`` it answers with one byte.
    """
    process = subprocess.Popen(
        [sys.executable, "-c", ECHO, *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stdin is not None
    process.stdin.write(secret + b"\n")
    process.stdin.flush()
    try:
        yield f"tcp://127.0.0.1:{int(process.stdout.readline())}"
    finally:
        process.stdin.close()
        process.wait(10)
        process.stdout.close()


def connect(context: zmq.Context, endpoint: str, keys: Connection | None = None) -> zmq.Socket:
    socket = context.socket(zmq.DEALER)
    socket.linger = 0
    if keys is not None:
        socket.curve_serverkey = keys.server_key
        socket.curve_publickey, socket.curve_secretkey = keys.client_key, keys.client_secret
    socket.connect(endpoint)
    return socket


# --- many small jobs


def small_job(plate: str, output: Path, number: int, frames: int = 1) -> RemovalJob:
    points = [RotoPoint(20, 10), RotoPoint(40, 10), RotoPoint(40, 30)]
    return RemovalJob(
        shot=Shot(
            name=f"small{number}",
            plate=plate,
            first_frame=FIRST,
            last_frame=FIRST + frames - 1,
            format=Format(width=WIDTH, height=HEIGHT),
        ),
        shapes=[
            RotoShape(
                name="s",
                role="remove",
                frames=[ShapeFrame(frame=FIRST + index, points=points) for index in range(frames)],
            )
        ],
        settings=Settings(engine="identity"),
        output=Output(pattern=str(output / f"job{number:05d}.%04d.exr")),
    )


def write_plate(folder: Path) -> str:
    folder.mkdir(parents=True)
    pixels = np.random.default_rng(1).normal(0.3, 0.1, (HEIGHT, WIDTH, 3)).astype(np.float16)
    write_frame(Frame.from_pixels(FIRST, ("R", "G", "B"), pixels), folder / f"plate.{FIRST}.exr")
    return str(folder / "plate.%04d.exr")


class Crowd:
    """A crowd of connections, each of which sends a message, waits for the answer, and sends the next."""

    def __init__(self, context: zmq.Context, clients: int, endpoint: str, keys: Connection | None) -> None:
        self._poller = zmq.Poller()
        self._sockets = [connect(context, endpoint, keys) for _ in range(clients)]
        for socket in self._sockets:
            self._poller.register(socket, zmq.POLLIN)
        self.is_server = keys is not None
        if self.is_server:
            hello = {"type": "hello", "request": 1, "min_version": 1, "max_version": 1, "client": "crowd"}
            for socket in self._sockets:
                socket.send_json(hello)
                assert socket.recv_json()["type"] == "welcome"

    def exchange(self, messages: list[list[bytes]]) -> list[float]:
        """The seconds from sending each message to its answer."""
        waiting = list(reversed(messages))
        sent: dict[zmq.Socket, float] = {}
        seconds: list[float] = []

        def send(socket: zmq.Socket) -> None:
            if waiting:
                frames = waiting.pop()
                sent[socket] = time.perf_counter()
                socket.send_multipart(frames, copy=False)

        for socket in self._sockets:
            send(socket)
        while sent:
            for socket, _ in self._poller.poll(60_000):
                frames = socket.recv_multipart()
                if self.is_server:
                    kind = json.loads(frames[0])
                    if kind["type"] == "error":
                        raise SystemExit(f"the server refused: {kind['message']}")
                    if kind["type"] != "accepted":
                        continue
                seconds.append(time.perf_counter() - sent.pop(socket))
                send(socket)
        return seconds

    def beat(self) -> None:
        for socket in self._sockets:
            socket.send_json({"type": "ping", "request": 2})

    def close(self) -> None:
        for socket in self._sockets:
            socket.close()


def submission(job: RemovalJob, number: int) -> list[bytes]:
    control = {"type": "submit", "request": number + 10, "inputs": "paths", "outputs": "paths"}
    return [json.dumps(control).encode(), encode_job(job)]


def measure_acknowledgements(folder: Path, clients: int, jobs: int, rounds: int, workers: int) -> None:
    plate = write_plate(folder / "plate")
    output = folder / "out"
    output.mkdir()
    settings = ServerSettings(
        home=folder / "home",
        endpoint="tcp://127.0.0.1:0",
        most_open_jobs=jobs + 100,
        client_open_jobs=jobs + 100,
        heartbeat_s=60.0,
        devices=("cpu",) * workers,
    )
    context = zmq.Context()
    ours: list[float] = []
    bare: list[float] = []
    disk: list[float] = []
    ratios: list[float] = []
    with ServerProcess(settings) as server, echo_server() as endpoint, Client(server.connection()) as client:
        keys = server.connection()
        crowd = Crowd(context, clients, keys.endpoint, keys)
        echo = Crowd(context, clients, endpoint, None)
        wanted = [small_job(plate, output, number) for number in range(jobs)]
        messages = [submission(job, number) for number, job in enumerate(wanted)]
        while not all(worker.alive for worker in client.status().result().workers):
            time.sleep(0.1)
        warm = [small_job(plate, folder / "warm", number) for number in range(2 * clients)]
        (folder / "warm").mkdir()
        crowd.exchange([submission(job, number) for number, job in enumerate(warm)])
        wait_all(client, len(warm))
        echo.exchange(messages[:200])
        began = time.perf_counter()
        size = -(-jobs // rounds)
        for start in range(0, jobs, size):
            block = messages[start : start + size]
            disk += sync_times(folder / "sync")
            bare_now = echo.exchange(block)
            ours_now = crowd.exchange(block)
            bare += bare_now
            ours += ours_now
            ratios.append(percentile(ours_now, 99) / percentile(bare_now, 99))
        accepted_s = time.perf_counter() - began
        counts = wait_all(client, jobs + len(warm))
        counts["done"] -= len(warm)
        done_s = time.perf_counter() - began
        crowd.close()
        echo.close()
        print(
            f"{clients} clients, {jobs} jobs: accepted in {accepted_s:.1f} s (echoes included), "
            f"all ended {done_s:.1f} s after the first submission: {counts}"
        )
        missing = sum(not Path(job.output.pattern % FIRST).exists() for job in wanted)
        extra = len(list(output.iterdir())) - jobs + missing
        print(f"jobs lost {jobs - counts.get('done', 0)}, frames missing {missing}, files too many {extra}")
    context.term()
    for name, seconds in (("echo", bare), ("write and sync of 4 KiB", disk), ("submit", ours)):
        print(
            f"{name}: p50 {1e3 * percentile(seconds, 50):.2f} ms, p99 {1e3 * percentile(seconds, 99):.2f} ms"
        )
    print(
        f"submit over echo: p50 x{percentile(ours, 50) / percentile(bare, 50):.1f}, "
        f"p99 x{percentile(ours, 99) / percentile(bare, 99):.1f} (aim: at most 5); "
        f"p99 by round: {', '.join(f'{ratio:.1f}' for ratio in ratios)}"
    )


def sync_times(path: Path) -> list[float]:
    """The seconds that this disk takes now to make 4 KiB durable, which no acknowledgement can beat."""
    seconds = []
    with path.open("ab", buffering=0) as file:
        for _ in range(20):
            began = time.perf_counter()
            file.write(bytes(4096))
            os.fsync(file.fileno())
            seconds.append(time.perf_counter() - began)
    return seconds


def percentile(seconds: list[float], percent: int) -> float:
    return float(np.percentile(seconds, percent))


def wait_all(client: Client, jobs: int) -> dict[str, int]:
    while True:
        counts = client.status().result().jobs
        if sum(count for state, count in counts.items() if JobState(state).is_final) >= jobs:
            return counts
        time.sleep(0.2)


# --- streamed bytes


def measure_streams(folder: Path, megabytes: int, rounds: int) -> None:
    """Stream one file after another as the real client does, in 1 MiB chunks with eight in flight."""
    settings = ServerSettings(home=folder / "home", endpoint="tcp://127.0.0.1:0", heartbeat_s=60.0)
    content = plate_bytes(megabytes * 2**20)
    context = zmq.Context()
    ratios: list[float] = []
    locked: list[float] = []
    one_way: list[float] = []
    costs = Costs()
    public, secret = zmq.curve_keypair()
    with (
        ServerProcess(settings) as server,
        echo_server() as endpoint,
        echo_server(secret) as locked_endpoint,
        echo_server(secret, "sink") as sink_endpoint,
    ):
        keys = server.connection()
        socket = connect(context, keys.endpoint, keys)
        socket.send_json({"type": "hello", "request": 1, "min_version": 1, "max_version": 1})
        assert socket.recv_json()["type"] == "welcome"
        bare = connect(context, endpoint)
        own = Connection(locked_endpoint, public, keys.client_key, keys.client_secret)
        curve = connect(context, locked_endpoint, own)
        sink = connect(
            context, sink_endpoint, Connection(sink_endpoint, public, keys.client_key, keys.client_secret)
        )
        echo_stream(bare, content)
        echo_stream(curve, content)
        echo_stream(sink, content)
        stream(socket, folder, content, 0)
        for number in range(1, rounds + 1):
            echo_s = costs.of("echo", echo_stream, bare, content)
            curve_s = costs.of("with CURVE", echo_stream, curve, content)
            sink_s = costs.of("one way", echo_stream, sink, content)
            ours_s = costs.of("streamed", stream, socket, folder, content, number)
            one_way.append(sink_s / ours_s)
            ratios.append(echo_s / ours_s)
            locked.append(curve_s / ours_s)
            rate = len(content) / 1e6
            print(
                f"echo {rate / echo_s:.0f} MB/s, with CURVE {rate / curve_s:.0f} MB/s, "
                f"one way {rate / sink_s:.0f} MB/s, streamed {rate / ours_s:.0f} MB/s: "
                f"x{ratios[-1]:.2f}, x{locked[-1]:.2f}, x{one_way[-1]:.2f}"
            )
        socket.close()
        bare.close()
        curve.close()
        sink.close()
    context.term()
    print(
        f"streamed: {statistics.median(ratios):.2f} of the bare echo (aim at least 0.6), "
        f"{statistics.median(locked):.2f} of the echo with CURVE, {statistics.median(one_way):.2f} of one way"
    )
    print(f"seconds of processor time per GB, both sides: {costs.per_gb(rounds * len(content))}")


class Costs:
    """The processor time of this process and its children, which a busy machine changes little."""

    def __init__(self) -> None:
        self._seconds: Counter[str] = Counter()

    def of(self, what: str, action: Callable[..., float], *arguments: Any) -> float:
        before = self._now()
        result = action(*arguments)
        self._seconds[what] += self._now() - before
        return result

    @staticmethod
    def _now() -> float:
        here = psutil.Process()
        times = [process.cpu_times() for process in (here, *here.children(recursive=True))]
        return sum(each.user + each.system for each in times)

    def per_gb(self, size: int) -> str:
        return ", ".join(f"{what} {1e9 * seconds / size:.1f}" for what, seconds in self._seconds.items())


def plate_bytes(size: int) -> bytes:
    """Make a file that begins like an EXR, which is all that the server checks while it arrives."""
    head = b"\x76\x2f\x31\x01"
    return head + np.random.default_rng(3).bytes(size - len(head))


def chunks(content: bytes) -> list[memoryview]:
    view = memoryview(content)
    return [view[start : start + 2**20] for start in range(0, len(content), 2**20)]


def echo_stream(socket: zmq.Socket, content: bytes) -> float:
    began = time.perf_counter()
    on_the_way = 0
    for chunk in chunks(content):
        socket.send_multipart([b"{}", chunk], copy=False)
        on_the_way += 1
        if on_the_way == 8:
            socket.recv_multipart(copy=False)
            on_the_way -= 1
    for _ in range(on_the_way):
        socket.recv_multipart(copy=False)
    return time.perf_counter() - began


def stream(socket: zmq.Socket, folder: Path, content: bytes, number: int) -> float:
    """The seconds until the server has the file complete and synced. The job is cancelled before it runs."""
    job = small_job(str(folder / "none.%04d.exr"), folder, number, frames=2)
    manifest = [["plate", FIRST, len(content)], ["plate", FIRST + 1, 1000]]
    submit = {"type": "submit", "request": 5, "inputs": "streamed", "outputs": "streamed"}
    socket.send_multipart([json.dumps(submit).encode(), encode_job(job), json.dumps(manifest).encode()])
    accepted = hear(socket, "accepted")
    credit = accepted["credit"]
    began = time.perf_counter()
    digest = hashlib.sha256()
    pieces = chunks(content)
    for index, piece in enumerate(pieces):
        while credit == 0:
            credit += hear(socket, "upload_credit")["chunks"]
        digest.update(piece)
        control = {"type": "chunk", "job_id": job.job_id, "file": 0, "offset": index * 2**20}
        if index == len(pieces) - 1:
            control |= {"last": True, "sha256": digest.hexdigest()}
        socket.send_multipart([json.dumps(control).encode(), piece], copy=False)
        credit -= 1
    hear(socket, "file_stored")
    seconds = time.perf_counter() - began
    socket.send_json({"type": "cancel", "request": 6, "job_id": job.job_id})
    hear(socket, "job")
    return seconds


def hear(socket: zmq.Socket, kind: str) -> dict:
    while True:
        message = json.loads(socket.recv_multipart()[0])
        if message["type"] in ("error", "file_refused"):
            raise SystemExit(f"the server refused: {message['message']}")
        if message["type"] == kind:
            return message


# --- memory over time


def soak(folder: Path, minutes: float, plot: Path | None) -> None:
    """Run three clients that connect, submit by path and streamed, watch, fetch, release and leave."""
    plate = write_plate(folder / "plate")
    settings = ServerSettings(home=folder / "home", endpoint="tcp://127.0.0.1:0", heartbeat_s=2.0)
    until = time.monotonic() + 60 * minutes
    ended: queue.SimpleQueue[str] = queue.SimpleQueue()
    with ServerProcess(settings) as server:
        broker = psutil.Process(server.pid)
        loads = [
            threading.Thread(target=_load, args=(server, plate, folder / f"out{index}", index, until, ended))
            for index in range(3)
        ]
        for load in loads:
            load.start()
        began = time.monotonic()
        samples: list[tuple[float, float]] = []
        while time.monotonic() < until:
            samples.append(((time.monotonic() - began) / 60, broker.memory_info().rss / 2**20))
            time.sleep(1.0)
        for load in loads:
            load.join()
        states = [ended.get() for _ in range(ended.qsize())]
    warm = [mib for at, mib in samples if at >= minutes / 5]
    half = len(warm) // 2
    print(
        f"soak of {minutes:g} min: {len(states)} jobs, {states.count('done')} done; broker "
        f"{samples[0][1]:.1f} MiB at the start, {warm[0]:.1f} after a fifth, {warm[-1]:.1f} at the end, "
        f"peak {max(mib for _, mib in samples):.1f}; mean of the two halves after warming up "
        f"{statistics.mean(warm[:half]):.2f} and {statistics.mean(warm[half:]):.2f}"
    )
    if plot is not None:
        draw(plot, samples, f"{len(states)} jobs, {states.count('done')} done")


def _load(
    server: ServerProcess, plate: str, output: Path, index: int, until: float, ended: queue.SimpleQueue[str]
) -> None:
    number = 0
    while time.monotonic() < until:
        with Client(server.connection(), name=f"soak {index}") as client:
            for _ in range(25):
                if time.monotonic() >= until:
                    return
                transfer = "paths" if number % 2 else "streamed"
                output.mkdir(exist_ok=True)
                job = small_job(plate, output, number)
                info = client.submit(job, transfer=transfer, on_event=lambda event: None).done.result(300)
                ended.put(info.state.value)
                client.release(job.job_id).result(60)
                client.status().result(60)
                for path in output.iterdir():
                    path.unlink()
                number += 1
                time.sleep(0.3)


def draw(path: Path, samples: list[tuple[float, float]], text: str) -> None:
    """Draw memory over time as a picture."""
    from PIL import Image, ImageDraw, ImageFont

    width, height, left, bottom, top = 1200, 500, 90, 60, 50
    top_mib = 20 * (int(max(mib for _, mib in samples)) // 20 + 1)
    last = max(at for at, _ in samples)
    image = Image.new("RGB", (width, height), "white")
    pen = ImageDraw.Draw(image)
    font = ImageFont.load_default(18)

    def at(minute: float, mib: float) -> tuple[float, float]:
        x = left + (width - left - 30) * minute / last
        return x, height - bottom - (height - bottom - top) * mib / top_mib

    for mib in range(0, top_mib + 1, 20):
        pen.line([at(0, mib), at(last, mib)], fill="#dddddd")
        pen.text((left - 12, at(0, mib)[1]), f"{mib}", fill="black", font=font, anchor="rm")
    for minute in range(0, int(last) + 1, max(1, int(last) // 15)):
        pen.text((at(minute, 0)[0], height - bottom + 18), f"{minute}", fill="black", font=font, anchor="mm")
    pen.line([at(*sample) for sample in samples], fill="#1f5fbf", width=2)
    pen.text((left, 16), f"Broker's resident memory, MiB, over minutes: {text}", fill="black", font=font)
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path, optimize=True)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--clients", type=int, default=20)
    parser.add_argument("--jobs", type=int, default=2000, help="0 leaves this part out")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--stream-mb", type=int, default=256, help="0 leaves this part out")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--soak", type=float, help="minutes; only this")
    parser.add_argument("--plot", type=Path, help="where the soak's picture goes")
    parser.add_argument("--folder", type=Path, help="where to work; default: a temporary folder")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder, prefix="void-server-") as name:
        if options.soak:
            soak(Path(name), options.soak, options.plot)
            return
        if options.jobs:
            measure_acknowledgements(
                Path(name) / "jobs", options.clients, options.jobs, 2 * options.rounds, options.workers
            )
        if options.stream_mb:
            measure_streams(Path(name) / "stream", options.stream_mb, options.rounds)


if __name__ == "__main__":
    main()
