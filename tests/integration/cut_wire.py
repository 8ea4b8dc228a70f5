"""A wire between a client and its server that can be cut."""

from __future__ import annotations

import contextlib
import socket
import threading
from types import TracebackType


class CutWire:
    """Passes TCP connections on. :meth:`cut` ends those that stand, and refuses new ones until
    :meth:`mend`. ``sent_bytes`` counts what has gone to the server."""

    def __init__(self, endpoint: str) -> None:
        self.target(endpoint)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._lock = threading.Lock()
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        self._is_cut = False
        self.cut_after_bytes: int | None = None
        self.sent_bytes = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def target(self, endpoint: str) -> None:
        """Where connections go from now on."""
        host, _, port = endpoint.removeprefix("tcp://").rpartition(":")
        self._target = (host, int(port))

    @property
    def endpoint(self) -> str:
        return f"tcp://127.0.0.1:{self._listener.getsockname()[1]}"

    def __enter__(self) -> CutWire:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._listener.close()
        self.cut()

    def cut(self) -> None:
        with self._lock:
            self._is_cut = True
            self.cut_after_bytes = None
            pairs, self._pairs = self._pairs, []
        for pair in pairs:
            for end in pair:
                with contextlib.suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)

    def mend(self) -> None:
        with self._lock:
            self._is_cut = False

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            try:
                server = socket.create_connection(self._target, 5.0)
            except OSError:
                client.close()
                continue
            with self._lock:
                refused = self._is_cut
                if not refused:
                    self._pairs.append((client, server))
            if refused:
                client.close()
                server.close()
                continue
            server.settimeout(None)
            for ends in ((client, server, True), (server, client, False)):
                threading.Thread(target=self._pass_on, args=ends, daemon=True).start()

    def _pass_on(self, source: socket.socket, target: socket.socket, up: bool) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                target.sendall(data)
                if up:
                    self.sent_bytes += len(data)
                    if self.cut_after_bytes is not None and self.sent_bytes >= self.cut_after_bytes:
                        self.cut()
        for end in (source, target):
            end.close()
