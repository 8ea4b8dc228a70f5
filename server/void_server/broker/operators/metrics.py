"""The server's figures for Prometheus, as text over HTTP on the loopback interface.

A thread answers. It only reads the newest picture that the broker has left there, and makes its text once, so
that nobody who asks can slow the broker down.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from void_protocol.messages import Health, JobState, Status
from void_server.broker.operators.metrics_http import FiguresServer
from void_server.errors import ServerStartError
from void_server.own_name import ADDRESS


@dataclass(frozen=True)
class Picture:
    """The server's state at one moment."""

    status: Status
    health: Health
    totals: Mapping[str, int]
    commit_s: float
    """Seconds that the store's commits have taken since the start."""
    commits: int


class MetricsServer(Collector):
    """Serves ``http://127.0.0.1:PORT/metrics`` until it is closed."""

    def __init__(self, port: int) -> None:
        """Begin to answer. Port 0 takes a free port.

        Raises:
            ServerStartError: when the port is taken.
        """
        self.picture: Picture | None = None
        """The newest picture, which the broker replaces."""
        self._text: tuple[Picture | None, bytes] | None = None
        """The text of a picture, for those who ask again."""
        self._registry = CollectorRegistry()
        self._registry.register(self)
        try:
            self._server = FiguresServer(port, self._latest, CONTENT_TYPE_LATEST)
        except OSError as error:
            raise ServerStartError(
                f"cannot serve metrics on {ADDRESS}:{port}: {error}; choose another metrics port"
            ) from error
        self.url = f"http://{ADDRESS}:{self._server.port}/metrics"

    def close(self) -> None:
        self._server.close()

    def _latest(self) -> bytes:
        picture = self.picture
        if self._text is None or self._text[0] is not picture:
            self._text = (picture, generate_latest(self._registry))
        return self._text[1]

    def collect(self) -> Iterator[Metric]:
        """Return the picture as metrics; prometheus_client calls this."""
        picture = self.picture
        if picture is not None:
            yield from _of_server(picture)
            yield from _of_workers(picture.status)
            yield from _of_owners(picture.status)


def _of_server(picture: Picture) -> Iterator[Metric]:
    status = picture.status
    yield _gauge("void_healthy", "1 when nothing is wrong", float(picture.health.is_healthy))
    yield _gauge("void_uptime_seconds", "Since the server's start", status.uptime_s)
    yield _gauge("void_sessions", "Connected clients", status.sessions)
    yield _gauge("void_queue_open", "1 when jobs may start", float(status.queue.mode == "open"))
    if status.resident_bytes is not None:
        yield _gauge("void_resident_bytes", "Memory of the broker's process", status.resident_bytes)
    if status.disk_free_bytes is not None:
        yield _gauge("void_disk_free_bytes", "On the volume of the server's home", status.disk_free_bytes)
    jobs = GaugeMetricFamily("void_jobs", "Jobs in each state", labels=["state"])
    for state in JobState:
        jobs.add_metric([state.value], status.jobs.get(state.value, 0))
    yield jobs
    for name, what, text in (
        ("void_frames", "frames", "Frames of results that became whole"),
        ("void_jobs_ended", "jobs", "Jobs that ran to their end or failed"),
        ("void_received_bytes", "received_bytes", "Bytes from clients"),
        ("void_sent_bytes", "sent_bytes", "Bytes to clients"),
    ):
        yield CounterMetricFamily(name, text, value=picture.totals.get(what, 0))
    yield CounterMetricFamily("void_commits", "Durable writes of the job store", value=picture.commits)
    yield CounterMetricFamily("void_commit_seconds", "Time of all commits", value=picture.commit_s)


def _of_workers(status: Status) -> Iterator[Metric]:
    labels = ["worker", "device"]
    families = {
        "alive": GaugeMetricFamily("void_worker_alive", "1 when ready or at a job", labels=labels),
        "busy": GaugeMetricFamily("void_worker_busy", "1 when at a job", labels=labels),
        "restarts": GaugeMetricFamily("void_worker_restarts", "Starts after the first", labels=labels),
        "resident": GaugeMetricFamily("void_worker_resident_bytes", "Memory of the process", labels=labels),
        "used": GaugeMetricFamily("void_device_used_bytes", "Memory of the device in use", labels=labels),
        "total": GaugeMetricFamily("void_device_total_bytes", "Memory that the device has", labels=labels),
    }
    for worker in status.workers:
        memory = worker.memory
        values: dict[str, float | None] = {
            "alive": float(worker.alive),
            "busy": float(worker.job_id is not None),
            "restarts": worker.restarts,
            "resident": None if memory is None else memory.resident_bytes,
            "used": None if memory is None else memory.device_used_bytes,
            "total": None if memory is None else memory.device_total_bytes,
        }
        for name, value in values.items():
            if value is not None:
                families[name].add_metric([worker.worker, worker.device], value)
    yield from families.values()


def _of_owners(status: Status) -> Iterator[Metric]:
    queued = GaugeMetricFamily("void_owner_queued", "Jobs that wait", labels=["owner"])
    running = GaugeMetricFamily("void_owner_running", "Jobs that run", labels=["owner"])
    used = GaugeMetricFamily("void_owner_used_seconds", "Worker time lately, faded", labels=["owner"])
    for share in status.owners:
        queued.add_metric([share.owner], share.queued)
        running.add_metric([share.owner], share.running)
        used.add_metric([share.owner], share.used_s)
    yield from (queued, running, used)


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(name, text, value=value)
