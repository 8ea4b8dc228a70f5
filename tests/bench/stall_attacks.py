"""What a hostile client who is let in tries while :mod:`tests.bench.stalls` times the broker's thread."""

from __future__ import annotations

import hashlib
import json
import os
import random
import socket
import struct
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np

from tests.integration.server_case import Stranger
from void_engine.plates.exr.file import write_frame
from void_engine.plates.frame.frame import Frame
from void_protocol.job import MAX_FRAMES
from void_protocol.job_check import MAX_INPUT_FILES
from void_protocol.job_file import JOB_BYTES
from void_protocol.keys import Connection

FULL = "full"
"""While a file of this name lies beside the home, the measured server finds its volume full."""
_FIRST_NAME = 0x2AE8944A
_RANGE = 65_536
_CHUNK = 1 << 20
_FINAL = ("done", "failed", "cancelled")
_MARKUP = "sh[/][link=file:///etc/passwd][red]<b>:smile:\u202egnp\u2066\u200b"
"""What a name may have and what a table or a label might obey."""
_ORDERS = "\x1b]0;owned\x1b\\\x9b2J\x85\u2028\r\n2026-01-31T23:59:59+00:00 done\nopenjd_env: LD_PRELOAD=x"
"""What a terminal, or a program that reads lines, obeys."""


def picture(width: int, height: int) -> np.ndarray[Any, np.dtype[np.float16]]:
    """One colour, which takes next to nothing when it is compressed."""
    return np.full((height, width, 4), 0.5, np.float16)


def with_attributes(file: bytes, names: Iterable[str]) -> bytes:
    """An EXR file whose header begins with a number of each of these names besides its own attributes."""
    more = b"".join(name.encode() + b"\0int\0" + struct.pack("<ii", 4, 7) for name in names)
    return file[:8] + more + file[8:]


class Attacks:
    """What a client who is let in may try. Each attack goes on until ``is_over``."""

    def __init__(self, connection: Connection, folder: Path, metrics_port: int) -> None:
        self._connection = connection
        self._folder = folder
        self._metrics_port = metrics_port
        self._sparse = folder / "plate.1001.exr"
        with self._sparse.open("wb") as file:
            file.write(b"\x76\x2f\x31\x01")
            file.truncate(32 * _RANGE)
        self._number = 100
        self._submitted: list[str] = []
        self._large = self._job("large-job", shapes=14)

    def _next(self) -> int:
        self._number += 1
        return self._number

    def _client(self, stack: ExitStack, routing_id: bytes | None = None) -> Stranger:
        client = stack.enter_context(Stranger(self._connection, routing_id))
        # The answer may be that this key has too many sessions, which the attack goes on with.
        client.ask(type="hello", request=1, min_version=1, max_version=1)
        return client

    def _job(
        self, job_id: str, shapes: int = 0, place: Path | None = None, size: int = 64, last: int = 1001,
        prompt: str = "", **shot: str,
    ) -> bytes:  # fmt: skip
        """A job of few frames; each shape takes some hundreds of kilobytes.

        Plates lie in the folder ``place``, results in ``out`` below it.
        """
        place = place or self._folder
        point = [1.125, 2.25, -1.0625, 0.5, 1.0625, -0.5, 0.125, 0.125, -0.0625, 0.25, 0.0625, 0.03125]
        outline = [{"frame": 1001, "points": [point] * 4000}]
        corners = [{"frame": frame, "points": [[4, 4], [40, 4], [4, 40]]} for frame in range(1001, last + 1)]
        job: dict[str, Any] = {
            "schema_version": 1,
            "job_id": job_id,
            "shot": {
                "name": job_id,
                "plate": str(place / "plate.%04d.exr"),
                "first_frame": 1001,
                "last_frame": last,
                "format": {"width": size, "height": size},
                **shot,
            },
            "shapes": [{"name": f"s{n}", "role": "remove", "frames": outline} for n in range(shapes)]
            or [{"name": "s", "role": "remove", "frames": corners}],
            "output": {"pattern": str(place / "out" / f"{job_id}.%04d.exr"), "compression": "none"},
            "settings": {"engine": "identity", "prompt": prompt},
        }
        return json.dumps(job).encode()

    def _plate(self, place: Path, size: int = 64) -> bytes:
        """Write a plate that engines can read into a folder, which is made; return its bytes."""
        place.mkdir(parents=True, exist_ok=True)
        path = place / "plate.1001.exr"
        write_frame(Frame.from_pixels(1001, "RGBA", picture(size, size)), path)
        return path.read_bytes()

    def _submit(self, client: Stranger, text: bytes, *rest: bytes, outputs: str = "paths") -> dict[str, Any]:
        """Submit a job, by paths when there is no manifest, and return the reply."""
        inputs = "streamed" if rest else "paths"
        request = self._next()
        client.say(text, *rest, type="submit", request=request, inputs=inputs, outputs=outputs)
        while (reply := client.hear(60.0)[0]).get("request") != request:
            pass
        if reply["type"] == "accepted":
            self._submitted.append(reply["job"]["job_id"])
        return reply

    def _upload(self, client: Stranger, text: bytes, files: list[bytes]) -> bool:
        """Submit a job and send its files, each once. Return whether all are stored."""
        manifest = json.dumps([["plate", 1001 + index, len(file)] for index, file in enumerate(files)])
        reply = self._submit(client, text, manifest.encode(), outputs="streamed")
        if reply["type"] != "accepted":
            print(f"  ({reply.get('message')})")
            return False
        job_id = reply["job"]["job_id"]
        stored = [self._send(client, job_id, index, file) for index, file in enumerate(files)]
        return all(stored)

    def _send(self, client: Stranger, job_id: str, index: int, file: bytes) -> bool:
        """Send a file of a few chunks, hear what became of it, and say whether it is stored."""
        for offset in range(0, len(file), _CHUNK):
            part, is_last = file[offset : offset + _CHUNK], offset + _CHUNK >= len(file)
            more = {"last": True, "sha256": hashlib.sha256(file).hexdigest()} if is_last else {}
            client.say(part, type="chunk", job_id=job_id, file=index, offset=offset, **more)
        return bool(client.hear_of("file_stored", "file_refused")[0]["type"] == "file_stored")

    def _state(self, client: Stranger, job_id: str) -> dict[str, Any]:
        reply = client.ask(type="get_job", request=self._next(), job_id=job_id)
        return dict(reply["job"])

    @contextmanager
    def _worker(self) -> Iterator[Stranger]:
        """A client whose jobs are cancelled at the end, so that the next attack has a worker."""
        with ExitStack() as stack:
            client = self._client(stack)
            yield client
            jobs = [self._state(client, job_id) for job_id in self._submitted]
            for job_id in self._submitted:
                client.ask(type="cancel", request=self._next(), job_id=job_id)
            last = next((job["message"] for job in reversed(jobs) if job["message"]), "")
            states = Counter(job["state"] for job in jobs)
            print(f"  (jobs: {dict(states)}; {ascii(last)[:120]})")
            limit = time.monotonic() + 20.0
            while self._submitted and time.monotonic() < limit:
                if self._state(client, self._submitted[-1])["state"] in _FINAL:
                    self._submitted.pop()

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
        large = {"path": str(self._sparse), "ranges": [[_RANGE * n, _RANGE] for n in range(16)]}
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

    def links_are_swapped(self, is_over: Callable[[], bool]) -> None:
        """Once a job is accepted, its folder becomes a link to another's plates and results."""
        own, hers = self._folder / "own", self._folder / "hers"
        for place in (own, hers):
            self._plate(place)
            (place / "out").mkdir()
        with self._worker() as client:
            while not is_over():
                job_id = f"swapped-{self._next()}"
                self._submit(client, self._job(job_id, place=own))
                own.rename(self._folder / "moved")
                own.symlink_to(hers)
                while not is_over() and self._state(client, job_id)["state"] not in _FINAL:
                    pass
                own.unlink()
                (self._folder / "moved").rename(own)
        strays = [path.name for path in (hers / "out").iterdir()]
        print(f"  (results in the other's folder: {len(strays)})")

    def pipes_and_endless_devices(self, is_over: Callable[[], bool]) -> None:
        """Proofs and plates that nobody can read to the end."""
        if not hasattr(os, "mkfifo"):
            print("  (left out: this system has no pipes with names)")
            return
        os.mkfifo(self._folder / f".void-probe-{'a' * 32}")
        (self._folder / f".void-probe-{'b' * 32}").symlink_to("/dev/zero")
        for kind in ("pipe", "zero"):
            (self._folder / kind).mkdir()
        os.mkfifo(self._folder / "pipe" / "plate.1001.exr")
        (self._folder / "zero" / "plate.1001.exr").symlink_to("/dev/zero")
        files = [
            {"path": str(self._folder / kind / "plate.1001.exr"), "ranges": [[0, _RANGE]] * 16}
            for kind in ("pipe", "zero")
        ]
        with self._worker() as client:
            folder = {"path": str(self._folder), "probe": "a" * 32}
            proof = client.ask(type="prove", request=2, nonce="00" * 32, files=files, folder=folder)
            refusals = [each["problem"] for each in (*proof["files"], proof["folder"])]
            while not is_over():
                for probe in ("a" * 32, "b" * 32):
                    folder["probe"] = probe
                    request = {"request": self._next(), "nonce": "00" * 32}
                    client.say(type="prove", files=files * 100, folder=folder, **request)
                for kind in ("pipe", "zero"):
                    text = self._job(f"{kind}-{self._next()}", place=self._folder / kind)
                    refusals[3:] = [self._submit(client, text).get("message")]
        for refusal in refusals:
            print(f"  ({ascii(refusal)[:120]})")

    def the_volume_is_full_in_uploads(self, is_over: Callable[[], bool]) -> None:
        """The same files are sent again and again to a server that seldom has room for them."""
        flag, sent = self._folder.parent / FULL, Counter[bool]()
        file = b"\x76\x2f\x31\x01" + bytes(4 * _CHUNK)
        with self._worker() as client:
            try:
                while not is_over():
                    flag.touch()
                    job_id = f"full-{self._next()}"
                    self._upload(client, self._job(job_id), [file])
                    for _ in range(20):
                        sent[self._send(client, job_id, 0, file)] += 1
                    flag.unlink()
                    sent[self._send(client, job_id, 0, file)] += 1
            finally:
                flag.unlink(missing_ok=True)
        print(f"  (files refused: {sent[False]}, stored: {sent[True]})")

    def the_volume_is_full_for_results(self, is_over: Callable[[], bool]) -> None:
        """Jobs come to a worker that has no room for their results, and now and then has."""
        place = self._folder / "results"
        self._plate(place)
        with self._worker() as client:
            waited = 0
            while not is_over():
                (place / "fault").touch()
                job_id = f"results-{self._next()}"
                self._submit(client, self._job(job_id, place=place, prompt="full"))
                limit = time.monotonic() + 1.0
                while time.monotonic() < limit:
                    waited += "full" in self._state(client, job_id)["message"]
                (place / "fault").unlink()
                while not is_over() and self._state(client, job_id)["state"] not in _FINAL:
                    pass
        print(f"  (answers that the job waits for room: {waited})")

    def huge_results_of_small_uploads(self, is_over: Callable[[], bool]) -> None:
        """Twelve frames of some kilobytes make results of 19 MB each."""
        plate = self._plate(self._folder / "one colour", 1024)
        with self._worker() as client:
            while not is_over():
                job_id = f"huge-{self._next()}"
                if not self._upload(client, self._job(job_id, size=1024, last=1012), [plate] * 12):
                    return
                while not is_over() and self._state(client, job_id)["state"] not in _FINAL:
                    time.sleep(0.01)
            done = self._state(client, job_id)["frames_done"]
            print(f"  (plates of {len(plate) / 1e3:.0f} kB; {done} frames of the last job done)")

    def headers_of_many_attributes(self, is_over: Callable[[], bool]) -> None:
        """Headers with 100,000 attributes come in uploads, as plates by path, and in proofs."""
        place = self._folder / "attributes"
        file = with_attributes(self._plate(place), (f"a{number}" for number in range(100_000)))
        (place / "plate.1001.exr").write_bytes(file)
        proof = [{"path": str(place / "plate.1001.exr"), "ranges": [[0, _RANGE]]}] * 100
        with self._worker() as client:
            while not is_over():
                self._upload(client, self._job(f"uploaded-{self._next()}"), [file])
                self._submit(client, self._job(f"by-path-{self._next()}", place=place))
                client.say(type="prove", request=self._next(), nonce="00" * 32, files=proof)
                time.sleep(0.1)

    def jobs_at_the_size_limit(self, is_over: Callable[[], bool]) -> None:
        """Jobs of exactly the most bytes that a job may have, and of one more."""
        place = self._folder / "limit"
        self._plate(place)
        # Put together by hand: to write so much JSON would hold up the friendly client, a thread of this
        # process.
        one = self._job("limit-0", shapes=1, place=place)
        begin, end = one.index(b'{"name": "s0"'), one.index(b'], "output"')
        shape = b", " + one[begin:end]
        text = one[:end] + shape * ((JOB_BYTES - len(one)) // len(shape)) + one[end:]
        text = text.ljust(JOB_BYTES)
        with self._worker() as client:
            number = 0
            while not is_over() or not number:
                number += 1
                reply = self._submit(client, text.replace(b"limit-0", b"limit-%d" % (number % 10)))
                print(f"  ({len(text)} bytes: {reply.get('message') or reply['type']})")
                reply = self._submit(client, text + b" ")
                print(f"  ({len(text) + 1} bytes: {reply.get('message') or reply['type']})")

    def manifests_at_the_limit(self, is_over: Callable[[], bool]) -> None:
        """Short jobs of as many files as there may be come with manifests that name all of them, and that
        name them the other way round."""
        job = json.loads(self._job("files"))
        job["shapes"] = []
        job["shot"]["last_frame"] = 1000 + MAX_FRAMES
        pattern = str(self._folder / "matte.%04d.exr")
        job["mattes"] = [{"role": "remove", "pattern": pattern}] * (MAX_INPUT_FILES // MAX_FRAMES - 1)
        groups = ["plate", *(f"matte.{index}" for index in range(len(job["mattes"])))]
        rows = [f'["{group}",{frame},7]' for group in groups for frame in range(1001, 1001 + MAX_FRAMES)]
        manifests = [f"[{','.join(order)}]".encode() for order in (rows, rows[::-1])]
        rows.clear()
        with ExitStack() as stack:
            client = self._client(stack)
            number = 0
            while not is_over() or number < 2:
                number += 1
                job["job_id"] = f"files-{number % 4}"
                for manifest in manifests:
                    reply = self._submit(client, json.dumps(job).encode(), manifest, outputs="streamed")
                    print(f"  ({len(manifest)} bytes: {reply.get('message') or reply['type']})")

    def hostile_texts(self, is_over: Callable[[], bool]) -> None:
        """Markup, orders to terminals and forged lines come as names, prompts, reasons and attributes."""
        names = [f"{_ORDERS[:24]}{number}" for number in range(200)]
        file = with_attributes(self._plate(self._folder / "texts"), names)
        name, prompt = (_MARKUP * 8)[:256], (_ORDERS * 64)[:4096]
        with self._worker() as client:
            while not is_over():
                job_id = f"text-{self._next()}"
                layer = name if self._number % 2 else ""
                self._upload(client, self._job(job_id, prompt=prompt, name=name, layer=layer), [file])
                for text in (_MARKUP, _ORDERS):
                    for kind in ("pause", "resume"):
                        client.say(type=kind, request=self._next(), job_id=job_id, reason=text)
                    who = {"client": text, "user": text, "host": text}
                    client.say(type="hello", request=self._next(), min_version=1, max_version=1, **who)
                    client.say(type=text, request=self._next())
                    client.say(type="get_job", request=self._next(), job_id=text)
                client.ask(type="list_jobs", request=self._next())


ATTACKS = (
    Attacks.quiet,
    Attacks.names_are_claimed,
    Attacks.links_are_swapped,
    Attacks.a_large_jobs_result_is_fetched,
    Attacks.long_proofs,
    Attacks.pipes_and_endless_devices,
    Attacks.the_volume_is_full_in_uploads,
    Attacks.the_volume_is_full_for_results,
    Attacks.hostile_texts,
    Attacks.huge_results_of_small_uploads,
    Attacks.headers_of_many_attributes,
    Attacks.jobs_at_the_size_limit,
    Attacks.manifests_at_the_limit,
    Attacks.large_submissions,
    Attacks.many_submissions,
    Attacks.cheap_questions,
    Attacks.the_figures_are_held,
)
"""In the order in which they are made."""
