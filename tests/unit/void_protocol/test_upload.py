"""The upload against a server of few words: what is asked of it is what the session would send."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import cast

import pytest

from void_protocol import upload as upload_module
from void_protocol.errors import TransferError
from void_protocol.manifest import InputFile
from void_protocol.messages import (
    Accepted,
    Chunk,
    FileRefused,
    FileStored,
    JobInfo,
    JobState,
    ManifestEntry,
    Message,
    Submit,
    UploadCredit,
)
from void_protocol.session import Reply, Session
from void_protocol.upload import Upload
from void_protocol.wire import CHUNK_BYTES, Payload

_SIZE = 2 * CHUNK_BYTES + 5


class ScriptedServer:
    """Stores what arrives in order. Refuses file 0 (as often as told) when the last chunk of it and the first
    of file 1 have arrived."""

    def __init__(self, refusals: int) -> None:
        self.upload: Upload | None = None
        self.submissions = 0
        self.begun: list[int] = []
        self._refusals = refusals
        self._open: tuple[int, int] | None = None
        self._stored: set[int] = set()
        self._must_refuse = False

    def request(
        self, message: Message, payloads: Sequence[Payload] = (), timeout_s: float | None = None
    ) -> Future[Reply]:
        self.submissions += 1
        info = JobInfo(
            job_id="j", name="n", engine="e", owner="o", state=JobState.UPLOADING, frames_total=3,
            frames_done=0, inputs="streamed", outputs="streamed", output_pattern="x", created_at=0.0,
        )  # fmt: skip
        have = [(index, index) for index in sorted(self._stored)]
        future: Future[Reply] = Future()
        future.set_result((Accepted(request=1, job=info, have=have, credit=2), []))
        return future

    def send(self, chunk: Chunk, payloads: Sequence[Payload] = ()) -> None:
        (data,) = payloads
        if chunk.offset == 0:
            self.begun.append(chunk.file)
            self._open = (chunk.file, 0)
        assert self._open == (chunk.file, chunk.offset), "a chunk out of order"
        self._open = (chunk.file, chunk.offset + len(data))
        if chunk.last and chunk.file == 0 and self._refusals > 0:
            self._refusals -= 1
            self._must_refuse = True
        elif chunk.last:
            self._stored.add(chunk.file)
            self._later(FileStored(job_id="j", file=chunk.file))
        if self._must_refuse and chunk.file != 0:
            self._must_refuse = False
            self._now(FileRefused(job_id="j", file=0, code="checksum", message="other bytes"))
        self._later(UploadCredit(job_id="j", chunks=1))

    def _now(self, message: FileRefused) -> None:
        assert self.upload is not None
        self.upload.received(message)

    def _later(self, message: FileStored | UploadCredit) -> None:
        assert self.upload is not None
        threading.Timer(0.005, self.upload.received, (message,)).start()


def upload_to(server: ScriptedServer, folder: Path) -> tuple[Upload, list[tuple[int, int]]]:
    files = []
    for index in range(3):
        path = folder / str(index)
        path.write_bytes(bytes([index]) * _SIZE)
        files.append(InputFile("plate", index, path))
    entries = [ManifestEntry("plate", index, _SIZE) for index in range(3)]
    submit = Submit(request=0, inputs="streamed", outputs="streamed")
    told: list[tuple[int, int]] = []
    upload = Upload(
        cast("Session", server), "j", submit, [b""], files, entries, lambda *now: told.append(now)
    )
    server.upload = upload
    return upload, told


def test_a_refused_file_does_not_lose_the_one_on_its_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upload_module, "_SILENCE_S", 5.0)
    server = ScriptedServer(refusals=1)
    upload, told = upload_to(server, tmp_path)
    began = time.monotonic()
    upload.run(lambda accepted: None)
    assert time.monotonic() - began < 4.0
    assert server.submissions == 1
    assert server.begun == [0, 1, 0, 1, 2]
    assert told[-1] == (3, 3)


def test_a_file_refused_again_and_again_is_a_failure(tmp_path: Path) -> None:
    server = ScriptedServer(refusals=9)
    upload, _ = upload_to(server, tmp_path)
    with pytest.raises(TransferError, match=r"cannot take .*0: other bytes"):
        upload.run(lambda accepted: None)
