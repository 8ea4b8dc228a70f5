"""Sends result files in chunks, as the client gives credit for them."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import BinaryIO

from void_protocol.messages import Data, Error, ResultFile
from void_protocol.wire import CHUNK_BYTES
from void_server.access.allowed_paths import begins_as_exr, open_regular
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
    roots: Sequence[Path] | None
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

    def begin(
        self,
        peer: bytes,
        request: int,
        path: Path,
        roots: Sequence[Path] | None,
        result: ResultFile,
        credit: int,
    ) -> None:
        """Begin to send a file, if it still lies below the roots (None allows any place).

        Raises:
            RequestRefused: when the client fetches too many at a time.
        """
        if sum(owner == peer for owner, _ in self._fetches) >= self._most:
            raise RequestRefused("limit", f"{self._most} fetches run already; wait for one to end")
        fetch = _Fetch(peer, request, path, roots, result, min(credit, self._most_credit))
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
            why = reason_of(error).replace(str(fetch.path), "its file")
            text = f"cannot read frame {fetch.result.frame}: {why}"
            self._outbox.send(fetch.peer, Error(request=fetch.request, code=code, message=text))
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
        fetch.file = open_regular(fetch.path, fetch.roots, "output_roots")
        size = fetch.file.seek(0, 2)
        if size != fetch.result.size:
            raise OSError(f"{fetch.path} has {size} bytes; it had {fetch.result.size} when it was written")
        if not begins_as_exr(fetch.file):
            raise OSError(f"{fetch.path} is no EXR file any more")
    chunks: list[bytes] = []
    left = fetch.result.size - fetch.offset
    while len(chunks) < count and (left > 0 or fetch.result.size == 0):
        chunk = fetch.file.read(min(CHUNK_BYTES, left))
        if not chunk and left > 0:
            raise OSError(f"{fetch.path} ended early")
        chunks.append(chunk)
        left -= len(chunk)
        if left == 0:
            break
    return chunks
