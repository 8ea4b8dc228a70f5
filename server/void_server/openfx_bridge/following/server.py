"""The server that removals run on: found by the home folder, and started where none runs."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import psutil

from void_protocol.client import Client
from void_protocol.errors import KeyFileError, ProtocolError
from void_protocol.keys import load_connection, read_server_address
from void_protocol.private_folders import make_private_folder
from void_server.openfx_bridge.errors import BridgeError

_log = logging.getLogger(__name__)

_PATIENCE_S = 60.0
"""How long a server may take to start."""
_OTHERS_S = 5.0
_LOOK_S = 0.2
_CONNECT_S = 5.0
_TAIL_BYTES = 4096
_ANY_PORT = ("--endpoint", "tcp://127.0.0.1:0")
"""A free port, because on a shared machine another user may have the usual one."""


class ServerLink:
    """The connection to the server of one home folder. The methods may be called from any thread."""

    def __init__(self, home: Path, *, may_start: bool) -> None:
        """Prepare it; nothing is connected yet.

        Args:
            home: the home folder that the server uses.
            may_start: whether a server is started where none runs.
        """
        self._home = home
        self._log = home / "logs" / "openfx-server.log"
        self._may_start = may_start
        self._lock = threading.Lock()
        self._client: Client | None = None
        self._server_id = ""
        self._process: subprocess.Popen[bytes] | None = None
        """A server that was started here and has not answered yet."""
        self._started: list[subprocess.Popen[bytes]] = []
        """All that were started here. Python complains of a child that nobody holds any more."""
        self._ended_at = 0.0
        self._is_closed = False

    def client(self) -> Client:
        """Return a client of a server that answers; starts one where none runs, which takes seconds.

        Raises:
            BridgeError: when there is none, and none can be started.
        """
        with self._lock:
            limit = time.monotonic() + _PATIENCE_S
            why = ""
            while not self._is_closed and time.monotonic() < limit:
                try:
                    client = self._connected()
                    if client is not None:
                        return client
                    why = "no server runs"
                except (ProtocolError, TimeoutError) as error:
                    why = str(error)
                if not self._may_start:
                    break
                self._see_to_process(why)
                time.sleep(_LOOK_S)
            raise BridgeError(f"The VOID server cannot be reached: {why}.")

    def close(self) -> None:
        """Leave the server, which goes on."""
        self._is_closed = True
        client, self._client = self._client, None
        if client is not None:
            client.close()

    def _connected(self) -> Client | None:
        """A client of the server that is there now; None where none says that it is."""
        try:
            address = read_server_address(self._home)
        except KeyFileError:
            return None
        if self._client is None or address.server_id != self._server_id:
            if self._client is not None:
                self._client.close()
            self._client = Client(load_connection(self._home), name="openfx")
            self._server_id = address.server_id
        try:
            self._client.wait_connected(_CONNECT_S)
        except ProtocolError:
            if psutil.pid_exists(address.pid):
                raise
            return None  # a server that was killed has left its address
        self._process = None
        return self._client

    def _see_to_process(self, why: str) -> None:
        """Start a server, or give up when the one that was started has ended."""
        if self._process is None:
            self._start()
        elif self._process.poll() is None:
            self._ended_at = 0.0
        elif not self._ended_at:
            # Another host may have been faster, and its server is there in a moment.
            self._ended_at = time.monotonic()
        elif time.monotonic() - self._ended_at > _OTHERS_S:
            self._process, self._ended_at = None, 0.0
            raise BridgeError(f"The VOID server cannot be started: {self._last_words() or why}.")

    def _start(self) -> None:
        # The server gets its code from where this process got it, whatever the host's variables say.
        flag = "-I" if sys.flags.isolated else "-P"
        command = [sys.executable, flag, "-m", "void_server", "serve", "--home", str(self._home), *_ANY_PORT]
        flags: dict[str, Any] = {"start_new_session": True}
        if sys.platform == "win32":
            flags = {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW}
        _log.info("starting a server for %s", self._home)
        try:
            make_private_folder(self._home)
            make_private_folder(self._log.parent)
            with self._log.open("wb") as output:
                self._process = subprocess.Popen(
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    cwd=self._home,
                    env=os.environ | {"VOID_HOME": str(self._home)},
                    **flags,
                )
            self._started.append(self._process)
        except (OSError, KeyFileError) as error:
            raise BridgeError(f"The VOID server cannot be started: {error}.") from error

    def _last_words(self) -> str:
        try:
            text = self._log.read_bytes()[-_TAIL_BYTES:].decode("utf-8", "replace")
        except OSError:
            return ""
        lines = [line.strip() for line in text.splitlines() if line.strip()]
        return lines[-1] if lines else ""
