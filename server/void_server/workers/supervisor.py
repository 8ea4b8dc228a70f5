"""Keeps one worker process for each device alive and gives it jobs.

Everything here belongs to the broker's thread. A worker that is silent, does not start, or does not heed a
stop is killed; one that died is started again, later and later while it keeps dying without having worked.
"""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import msgspec
import zmq

from void_protocol.messages import MemoryUse, WorkerInfo
from void_server.server_log import rotate_output
from void_server.settings import CACHE_VARIABLE, ServerSettings
from void_server.workers.devices import worker_environments
from void_server.workers.worker_link import (
    ZAP_DOMAIN,
    Beat,
    Finished,
    FromWorker,
    Memory,
    Probe,
    Ready,
    Run,
    Stop,
    ToWorker,
    WorkerConfig,
    decode_from_worker,
    encode,
)

_log = logging.getLogger(__name__)
_FIRST_PAUSE_S = 0.5
_LONGEST_PAUSE_S = 30.0
_PROBE_S = 1.0
_DUMP_S = 0.5
"""What a worker gets to write down where it hangs before it is killed."""
_TAIL_BYTES = 4000
"""How much of a dead worker's output goes into its job's log."""


class RunOrder(msgspec.Struct, frozen=True, kw_only=True):
    job_id: str
    job: bytes
    """JSON with local paths."""
    resume: bool


class WorkerClient(Protocol):
    """Whom the supervisor works for: the job lifecycle."""

    def take_next(self) -> RunOrder | None:
        """The next job, marked as running; None when nothing waits."""

    def worker_said(self, message: FromWorker, payloads: list[bytes]) -> None:
        """A worker reports on the job it runs."""

    def worker_lost(self, job_id: str, why: str, output: str) -> None:
        """The worker that ran this job is gone."""


@dataclass
class _Slot:
    name: str
    device: str
    environment: dict[str, str]
    """What its process gets beside the server's own."""
    process: subprocess.Popen[bytes] | None = None
    identity: bytes = b""
    is_ready: bool = False
    job_id: str | None = None
    started_at: float = 0.0
    next_probe: float = 0.0
    last_sign: float = 0.0
    """When its job last gave a sign of life."""
    stage: str = ""
    dumped_at: float | None = None
    """When it was asked where it hangs."""
    stop_asked_at: float | None = None
    killed_because: str = ""
    starts: int = 0
    pause_s: float = _FIRST_PAUSE_S
    next_start: float = 0.0
    job_since: float = 0.0
    memory: MemoryUse | None = None
    log_offset: int = 0
    """Where in the worker's output file its present job began."""


class Supervisor:
    def __init__(
        self, context: zmq.Context[zmq.Socket[bytes]], settings: ServerSettings, client: WorkerClient
    ) -> None:
        self._settings = settings
        self._client = client
        self._slots = [
            _Slot(f"worker-{index}", device, {CACHE_VARIABLE: str(settings.caches), **environment})
            for index, (device, environment) in enumerate(worker_environments(settings.devices, os.environ))
        ]
        self._orders: list[tuple[_Slot, Run, bytes]] = []
        self._logs = settings.home / "logs"
        self._logs.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._server_public, server_secret = zmq.curve_keypair()
        self._public, self._secret = zmq.curve_keypair()
        self.socket = context.socket(zmq.ROUTER)
        self.socket.linger = 0
        self.socket.setsockopt(zmq.ROUTER_HANDOVER, 1)
        # A worker is alive while libzmq's own thread there answers: an engine that holds Python's lock for
        # minutes cannot keep it from that. A connection that does not answer is dropped, and then sends fail.
        self.socket.setsockopt(zmq.ROUTER_MANDATORY, 1)
        self.socket.setsockopt(zmq.HEARTBEAT_IVL, 1000)
        self.socket.setsockopt(zmq.HEARTBEAT_TIMEOUT, int(1000 * settings.worker_silence_s))
        self.socket.curve_server = True
        self.socket.curve_secretkey = server_secret
        self.socket.zap_domain = ZAP_DOMAIN.encode()
        self._endpoint = f"tcp://127.0.0.1:{self.socket.bind_to_random_port('tcp://127.0.0.1')}"

    def admits(self, public: bytes) -> bool:
        """For the gatekeeper: whether this key is the workers'."""
        return public == self._public

    @property
    def is_busy(self) -> bool:
        """Whether any worker is at a job."""
        return any(slot.job_id is not None for slot in self._slots)

    def infos(self) -> list[WorkerInfo]:
        return [
            WorkerInfo(
                worker=slot.name,
                alive=slot.is_ready,
                pid=slot.process.pid if slot.process is not None else None,
                job_id=slot.job_id,
                restarts=max(0, slot.starts - 1),
                device=slot.device,
                busy_s=None if slot.job_id is None else round(time.monotonic() - slot.job_since, 1),
                memory=slot.memory,
            )
            for slot in self._slots
        ]

    def tick(self) -> None:
        """Notice deaths, silence and stops that are not heeded; start what is missing; hand out jobs."""
        now = time.monotonic()
        for slot in self._slots:
            if slot.process is None:
                if now >= slot.next_start:
                    self._try_start(slot)
            elif slot.process.poll() is not None:
                self._died(slot)
            else:
                self._look_after(slot, now)
        self.hand_out()

    def receive(self) -> None:
        """Take what workers have said."""
        while True:
            try:
                identity, control, *payloads = self.socket.recv_multipart(zmq.NOBLOCK)
            except zmq.Again:
                return
            for slot in self._slots:
                if slot.identity == identity:
                    self._said(slot, decode_from_worker.decode(control), payloads)

    def _said(self, slot: _Slot, message: FromWorker, payloads: list[bytes]) -> None:
        if isinstance(message, Beat):
            slot.last_sign = time.monotonic() - message.silent_s
            slot.stage = message.stage
        elif isinstance(message, Ready):
            slot.is_ready = True
            _log.info("%s is ready (process %s)", slot.name, slot.process.pid if slot.process else "?")
        elif isinstance(message, Memory):
            slot.memory = message.use
        elif message.job_id == slot.job_id:
            slot.last_sign = time.monotonic()
            if isinstance(message, Finished):
                slot.job_id, slot.stop_asked_at = None, None
                slot.pause_s = _FIRST_PAUSE_S
            self._client.worker_said(message, payloads)

    def stop_job(self, job_id: str) -> bool:
        """Ask the worker that runs the job to stop it; whether there is one."""
        for slot in self._slots:
            if slot.job_id == job_id:
                if slot.stop_asked_at is None:
                    slot.stop_asked_at = time.monotonic()
                    self._tell(slot, Stop(job_id=job_id))
                return True
        return False

    def hand_out(self) -> None:
        """Give jobs to the workers that have none; less than :meth:`tick`, for every turn of the broker."""
        for slot in self._slots:
            if slot.is_ready and slot.job_id is None and slot.process and slot.process.poll() is None:
                order = self._client.take_next()
                if order is None:
                    return
                slot.job_id, slot.job_since = order.job_id, time.monotonic()
                slot.last_sign, slot.stage, slot.dumped_at = time.monotonic(), "", None
                rotate_output(self._log_file(slot), self._settings.log_file_bytes, self._settings.log_files)
                slot.log_offset = self._log_file(slot).stat().st_size
                self._orders.append((slot, Run(job_id=order.job_id, resume=order.resume), order.job))

    @property
    def has_orders(self) -> bool:
        """Whether a worker waits for :meth:`send_orders`."""
        return bool(self._orders)

    def send_orders(self) -> None:
        """Tell the workers what to run; the broker calls it once it is durable that they do."""
        orders, self._orders = self._orders, []
        for slot, run, job in orders:
            if slot.job_id == run.job_id:
                self._tell(slot, run, job)

    def _tell(self, slot: _Slot, message: ToWorker, *payloads: bytes) -> bool:
        """Whether the worker can be reached. One that is gone cannot be told; tick will notice that."""
        try:
            self.socket.send_multipart([slot.identity, encode(message), *payloads], zmq.NOBLOCK)
        except zmq.Again:  # it is there, and does not take what waits for it: its job's limit will tell
            return True
        except zmq.ZMQError as error:
            if error.errno != zmq.EHOSTUNREACH:
                raise
            return False
        return True

    def _look_after(self, slot: _Slot, now: float) -> None:
        settings = self._settings
        if slot.stop_asked_at is not None and now > slot.stop_asked_at + settings.cancel_grace_s:
            self._kill(slot, f"did not stop within {settings.cancel_grace_s:g} s")
        elif not slot.is_ready and now > slot.started_at + settings.worker_start_s:
            self._kill(slot, f"was not ready {settings.worker_start_s:g} s after its start")
        elif slot.is_ready and now >= slot.next_probe:
            slot.next_probe = now + _PROBE_S
            if not self._tell(slot, Probe()):
                self._kill(slot, f"gave no sign of life for {settings.worker_silence_s:g} s")
        if slot.job_id is not None:
            self._look_at_job(slot, now)

    def _look_at_job(self, slot: _Slot, now: float) -> None:
        """Kill a worker whose job hangs; where it hangs goes into its output first."""
        limit_s = self._settings.stage_limits_s.get(slot.stage, self._settings.stage_limit_s)
        if now <= slot.last_sign + limit_s:
            slot.dumped_at = None
        elif slot.dumped_at is None:
            slot.dumped_at = now
            assert slot.process is not None
            if hasattr(signal, "SIGUSR1"):
                slot.process.send_signal(signal.SIGUSR1)
        elif now > slot.dumped_at + _DUMP_S:
            where = f"in stage '{slot.stage}'" if slot.stage else "before its first stage"
            self._kill(slot, f"gave no sign of progress {where} for {limit_s:g} s")

    def _kill(self, slot: _Slot, why: str) -> None:
        if not slot.killed_because:
            _log.warning("%s %s and is killed", slot.name, why)
            slot.killed_because = why
            assert slot.process is not None
            slot.process.kill()

    def _log_file(self, slot: _Slot) -> Path:
        return self._logs / f"{slot.name}.log"

    def _try_start(self, slot: _Slot) -> None:
        try:
            self._start(slot)
        except OSError as error:
            slot.next_start = time.monotonic() + slot.pause_s
            slot.pause_s = min(2 * slot.pause_s, _LONGEST_PAUSE_S)
            _log.warning("cannot start %s: %s; the next try is in %.1f s", slot.name, error, slot.pause_s)

    def _start(self, slot: _Slot) -> None:
        slot.starts += 1
        identity = f"{slot.name}.{slot.starts}"
        config = WorkerConfig(
            endpoint=self._endpoint,
            identity=identity,
            server_key=self._server_public.decode(),
            public_key=self._public.decode(),
            secret_key=self._secret.decode(),
            runner=self._settings.runner,
            device=slot.device,
            niceness=self._settings.worker_niceness,
            wait_s=self._settings.wait_limit_s,
            read_roots=self._roots(self._settings.readable, self._settings.output_roots),
            output_roots=self._roots(self._settings.writable),
            frame_pixels=self._settings.frame_pixels,
            frame_bytes=self._settings.frame_bytes,
        )
        with self._log_file(slot).open("ab") as output:
            process = subprocess.Popen(
                # -P: a file that lies in the current folder is not code.
                [sys.executable, "-P", "-m", "void_server.workers.worker"],
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, **slot.environment},
            )
        slot.process, slot.identity = process, identity.encode()
        slot.is_ready, slot.killed_because, slot.memory = False, "", None
        slot.started_at = time.monotonic()
        slot.next_probe = slot.started_at
        slot.log_offset = self._log_file(slot).stat().st_size
        assert process.stdin is not None
        try:
            process.stdin.write(encode(config) + b"\n")
            process.stdin.flush()
        except OSError as error:
            _log.warning("%s did not take its orders: %s", slot.name, error)

    def _roots(self, allowed: tuple[Path, ...] | None, *more: tuple[Path, ...]) -> list[str] | None:
        """The folders that a worker may use: what is allowed to paths, and the spool."""
        if allowed is None:
            return None
        spool = (self._settings.home.resolve() / "jobs",)
        return [str(root) for roots in (allowed, *more, spool) for root in roots]

    def _died(self, slot: _Slot) -> None:
        self.receive()  # what it said before it died counts
        process, job_id = slot.process, slot.job_id
        assert process is not None
        assert process.stdin is not None
        process.stdin.close()
        why = f"the worker process {_exit_text(process.returncode)}"
        if slot.killed_because:
            why = f"the worker {slot.killed_because} and was killed"
        slot.process, slot.is_ready, slot.job_id, slot.stop_asked_at = None, False, None, None
        slot.next_start = time.monotonic() + slot.pause_s
        slot.pause_s = min(2 * slot.pause_s, _LONGEST_PAUSE_S)
        _log.warning("%s: %s; its output is in %s", slot.name, why, self._log_file(slot))
        if job_id is not None:
            self._client.worker_lost(job_id, why, self._output_since(slot))

    def _output_since(self, slot: _Slot) -> str:
        with self._log_file(slot).open("rb") as file:
            size = file.seek(0, 2)
            file.seek(max(slot.log_offset, size - _TAIL_BYTES))
            return file.read().decode("utf-8", "replace")

    def shut_down(self) -> None:
        """Stop every worker: those that run a job are asked first."""
        for slot in self._slots:
            if slot.job_id is not None:
                self.stop_job(slot.job_id)
        limit = time.monotonic() + self._settings.cancel_grace_s
        try:
            while any(slot.job_id is not None for slot in self._slots) and time.monotonic() < limit:
                if self.socket.poll(50):
                    self.receive()
        finally:  # also where what they say cannot be stored any more
            self._end_workers()

    def _end_workers(self) -> None:
        for slot in self._slots:
            if slot.process is not None:
                slot.process.kill()
                slot.process.wait()
                assert slot.process.stdin is not None
                slot.process.stdin.close()
                slot.process = None
        self.socket.close()


def _exit_text(code: int) -> str:
    if code >= 0:
        return f"ended with exit code {code}"
    try:
        return f"was ended by {signal.Signals(-code).name}"
    except ValueError:
        return f"was ended by signal {-code}"
