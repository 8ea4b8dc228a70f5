"""A worker process, ``python -m void_server.workers.worker``, which only the broker starts.

The main thread runs jobs one after another. A second thread owns the socket to the broker: it sends the run's
reports and a heartbeat, and sets the flag when a stop is requested.
"""

from __future__ import annotations

import faulthandler
import logging
import os
import queue
import signal
import sys
import threading
import time
import traceback
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO, Literal

import msgspec
import psutil
import zmq

from void_engine.engines.registry import engine_name
from void_engine.errors import EngineError, NoRoomError, RemovalCancelled
from void_engine.plates.storage.policy import Policy, Room, current_policy, set_policy
from void_protocol.errors import ProtocolError
from void_protocol.job_file import decode_job
from void_protocol.mailbox import Mailbox
from void_protocol.messages import Message
from void_protocol.printable import log_on_stderr
from void_server.access.allowed_paths import PathRules
from void_server.access.places import Places, find_places
from void_server.engine_descriptions import describe_engines
from void_server.errors import RequestRefused, RunnerError
from void_server.workers.job_folder import JobFolder, LocalJob, local_job
from void_server.workers.job_monitor import WorkerMonitor
from void_server.workers.memory_use import measure_memory
from void_server.workers.runner import JobRunner, load_runner
from void_server.workers.worker_link import (
    BEAT_S,
    MEMORY_S,
    Beat,
    EngineChosen,
    Finished,
    Memory,
    Ready,
    Run,
    Stop,
    WorkerConfig,
    decode_to_worker,
    encode,
)

_log = logging.getLogger(__name__)


class BrokerLink:
    """The thread that owns the socket to the broker."""

    def __init__(self, config: WorkerConfig) -> None:
        self._config = config
        self._mailbox: Mailbox[list[bytes] | None] = Mailbox()
        self.runs: queue.SimpleQueue[tuple[Run, bytes, bytes]] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._stops: dict[str, threading.Event] = {}
        self.monitor: WorkerMonitor | None = None
        """The monitor of the running job; None without one."""
        self._thread = threading.Thread(target=self._run, name="void-link", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def send(self, message: Message, payloads: Sequence[bytes] = ()) -> None:
        """Send a message to the broker. Any thread may call this."""
        self._mailbox.put([encode(message), *payloads])

    def flush(self) -> None:
        """Return when every message so far is handed to the network."""
        self._mailbox.put(None)
        self._thread.join(10)

    def stop_flag(self, job_id: str) -> threading.Event:
        """Return the flag that is set as soon as the broker wants this job stopped."""
        with self._lock:
            return self._stops.setdefault(job_id, threading.Event())

    def forget(self, job_id: str) -> None:
        with self._lock:
            self._stops.pop(job_id, None)

    def _run(self) -> None:
        try:
            self._loop()
        except BaseException:  # noqa: BLE001 - nobody would hear of this worker again
            _log.exception("the worker cannot speak to its broker any more and leaves")
            os._exit(4)

    def _beat(self) -> Beat:
        monitor = self.monitor
        if monitor is None:
            return Beat()
        return Beat(silent_s=round(time.monotonic() - monitor.last_sign, 3), stage=monitor.stage)

    def _loop(self) -> None:
        config = self._config
        context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        socket = context.socket(zmq.DEALER)
        socket.linger = 5000
        socket.setsockopt_string(zmq.IDENTITY, config.identity)
        socket.curve_serverkey = config.server_key.encode()
        socket.curve_publickey = config.public_key.encode()
        socket.curve_secretkey = config.secret_key.encode()
        socket.connect(config.endpoint)
        poller = zmq.Poller()
        poller.register(socket, zmq.POLLIN)
        poller.register(self._mailbox.fileno(), zmq.POLLIN)
        next_beat = next_memory = time.monotonic()
        while True:
            if time.monotonic() >= next_beat:
                socket.send(encode(self._beat()))
                next_beat = time.monotonic() + BEAT_S
            if time.monotonic() >= next_memory:
                socket.send(encode(Memory(use=measure_memory())))
                next_memory = time.monotonic() + MEMORY_S
            ready = dict(poller.poll(max(0, int(1000 * (next_beat - time.monotonic())))))
            if socket in ready:
                self._received(socket.recv_multipart())
            for frames in self._mailbox.drain():
                if frames is None:
                    socket.close()
                    context.term()
                    return
                socket.send_multipart(frames)

    def _received(self, frames: list[bytes]) -> None:
        message = decode_to_worker.decode(frames[0])
        if isinstance(message, Stop):
            self.stop_flag(message.job_id).set()
        elif isinstance(message, Run):
            self.runs.put((message, frames[1], frames[2]))


def run_one(
    runner: JobRunner, link: BrokerLink, command: Run, text: bytes, places: bytes = b"", wait_s: float = 0.0
) -> None:
    """Run a job and report what became of it."""
    before = current_policy()
    try:
        link.send(_run(runner, link, command, text, places, wait_s))
    finally:
        set_policy(before)


def _run(
    runner: JobRunner, link: BrokerLink, command: Run, text: bytes, places: bytes, wait_s: float
) -> Finished:
    stop = link.stop_flag(command.job_id)
    monitor = link.monitor = WorkerMonitor(command.job_id, link.send, stop, wait_s)
    try:
        local = localised(command, text, places)
        set_policy(
            replace(
                current_policy(),
                read_folders=local.read_folders | {local.output_folder},
                output_folder=local.output_folder,
                room=None if command.room_bytes is None else Room(command.room_bytes),
            )
        )
        with suppress(EngineError):  # The run itself says that there is no engine.
            is_removal = local.job.is_removal
            engine = engine_name(local.job.settings.engine) if is_removal else local.job.engine_label
            link.send(EngineChosen(job_id=command.job_id, engine=engine))
        runner(local.job, monitor, resume=command.resume, wait_s=wait_s)
        finished = Finished(job_id=command.job_id, outcome="done")
    except RemovalCancelled:
        finished = Finished(job_id=command.job_id, outcome="cancelled")
    except NoRoomError as error:
        finished = Finished(job_id=command.job_id, outcome="no_room", message=str(error))
    except EngineError as error:
        outcome: Literal["blocked", "failed"] = "blocked" if error.obstacle else "failed"
        finished = Finished(
            job_id=command.job_id, outcome=outcome, message=str(error), obstacle=error.obstacle
        )
    except (ProtocolError, RequestRefused) as error:
        finished = Finished(job_id=command.job_id, outcome="failed", message=str(error))
    except MemoryError:
        monitor.log(traceback.format_exc())
        why = "this machine's memory is full; use a proxy scale, a smaller region, or let less run beside it"
        finished = Finished(job_id=command.job_id, outcome="failed", message=why)
    except Exception as error:  # noqa: BLE001 - the worker outlives any job; the log gets the traceback
        monitor.log(traceback.format_exc())
        text_of_error = f"{type(error).__name__}: {error}"
        finished = Finished(job_id=command.job_id, outcome="failed", message=text_of_error)
    try:
        monitor.close()
    except (OSError, EngineError) as error:
        if finished.outcome == "done":
            finished = Finished(
                job_id=command.job_id, outcome="failed", message=f"a finished frame cannot be read: {error}"
            )
    link.forget(command.job_id)
    link.monitor = None
    return finished


def localised(command: Run, text: bytes, places: bytes) -> LocalJob:
    """Read the job of an order, and find out which files are its own.

    Raises:
        JobError: when the job is not valid.
        OSError: when the file with its text cannot be read.
        RequestRefused: for a job of an older release whose paths cannot be followed.
    """
    job = decode_job(text or Path(command.text_file).read_bytes())
    anywhere = PathRules("read_roots", None)
    known = (
        msgspec.json.decode(places, type=Places)
        if places
        else find_places(job, command.inputs, command.outputs, anywhere, anywhere)
    )
    return local_job(job, JobFolder(Path(command.folder)), command.inputs, command.outputs, known)


def _leave_with_broker(lifeline: BinaryIO) -> None:
    while lifeline.read(1):
        pass
    os._exit(3)


def _stand_back(niceness: int) -> None:
    """Let the broker, which needs little time but at once, and the host go first."""
    if not niceness:
        return
    process = psutil.Process()
    try:
        if sys.platform == "win32":
            process.nice(psutil.BELOW_NORMAL_PRIORITY_CLASS)
        else:
            process.nice(process.nice() + niceness)
    except (OSError, psutil.Error) as error:
        _log.warning("cannot stand back behind other processes: %s", error)


def main() -> None:
    """Run a worker process until the broker ends it."""
    log_on_stderr("%(asctime)s %(levelname)s %(message)s")
    # The worker's output gets the stacks when it crashes, and when the broker asks before killing it.
    faulthandler.enable()
    if hasattr(faulthandler, "register"):
        faulthandler.register(signal.SIGUSR1, all_threads=True)
    # Ctrl-C reaches the whole group of processes, but the broker decides how the worker ends.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    lifeline = sys.stdin.buffer
    config = msgspec.json.decode(lifeline.readline(), type=WorkerConfig)
    threading.Thread(target=_leave_with_broker, args=(lifeline,), name="void-lifeline", daemon=True).start()
    _stand_back(config.niceness)
    set_policy(Policy(frame_pixels=config.frame_pixels, frame_bytes=config.frame_bytes))
    try:
        runner = load_runner(config.runner)
    except RunnerError as error:
        _log.critical("%s; correct the server's setting 'runner'", error)
        logging.shutdown()
        os._exit(1)  # an ordinary exit would wait for the thread at the lifeline, and abort
    link = BrokerLink(config)
    link.start()
    link.send(Ready(engines=describe_engines()))
    while True:
        command, text, places = link.runs.get()
        run_one(runner, link, command, text, places, config.wait_s)


if __name__ == "__main__":
    main()
