"""What can be set on a server. Values are checked when the settings are made.

To add a setting is to add its field to one of the groups here or in :mod:`void_server.settings.limits`.
"""

from __future__ import annotations

import ipaddress
import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, ClassVar

from msgspec import Meta

from void_protocol.job_check import folder_token
from void_protocol.keys import HOME_VARIABLE, home_folder
from void_server.errors import ServerSettingError
from void_server.settings.declaration import DeclaredSettings, option
from void_server.settings.kinds import Bytes, BytesOrZero, Count, Days, Seconds, SecondsOrZero
from void_server.settings.limits import ResourceLimits

DEFAULT_PORT = 5990
DEFAULT_ENDPOINT = f"tcp://127.0.0.1:{DEFAULT_PORT}"
CACHE_VARIABLE = "VOID_CACHE"
"""The environment variable by which engines know the folder of their caches."""
MODELS_VARIABLE = "VOID_MODELS"
"""The environment variable by which engines know the folder of VOID's models."""
DEFAULT_RUNNER = "void_server.verdict.worker_run:run_and_judge"

_TCP = re.compile(r"^tcp://(?P<host>\[[0-9a-fA-F:.]+\]|[^:/\s]+):(?P<port>[0-9]{1,5}|\*)$")
_Device = Annotated[
    str,
    Meta(
        pattern=r"\A(auto|cpu|cuda:[0-9]{1,3})\Z",
        extra={"takes": "'auto' (what the engine finds), 'cpu', 'cuda:0', 'cuda:1' ..."},
    ),
]
_Runner = Annotated[str, Meta(pattern=r"\A[^:]+:[^:]+\Z", extra={"takes": "the form module:function"})]


@dataclass(frozen=True, kw_only=True)
class PlaceSettings(DeclaredSettings):
    """Where the server lives, who reaches it, and where its jobs may read and write."""

    section: ClassVar[str] = "Place"

    home: Annotated[
        Path,
        Meta(description="Keys, the job store, spooled files and logs."),
        option("--home", variable=HOME_VARIABLE, otherwise="~/.void-nuke"),
    ] = field(default_factory=home_folder)
    endpoint: Annotated[
        str,
        Meta(
            description="Where to listen, `tcp://host:port`; port 0 or `*` takes a free one. `server.json` "
            "in the home tells which."
        ),
        option("--endpoint"),
    ] = DEFAULT_ENDPOINT
    allow_remote: Annotated[
        bool,
        Meta(description="Allow to listen on more than this machine's loopback interface."),
        option("--allow-remote"),
    ] = False
    read_roots: Annotated[
        tuple[Path, ...],
        Meta(
            description="With paths, the inputs of jobs must lie below one of these folders. None given "
            "means anywhere, and with `allow_remote` nowhere."
        ),
        option("--read-root"),
    ] = ()
    output_roots: Annotated[
        tuple[Path, ...],
        Meta(
            description="With paths, the results of jobs must lie below one of these folders. None given "
            "means anywhere, and with `allow_remote` nowhere."
        ),
        option("--output-root"),
    ] = ()


@dataclass(frozen=True, kw_only=True)
class RunningSettings(DeclaredSettings):
    """How the server is stopped, watched and directed."""

    section: ClassVar[str] = "Running it"

    stop_grace_s: Annotated[
        SecondsOrZero,
        Meta(
            description="Running jobs may finish for this long when the server is told to stop, before they "
            "are stopped."
        ),
        option("--grace"),
    ] = 0.0
    operators: Annotated[
        tuple[str, ...],
        Meta(
            description="Names on the list of clients whose owners may pause, drain and clean, and put jobs "
            "before others'."
        ),
    ] = ("local",)
    fair_share_half_life_s: Annotated[
        Seconds, Meta(description="Worker time that an owner has used counts half as much after this long.")
    ] = 14_400.0
    metrics_port: Annotated[
        Annotated[int, Meta(ge=0, le=65_535)] | None,
        Meta(description="Serve figures for Prometheus on this port of the loopback interface."),
        option(otherwise="none are served"),
    ] = None
    low_disk_bytes: Annotated[
        BytesOrZero,
        Meta(description="With less than this free on the home's volume the server calls itself unhealthy."),
    ] = 2 * 1024**3


@dataclass(frozen=True, kw_only=True)
class WorkerSettings(DeclaredSettings):
    """The processes that run jobs, and when one is taken for stuck."""

    section: ClassVar[str] = "Workers"

    devices: Annotated[
        tuple[_Device, ...],
        Meta(
            min_length=1,
            description="One worker process for each; the number of a GPU counts those that the server sees.",
        ),
        option("--device"),
    ] = ("auto",)
    models: Annotated[
        Path | None,
        Meta(description="The folder of VOID's models."),
        option("--models", variable=MODELS_VARIABLE, otherwise="none"),
    ] = None
    runner: Annotated[
        _Runner,
        Meta(description="`module:function` that runs jobs. Never taken from a job."),
    ] = DEFAULT_RUNNER
    worker_environment: Annotated[
        tuple[str, ...],
        Meta(
            description="Environment variables of the server that workers get beside those of the system, of "
            "Python, of devices and `VOID_*`: names, `*` for any end. A studio's engine may need its own."
        ),
    ] = ()
    worker_niceness: Annotated[
        int,
        Meta(
            ge=0,
            le=19,
            description="How much workers stand back behind other processes when the processors are busy, so "
            "that clients are answered while engines compute; on Windows all but 0 is below normal.",
        ),
    ] = 5
    worker_start_s: Annotated[
        Seconds,
        Meta(description="A worker that is not ready this long after its start is killed and started again."),
    ] = 120.0
    worker_silence_s: Annotated[
        Seconds,
        Meta(description="A worker whose process does not answer for this long is killed and started again."),
    ] = 60.0
    cancel_grace_s: Annotated[
        Seconds, Meta(description="A worker that was asked to stop is killed after this.")
    ] = 5.0
    stage_limit_s: Annotated[
        Seconds,
        Meta(
            description="A job that gives no sign of life for this long has its worker killed and starts "
            "again."
        ),
    ] = 1800.0
    stage_limits_s: Annotated[
        dict[str, Seconds],
        Meta(
            description="The limit `stage_limit_s` for single stages, by their names in the job's progress."
        ),
    ] = field(default_factory=dict)
    wait_limit_s: Annotated[
        SecondsOrZero,
        Meta(
            description="A running job that waits for longer than this for a late frame, a full volume or a "
            "drive that is gone fails."
        ),
    ] = 3600.0
    most_worker_deaths: Annotated[
        Count, Meta(description="A job that this many workers died of is set aside.")
    ] = 2
    most_attempts: Annotated[
        Count,
        Meta(
            description="A job that was started this often without an end is set aside: it may be what kills "
            "the server."
        ),
    ] = 20


@dataclass(frozen=True, kw_only=True)
class RetentionSettings(DeclaredSettings):
    """How long things are kept, and how much of them."""

    section: ClassVar[str] = "How long things are kept"

    job_days: Annotated[
        Days,
        Meta(
            description="A job and its log are forgotten this long after it ended; the same job id is then a "
            "new job."
        ),
    ] = 30.0
    result_days: Annotated[
        Days,
        Meta(description="Streamed results that nobody released are deleted this long after the job ended."),
    ] = 7.0
    log_days: Annotated[
        Days, Meta(description="Rotated logs of the server and its workers are deleted after this.")
    ] = 30.0
    log_file_bytes: Annotated[
        Bytes, Meta(description="A log of the server or a worker that is larger is rotated away.")
    ] = 16 * 1024**2
    log_files: Annotated[Count, Meta(description="Rotated logs of each kind, at most.")] = 8
    cache_folder: Annotated[
        Path | None,
        Meta(description="Where engines keep what saves work."),
        option(variable=CACHE_VARIABLE, otherwise="`cache` in the home"),
    ] = None
    cache_days: Annotated[
        Days, Meta(description="Files of the caches that were not used for this long are deleted.")
    ] = 30.0
    cache_bytes: Annotated[
        Bytes,
        Meta(
            description="What the caches may hold; beyond it what was used the longest time ago goes first."
        ),
    ] = 32 * 1024**3


@dataclass(frozen=True, kw_only=True)
class ServerSettings(ResourceLimits, RetentionSettings, WorkerSettings, RunningSettings, PlaceSettings):
    """Settings of one server.

    Raises:
        ServerSettingError: when a value is not allowed; it names the setting.
    """

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("home", "models", "cache_folder"):
            path: Path | None = getattr(self, name)
            object.__setattr__(self, name, path and path.expanduser().absolute())
        if folder_token(str(self.home)) is not None:
            raise ServerSettingError(
                "home", f"{self.home} reads like a path with a frame number (%d); choose another folder"
            )
        self._check_endpoint()
        for name in ("read_roots", "output_roots"):
            roots = tuple(root.expanduser().resolve() for root in getattr(self, name))
            for root in roots:
                if not root.is_dir():
                    raise ServerSettingError(name, f"{root} is not a folder; make it or leave it out")
            object.__setattr__(self, name, roots)

    def _check_endpoint(self) -> None:
        parts = _TCP.match(self.endpoint)
        if parts is None:
            raise ServerSettingError(
                "endpoint",
                f"{self.endpoint!r} is not of the form tcp://host:port, such as {DEFAULT_ENDPOINT}",
            )
        if parts["port"] != "*" and int(parts["port"]) > 65_535:
            raise ServerSettingError(
                "endpoint", f"there is no port {parts['port']}; use 1 to 65535, or 0 for a free one"
            )
        if not (self.allow_remote or _is_loopback(parts["host"])):
            raise ServerSettingError(
                "endpoint",
                f"{self.endpoint} can be reached from other machines; "
                "use 127.0.0.1, or allow it explicitly (allow_remote)",
            )

    @property
    def log_folder(self) -> Path:
        """The folder of the logs of the server and its workers."""
        return self.home / "logs"

    @property
    def caches(self) -> Path:
        """The folder in which workers keep their caches."""
        named = self.cache_folder or os.environ.get(CACHE_VARIABLE)
        return Path(named).expanduser().absolute() if named else self.home / "cache"

    @property
    def readable(self) -> tuple[Path, ...] | None:
        """The folders that jobs may read below; None allows any place."""
        return self.read_roots if self.read_roots or self.allow_remote else None

    @property
    def writable(self) -> tuple[Path, ...] | None:
        """The folders that jobs may write below; None allows any place."""
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
