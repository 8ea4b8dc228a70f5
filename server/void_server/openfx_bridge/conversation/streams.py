"""The two streams of the conversation, moved away from where libraries print and read."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path

from void_server.openfx_bridge.conversation.framing import Message, MessageReader, packed

_PIECE = 1 << 16


class Streams:
    """Reads messages on one thread, and writes them from any."""

    def __init__(self, read: int, write: int) -> None:
        """Use two open file descriptors, which may be one twice."""
        self._read = read
        self._write = write
        self._lock = threading.Lock()

    @classmethod
    def of_this_process(cls) -> Streams:
        """Take standard input and output over. From now on what is printed goes to standard error, and
        nothing can be read."""
        sys.stdout.flush()
        _close_inherited()
        read, write = os.dup(0), os.dup(1)
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        os.close(nothing)
        os.dup2(2, 1)
        if sys.platform == "win32":
            import msvcrt

            for descriptor in (read, write):
                msvcrt.setmode(descriptor, os.O_BINARY)
        return cls(read, write)

    def messages(self) -> Iterator[Message]:
        """The messages that come, until the stream ends.

        Raises:
            FramingError: at bytes that can be no message.
        """
        reader = MessageReader()
        while True:
            try:
                data = os.read(self._read, _PIECE)
            except OSError:  # a socket whose other end was killed
                return
            if not data:
                return
            yield from reader.add(data)

    def send(self, message: Mapping[str, str]) -> None:
        """Write a whole message. Nothing happens when nobody reads any more: the end of the input says so."""
        data = memoryview(packed(message))
        with self._lock:
            try:
                while data:
                    data = data[os.write(self._write, data) :]
            except OSError:
                return


def _close_inherited() -> None:
    """Close the files and sockets that a host's process has left open in this one: a port that the host lets
    go would stay taken. Python's own are not inherited by anybody, which tells them apart."""
    listing = Path("/dev/fd")
    if os.name != "posix" or not listing.is_dir():
        return
    for name in [entry.name for entry in listing.iterdir()]:
        with contextlib.suppress(OSError, ValueError):
            if int(name) > 2 and os.get_inheritable(int(name)):
                os.close(int(name))
