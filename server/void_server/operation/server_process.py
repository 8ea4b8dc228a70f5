"""Runs a server as a child process, for the demo, the doctor and the tests."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from void_protocol.errors import KeyFileError
from void_protocol.keys import Connection, load_connection, read_server_address
from void_server.errors import ServerStartError
from void_server.operation.serve import encode_settings
from void_server.operation.starting import await_start, open_output, output_file
from void_server.settings import ServerSettings


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
        return output_file(self.settings.home)

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
        before = _server_id(home)  # may be left by a server that was killed, or belong to one that runs
        with open_output(home) as output:
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

        def new_id() -> str | None:
            found = _server_id(home)
            return None if found == before else found

        try:
            await_start(self._process, home, new_id, timeout_s)
        except ServerStartError:
            self.kill()
            raise
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


def _server_id(home: Path) -> str | None:
    try:
        return read_server_address(home).server_id
    except KeyFileError:
        return None
