"""Runs a server as a child process, for the demo, the doctor and the tests."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from void_protocol.errors import KeyFileError
from void_protocol.keys import Connection, load_connection, read_server_address
from void_protocol.private_folders import make_private_folder
from void_server.errors import ServerStartError
from void_server.operation.serve import encode_settings
from void_server.settings import ServerSettings

_TAIL_BYTES = 2000


class ServerProcess:
    """A server process that ends with this one at the latest.

    Use it as a context, or call :meth:`start` and :meth:`stop`. Its output goes to ``logs/server.log`` in the
    home.
    """

    def __init__(self, settings: ServerSettings) -> None:
        self.settings = settings
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> ServerProcess:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def log_file(self) -> Path:
        return self.settings.home / "logs" / "server.log"

    @property
    def pid(self) -> int:
        """The process's number.

        Raises:
            ServerStartError: when it is not running.
        """
        if self._process is None:
            raise ServerStartError("the server process was not started")
        return self._process.pid

    def start(self, timeout_s: float = 30.0) -> Connection:
        """Start the process and wait until it listens.

        Raises:
            ServerStartError: when it ends, or does not listen in time; the message has its last output.
            KeyFileError: when others may write to the home.
        """
        home = self.settings.home
        make_private_folder(home)
        make_private_folder(self.log_file.parent)
        before = _server_id(home)  # may be left by a server that was killed, or belong to one that runs
        with self.log_file.open("ab") as output:
            self._process = subprocess.Popen(
                # With -P, a file that lies in the current folder is not taken for code.
                [sys.executable, "-P", "-m", "void_server.operation.serve"],
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        assert self._process.stdin is not None
        self._process.stdin.write(encode_settings(self.settings))
        self._process.stdin.flush()
        limit = time.monotonic() + timeout_s
        while _server_id(home) in (None, before):
            if self._process.poll() is not None:
                self.kill()
                raise ServerStartError(f"the server ended at once:\n{self._last_words()}")
            if time.monotonic() > limit:
                self.kill()
                raise ServerStartError(f"no server after {timeout_s:g} s:\n{self._last_words()}")
            time.sleep(0.02)
        return self.connection()

    def connection(self) -> Connection:
        """Return how to reach the server.

        Raises:
            ServerStartError: when it is not running.
        """
        try:
            return load_connection(self.settings.home)
        except KeyFileError as error:
            raise ServerStartError(f"the server is not there: {error}") from error

    def stop(self, timeout_s: float = 30.0) -> None:
        """Stop the server in good order. A running job continues at the next start."""
        process = self._process
        if process is None:
            return
        assert process.stdin is not None
        # Closing the lifeline asks the process to stop, in the same way on every system.
        process.stdin.close()
        try:
            process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        self._process = None

    def kill(self) -> None:
        """Kill the process, as a power cut would."""
        process = self._process
        if process is not None:
            process.kill()
            process.wait()
            assert process.stdin is not None
            process.stdin.close()
            self._process = None

    def _last_words(self) -> str:
        return self.log_file.read_bytes()[-_TAIL_BYTES:].decode("utf-8", "replace")


def _server_id(home: Path) -> str | None:
    try:
        return read_server_address(home).server_id
    except KeyFileError:
        return None
