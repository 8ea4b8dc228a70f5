"""Sends a job's input files in chunks, as the server gives credit for them."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable, Sequence

from void_protocol.errors import ServerError, TransferError
from void_protocol.manifest import InputFile
from void_protocol.messages import (
    Accepted,
    Chunk,
    FileRefused,
    FileStored,
    JobState,
    ManifestEntry,
    ServerMessage,
    Submit,
    UploadCredit,
)
from void_protocol.session import Session
from void_protocol.wire import CHUNK_BYTES, Payload

_TRIES = 3
"""How often a file is sent before a checksum that does not match counts as a failure."""
_SILENCE_S = 60.0
"""When the server gives no credit for this long, it is asked whether it still knows the upload."""
_RECONNECT_S = 3600.0
_FULL_S = 3600.0
"""How long to wait for a server whose disk is full."""
_FULL_PAUSE_S = 2.0

UploadProgress = Callable[[int, int], None]
"""A function that is called with the number of files sent and of all files."""


class Upload:
    """The upload of one job. :meth:`run` needs a thread of its own; the other methods are for the
    session's."""

    def __init__(
        self,
        session: Session,
        job_id: str,
        submit: Submit,
        payloads: Sequence[Payload],
        files: Sequence[InputFile],
        entries: Sequence[ManifestEntry],
        on_progress: UploadProgress | None = None,
    ) -> None:
        self._session = session
        self._job_id = job_id
        self._submit = submit
        self._payloads = payloads
        self._files = files
        self._entries = entries
        self._on_progress = on_progress
        self._changed = threading.Condition()
        self._credit = 0
        self._missing: list[int] = []
        self._offsets: dict[int, int] = {}
        """How many bytes the server has, by the index of each file that it has in part."""
        self._full_since: float | None = None
        self._unconfirmed: set[int] = set()
        self._refused: list[FileRefused] = []
        self._is_broken = False
        self._is_stopped = False

    def received(self, message: ServerMessage) -> None:
        """Take what the server says about this upload."""
        with self._changed:
            if isinstance(message, UploadCredit):
                self._credit += message.chunks
            elif isinstance(message, FileStored):
                self._unconfirmed.discard(message.file)
                self._full_since = None
            elif isinstance(message, FileRefused):
                self._refused.append(message)
            self._changed.notify_all()

    def interrupt(self) -> None:
        """Ask the server anew what is missing: the connection was lost, or the server has forgotten the
        upload."""
        with self._changed:
            self._is_broken = True
            self._changed.notify_all()

    def stop(self) -> None:
        """End the upload: the job is over, or nobody waits for it any more."""
        with self._changed:
            self._is_stopped = True
            self._changed.notify_all()

    def run(self, on_accepted: Callable[[Accepted], None]) -> None:
        """Submit and send until the server has every file.

        Args:
            on_accepted: called with the server's answer, also after each reconnection.

        Raises:
            ServerError: when the server refuses the job.
            ServerUnreachableError: when the connection is lost and not made again.
            TransferError: when a file cannot be read or changes meanwhile.
        """
        tries: dict[int, int] = {}
        while not self._is_stopped:
            with self._changed:
                self._is_broken = False
                self._refused.clear()
            accepted = self._ask()
            on_accepted(accepted)
            if accepted.job.state is not JobState.UPLOADING:
                return
            have = {index for first, last in accepted.have for index in range(first, last + 1)}
            with self._changed:
                self._credit = accepted.credit
                self._offsets = dict(accepted.partial)
                missing = [index for index in range(len(self._entries)) if index not in have]
                # A file that the server has in part goes first, because it keeps only one such file.
                self._missing = sorted(missing, key=lambda index: index not in self._offsets)
                self._unconfirmed = set(self._missing)
            if self._send_all(tries):
                return

    def _ask(self) -> Accepted:
        future = self._session.request(self._submit, self._payloads, timeout_s=_RECONNECT_S)
        reply, _ = future.result()
        if not isinstance(reply, Accepted):
            raise ServerError("bad_message", f"the server answered submit with {type(reply).__name__}")
        return reply

    def _send_all(self, tries: dict[int, int]) -> bool:
        """Return True when everything is confirmed, and False when the upload has to be taken up anew."""
        while True:
            self._heed_refusals(tries)
            with self._changed:
                if self._is_broken or self._is_stopped:
                    return self._is_stopped
                if not self._unconfirmed:
                    return True
                if self._refused:  # a refusal came in between
                    continue
                if not self._missing:
                    if not self._changed.wait(_SILENCE_S):
                        return False
                    continue
                index = self._missing.pop(0)
            if not self._send_file(index):
                # A broken upload asks anew what is missing; after a refusal this file is still to be sent.
                with self._changed:
                    self._missing.insert(0, index)
                continue
            if self._on_progress is not None:
                self._on_progress(len(self._entries) - len(self._missing), len(self._entries))

    def _heed_refusals(self, tries: dict[int, int]) -> None:
        with self._changed:
            refused, self._refused = self._refused, []
        full = next((refusal for refusal in refused if refusal.code == "full"), None)
        if full is not None:
            self._wait_for_room(full)
        for refusal in refused:
            index = refusal.file
            self._offsets.pop(index, None)
            if refusal.code == "full":
                if index not in self._missing:
                    self._missing.insert(0, index)
                continue
            tries[index] = tries.get(index, 0) + 1
            if tries[index] >= _TRIES or refusal.code == "storage":
                path = self._files[index].path if index < len(self._files) else f"file {index}"
                raise TransferError(f"the server cannot take {path}: {refusal.message}")
            if index not in self._missing:
                self._missing.insert(0, index)

    def _wait_for_room(self, refusal: FileRefused) -> None:
        """Wait while the server's disk is full: only trying again later can help."""
        now = time.monotonic()
        with self._changed:
            self._full_since = self._full_since or now
            if now > self._full_since + _FULL_S:
                raise TransferError(f"{refusal.message}; waited {_FULL_S:g} s for room there")
            self._changed.wait_for(lambda: self._is_broken or self._is_stopped, _FULL_PAUSE_S)

    def _send_file(self, index: int) -> bool:
        """Send one file. The answer is whether it was sent whole; if not, the server's answer says how to go
        on."""
        path, size = self._files[index].path, self._entries[index].size
        digest = hashlib.sha256()
        offset = 0
        start = self._offsets.pop(index, 0)
        try:
            with path.open("rb", buffering=0) as file:
                while offset < start:  # the server has these bytes, but the checksum covers the whole file
                    data = file.read(min(CHUNK_BYTES, start - offset))
                    if not data:
                        raise TransferError(f"{path} has become shorter while it was sent; submit again")
                    digest.update(data)
                    offset += len(data)
                while True:
                    if not self._take_credit():
                        return False
                    data = file.read(min(CHUNK_BYTES, size - offset))
                    if not data and offset < size:
                        raise TransferError(f"{path} has become shorter while it was sent; submit again")
                    digest.update(data)
                    end = offset + len(data)
                    last = end == size
                    if last and file.read(1):
                        raise TransferError(f"{path} has become longer while it was sent; submit again")
                    chunk = Chunk(
                        job_id=self._job_id,
                        file=index,
                        offset=offset,
                        last=last,
                        sha256=digest.hexdigest() if last else "",
                    )
                    self._session.send(chunk, [data])
                    offset = end
                    if last:
                        return True
        except OSError as error:
            raise TransferError(f"cannot read {path}: {error.strerror or error}") from error

    def _take_credit(self) -> bool:
        """Wait until a chunk may be sent. The answer is False when this file must not be sent further now."""
        with self._changed:
            while self._credit == 0 and not (self._is_broken or self._is_stopped or self._refused):
                if not self._changed.wait(_SILENCE_S):
                    self._is_broken = True
            if self._is_broken or self._is_stopped or self._refused:
                return False
            self._credit -= 1
            return True
