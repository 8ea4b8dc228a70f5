"""What whoever runs the server can set. Values are checked when the settings are made."""

from __future__ import annotations

import ipaddress
import os
import re
from dataclasses import dataclass, field
from pathlib import Path

from void_protocol.job_check import folder_token
from void_protocol.keys import home_folder
from void_server.access.limits import ResourceLimits
from void_server.errors import ServerSettingError
from void_server.workers.devices import check_device

DEFAULT_PORT = 5990
DEFAULT_ENDPOINT = f"tcp://127.0.0.1:{DEFAULT_PORT}"
CACHE_VARIABLE = "VOID_CACHE"
"""The environment variable by which engines know the folder of their caches."""
DEFAULT_RUNNER = "void_server.translate:run_job"

_TCP = re.compile(r"^tcp://(?P<host>\[[0-9a-fA-F:.]+\]|[^:/\s]+):(?P<port>[0-9]{1,5}|\*)$")


@dataclass(frozen=True, kw_only=True)
class ServerSettings(ResourceLimits):
    """Settings of one server.

    Raises:
        ServerSettingError: naming the setting, for a value that makes no sense.
    """

    home: Path = field(default_factory=home_folder)
    """Keys, the job store, spooled files and logs."""
    endpoint: str = DEFAULT_ENDPOINT
    """``tcp://host:port``; port 0 or ``*`` takes a free one. ``server.json`` in the home tells which."""
    allow_remote: bool = False
    """Needed to listen on anything but the loopback interface."""
    devices: tuple[str, ...] = ("auto",)
    """One worker process for each."""
    runner: str = DEFAULT_RUNNER
    """``module:function`` that runs jobs; see :mod:`void_server.workers.runner`. Never taken from a job."""
    read_roots: tuple[Path, ...] = ()
    """With paths, inputs must lie below one of these folders. None given means anywhere, and with
    ``allow_remote`` nowhere."""
    output_roots: tuple[Path, ...] = ()
    """With paths, results must lie below one of these folders. None given means anywhere, and with
    ``allow_remote`` nowhere."""

    heartbeat_s: float = 5.0
    """Clients are asked to speak at least this often; four times this without a word ends a session."""
    cancel_grace_s: float = 5.0
    """A worker that was asked to stop is killed after this."""
    stop_grace_s: float = 0.0
    """When the server is told to stop, running jobs may finish for this long before they are stopped."""
    metrics_port: int | None = None
    """Serve figures for Prometheus on this port of the loopback interface; None serves none."""
    worker_silence_s: float = 60.0
    """A worker whose process does not answer for this long is killed and started again."""
    stage_limit_s: float = 1800.0
    """A job that gives no sign of life for this long has its worker killed and starts again."""
    stage_limits_s: dict[str, float] = field(default_factory=dict)
    """The same for single stages, by their names in the job's progress."""
    wait_limit_s: float = 3600.0
    """How long a running job waits for a late frame, a full volume or a drive that is gone."""
    most_worker_deaths: int = 2
    """A job that this many workers died of is set aside."""
    most_attempts: int = 20
    """A job that was started this often without an end is set aside: it may be what kills the server."""
    worker_start_s: float = 120.0
    """A worker that is not ready this long after its start is killed and started again."""
    worker_niceness: int = 5
    """How much workers stand back behind other processes when the processors are busy, so that clients are
    answered while engines compute: 0 to 19, as nice(1) says it; on Windows all but 0 is below normal."""
    upload_grace_s: float = 3600.0
    """An upload without its client is dropped after this."""
    result_days: float = 7.0
    """Streamed results that nobody released are deleted this long after the job ended."""
    job_days: float = 30.0
    """A job and its log are forgotten this long after it ended."""
    log_days: float = 30.0
    """Rotated logs of the server and its workers are deleted after this."""
    log_file_bytes: int = 16 * 1024**2
    """A log of the server or a worker that is larger is rotated away."""
    log_files: int = 8
    """Rotated logs of each kind, at most."""
    cache_folder: Path | None = None
    """Where engines keep what saves work; default: what VOID_CACHE names, else ``cache`` in the home."""
    cache_days: float = 30.0
    """Files of the caches that were not used for this long are deleted."""
    cache_bytes: int = 32 * 1024**3
    """What the caches may hold; beyond it the least recently used goes first."""
    low_disk_bytes: int = 2 * 1024**3
    """With less than this free on the home's volume the server calls itself unhealthy."""
    operators: tuple[str, ...] = ("local",)
    """Names on the allow-list whose clients may pause and drain the queue and put jobs before others'."""
    fair_share_half_life_s: float = 14_400.0
    """Worker time that an owner has used counts half as much after this long."""

    most_sessions: int = 1000
    file_bytes: int = 4 * 1024**3
    """The largest input file."""
    upload_bytes: int = 1024**4
    """The most bytes of inputs in one job."""
    log_bytes: int = 16 * 1024**2
    """The largest log of one job."""
    upload_credit: int = 8
    """Chunks of one upload on the way or waiting for the disk."""
    fetch_credit: int = 16
    """Chunks of one fetch on the way, at most."""
    fetches: int = 8
    """Fetches of one client at a time."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "home", self.home.expanduser().absolute())
        if folder_token(str(self.home)) is not None:
            raise ServerSettingError(
                f"home: {self.home} reads like a path with a frame number (%d); choose another folder"
            )
        self._check_endpoint()
        if not self.devices:
            raise ServerSettingError("devices: at least one is needed, such as 'auto'")
        for device in self.devices:
            check_device(device)
        if ":" not in self.runner:
            raise ServerSettingError(f"runner: {self.runner!r} is not of the form module:function")
        for name in ("read_roots", "output_roots"):
            roots = tuple(root.expanduser().resolve() for root in getattr(self, name))
            for root in roots:
                if not root.is_dir():
                    raise ServerSettingError(f"{name}: {root} is not a folder; make it or leave it out")
            object.__setattr__(self, name, roots)
        for name in (
            "heartbeat_s", "cancel_grace_s", "worker_silence_s", "worker_start_s", "result_days",
            "job_days", "log_days", "cache_days", "fair_share_half_life_s",
        ):  # fmt: skip
            if not 0 < getattr(self, name) < 1e7:
                raise ServerSettingError(f"{name}: {getattr(self, name)} is not a sensible time")
        for name in (
            "most_sessions", "file_bytes", "upload_bytes", "log_bytes",
            "log_file_bytes", "log_files", "cache_bytes",
        ):  # fmt: skip
            if getattr(self, name) < 1:
                raise ServerSettingError(f"{name}: must be at least 1, not {getattr(self, name)}")
        for stage, limit_s in {"stage_limit_s": self.stage_limit_s, **self.stage_limits_s}.items():
            if not 0 < limit_s < 1e7:
                raise ServerSettingError(f"stage_limits_s: {stage} {limit_s} is not a sensible time")
        if not 0 <= self.wait_limit_s < 1e7:
            raise ServerSettingError(f"wait_limit_s: {self.wait_limit_s} is not a sensible time")
        for name in ("most_worker_deaths", "most_attempts"):
            if getattr(self, name) < 1:
                raise ServerSettingError(f"{name}: must be at least 1, not {getattr(self, name)}")
        if not 0 <= self.stop_grace_s < 1e7:
            raise ServerSettingError(f"stop_grace_s: {self.stop_grace_s} is not a sensible time")
        if self.metrics_port is not None and not 0 <= self.metrics_port <= 65_535:
            raise ServerSettingError(f"metrics_port: there is no port {self.metrics_port}; use 1 to 65535")
        if not 0 <= self.worker_niceness <= 19:
            raise ServerSettingError(f"worker_niceness: must be 0 to 19, not {self.worker_niceness}")
        for name in ("upload_credit", "fetch_credit", "fetches"):
            if not 1 <= getattr(self, name) <= 64:
                raise ServerSettingError(f"{name}: must be 1 to 64, not {getattr(self, name)}")

        self._check_limits(in_flight_chunks=self.fetches * self.fetch_credit)

    def _check_endpoint(self) -> None:
        parts = _TCP.match(self.endpoint)
        if parts is None:
            raise ServerSettingError(
                f"endpoint: {self.endpoint!r} is not of the form tcp://host:port, such as {DEFAULT_ENDPOINT}"
            )
        if parts["port"] != "*" and int(parts["port"]) > 65_535:
            raise ServerSettingError(f"endpoint: there is no port {parts['port']}; use 1 to 65535, or 0")
        if not (self.allow_remote or _is_loopback(parts["host"])):
            raise ServerSettingError(
                f"endpoint: {self.endpoint} can be reached from other machines; "
                "use 127.0.0.1, or allow it explicitly (allow_remote)"
            )

    @property
    def log_folder(self) -> Path:
        """Logs of the server and its workers."""
        return self.home / "logs"

    @property
    def caches(self) -> Path:
        """The folder that workers are told to keep their caches in."""
        named = self.cache_folder or os.environ.get(CACHE_VARIABLE)
        return Path(named).expanduser().absolute() if named else self.home / "cache"

    @property
    def readable(self) -> tuple[Path, ...] | None:
        """Where the paths of jobs may lie; None for anywhere."""
        return self.read_roots if self.read_roots or self.allow_remote else None

    @property
    def writable(self) -> tuple[Path, ...] | None:
        """Where results may go; None for anywhere."""
        return self.output_roots if self.output_roots or self.allow_remote else None

    @property
    def bind_endpoint(self) -> str:
        """The endpoint as a socket is bound: port 0 is written ``*``."""
        return re.sub(r":0$", ":*", self.endpoint)

    @property
    def session_timeout_s(self) -> float:
        return 4 * self.heartbeat_s


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
