"""Fetches one file of a job's result and puts it in place, whole and verified."""

from __future__ import annotations

import hashlib
import os
import queue
import time
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from void_protocol.durable import sync_file, sync_folder, temporary_path
from void_protocol.errors import (
    ProtocolError,
    ResultFileError,
    ServerError,
    ServerUnreachableError,
    TransferError,
)
from void_protocol.messages import Fetch, FetchCredit, ResultFile, StopFetch
from void_protocol.session import Session

_CREDIT = 8
"""How many chunks of one file the server may send ahead."""
_TRIES = 3
_SILENCE_S = 30.0
_BUSY_S = 0.1
_RECONNECT_S = 600.0


def fetch_file(
    session: Session,
    job_id: str,
    result: ResultFile,
    path: Path,
    is_stopped: Callable[[], bool],
    *,
    replace: bool = False,
) -> None:
    """Fetch one frame of the result to ``path``. This blocks; the session's own thread must not call it.

    The file appears under its name only when it is whole and verified, and it replaces another only with
    ``replace``. A file that is there already with the same content counts as this one.

    Raises:
        TransferError: when it cannot be written, another file is there, or it arrives damaged every time.
        ServerError: when the server refuses.
        ServerUnreachableError: when the connection is lost and not made again.
    """
    temporary = temporary_path(path)
    frame = result.frame
    failures = 0
    try:
        if path.exists():
            if _sha256(path) == result.sha256:
                return
            if not replace:
                raise _other_content(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        while True:
            if is_stopped():
                raise ServerUnreachableError("the client was closed")
            session.wait_connected(_RECONNECT_S)
            try:
                with temporary.open("wb") as file, session.fetch_slots:
                    digest = _receive(session, job_id, frame, file, is_stopped)
            except ServerError as error:
                if error.code != "limit":
                    raise
                time.sleep(_BUSY_S)  # the server allows fewer at a time, or still counts a lost connection's
                continue
            if digest is not None and digest[0] == digest[1] == result.sha256:
                sync_file(temporary)
                if replace:
                    temporary.replace(path)
                else:
                    _put_in_place(temporary, path, digest[0])
                sync_folder(path.parent)  # the server may delete its copy from now on
                return
            if digest is not None:
                failures += 1
                if failures >= _TRIES:
                    raise TransferError(f"frame {frame} of job {job_id} arrived damaged {failures} times")
    except OSError as error:
        raise ResultFileError(f"cannot write {path}: {error.strerror or error}") from error
    finally:
        temporary.unlink(missing_ok=True)


def _receive(
    session: Session, job_id: str, frame: int, file: BinaryIO, is_stopped: Callable[[], bool]
) -> tuple[str, str] | None:
    """Return the SHA-256 of what arrived and the server's, or None when the connection was lost meanwhile."""
    number, items = session.open_stream(Fetch(request=0, job_id=job_id, frame=frame, credit=_CREDIT))
    digest = hashlib.sha256()
    offset = 0
    deadline = time.monotonic() + _SILENCE_S
    try:
        while True:
            try:
                item = items.get(timeout=0.25)
            except queue.Empty:
                if is_stopped():
                    raise ServerUnreachableError("the client was closed") from None
                if time.monotonic() > deadline:
                    return None
                continue
            deadline = time.monotonic() + _SILENCE_S
            if item is None:
                return None
            if isinstance(item, ProtocolError):
                raise item
            message, data = item
            if message.offset != offset:
                raise ServerError("bad_message", f"frame {frame}: byte {message.offset} instead of {offset}")
            file.write(data)
            digest.update(data)
            offset += len(data)
            if message.last:
                return digest.hexdigest(), message.sha256
            session.send(FetchCredit(request=number, chunks=1))
    finally:
        session.close_stream(number)
        session.send(StopFetch(request=number))


def _put_in_place(temporary: Path, path: Path, sha256: str) -> None:
    """Give the finished file its name without ever replacing another."""
    try:
        _rename_new(temporary, path)
    except FileExistsError:
        if _sha256(path) != sha256:
            raise _other_content(path) from None


def _other_content(path: Path) -> ResultFileError:
    return ResultFileError(
        f"{path} exists already with other content and is not overwritten; choose another version"
    )


def _rename_new(temporary: Path, path: Path) -> None:
    try:
        # Unlike a rename, making a hard link fails where a file of that name exists.
        os.link(temporary, path)
    except FileExistsError:
        raise
    except OSError:  # this file system has no hard links
        if path.exists():
            raise FileExistsError(str(path)) from None
        temporary.rename(path)


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while data := file.read(1024 * 1024):
            digest.update(data)
    return digest.hexdigest()
