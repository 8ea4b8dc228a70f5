"""One worker process as the server sees it: how it is started, watched and killed, and when the next may
start."""

from __future__ import annotations

import logging
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from void_protocol.messages import MemoryUse
from void_server.workers.worker_link import WorkerConfig, encode

_log = logging.getLogger(__name__)
_FIRST_PAUSE_S = 0.5
_LONGEST_PAUSE_S = 30.0
_PROBE_S = 1.0


class WorkerProcess:
    """A process from its start to its end. Times are seconds of the monotonic clock."""

    def __init__(
        self, name: str, config: WorkerConfig, environment: Mapping[str, str], log_file: Path, now: float
    ) -> None:
        """Start the process.

        Args:
            name: the worker's name, for messages.
            config: what the process is told on its standard input.
            environment: all of its environment variables.
            log_file: the file that its output is added to.
            now: the time of its start.

        Raises:
            OSError: when no process can be started or its log cannot be written.
        """
        self.name = name
        self.identity = config.identity.encode()
        """The process's address on the server's socket."""
        self.is_ready = False
        """Whether the process has loaded its runner and takes jobs."""
        self.memory: MemoryUse | None = None
        self.started_at = now
        self._next_probe = now
        self._killed_because = ""
        with log_file.open("ab") as output:
            self._popen = subprocess.Popen(
                # With -P, a file that lies in the current folder is not taken for code.
                [sys.executable, "-P", "-m", "void_server.workers.worker"],
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=dict(environment),
            )
        assert self._popen.stdin is not None
        self._stdin = self._popen.stdin
        try:
            self._stdin.write(encode(config) + b"\n")
            self._stdin.flush()
        except OSError as error:
            _log.warning("%s did not take its orders: %s", name, error)

    @property
    def pid(self) -> int:
        return self._popen.pid

    @property
    def is_alive(self) -> bool:
        """Whether the process has not ended yet."""
        return self._popen.poll() is None

    def probe_is_due(self, now: float) -> bool:
        """Return whether it is time to check that the process can be reached; a second later it is time
        again."""
        if not self.is_ready or now < self._next_probe:
            return False
        self._next_probe = now + _PROBE_S
        return True

    def kill(self, why: str) -> None:
        """End the process at once. ``why`` follows its name in a sentence; the first reason is kept."""
        if not self._killed_because:
            _log.warning("%s %s and is killed", self.name, why)
            self._killed_because = why
            self._popen.kill()

    def ask_where_it_hangs(self) -> None:
        """Let the process write its stacks into its output, where the system has a signal for that."""
        if hasattr(signal, "SIGUSR1"):
            self._popen.send_signal(signal.SIGUSR1)

    def close(self) -> str:
        """Release a process that has ended, and return how it ended, as a sentence without its full stop."""
        self._stdin.close()
        if self._killed_because:
            return f"the worker {self._killed_because} and was killed"
        return f"the worker process {_exit_text(self._popen.returncode)}"

    def end(self) -> None:
        """Kill the process, whatever it does, and wait for its end."""
        self._popen.kill()
        self._popen.wait()
        self._stdin.close()


class RestartBackoff:
    """Decides when a worker may start again: after longer pauses while its processes end without having
    worked."""

    def __init__(self) -> None:
        self._pause_s = _FIRST_PAUSE_S
        self._next_start = 0.0

    def may_start(self, now: float) -> bool:
        """Return whether the pause is over."""
        return now >= self._next_start

    def ended(self, now: float) -> float:
        """Note that a process has ended or could not be started, and return how many seconds the next one has
        to wait."""
        pause_s = self._pause_s
        self._next_start = now + pause_s
        self._pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
        return pause_s

    def worked(self) -> None:
        """Note that a process has finished a job, so that it counts as no worse than a new one."""
        self._pause_s = _FIRST_PAUSE_S


def _exit_text(code: int) -> str:
    if code >= 0:
        return f"ended with exit code {code}"
    try:
        return f"was ended by {signal.Signals(-code).name}"
    except ValueError:
        return f"was ended by signal {-code}"
