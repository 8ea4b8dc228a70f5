"""Receives input files in chunks.

One file of a job is open at a time. The broker's thread checks the order of chunks and counts credit; another
thread writes and hashes. A file counts only when its size and SHA-256 are right and it is on the disk under
its final name; then it survives a power cut. What has arrived of the open file survives a lost connection and
the end of the server: the client goes on at the first missing chunk.
"""

from __future__ import annotations

import errno
import hashlib
import logging
import os
import shutil
import time
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import BinaryIO, NamedTuple

from void_protocol.durable import put_in_place
from void_protocol.messages import Chunk, FileRefused, FileStored, UploadCredit
from void_protocol.wire import CHUNK_BYTES
from void_server.broker.connections.outbox import Outbox
from void_server.broker.jobs.spool import TEMPORARY_SUFFIX, Spool
from void_server.broker.jobs.store import Store
from void_server.broker.keyed_threads import KeyedThreads
from void_server.broker.transfers.manifest_index import ManifestIndex, StoredFiles
from void_server.broker.transfers.packed_manifest import ManifestColumns
from void_server.errors import reason_of

_log = logging.getLogger(__name__)
_FLOW_BYTES = 8 * 1024**2
"""The disk is told to begin writing a file each time this much of it has arrived, so that the sync at its
end, for which the client waits, has little left to do."""
_TOLD_RUNS = 10_000
"""The most runs of stored files that one answer lists. A file that is sent once more is passed over."""
_RESERVE_BYTES = 8 * 1024**2
"""Uploads leave this much of the volume free, so that the job store can still be written."""


class Standing(NamedTuple):
    """How far an upload is."""

    have: list[tuple[int, int]]
    """Runs of the indices of files that are here."""
    partial: list[tuple[int, int]]
    """Files that have begun to arrive, each with the byte that comes next."""
    credit: int


class ChecksumError(Exception):
    """The bytes that arrived are not those that were sent."""


class _IncomingFile:
    """A file that is being written. Its methods belong to the writing thread, its attributes to the
    broker's."""

    def __init__(self, index: int, path: Path, size: int, begun_bytes: int = 0) -> None:
        """Begin a file, or continue it after the ``begun_bytes`` that an earlier process has left."""
        self.index = index
        self._size = size
        self.received = begun_bytes
        self.has_failed = False
        self._begun_bytes = begun_bytes
        self._path = path
        self._temporary = path.with_name(path.name + TEMPORARY_SUFFIX)
        self._hash = hashlib.sha256()
        self._file: BinaryIO | None = None
        self._flowing_bytes = begun_bytes
        """How many bytes the disk was told to begin with."""
        self._failure: OSError | None = None
        """Why an earlier chunk could not be written. The later ones would leave a gap, so they fail too."""

    def write(self, data: memoryview) -> None:
        if self._failure is not None:
            raise self._failure
        try:
            self._append(data)
        except OSError as error:
            self._failure = error
            with suppress(OSError):
                self.abandon()  # at once, because the client may send the file anew
            raise

    def _append(self, data: memoryview) -> None:
        if self._file is None:
            self._file = self._open()
        left = data
        while left:  # a volume that fills up may take a part and say so only at the next attempt
            left = left[self._file.write(left) :]
        self._hash.update(data)
        written = self._file.tell()
        if written >= self._flowing_bytes + _FLOW_BYTES:
            _let_flow(self._file.fileno(), self._flowing_bytes, written)
            self._flowing_bytes = written

    def _open(self) -> BinaryIO:
        room = shutil.disk_usage(self._path.parent).free - _RESERVE_BYTES
        if self._size - self._begun_bytes > room:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        # Without a buffer nothing is left to be written at the end, which a full volume would refuse again.
        if not self._begun_bytes:
            return self._temporary.open("wb", buffering=0)
        file = self._temporary.open("r+b", buffering=0)
        left = self._begun_bytes
        try:
            while left > 0 and (known := file.read(min(CHUNK_BYTES, left))):
                self._hash.update(known)
                left -= len(known)
            file.truncate()
        except BaseException:
            file.close()
            raise
        return file

    def finish(self, sha256: str) -> str:
        """Close, sync and rename the file; return its checksum.

        Raises:
            ChecksumError: when it is another one.
            OSError: when the disk fails; what has arrived is removed then.
        """
        try:
            if self._file is not None:
                self._file.close()
            digest = self._hash.hexdigest()
            if digest != sha256:
                raise ChecksumError(f"{self._path.name} arrived with SHA-256 {digest}, sent was {sha256}")
            put_in_place(self._temporary, self._path)
        except BaseException:
            self._temporary.unlink(missing_ok=True)
            raise
        return digest

    def abandon(self) -> None:
        """Remove what has arrived; what comes after it is not written either."""
        self._failure = self._failure or OSError(errno.ECANCELED, os.strerror(errno.ECANCELED))
        try:
            if self._file is not None:
                self._file.close()
        finally:
            self._temporary.unlink(missing_ok=True)


@dataclass
class _Upload:
    job_id: str
    index: ManifestIndex
    peer: bytes
    stored: StoredFiles
    stored_bytes: int = 0
    incoming: _IncomingFile | None = None
    refused: set[int] = field(default_factory=set)
    """The files whose chunks are passed over until they begin again."""
    outstanding: int = 0
    is_synced: bool = False
    """Whether the job's folders are on the disk."""
    is_blocked: bool = False
    """Whether the disk was full the last time."""
    last_progress: float = field(default_factory=time.monotonic)
    """When enough bytes had last come. A chunk now and then does not count, because it would hold the job for
    ever."""
    fresh_bytes: int = 0
    """How many bytes have come since then."""

    def __post_init__(self) -> None:
        runs = self.stored.runs(self.stored.count)
        self.stored_bytes = sum(self.files.bytes_of(first, last) for first, last in runs)

    @property
    def files(self) -> ManifestColumns:
        return self.index.files


class Uploads:
    """The uploads of all jobs. All methods belong to the broker's thread."""

    def __init__(
        self,
        *,
        store: Store,
        spool: Spool,
        outbox: Outbox,
        threads: KeyedThreads,
        credit: int,
        progress_bytes: int,
        on_complete: Callable[[str], None],
        on_blocked: Callable[[str, str], None],
    ) -> None:
        """Prepare to receive files.

        Args:
            store: keeps which files are here.
            spool: says where files go.
            outbox: takes the answers.
            threads: the threads that write and hash.
            credit: how many chunks of one upload may be on the way.
            progress_bytes: an upload that gets less than this in the settings' time makes no progress.
            on_complete: called with a job whose files are all here.
            on_blocked: called with a job and why its files cannot be stored now; with an empty text when they
                can.
        """
        self._store = store
        self._spool = spool
        self._outbox = outbox
        self._threads = threads
        self._credit = credit
        self._progress_bytes = progress_bytes
        self._on_complete = on_complete
        self._on_blocked = on_blocked
        self._uploads: dict[str, _Upload] = {}
        self._waiting_since: dict[str, float] = {}
        """For each upload whose client has not been here since this process began, when it was first looked
        at."""

    def begin(self, peer: bytes, job_id: str, index: ManifestIndex) -> Standing:
        """Take uploads of this job from ``peer`` from now on, and return how far they are."""
        upload = self._uploads.get(job_id)
        if upload is None:
            upload = _Upload(job_id, index, peer, StoredFiles(self._store.uploaded(job_id)))
            self._uploads[job_id] = upload
            begun = index.begun
            if begun is not None and begun.file not in upload.stored:
                entry = index.files[begun.file]
                path = self._spool.input_file(job_id, entry)
                upload.incoming = _IncomingFile(begun.file, path, entry.size, begun.size)
        upload.peer = peer
        incoming = upload.incoming
        return Standing(
            have=upload.stored.runs(_TOLD_RUNS),
            partial=[]
            if incoming is None or not incoming.received
            else [(incoming.index, incoming.received)],
            credit=self._credit - upload.outstanding,
        )

    def chunk(self, peer: bytes, message: Chunk, data: memoryview) -> None:
        """Take one chunk of a file."""
        upload = self._uploads.get(message.job_id)
        if upload is None or upload.peer != peer:
            text = f"no upload of job {message.job_id} is open on this connection; submit the job again"
            self._outbox.refuse(peer, None, "no_upload", text)
            return
        if upload.outstanding >= self._credit:
            text = f"chunk of file {message.file} sent without credit; {self._credit} may be on the way"
            self._refuse(upload, message.file, "limit", text)
            return
        upload.outstanding += 1
        incoming = self._file_for(upload, message, len(data))
        if incoming is None:
            self._give_credit(upload)
            return
        incoming.received += len(data)
        upload.fresh_bytes += len(data)
        if upload.fresh_bytes >= self._progress_bytes:
            upload.fresh_bytes, upload.last_progress = 0, time.monotonic()
        if message.last:
            upload.incoming = None

        def work() -> str | None:
            incoming.write(data)
            if not message.last:
                return None
            digest = incoming.finish(message.sha256)
            if not upload.is_synced:
                self._spool.sync_folders(upload.job_id)
                upload.is_synced = True
            return digest

        self._threads.run(message.job_id, work, partial(self._written, upload, incoming))

    def _file_for(self, upload: _Upload, message: Chunk, length: int) -> _IncomingFile | None:
        """Return the file that a chunk of ``length`` bytes is written to. None when it is passed over, or
        refused, which this tells the client."""
        if message.file >= len(upload.files):
            problem = f"there is no file {message.file}; the manifest has {len(upload.files)}"
            self._refuse(upload, message.file, "bad_chunk", problem)
            return None
        if message.offset == 0:
            self._abandon_file(upload)
            if message.file in upload.stored:
                if message.last:
                    self._outbox.send(upload.peer, FileStored(job_id=upload.job_id, file=message.file))
                return None
            upload.refused.discard(message.file)
            entry = upload.files[message.file]
            path = self._spool.input_file(upload.job_id, entry)
            upload.incoming = _IncomingFile(message.file, path, entry.size)
        incoming = upload.incoming
        if incoming is None or (incoming.index, incoming.received) != (message.file, message.offset):
            if message.file not in upload.refused and message.file not in upload.stored:
                at = "the start of a file"
                if incoming is not None:
                    at = f"byte {incoming.received} of file {incoming.index}"
                problem = f"expected {at}, got byte {message.offset} of file {message.file}"
                self._refuse(upload, message.file, "bad_chunk", problem)
            return None
        problem = _size_problem(upload.files[message.file].size, incoming.received, message, length)
        if problem:
            self._refuse(upload, message.file, "bad_chunk", problem)
            return None
        return incoming

    def _refuse(self, upload: _Upload, file: int, code: str, text: str) -> None:
        if upload.incoming is not None and upload.incoming.index == file:
            self._abandon_file(upload)
        if file < len(upload.files):
            upload.refused.add(file)
        self._outbox.send(upload.peer, FileRefused(job_id=upload.job_id, file=file, code=code, message=text))

    def _give_credit(self, upload: _Upload) -> None:
        upload.outstanding -= 1
        self._outbox.send(upload.peer, UploadCredit(job_id=upload.job_id, chunks=1))

    def _written(self, upload: _Upload, incoming: _IncomingFile, done: Future[str | None]) -> None:
        if self._uploads.get(upload.job_id) is not upload:
            return
        self._give_credit(upload)
        error = done.exception()
        if isinstance(error, ChecksumError):
            self._refuse(upload, incoming.index, "checksum", str(error))
        elif error is not None:
            if not incoming.has_failed:  # only the first of the chunks that were on the way reports it
                incoming.has_failed = True
                self._cannot_keep(upload, incoming, error)
        elif (digest := done.result()) is not None:
            self._stored(upload, incoming.index, digest)

    def _cannot_keep(self, upload: _Upload, incoming: _IncomingFile, error: BaseException) -> None:
        if upload.incoming is incoming:
            upload.incoming = None
        elif upload.incoming is not None and upload.incoming.index == incoming.index:
            return  # the client sends the file anew already
        if not isinstance(error, OSError):
            _log.error("cannot write file %d of job %s", incoming.index, upload.job_id, exc_info=error)
        if not isinstance(error, OSError) or error.errno not in (errno.ENOSPC, errno.EDQUOT):
            self._refuse(upload, incoming.index, "storage", f"cannot keep the file: {reason_of(error)}")
            return
        left = upload.files.total_bytes - upload.stored_bytes
        why = f"the server's volume is full; the files still to come need {left / 1e9:.2f} GB"
        if not upload.is_blocked:
            upload.is_blocked = True
            self._on_blocked(upload.job_id, why)
        self._refuse(upload, incoming.index, "full", why)

    def _stored(self, upload: _Upload, index: int, digest: str) -> None:
        upload.stored_bytes += upload.files[index].size
        self._store.add_upload(upload.job_id, *upload.stored.add(index))
        if upload.is_blocked:
            upload.is_blocked = False
            self._on_blocked(upload.job_id, "")
        self._outbox.send(upload.peer, FileStored(job_id=upload.job_id, file=index))
        if upload.stored.count == len(upload.files):
            self.stop(upload.job_id)
            self._on_complete(upload.job_id)

    def _abandon_file(self, upload: _Upload) -> None:
        incoming, upload.incoming = upload.incoming, None
        if incoming is not None:
            # Nothing depends on whether it could be removed.
            self._threads.do(upload.job_id, incoming.abandon)

    def stop(self, job_id: str) -> None:
        """Take no more files of this job."""
        self._waiting_since.pop(job_id, None)
        upload = self._uploads.pop(job_id, None)
        if upload is not None:
            self._abandon_file(upload)

    def silence_s(self, job_id: str) -> float:
        """Return how long not enough has come of a job that is being uploaded, as far as this process
        knows."""
        upload = self._uploads.get(job_id)
        heard = self._waiting_since.setdefault(job_id, time.monotonic())
        return time.monotonic() - (heard if upload is None else upload.last_progress)


def _size_problem(size: int, received: int, message: Chunk, length: int) -> str:
    """Say what is wrong with the length of a chunk; empty when nothing is. ``size`` is the manifest's, and
    ``received`` what came before the chunk."""
    end = received + length
    if end > size or (message.last and end != size):
        return f"file {message.file} has {end} bytes or more; the manifest says {size}"
    if length == 0 and size > 0:
        return f"an empty chunk of file {message.file}"
    return ""


def _let_flow(descriptor: int, start: int, end: int) -> None:
    """Have these bytes written without waiting for it, where the system can be told so. On Linux the advice
    that they are not needed does that; they stay readable."""
    if hasattr(os, "posix_fadvise"):
        with suppress(OSError):  # this is only advice; the sync at the end is what counts
            os.posix_fadvise(descriptor, start, end - start, os.POSIX_FADV_DONTNEED)
