"""``void serve``: run a server in this process until it is told to stop."""

from __future__ import annotations

import gc
import logging
import os
import shutil
import signal
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from void_protocol.durable import write_whole
from void_protocol.keys import ServerAddress, server_file
from void_protocol.printable import log_on_stderr
from void_server.broker.broker import Broker
from void_server.errors import StoreFullError
from void_server.operation.stop_signals import StopSignals
from void_server.server_log import logging_to_files
from void_server.settings import MODELS_VARIABLE, ServerSettings

_log = logging.getLogger(__name__)
_SWITCH_S = 0.0005
"""How often, in seconds, Python's threads take turns. Clients wait for the broker's thread, which gives up
its turn at every statement of SQLite. With the usual 5 ms it gets the turn back late, and submissions took
1.6 times as long."""
_ROOM_BYTES = 4 * 1024**2
"""A server whose volume was full goes on when this many bytes are free again."""
_ROOM_POLL_S = 1.0
_LAST_S = 10.0
"""How long, in seconds, the server may take to close after a second signal, beside the workers' own grace."""


def serve(settings: ServerSettings, on_ready: Callable[[str], None] | None = None) -> None:
    """Serve until SIGINT or SIGTERM. This must be called on the main thread.

    Args:
        on_ready: called with the endpoint and its real port once clients can connect.

    Raises:
        KeyFileError, HomeInUseError, StoreError, ServerStartError: when the server cannot start.
    """
    if settings.models is not None:
        os.environ[MODELS_VARIABLE] = str(settings.models)  # the workers inherit it
    before_s = sys.getswitchinterval()
    sys.setswitchinterval(_SWITCH_S)
    try:
        with logging_to_files(settings):
            _serve(settings, on_ready)
    finally:
        sys.setswitchinterval(before_s)


def _serve(settings: ServerSettings, on_ready: Callable[[str], None] | None) -> None:
    """Serve; when the job store's volume is full, serve again as soon as there is room."""
    broker = Broker(settings)
    stopping = threading.Event()

    def stop() -> None:
        stopping.set()
        broker.ask_to_stop()

    settings = replace(settings, endpoint=broker.endpoint)  # the same port again, also where any was free
    with StopSignals(stop, settings.cancel_grace_s + _LAST_S):
        while True:
            try:
                _serve_once(broker, settings, on_ready)
                return
            except StoreFullError as error:
                _log.error("%s; the server stands still until there is room", error)
                if not _wait_for_room(settings.home, stopping):
                    raise
            broker = Broker(settings)
            on_ready = None


def _wait_for_room(home: Path, stopping: threading.Event) -> bool:
    """Wait until there is room, and return whether there is; False when the server is to stop."""
    while not stopping.is_set():
        if shutil.disk_usage(home).free >= _ROOM_BYTES:
            return True
        # Event.wait alone does not let a signal through on every system.
        stopping.wait(_ROOM_POLL_S)
    return False


def _serve_once(broker: Broker, settings: ServerSettings, on_ready: Callable[[str], None] | None) -> None:
    address_file = server_file(settings.home)
    address = ServerAddress(
        endpoint=broker.endpoint, pid=os.getpid(), server_id=broker.server_id, version=broker.version
    )
    write_whole(address_file, msgspec.json.encode(address))
    _log.info("listening on %s, home %s", broker.endpoint, settings.home)
    if on_ready is not None:
        on_ready(broker.endpoint)
    # A server keeps what it has made by now, so the collector need not go through it while clients wait.
    gc.collect()
    gc.freeze()
    try:
        broker.run()
    finally:
        gc.unfreeze()
        address_file.unlink(missing_ok=True)


def encode_settings(settings: ServerSettings) -> bytes:
    """Encode settings as one line of JSON, for a server that runs as a child process."""
    return msgspec.json.encode(settings, enc_hook=str) + b"\n"


def _decode_settings(line: bytes) -> ServerSettings:
    def decode_path(kind: type, value: Any) -> Path:
        return Path(value)

    return msgspec.json.decode(line, type=ServerSettings, dec_hook=decode_path)


def _stop_with_parent(lifeline: BinaryIO) -> None:
    # The buffer's own lock, held here for ever, would abort a process that ends by a signal.
    while os.read(lifeline.fileno(), 1):
        pass
    signal.raise_signal(signal.SIGTERM)


def main() -> None:
    """Run a server as a child process. Its settings come on standard input, which also is its lifeline."""
    log_on_stderr("%(asctime)s %(levelname)s %(name)s: %(message)s")
    lifeline = sys.stdin.buffer
    settings = _decode_settings(lifeline.readline())
    threading.Thread(target=_stop_with_parent, args=(lifeline,), name="void-lifeline", daemon=True).start()
    serve(settings)


if __name__ == "__main__":
    main()
