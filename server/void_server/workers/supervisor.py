"""Keeps one worker process for each device alive and gives it jobs.

Everything here belongs to the broker's thread. A worker that is silent, does not start, or ignores a stop is
killed. One that died is started again, after longer and longer pauses while it keeps dying without having
worked.
"""

from __future__ import annotations

import logging
import os
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import msgspec
import zmq

from void_protocol.messages import EngineDescription, WorkerInfo
from void_protocol.private_folders import make_private_folder
from void_server.server_log import rotate_output
from void_server.settings import CACHE_VARIABLE, ServerSettings
from void_server.workers.assignment import Assignment
from void_server.workers.devices import worker_environments
from void_server.workers.environment import passed_on
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
from void_server.workers.worker_process import RestartBackoff, WorkerProcess

_log = logging.getLogger(__name__)
_TAIL_BYTES = 4000
"""How many bytes of a dead worker's output go into its job's log."""


class RunOrder(msgspec.Struct, frozen=True, kw_only=True):
    """A job for a worker, with the payloads of the order."""

    run: Run
    text: bytes
    places: bytes


class WorkerClient(Protocol):
    """What the supervisor needs of the job lifecycle."""

    def take_next(self) -> RunOrder | None:
        """Return the next job, marked as running; None when nothing waits."""

    def worker_said(self, message: FromWorker, payloads: list[bytes]) -> None:
        """Take a worker's report on the job that it runs."""

    def worker_lost(self, job_id: str, why: str, output: str) -> None:
        """Take note that the worker that ran this job is gone."""


@dataclass
class _Slot:
    """The place of one worker: its device, its present process, and the job of that process."""

    name: str
    device: str
    environment: dict[str, str]
    """The variables that its process gets beside the server's own."""
    log_file: Path
    starts: int = 0
    backoff: RestartBackoff = field(default_factory=RestartBackoff)
    process: WorkerProcess | None = None
    assignment: Assignment | None = None

    def has_job(self, job_id: str) -> bool:
        return self.assignment is not None and self.assignment.job_id == job_id


class Supervisor:
    """Starts, watches and ends the workers, and hands out jobs."""

    def __init__(
        self, context: zmq.Context[zmq.Socket[bytes]], settings: ServerSettings, client: WorkerClient
    ) -> None:
        self._settings = settings
        self._client = client
        logs = settings.log_folder
        make_private_folder(logs)
        if settings.caches.is_relative_to(settings.home):
            make_private_folder(settings.caches)
        inherited = passed_on(os.environ, settings.worker_environment)
        self._slots = [
            _Slot(
                name=f"worker-{index}",
                device=device,
                environment={**inherited, CACHE_VARIABLE: str(settings.caches), **environment},
                log_file=logs / f"worker-{index}.log",
            )
            for index, (device, environment) in enumerate(worker_environments(settings.devices, os.environ))
        ]
        self._orders: list[tuple[_Slot, RunOrder]] = []
        self.engines: list[EngineDescription] | None = None
        """The engines of the worker that became ready last; None before the first one."""
        self._server_public, server_secret = zmq.curve_keypair()
        self._public, self._secret = zmq.curve_keypair()
        self.socket = context.socket(zmq.ROUTER)
        self.socket.linger = 0
        self.socket.setsockopt(zmq.ROUTER_HANDOVER, 1)
        # A worker is alive while libzmq's own thread there answers, which an engine cannot prevent even if it
        # holds Python's lock for minutes. A connection that does not answer is dropped, and then sends fail.
        self.socket.setsockopt(zmq.ROUTER_MANDATORY, 1)
        self.socket.setsockopt(zmq.HEARTBEAT_IVL, 1000)
        self.socket.setsockopt(zmq.HEARTBEAT_TIMEOUT, int(1000 * settings.worker_silence_s))
        self.socket.curve_server = True
        self.socket.curve_secretkey = server_secret
        self.socket.zap_domain = ZAP_DOMAIN.encode()
        self._endpoint = f"tcp://127.0.0.1:{self.socket.bind_to_random_port('tcp://127.0.0.1')}"

    def admits(self, public: bytes) -> bool:
        """Return whether this key is the workers'; the gatekeeper asks."""
        return public == self._public

    @property
    def is_busy(self) -> bool:
        """Whether any worker has a job."""
        return any(slot.assignment is not None for slot in self._slots)

    def infos(self) -> list[WorkerInfo]:
        """Return every worker as it is now, for the status."""
        now = time.monotonic()
        return [
            WorkerInfo(
                worker=slot.name,
                alive=slot.process is not None and slot.process.is_ready,
                pid=None if slot.process is None else slot.process.pid,
                job_id=None if slot.assignment is None else slot.assignment.job_id,
                restarts=max(0, slot.starts - 1),
                device=slot.device,
                busy_s=None if slot.assignment is None else round(now - slot.assignment.since, 1),
                memory=None if slot.process is None else slot.process.memory,
            )
            for slot in self._slots
        ]

    def tick(self) -> None:
        """Notice deaths, silence and ignored stops, start what is missing, and hand out jobs."""
        now = time.monotonic()
        for slot in self._slots:
            if slot.process is None:
                if slot.backoff.may_start(now):
                    self._start(slot)
            elif not slot.process.is_alive:
                self._died(slot, slot.process)
            else:
                self._look_after(slot, slot.process, now)
        self.hand_out()

    def receive(self) -> None:
        """Take what workers have reported."""
        while True:
            try:
                identity, control, *payloads = self.socket.recv_multipart(zmq.NOBLOCK)
            except zmq.Again:
                return
            for slot in self._slots:
                if slot.process is not None and slot.process.identity == identity:
                    self._said(slot, slot.process, decode_from_worker.decode(control), payloads)

    def _said(self, slot: _Slot, process: WorkerProcess, message: FromWorker, payloads: list[bytes]) -> None:
        now, assignment = time.monotonic(), slot.assignment
        if isinstance(message, Beat):
            if assignment is not None:
                assignment.gave_sign(now - message.silent_s, message.stage)
        elif isinstance(message, Ready):
            process.is_ready = True
            if message.engines is not None:
                self.engines = message.engines
            _log.info("%s is ready (process %s)", slot.name, process.pid)
        elif isinstance(message, Memory):
            process.memory = message.use
        elif assignment is not None and message.job_id == assignment.job_id:
            assignment.gave_sign(now)
            if isinstance(message, Finished):
                slot.assignment = None
                slot.backoff.worked()
            self._client.worker_said(message, payloads)

    def stop_job(self, job_id: str) -> bool:
        """Ask the worker that runs the job to stop it, and return whether there is one."""
        for slot in self._slots:
            if slot.process is not None and slot.assignment is not None and slot.has_job(job_id):
                if slot.assignment.ask_stop(time.monotonic()):
                    self._tell(slot.process, Stop(job_id=job_id))
                return True
        return False

    def hand_out(self) -> None:
        """Give jobs to the workers that have none. This does less than :meth:`tick`, for every turn of the
        broker."""
        for slot in self._slots:
            process = slot.process
            if process is None or not process.is_ready or slot.assignment is not None or not process.is_alive:
                continue
            order = self._client.take_next()
            if order is None:
                return
            rotate_output(slot.log_file, self._settings.log_file_bytes, self._settings.log_files)
            slot.assignment = Assignment(order.run.job_id, time.monotonic(), _size(slot.log_file))
            self._orders.append((slot, order))

    @property
    def has_orders(self) -> bool:
        """Whether a worker waits for :meth:`send_orders`."""
        return bool(self._orders)

    def send_orders(self) -> None:
        """Tell the workers what to run. The broker calls this once it is durable that they do."""
        orders, self._orders = self._orders, []
        for slot, order in orders:
            if slot.process is not None and slot.has_job(order.run.job_id):
                self._tell(slot.process, order.run, order.text, order.places)

    def _tell(self, process: WorkerProcess, message: ToWorker, *payloads: bytes) -> bool:
        """Send to a worker and return whether it can be reached. :meth:`tick` notices that one is gone."""
        try:
            self.socket.send_multipart([process.identity, encode(message), *payloads], zmq.NOBLOCK)
        except zmq.Again:  # it does not take what waits for it; its job's limit decides
            return True
        except zmq.ZMQError as error:
            if error.errno != zmq.EHOSTUNREACH:
                raise
            return False
        return True

    def _look_after(self, slot: _Slot, process: WorkerProcess, now: float) -> None:
        settings, assignment = self._settings, slot.assignment
        if assignment is not None and assignment.ignores_stop(now, settings.cancel_grace_s):
            process.kill(f"did not stop within {settings.cancel_grace_s:g} s")
        elif not process.is_ready and now > process.started_at + settings.worker_start_s:
            process.kill(f"was not ready {settings.worker_start_s:g} s after its start")
        elif process.probe_is_due(now) and not self._tell(process, Probe()):
            process.kill(f"gave no sign of life for {settings.worker_silence_s:g} s")
        if assignment is not None:
            self._look_at_job(process, assignment, now)

    def _look_at_job(self, process: WorkerProcess, assignment: Assignment, now: float) -> None:
        """Kill a worker whose job hangs. Before that it writes into its output where it hangs."""
        limit_s = self._settings.stage_limits_s.get(assignment.stage, self._settings.stage_limit_s)
        match assignment.silence(now, limit_s):
            case "ask":
                process.ask_where_it_hangs()
            case "over":
                where = f"in stage '{assignment.stage}'" if assignment.stage else "before its first stage"
                process.kill(f"gave no sign of progress {where} for {limit_s:g} s")

    def _start(self, slot: _Slot) -> None:
        slot.starts += 1
        now = time.monotonic()
        try:
            slot.process = WorkerProcess(slot.name, self._config(slot), slot.environment, slot.log_file, now)
        except OSError as error:
            pause_s = slot.backoff.ended(now)
            _log.warning("cannot start %s: %s; the next try is in %.1f s", slot.name, error, pause_s)

    def _config(self, slot: _Slot) -> WorkerConfig:
        return WorkerConfig(
            endpoint=self._endpoint,
            identity=f"{slot.name}.{slot.starts}",
            server_key=self._server_public.decode(),
            public_key=self._public.decode(),
            secret_key=self._secret.decode(),
            runner=self._settings.runner,
            device=slot.device,
            niceness=self._settings.worker_niceness,
            wait_s=self._settings.wait_limit_s,
            frame_pixels=self._settings.frame_pixels,
            frame_bytes=self._settings.frame_bytes,
        )

    def _died(self, slot: _Slot, process: WorkerProcess) -> None:
        self.receive()  # its reports from before its death count
        why, assignment = process.close(), slot.assignment
        slot.process, slot.assignment = None, None
        slot.backoff.ended(time.monotonic())
        _log.warning("%s: %s; its output is in %s", slot.name, why, slot.log_file)
        if assignment is not None:
            output = _tail(slot.log_file, assignment.log_offset)
            self._client.worker_lost(assignment.job_id, why, output)

    def shut_down(self) -> None:
        """Stop every worker. Those that run a job are asked first."""
        for slot in self._slots:
            if slot.assignment is not None:
                self.stop_job(slot.assignment.job_id)
        limit = time.monotonic() + self._settings.cancel_grace_s
        try:
            while self.is_busy and time.monotonic() < limit:
                if self.socket.poll(50):
                    self.receive()
        finally:  # also when their reports cannot be stored any more
            self._end_workers()

    def _end_workers(self) -> None:
        for slot in self._slots:
            if slot.process is not None:
                slot.process.end()
                slot.process = None
        self.socket.close()


def _size(log_file: Path) -> int:
    """Return the size of a worker's output file in bytes; 0 when somebody has deleted it, which must not cost
    the job that is just being handed out."""
    try:
        return log_file.stat().st_size
    except OSError:
        return 0


def _tail(log_file: Path, offset: int) -> str:
    """Return the end of a worker's output file from ``offset`` on; empty when it cannot be read, so that the
    job of a dead worker is given back in any case."""
    try:
        with log_file.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(max(offset, size - _TAIL_BYTES))
            return file.read().decode("utf-8", "replace")
    except OSError:
        return ""
