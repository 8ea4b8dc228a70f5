"""What an upload needs to know of its manifest, worked out by a reader's thread: a shot may have half a
million files, and the broker's thread does nothing that grows with them.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from typing import NamedTuple

from void_protocol.wire import CHUNK_BYTES
from void_server.broker.jobs.spool import Spool
from void_server.broker.transfers.packed_manifest import ManifestColumns


class Begun(NamedTuple):
    """A file that an earlier process of the server had begun to receive."""

    file: int
    """Its index in the manifest."""
    size: int
    """How many bytes of it are taken over."""


class ManifestIndex(NamedTuple):
    """The files of one upload."""

    files: ManifestColumns
    begun: Begun | None = None


def index_manifest(files: ManifestColumns, spool: Spool, job_id: str) -> ManifestIndex:
    """Index a manifest, and look for a file that an earlier process had begun. This reads folders."""
    found = spool.begun_inputs(job_id) if files else {}
    for index in range(len(files) if found else 0):
        entry = files[index]
        size = found.get(spool.input_file(job_id, entry), 0)
        # Only whole chunks are kept, and never all of them: the last chunk brings the checksum.
        kept = max(0, min(size, entry.size - 1)) // CHUNK_BYTES * CHUNK_BYTES
        if kept:
            return ManifestIndex(files, Begun(index, kept))
    return ManifestIndex(files)


class StoredFiles:
    """Which files of an upload are stored, as runs of their indices. Clients send them nearly in order, so
    that there are few runs, whatever the number of files is."""

    def __init__(self, runs: Iterable[tuple[int, int]]) -> None:
        self._firsts: list[int] = []
        self._lasts: list[int] = []
        self.count = 0
        for first, last in sorted(runs):
            self._firsts.append(first)
            self._lasts.append(last)
            self.count += last - first + 1

    def __contains__(self, index: int) -> bool:
        place = bisect_right(self._firsts, index) - 1
        return place >= 0 and index <= self._lasts[place]

    def runs(self, most: int) -> list[tuple[int, int]]:
        """Return the first ``most`` runs, in order."""
        return list(zip(self._firsts[:most], self._lasts[:most], strict=True))

    def add(self, index: int) -> tuple[int, int]:
        """Add a file and return the run that it belongs to now. It replaces the runs that begin within."""
        if index in self:
            place = bisect_right(self._firsts, index) - 1
            return self._firsts[place], self._lasts[place]
        self.count += 1
        place = bisect_right(self._firsts, index)
        first, last = index, index
        if place < len(self._firsts) and self._firsts[place] == index + 1:
            last = self._lasts[place]
            del self._firsts[place], self._lasts[place]
        if place > 0 and self._lasts[place - 1] == index - 1:
            first = self._firsts[place - 1]
            self._lasts[place - 1] = last
        else:
            self._firsts.insert(place, first)
            self._lasts.insert(place, last)
        return first, last
