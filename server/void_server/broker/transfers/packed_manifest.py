"""A manifest that fits its job, as three columns: half a million files as objects would take the server's
memory, and its collector's time.
"""

from __future__ import annotations

import hashlib
from array import array
from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate, groupby

from msgspec import Struct

from void_protocol.errors import WireError
from void_protocol.job import RemovalJob
from void_protocol.manifest import input_files
from void_protocol.messages import ManifestEntry
from void_protocol.wire import Payload, decode_manifest, encode_manifest
from void_server.errors import RequestRefused

_WHOLE_SHOT = -(2**63)
"""Stands for the frame number of a matte that is one picture for the whole shot."""


class PackedManifest(Struct, frozen=True, kw_only=True):
    """The files of one job, in the order of the manifest."""

    groups: list[tuple[str, int]]
    """The groups that follow each other, and how many files each has."""
    frames: bytes
    """Eight bytes for each file, as this machine writes whole numbers."""
    ends: bytes
    """Eight bytes before the first file and after each: the bytes of all files up to there."""
    largest: int
    """The index of the largest file; 0 when there is none."""
    digest: bytes
    """A digest of what the manifest says, however it was written."""


class ManifestColumns:
    """Reads a packed manifest, one file at a time."""

    def __init__(self, packed: PackedManifest) -> None:
        self.groups = [name for name, _ in packed.groups]
        self._starts = list(accumulate((count for _, count in packed.groups), initial=0))
        self._frames, self._ends = array("q"), array("q")
        self._frames.frombytes(packed.frames)
        self._ends.frombytes(packed.ends)

    def __len__(self) -> int:
        return len(self._frames)

    def __getitem__(self, index: int) -> ManifestEntry:
        frame = self._frames[index]
        group = self.groups[bisect_right(self._starts, index) - 1]
        return ManifestEntry(group, None if frame == _WHOLE_SHOT else frame, self.bytes_of(index, index))

    def bytes_of(self, first: int, last: int) -> int:
        """Return how large the files from ``first`` to ``last``, both included, are together."""
        return self._ends[last + 1] - self._ends[first]

    @property
    def total_bytes(self) -> int:
        return self._ends[-1]


def pack_manifest(entries: Sequence[ManifestEntry]) -> PackedManifest:
    """Pack a manifest.

    Raises:
        RequestRefused: with code ``limit`` when the files are larger than any disk.
    """
    try:
        ends = array("q", accumulate((entry.size for entry in entries), initial=0))
    except OverflowError:
        raise RequestRefused("limit", "the inputs have more bytes than any disk") from None
    return PackedManifest(
        groups=[(name, sum(1 for _ in files)) for name, files in groupby(entry.group for entry in entries)],
        frames=array("q", map(_frame_number, entries)).tobytes(),
        ends=ends.tobytes(),
        largest=max(range(len(entries)), key=lambda index: entries[index].size, default=0),
        digest=hashlib.sha256(encode_manifest(entries)).digest(),
    )


def _frame_number(entry: ManifestEntry) -> int:
    return _WHOLE_SHOT if entry.frame is None else entry.frame


def read_manifest(text: Payload, job: RemovalJob) -> PackedManifest:
    """Read the manifest of a job, and see that it names the files that the job needs.

    Raises:
        RequestRefused: when it does not.
    """
    try:
        entries = decode_manifest(bytes(text))
    except WireError as error:
        raise RequestRefused(error.code, str(error)) from error
    _check_files(entries, job)
    return pack_manifest(entries)


def _check_files(entries: Sequence[ManifestEntry], job: RemovalJob) -> None:
    needed = 0
    for needed, file in enumerate(input_files(job), start=1):
        if needed > len(entries):
            raise RequestRefused("bad_job", f"the manifest ends before {file.group} frame {file.frame}")
        entry = entries[needed - 1]
        if (entry.group, entry.frame) != (file.group, file.frame):
            raise RequestRefused(
                "bad_job",
                f"file {needed - 1} of the manifest is {entry.group} frame {entry.frame}; "
                f"the job needs {file.group} frame {file.frame} there",
            )
    if needed != len(entries):
        raise RequestRefused("bad_job", f"the manifest has {len(entries)} files; the job needs {needed}")
