"""Runs the bridge: from its start beside a host until that host is gone."""

from __future__ import annotations

import contextlib
import logging
import os
import threading
import time
from collections.abc import Callable
from logging.handlers import RotatingFileHandler
from pathlib import Path

from void_protocol.errors import KeyFileError
from void_protocol.keys import home_folder
from void_protocol.printable import PrintableFormatter
from void_protocol.private_folders import make_private_folder
from void_server.openfx_bridge.conversation.streams import Streams
from void_server.openfx_bridge.errors import BridgeError, FramingError

_log = logging.getLogger("void_server.openfx_bridge")

LOST = 2
"""The exit status when bytes came that are no message."""
_WATCH_S = 1.0
_LOG_BYTES = 1 << 20
_LOG_FILES = 3
_LINE = "%(asctime)s %(process)d %(levelname)s %(name)s: %(message)s"
_WRITING_S = 120.0
"""How long what a host has handed over whole may still be written and submitted after the host is gone, in
seconds."""


def run_bridge() -> int:
    """Talk to the host that started this process until it is gone, and return the exit status."""
    streams = Streams.of_this_process()
    home = home_folder()
    _log_to_file(home)
    # What is heavy is imported only now, because nothing may be printed on the stream of messages.
    from void_server.openfx_bridge.pixels.folder import PixelFolder
    from void_server.openfx_bridge.requests import Requests

    try:
        folder = PixelFolder()
    except BridgeError as error:
        _log.error("%s", error)
        with contextlib.suppress(FramingError):
            for message in streams.messages():
                streams.send({"type": "answer", "id": message.get("id", ""), "ok": "0", "error": str(error)})
        return 1
    requests = Requests(home, folder, streams.send)
    ending = threading.Lock()
    ended = threading.Event()

    def end() -> None:
        """Let go of everything once, whoever notices first that the host is gone."""
        with ending:  # the later one waits until all is done
            if not ended.is_set():
                requests.close(_WRITING_S)
                folder.remove()
                ended.set()

    _watch_host(end)
    status = 0
    try:
        for message in streams.messages():
            requests.take(message)
        _log.info("the host is gone")
    except FramingError as error:
        _log.error("the conversation is lost: %s", error)
        status = LOST
    end()
    return status


def _watch_host(end: Callable[[], None]) -> None:
    """End this process when the one that started it is gone, though others keep the stream open."""
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(_WATCH_S)
        _log.info("the process that started this one is gone")
        end()
        os._exit(0)

    if os.name == "posix":  # on Windows the stream ends with the host, because handles are not inherited
        threading.Thread(target=watch, name="host-watch", daemon=True).start()


def _log_to_file(home: Path) -> None:
    """Log to a file in the home; without one where it cannot be written."""
    root = logging.getLogger()
    root.setLevel(logging.INFO)
    with contextlib.suppress(OSError, KeyFileError):
        make_private_folder(home)
        make_private_folder(home / "logs")
        handler = RotatingFileHandler(
            home / "logs" / "openfx-bridge.log",
            maxBytes=_LOG_BYTES,
            backupCount=_LOG_FILES,
            encoding="utf-8",
            errors="backslashreplace",
        )
        handler.setFormatter(PrintableFormatter(_LINE))
        root.addHandler(handler)
