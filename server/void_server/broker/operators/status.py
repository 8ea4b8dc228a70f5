"""Says how the server is: for people (status) and for monitoring (health)."""

from __future__ import annotations

import shutil
import time
from collections.abc import Sized

import psutil

from void_protocol.messages import Engines, Health, Status
from void_server.broker.jobs.queue import JobQueue
from void_server.broker.jobs.store import Store
from void_server.broker.throughput import Meter
from void_server.settings import ServerSettings
from void_server.workers.supervisor import Supervisor

_RESTARTS = 3
"""A worker that was started this often and is still not ready is a problem of its own."""


class StatusBoard:
    """Looks at the server and changes nothing. It belongs to the broker's thread."""

    def __init__(
        self,
        *,
        settings: ServerSettings,
        server_name: str,
        store: Store,
        queue: JobQueue,
        sessions: Sized,
        supervisor: Supervisor,
        meter: Meter,
    ) -> None:
        self._settings = settings
        self._server_name = server_name
        self._store = store
        self._queue = queue
        self._sessions = sessions
        self._supervisor = supervisor
        self._meter = meter
        self._process = psutil.Process()
        self._started = time.monotonic()
        self.is_stopping = False

    def status(self, request: int) -> Status:
        """Return everything that there is to say, as a reply to this request."""
        return Status(
            request=request,
            server=self._server_name,
            uptime_s=round(time.monotonic() - self._started, 3),
            jobs=self._store.count_by_state(),
            sessions=len(self._sessions),
            workers=self._supervisor.infos(),
            queue=self._queue.gate,
            owners=self._queue.shares(),
            throughput=self._meter.throughput(),
            resident_bytes=self._process.memory_info().rss,
            disk_free_bytes=self._disk_free(),
            is_stopping=self.is_stopping,
        )

    def engines(self, request: int) -> Engines:
        """Return the engines that the workers have, as a reply to this request."""
        return Engines(request=request, engines=self._supervisor.engines)

    def health(self, request: int) -> Health:
        """Return what is wrong, as a reply to this request."""
        problems, notes = self._worker_problems(), []
        free = self._disk_free()
        if free is None:
            problems.append(f"the volume of {self._settings.home} cannot be looked at; is it still there?")
        elif free < self._settings.low_disk_bytes:
            problems.append(
                f"only {free / 1e9:.1f} GB are free on the volume of {self._settings.home} "
                f"(low_disk_bytes {self._settings.low_disk_bytes}); 'void clean' shows what may go"
            )
        gate = self._queue.gate
        if gate.mode != "open":
            reason = f" ({gate.reason})" if gate.reason else ""
            notes.append(f"the queue is {gate.mode}, by {gate.set_by}{reason}; 'void resume' opens it")
        if self.is_stopping:
            notes.append("the server is stopping")
        return Health(request=request, is_healthy=not problems, problems=problems, notes=notes)

    def _worker_problems(self) -> list[str]:
        infos = self._supervisor.infos()
        problems = [
            f"{info.worker} on {info.device} died {info.restarts} times and is not there now; "
            f"its output is in logs/{info.worker}.log of the server's home"
            for info in infos
            if info.restarts >= _RESTARTS and not info.alive
        ]
        is_starting = time.monotonic() - self._started < self._settings.worker_start_s
        is_first_start = is_starting and all(info.restarts == 0 for info in infos)
        if not is_first_start and not any(info.alive for info in infos):
            problems.insert(0, "no worker is ready: nothing can run")
        return problems

    def _disk_free(self) -> int | None:
        try:
            return shutil.disk_usage(self._settings.home).free
        except OSError:
            return None
