"""The entry point of the ``void`` command. A farm starts thousands of tasks, so a task takes a short way,
past everything that only people need."""

from __future__ import annotations

import gc
import io
import signal
import sys
from collections.abc import Sequence

_STEP = ["farm", "step"]


def main() -> None:
    """Run the command that the process was called with."""
    # A dispatcher's SIGTERM ends a command as Ctrl-C does: with a message and with its exit status.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A shot's name that a console cannot print (its code page may be cp1252) must not stop a batch.
            stream.reconfigure(errors="backslashreplace")
    words = sys.argv[1:]
    if words[: len(_STEP)] == _STEP:
        status = _quick_step(words[len(_STEP) :])
        if status is not None:
            sys.exit(status)
    try:
        from void_server.cli.commands import app
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("void_"):
            raise
        sys.exit(
            f"error: the command needs the Python package {error.name}, which is not installed; "
            "install the extra 'server': pip install 'void-nuke[server]'"
        )
    app()


def _quick_step(words: Sequence[str]) -> int | None:
    """Run a task and return the exit status; None where the whole command must say what is wrong with its
    words, or help."""
    from void_server.farm.step_order import read_order

    order = read_order(words)
    if order is None:
        return None
    # What modules are made of lives as long as the process: looking for garbage while they load finds none.
    gc.disable()
    try:
        from void_server.cli.farm_task import run_order

        gc.enable()
        run_order(order)
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - a bug is reported like any other error
        from void_server.cli.explain import explained

        return explained(error)
    return 0
