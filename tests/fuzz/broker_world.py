"""The world of :mod:`tests.fuzz.broker_states`: a real broker, and its clients as they see themselves.

Stood in for are workers, whose reports are made up, and threads, whose work is done when the world says so.
"""

from __future__ import annotations

import errno
import gc
import io
import json
import logging
import os
import random
import shutil
import time
from collections import Counter, deque
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from unittest import mock

import zmq

from void_protocol.messages import JobState
from void_server.access.allow_list import allowed_folder
from void_server.access.server_keys import ensure_keys, write_public_key
from void_server.broker import broker as broker_module
from void_server.broker.broker import Broker
from void_server.broker.transfers import submissions as submissions_module
from void_server.broker.transfers import uploads as uploads_module
from void_server.settings import ServerSettings

OWNERS = ("local", "anna", "bert", "mallory")
"""The first is the operator. The last is the most hostile, though all try what they can."""
CREDIT = 3
FRAMES = (1, 2)
CLIENTS = 12
_TURNS_OF_AN_ANSWER = 5000
FIRST_NAME = 0xE43C9869
"""Where libzmq's own names of connections begin."""


class HeldThreads:
    """Threads whose work is done when :meth:`World.work` says so."""

    def __init__(self, mailbox: Any, count: int) -> None:
        self._mailbox = mailbox
        self.waiting: deque[tuple[str, Callable[[], Any], Callable[[Future[Any]], None] | None]] = deque()
        World.current.threads.append(self)

    def run(self, key: str, work: Callable[[], Any], then: Callable[[Future[Any]], None]) -> None:
        self.waiting.append((key, work, then))

    def do(self, key: str, work: Callable[[], object]) -> None:
        self.waiting.append((key, work, None))

    def work(self) -> bool:
        if not self.waiting:
            return False
        _, work, then = self.waiting.popleft()
        done: Future[Any] = Future()
        try:
            done.set_result(work())
        except BaseException as error:  # noqa: BLE001 - as a thread hands it on
            done.set_exception(error)
        if then is not None:
            self._mailbox.put(lambda: then(done))
        return True

    def stop(self) -> None:
        self.waiting.clear()

    def close(self, *_: Any) -> bool:
        self.stop()
        return True


class HeldWorkers:
    """Two workers that report what the machine makes up."""

    engines = None

    def __init__(self, context: zmq.Context, settings: ServerSettings, client: Any) -> None:
        self._client = client
        self.jobs: list[str] = []
        self.stopping: set[str] = set()
        self.socket = context.socket(zmq.PULL)
        self.socket.bind("inproc://no-workers")

    def admits(self, public: bytes) -> bool:
        return False

    def tick(self) -> None:
        self.hand_out()

    def receive(self) -> None:
        """Nothing comes this way."""

    def hand_out(self) -> None:
        while len(self.jobs) < 2 and (order := self._client.take_next()) is not None:
            self.jobs.append(getattr(order, "job_id", None) or order.run.job_id)

    def send_orders(self) -> None:
        """They are obeyed at once."""

    has_orders = False

    @property
    def is_busy(self) -> bool:
        return bool(self.jobs)

    def infos(self) -> list[Any]:
        return []

    def stop_job(self, job_id: str) -> bool:
        self.stopping.add(job_id)
        return job_id in self.jobs

    def end(self, job_id: str) -> None:
        self.jobs.remove(job_id)
        self.stopping.discard(job_id)

    def shut_down(self) -> None:
        self.socket.close(0)


class Faults(logging.Handler):
    """Keeps what the server logs as its own fault."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.found: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.found.append(self.format(record))


@dataclass
class ClientEnd:
    """A connection, as its client sees it."""

    owner: str
    label: str
    """What it calls itself, by which its session is found."""
    socket: zmq.Socket
    has_session: bool = False
    is_heard: bool = True
    """False once its key was revoked; it is silent for good then."""
    asked: dict[int, tuple[str, str]] = field(default_factory=dict)
    """What it has asked and for which job, by the number of the request."""
    credit: dict[str, int] = field(default_factory=dict)
    """For each upload that is this connection's, the chunks that it may send."""
    watches: set[str] = field(default_factory=set)
    named: set[int] = field(default_factory=lambda: {2**53})
    """Numbers that it has named though they may be another's: it may be told that they mean nothing."""
    submitting: dict[int, str] = field(default_factory=dict)
    """The jobs of its submissions that have no answer yet; until then it sends no file of theirs."""
    reads: set[int] = field(default_factory=set)
    """The requests of its fetches."""


@dataclass
class JobFacts:
    """An acknowledged job."""

    owner: str
    text: bytes
    manifest: bytes
    files: list[bytes]
    next_byte: dict[int, int] = field(default_factory=dict)
    sequence: int = 0
    """The last event that was looked at in the server's store."""
    told: int = 0
    """The last event that any client was told of."""
    state: JobState | None = None


class World:
    """The world of one run."""

    current: World

    def __init__(self, folder: Path, seed: int) -> None:
        World.current = self
        self.chance = random.Random(seed)
        self.folder = folder
        self.threads: list[HeldThreads] = []
        self.is_full = False
        self.steps: Counter[str] = Counter()
        self.log: deque[str] = deque(maxlen=40)
        self.jobs: dict[str, JobFacts] = {}
        self._texts: dict[str, tuple[bytes, bytes, list[bytes]]] = {}
        self.clients: list[ClientEnd] = []
        self.out: set[str] = set()
        self._number = 0
        self._context: zmq.Context = zmq.Context()
        self._faults = Faults()
        logging.getLogger("void_server").addHandler(self._faults)
        self.settings = ServerSettings(
            home=folder / "home",
            endpoint="tcp://127.0.0.1:0",
            heartbeat_s=10_000.0,
            # Nobody is silent for too long, however long a machine that is busy takes for all the steps.
            handshake_s=10_000.0,
            connections=CLIENTS + 4,
            client_sessions=6,
            most_sessions=10,
            client_open_jobs=6,
            most_open_jobs=14,
            upload_credit=CREDIT,
            client_proofs=2,
            fetches=2,
            fetch_credit=4,
            client_spool_bytes=10**8,
        )
        keys = ensure_keys(self.settings.home)
        self._server_key = keys.public
        self._pairs = {name: zmq.curve_keypair() for name in OWNERS}
        for name in OWNERS:
            self._let_in(name)
        self._patches: list[Any] = [
            mock.patch.object(broker_module, "KeyedThreads", HeldThreads),
            mock.patch.object(submissions_module, "KeyedThreads", HeldThreads),
            mock.patch.object(broker_module, "Supervisor", HeldWorkers),
            mock.patch.object(shutil, "disk_usage", self._disk_usage),
            mock.patch.object(uploads_module._IncomingFile, "_append", self._append),
        ]
        self._real_usage = shutil.disk_usage
        self._real_append = uploads_module._IncomingFile._append
        for patch in self._patches:
            patch.start()
        self.broker = self._open()
        self.handles_before = handles()

    def close(self) -> None:
        for client in self.clients:
            client.socket.close(0)
        self._close_broker()
        self._context.term()
        for patch in self._patches:
            patch.stop()
        logging.getLogger("void_server").removeHandler(self._faults)

    # The broker -----------------------------------------------------------------------------------------

    def _open(self) -> Broker:
        self.threads.clear()
        broker = Broker(self.settings)
        self.settings = replace(self.settings, endpoint=broker.endpoint)
        broker.begin()
        return broker

    def _close_broker(self) -> None:
        self.broker._supervisor.shut_down()
        # A broker leaves the files that it was receiving to the end of its process; this one goes on.
        # By type(), because isinstance() asks every object, and some of torch's answer with a warning.
        for each in gc.get_objects():
            if issubclass(type(each), io.FileIO) and str(each.name).startswith(str(self.folder)):
                each.close()
        self.broker._close()

    def _disk_usage(self, path: Any) -> Any:
        usage = self._real_usage(path)
        return usage._replace(free=0) if self.is_full else usage

    @property
    def _append(self) -> Callable[[Any, memoryview], None]:
        machine = self

        def append(file: Any, data: memoryview) -> None:
            if not machine.is_full:
                machine._real_append(file, data)
                return
            machine._real_append(file, data[: len(data) // 2])  # a volume may take a part
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        return append

    def _let_in(self, name: str) -> None:
        write_public_key(allowed_folder(self.settings.home) / f"{name}.key", self._pairs[name][0])

    @property
    def _workers(self) -> Any:
        return self.broker._supervisor

    def work(self, most: int = 1000) -> bool:
        """Let the helper threads do some of what waits."""
        done = False
        for _ in range(most):
            ready = [threads for threads in self.threads if threads.waiting]
            if not ready:
                break
            done |= self.chance.choice(ready).work()
        return done

    # Clients --------------------------------------------------------------------------------------------

    def _connect(self, owner: str, claimed: bytes | None) -> ClientEnd:
        socket = self._context.socket(zmq.DEALER)
        socket.linger = 0
        socket.setsockopt(zmq.RECONNECT_IVL, 5)
        if claimed is not None:
            socket.setsockopt(zmq.ROUTING_ID, claimed)
        socket.curve_serverkey = self._server_key
        socket.curve_publickey, socket.curve_secretkey = self._pairs[owner]
        socket.connect(self.broker.endpoint)
        self._number += 1
        client = ClientEnd(owner, f"end {self._number}", socket)
        self.clients.append(client)
        return client

    def ask(self, end: ClientEnd, kind: str, *payloads: bytes, job_id: str = "", **more: Any) -> int:
        self._number += 1
        number = self._number
        end.asked[number] = (kind, job_id)
        message = {"type": kind, "request": number, **({"job_id": job_id} if job_id else {}), **more}
        self._send(end, [json.dumps(message).encode(), *payloads])
        return number

    def _send(self, client: ClientEnd, frames: list[bytes]) -> None:
        with suppress(zmq.Again):
            client.socket.send_multipart(frames, zmq.NOBLOCK)

    def hear(self, client: ClientEnd) -> None:
        while client.socket.poll(0):
            control, *payloads = client.socket.recv_multipart()
            self._heard(client, json.loads(control), payloads)

    def _heard(self, client: ClientEnd, message: dict[str, Any], payloads: list[bytes]) -> None:
        kind, number = message["type"], message.get("request")
        assert client.is_heard, f"{client.owner} is off the list and is told {message}"
        if kind == "upload_credit":
            # It may come over a connection whose session was renewed; then nobody counts it.
            job_id = message["job_id"]
            if job_id in client.credit:
                client.credit[job_id] += message["chunks"]
                assert client.credit[job_id] <= CREDIT, f"too much credit for {job_id}"
            return
        if kind in ("state", "frame", "progress", "preview", "log"):
            assert message["job_id"] in client.watches, f"{client.owner} is told of {message}"
            if facts := self.jobs.get(message["job_id"]):
                facts.told = max(facts.told, message.get("sequence", 0))
            return
        if kind in ("file_stored", "file_refused"):
            assert self.jobs[message["job_id"]].owner == client.owner
            if kind == "file_refused":
                self.jobs[message["job_id"]].next_byte.pop(message["file"], None)
            return
        if number is None:
            assert kind == "error", message
            if message["code"] == "no_upload":  # another connection of this owner has taken it over meanwhile
                for job_id in [job_id for job_id in client.credit if job_id in message["message"].split()]:
                    del client.credit[job_id]
            return
        if kind == "error" and number in client.named:
            return
        assert number in client.asked, f"{client.owner} is told what another has asked: {message}"
        asked, job_id = client.asked[number]
        client.submitting.pop(number, None)
        if kind == "data":
            assert number in client.reads
            return
        if kind == "error":
            assert message["code"] != "internal", message
            return
        self._answered(client, asked, job_id, message)

    def _answered(self, client: ClientEnd, asked: str, job_id: str, message: dict[str, Any]) -> None:
        if asked == "hello":
            client.has_session = True
        elif asked == "submit":
            text, manifest, files = self._texts[job_id]
            facts = self.jobs.setdefault(job_id, JobFacts(message["job"]["owner"], text, manifest, files))
            assert facts.owner == message["job"]["owner"]
            if message["job"]["state"] == "uploading":
                assert facts.owner == client.owner
                for other in self.clients:
                    other.credit.pop(job_id, None)
                client.credit[job_id] = message["credit"]
                facts.next_byte = dict(map(tuple, message["partial"]))
        elif asked in ("cancel", "release", "set_priority", "pause", "resume") and job_id:
            assert client.owner in (self.jobs[job_id].owner, "local"), f"{client.owner} may not {asked}"
        elif asked in ("pause", "resume", "drain", "clean"):
            assert client.owner == "local", f"{client.owner} may not {asked}"

    def turn(self, wait_ms: int = 0) -> None:
        self.broker.turn(wait_ms)
        for client in self.clients:
            self.hear(client)

    def sync(self, client: ClientEnd) -> None:
        """Return when the broker has read all that this client has said."""
        if not client.is_heard:
            for _ in range(3):
                self.turn(1)
            return
        number = self.ask(client, "ping")
        limit, turns = time.monotonic() + 10, 0
        answered = False

        def told(end: ClientEnd, message: dict[str, Any], payloads: list[bytes]) -> None:
            nonlocal answered
            answered = answered or (end is client and message.get("request") == number)
            if answered and message["type"] == "error" and message["code"] == "no_session":
                self._forget_session(client)
            heard(end, message, payloads)

        heard, self._heard = self._heard, told  # type: ignore[method-assign]
        try:
            while not answered:
                # On a busy machine seconds pass without a turn, in which nobody could have answered.
                assert turns < _TURNS_OF_AN_ANSWER or time.monotonic() < limit, f"no answer to {client.owner}"
                self.turn(1)
                turns += 1
        finally:
            self._heard = heard  # type: ignore[method-assign]

    def _forget_session(self, client: ClientEnd) -> None:
        client.has_session = False  # what it watched and fetched may still be on the way
        client.credit.clear()
        client.submitting.clear()


def handles() -> int:
    folder = Path("/proc/self/fd")
    return len(list(folder.iterdir())) if folder.is_dir() else 0
