"""Sends result files in chunks, as the client gives credit for them."""

from __future__ import annotations

from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import BinaryIO

from void_protocol.messages import Data, ResultFile
from void_protocol.wire import CHUNK_BYTES
from void_server.access.allowed_paths import PathRules, begins_as_exr, open_result
from void_server.broker.connections.outbox import Outbox
from void_server.broker.keyed_threads import KeyedThreads
from void_server.errors import RequestRefused, reason_of

_CHUNKS_PER_READ = 4
"""The most chunks that one visit to the thread reads."""


@dataclass
class _Fetch:
    peer: bytes
    request: int
    path: Path
    rules: PathRules | None
    result: ResultFile
    credit: int
    offset: int = 0
    is_reading: bool = False
    file: BinaryIO | None = None

    @property
    def key(self) -> str:
        return f"{self.peer.hex()}-{self.request}"


class Fetches:
    """The files that clients are fetching now."""

    def __init__(self, *, outbox: Outbox, threads: KeyedThreads, most: int, most_credit: int) -> None:
        self._outbox = outbox
        self._threads = threads
        self._most = most
        self._most_credit = most_credit
        self._fetches: dict[tuple[bytes, int], _Fetch] = {}

    def check(self, peer: bytes, request: int) -> None:
        """Make sure that a peer may begin a fetch under this number, which may be one that runs already.

        Raises:
            RequestRefused: when the client fetches too many at a time.
        """
        if sum(owner == peer and number != request for owner, number in self._fetches) >= self._most:
            raise RequestRefused("limit", f"{self._most} fetches run already; wait for one to end")

    def begin(
        self,
        peer: bytes,
        request: int,
        path: Path,
        rules: PathRules | None,
        result: ResultFile,
        credit: int,
    ) -> None:
        """Begin to send a file that lies at this very path, with no link on the way, and where the rules
        allow it (None is for the server's own files). A fetch of the same number begins anew.

        Raises:
            RequestRefused: as :meth:`check` does.
        """
        self.check(peer, request)
        self.stop(peer, request)
        fetch = _Fetch(peer, request, path, rules, result, min(credit, self._most_credit))
        self._fetches[peer, request] = fetch
        self._pump(fetch)

    def credit(self, peer: bytes, request: int, chunks: int) -> None:
        """Send more chunks, because the client can take them. A fetch that is over is left alone."""
        fetch = self._fetches.get((peer, request))
        if fetch is not None:
            fetch.credit = min(fetch.credit + chunks, self._most_credit)
            self._pump(fetch)

    def stop(self, peer: bytes, request: int) -> None:
        """Stop sending a file that the client does not want any more."""
        fetch = self._fetches.pop((peer, request), None)
        if fetch is not None:
            self._close(fetch)

    def drop(self, peer: bytes) -> None:
        """Forget a peer and its fetches."""
        for owner, request in [key for key in self._fetches if key[0] == peer]:
            self.stop(owner, request)

    def _pump(self, fetch: _Fetch) -> None:
        if fetch.is_reading or fetch.credit == 0:
            return
        fetch.is_reading = True
        count = min(fetch.credit, _CHUNKS_PER_READ)
        self._threads.run(fetch.key, partial(_read, fetch, count), partial(self._read_done, fetch))

    def _read_done(self, fetch: _Fetch, done: Future[list[bytes]]) -> None:
        fetch.is_reading = False
        if self._fetches.get((fetch.peer, fetch.request)) is not fetch:
            self._close(fetch)
            return
        try:
            chunks = done.result()
        except (OSError, RequestRefused) as error:
            code = error.code if isinstance(error, RequestRefused) else "storage"
            text = f"cannot read frame {fetch.result.frame}: {reason_of(error)}"
            self._outbox.refuse(fetch.peer, fetch.request, code, text)
            self.stop(fetch.peer, fetch.request)
            return
        size = fetch.result.size
        for chunk in chunks:
            last = fetch.offset + len(chunk) >= size
            message = Data(
                request=fetch.request,
                offset=fetch.offset,
                size=size,
                last=last,
                sha256=fetch.result.sha256 if last else "",
            )
            self._outbox.send(fetch.peer, message, [chunk])
            fetch.offset += len(chunk)
            fetch.credit -= 1
            if last:
                self.stop(fetch.peer, fetch.request)
                return
        self._pump(fetch)

    def _close(self, fetch: _Fetch) -> None:
        if not fetch.is_reading and fetch.file is not None:
            fetch.file.close()
            fetch.file = None


def _read(fetch: _Fetch, count: int) -> list[bytes]:
    """Read the next chunks on a thread of the fetch's key; at the end of the file there are fewer."""
    if fetch.file is None:
        # Whatever lies there by now may be a pipe, or a link to a file that is no business of the client's.
        folder = fetch.path.parent
        if fetch.rules is not None:
            fetch.rules.require(fetch.path, folder)
        fetch.file = open_result(folder, fetch.path.name)
        size = fetch.file.seek(0, 2)
        if size != fetch.result.size:
            raise OSError(f"it has {size} bytes, and had {fetch.result.size} when it was written")
        if not begins_as_exr(fetch.file):
            raise OSError("it is no EXR file any more")
    chunks: list[bytes] = []
    left = fetch.result.size - fetch.offset
    while len(chunks) < count and (left > 0 or fetch.result.size == 0):
        chunk = fetch.file.read(min(CHUNK_BYTES, left))
        if not chunk and left > 0:
            raise OSError("its file ended early")
        chunks.append(chunk)
        left -= len(chunk)
        if left == 0:
            break
    return chunks
