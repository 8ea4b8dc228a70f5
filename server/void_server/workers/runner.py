"""The function that a worker runs, which turns a job into files.

The server knows jobs, not pictures. The setting :attr:`void_server.settings.ServerSettings.runner` says which
function runs them; a job cannot.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Protocol, cast

if TYPE_CHECKING:
    from void_engine.removal_monitor import RemovalMonitor
    from void_protocol.job import RemovalJob

from void_server.errors import RunnerError


class JobRunner(Protocol):
    """Runs one job to its end. Every pattern in the job is a path on this machine.

    ``wait_s`` is how long the run may wait, in seconds, for an obstacle that may pass: a late frame, a full
    volume, a drive that is gone.

    With ``resume``, frames that an earlier run of this very job left whole are kept. Returns when all frames
    are written; raises RemovalCancelled soon after the monitor says so, and any other exception when the job
    has failed (its text is shown to the artist).
    """

    def __call__(
        self, job: RemovalJob, monitor: RemovalMonitor, *, resume: bool = False, wait_s: float = 0.0
    ) -> None: ...


def load_runner(name: str) -> JobRunner:
    """Load the function ``module:function``.

    Raises:
        RunnerError: when the module or function is not there.
    """
    module_name, _, function_name = name.partition(":")
    try:
        runner = getattr(importlib.import_module(module_name), function_name)
    except (ImportError, AttributeError) as error:
        raise RunnerError(f"cannot load {name!r}, which runs the jobs: {error}") from error
    return cast(JobRunner, runner)
