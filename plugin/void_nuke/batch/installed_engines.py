"""Asks the server's Python which engines its installation has, where no server runs that could tell."""

from __future__ import annotations

import logging
import subprocess

import msgspec

from void_nuke.batch.server_python import plain_variables, without_window
from void_protocol.engines import EngineDescription

_log = logging.getLogger(__name__)
_LIMIT_S = 60.0
"""The command imports no engine; on a slow network drive it still takes seconds."""
_decode = msgspec.json.Decoder(list[EngineDescription]).decode


def installed_engines(python: str) -> list[EngineDescription] | None:
    """Return the engines of the installation of ``python``; None when it does not say, which is logged.

    This starts a process and waits for it, so call it on a thread of its own.

    Args:
        python: the path of the server's Python.
    """
    command = [python, "-m", "void_server", "engines", "--json"]
    try:
        said = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_LIMIT_S,
            check=True,
            env=plain_variables(),
            **without_window(),
        )
        return _decode(said.stdout)
    except (OSError, subprocess.SubprocessError, msgspec.DecodeError, UnicodeDecodeError) as error:
        _log.warning("%s does not say which engines it has: %s", python, error)
        return None
