"""The server as the panel sees it: whether it runs, and how to start and stop it. Nothing here blocks the
GUI.

Looking for it, connecting and starting it happen on a thread of their own, which reports through a signal.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotInTimeError
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from void_nuke.batch.server_python import detached, plain_variables
from void_nuke.qt import QObject, QTimer, Signal, Slot
from void_protocol.client import Client
from void_protocol.engines import EngineDescription
from void_protocol.errors import KeyFileError, ProtocolError, VersionRefusedError
from void_protocol.keys import home_folder, load_connection, read_server_address, server_file
from void_protocol.phrases import sentence
from void_protocol.private_folders import make_private_folder

_LOOK_MS = 1000
_STATUS_S = 3.0
_ENGINES_S = 30.0
_ANY_PORT = ("--endpoint", "tcp://127.0.0.1:0")
"""Options for a free port, because on a shared machine another user may have the usual one. The home's
server.json says which port it is."""
_SMALL_LOG_BYTES = 4096


class ServerState(str, Enum):
    """What the panel knows of the server."""

    OFF = "off"
    STARTING = "starting"
    RUNNING = "running"
    LOST = "lost"
    """The server should be there, but does not answer."""
    STOPPING = "stopping"
    REFUSED = "refused"
    """The server is there, but its release does not fit this client's."""


@dataclass(frozen=True)
class ServerPicture:
    """The server at one moment. ``text`` is for the artist, and says what to do where something can be
    done."""

    state: ServerState = ServerState.OFF
    text: str = "Looking for the server"
    endpoint: str = ""
    pid: int = 0
    open_jobs: int = 0
    engines: tuple[EngineDescription, ...] | None = None
    """The engines that the server described; None before that."""

    @property
    def is_local(self) -> bool:
        host = urlsplit(self.endpoint).hostname or ""
        return host in ("127.0.0.1", "localhost", "::1")

    @property
    def can_start(self) -> bool:
        return self.state is ServerState.OFF

    @property
    def can_stop(self) -> bool:
        return self.state in (ServerState.RUNNING, ServerState.LOST) and self.is_local and self.pid > 0


class ServerModel(QObject):
    """Looks for the server, starts and stops it. The methods belong to the main thread."""

    changed = Signal()
    client_changed = Signal(object)
    """Sent with the client to use from now on, or None."""
    _found = Signal(object, object)

    def __init__(self, home: Path | None = None, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.picture = ServerPicture()
        self._home = home_folder(home)
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="void-server-link")
        self._looker = _Looker(self._home)
        self._is_busy = threading.Event()
        self._client: Client | None = None
        self._found.connect(self._take)
        self._timer = QTimer(self)
        self._timer.setInterval(_LOOK_MS)
        self._timer.timeout.connect(self.look)

    def begin(self) -> None:
        """Look for the server now, and again every second."""
        self._timer.start()
        self.look()

    @Slot()
    def look(self) -> None:
        self._do(self._looker.look)

    def start(self, python: str) -> None:
        """Start the server with that Python, as a process of its own that outlives the host."""
        self._show(ServerState.STARTING, "Starting the server")
        self._do(lambda: self._looker.start(python), force=True)

    def stop(self) -> None:
        """Ask a server on this machine to stop. Its jobs go on with its next start."""
        pid = self.picture.pid
        self._show(ServerState.STOPPING, "Stopping the server")
        self._do(lambda: self._looker.stop(pid), force=True)

    def close(self) -> None:
        """Leave the server, which goes on running."""
        self._timer.stop()
        self._pool.submit(self._looker.close)
        self._pool.shutdown(wait=False)

    @property
    def client(self) -> Client | None:
        """The present connection. It may be lost, and reconnects by itself."""
        return self._client

    def _show(self, state: ServerState, text: str) -> None:
        self.picture = replace(self.picture, state=state, text=text)
        self.changed.emit()

    def _do(self, work: Any, *, force: bool = False) -> None:
        """Do ``work`` on the looking thread. While that is busy, more looking is skipped unless ``force`` is
        set."""
        if self._is_busy.is_set() and not force:
            return
        self._is_busy.set()

        def run() -> None:
            try:
                picture, client = work()
            finally:
                self._is_busy.clear()
            with contextlib.suppress(RuntimeError):  # the panel was closed in the meantime
                self._found.emit(picture, client)

        with contextlib.suppress(RuntimeError):  # the thread was closed in the meantime
            self._pool.submit(run)

    @Slot(object, object)
    def _take(self, picture: ServerPicture, client: Client | None) -> None:
        if client is not self._client:
            self._client = client
            self.client_changed.emit(client)
        if picture != self.picture:
            self.picture = picture
            self.changed.emit()


class _Looker:
    """Does the work that may take a while. All of it happens on the looking thread."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._client: Client | None = None
        self._endpoint = ""
        self._engines: tuple[EngineDescription, ...] | None = None
        self._engines_of = ""
        """The start of the server that told them."""
        self._engines_at = 0.0
        self._process: subprocess.Popen[bytes] | None = None
        self._stopping = 0

    def look(self) -> tuple[ServerPicture, Client | None]:
        try:
            address = read_server_address(self._home)
        except KeyFileError as error:
            return self._without_address(error)
        if self._client is None or address.endpoint != self._endpoint:
            self._leave()
            try:
                connection = load_connection(self._home)
            except ProtocolError as error:
                return ServerPicture(ServerState.REFUSED, sentence(str(error)), address.endpoint), None
            self._client, self._endpoint = Client(connection, name="nuke"), address.endpoint
        state = ServerState.STOPPING if self._stopping == address.pid else ServerState.LOST
        picture = ServerPicture(state, "", address.endpoint, address.pid)
        try:
            welcome = self._client.wait_connected(0.5)
            status = self._client.status().result(_STATUS_S)
            engines = self._ask_engines(self._client, welcome.server_id)
        except VersionRefusedError as error:
            return replace(picture, state=ServerState.REFUSED, text=sentence(str(error))), self._client
        except NotInTimeError:
            text = "The server is slow to answer; jobs go on, the panel keeps asking"
            return replace(picture, text=text), self._client
        except Exception as error:  # noqa: BLE001 - whatever the server does, the panel keeps looking for it
            if self._is_starting() and self._process is not None and self._process.pid == address.pid:
                return replace(picture, state=ServerState.STARTING, text="Starting the server"), self._client
            text = f"{sentence(str(error))}; stop it and start it again if it does not come back"
            return replace(picture, text=text), self._client
        if state is ServerState.STOPPING:
            return replace(picture, text="Stopping the server"), self._client
        open_jobs = sum(
            count for name, count in status.jobs.items() if name in ("queued", "running", "uploading")
        )
        words = f"{open_jobs} job{'s' if open_jobs != 1 else ''}" if open_jobs else "idle"
        text = f"Server running, {words}"
        picture = replace(picture, state=ServerState.RUNNING, text=text, open_jobs=open_jobs, engines=engines)
        return picture, self._client

    def _ask_engines(self, client: Client, server_id: str) -> tuple[EngineDescription, ...] | None:
        """Return the server's engines. It is asked until it knows them, after each of its starts, and from
        time to time, because a worker may have come back with others."""
        if server_id != self._engines_of:
            self._engines_of, self._engines = server_id, None
        if self._engines is None or time.monotonic() > self._engines_at + _ENGINES_S:
            told = client.engines().result(_STATUS_S)
            self._engines, self._engines_at = None if told is None else tuple(told), time.monotonic()
        return self._engines

    def _without_address(self, error: KeyFileError) -> tuple[ServerPicture, Client | None]:
        self._leave()
        self._stopping = 0
        if server_file(self._home).exists():
            return ServerPicture(ServerState.REFUSED, sentence(str(error))), None
        if self._is_starting():
            return ServerPicture(ServerState.STARTING, "Starting the server"), None
        if self._process is not None and self._process.returncode not in (None, 0, -signal.SIGTERM):
            why = self._last_words()
            text = f"The server could not start: {why}. Its log: {self._log}"
            return ServerPicture(ServerState.OFF, text), None
        return ServerPicture(ServerState.OFF, "No server is running; press Start"), None

    def start(self, python: str) -> tuple[ServerPicture, Client | None]:
        if not python or not Path(python).is_file():
            text = (
                f"There is no Python for the server{f' at {python}' if python else ''}; "
                "run 'python3 installer nuke' in the checkout, or choose another under the gear"
            )
            return ServerPicture(ServerState.OFF, text), None
        variables = plain_variables() | {"VOID_HOME": str(self._home)}
        try:
            make_private_folder(self._home)
            make_private_folder(self._log.parent)
            with self._log.open("wb") as log:
                self._process = subprocess.Popen(
                    [python, "-m", "void_server", "serve", "--home", str(self._home), *_ANY_PORT],
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    env=variables,
                    cwd=self._home,
                    **detached(),
                )
        except KeyFileError as error:
            return ServerPicture(ServerState.OFF, sentence(str(error))), None
        except OSError as error:
            text = f"The server cannot be started with {python} ({error.strerror}); choose another Python"
            return ServerPicture(ServerState.OFF, text), None
        return ServerPicture(ServerState.STARTING, "Starting the server"), None

    def stop(self, pid: int) -> tuple[ServerPicture, Client | None]:
        try:
            os.kill(pid, signal.SIGTERM)
            self._stopping = pid
        except ProcessLookupError:
            # The server died without tidying up, and its address would be tried for ever.
            server_file(self._home).unlink(missing_ok=True)
        except OSError as error:
            text = f"The server cannot be stopped ({error.strerror}): it belongs to somebody else"
            return ServerPicture(ServerState.LOST, text, self._endpoint, pid), self._client
        return ServerPicture(ServerState.STOPPING, "Stopping the server", self._endpoint, pid), self._client

    def close(self) -> None:
        self._leave()

    @property
    def _log(self) -> Path:
        return self._home / "logs" / "panel-server.log"

    def _is_starting(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def _leave(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            client.close()

    def _last_words(self) -> str:
        try:
            text = self._log.read_bytes()[-_SMALL_LOG_BYTES:].decode("utf-8", "replace")
        except OSError:
            return "it left no word"
        lines = [line.strip() for line in text.splitlines() if line.strip()]
        return lines[-1] if lines else "it left no word"
