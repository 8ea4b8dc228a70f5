"""Does the server's side of a proof, on a thread because a network drive may hang."""

from __future__ import annotations

import time
from concurrent.futures import Future
from functools import partial
from pathlib import Path

from msgspec.structs import replace

from void_protocol.errors import WireError
from void_protocol.messages import Proof, ProofAnswer, ProofFile, ProofFolder, Prove
from void_protocol.proof import (
    PROBE_BYTES,
    Challenge,
    answer_path,
    digest_open_file,
    digest_probe,
    probe_path,
)
from void_server.access.allowed_paths import opened_exr, opened_folder, reading_rules, writing_rules
from void_server.access.open_folder import OpenFolder
from void_server.broker.connections.outbox import Outbox
from void_server.broker.connections.sessions import ClientSession
from void_server.broker.connections.waiting_requests import WaitingRequests
from void_server.broker.transfers.owner_threads import OwnerThreads
from void_server.errors import RequestRefused
from void_server.settings import ServerSettings

_PROBLEM_CHARACTERS = 500
"""The longest text of a problem, so that the answers to all files fit into one message."""


class Proofs:
    """Answers clients' proofs, a few of each at a time."""

    def __init__(self, settings: ServerSettings, outbox: Outbox, threads: OwnerThreads) -> None:
        """Read files on ``threads``, and answer through ``outbox``."""
        self._settings = settings
        self._outbox = outbox
        self._threads = threads
        self._waiting = WaitingRequests("proofs", settings.client_proofs, "client_proofs")

    def prove(self, session: ClientSession, message: Prove) -> None:
        """Answer as soon as the files were read.

        Raises:
            RequestRefused: when too many proofs of this connection wait, or an earlier one of this owner
                takes too long.
        """
        peer = session.peer
        # The text alone is kept: the message it came in may be longer.
        message = replace(message, files=message.files.copy())
        self._threads.check(session.owner)
        self._waiting.begin(peer)

        def answered(done: Future[Proof]) -> None:
            self._waiting.end(peer)
            try:
                self._outbox.send(peer, done.result())
            except RequestRefused as refusal:
                self._outbox.refuse(peer, message.request, refusal.code, str(refusal))

        self._threads.run(session.owner, partial(answer, message, self._settings), answered)


def answer(message: Prove, settings: ServerSettings) -> Proof:
    """Return digests where the server can read, and reasons where it cannot.

    Raises:
        RequestRefused: when the files are no list of files, or too many are asked for.
    """
    try:
        files = Challenge(message.files)
    except WireError as error:
        raise RequestRefused(error.code, str(error)) from error
    limit = time.monotonic() + settings.path_wait_s
    nonce = bytes.fromhex(message.nonce)
    folder = None if message.folder is None else _folder(nonce, message.folder, settings)
    answers = [_file(nonce, file, settings, limit) for file in files]
    return Proof(request=message.request, files=answers, folder=folder)


def _file(nonce: bytes, file: ProofFile, settings: ServerSettings, limit: float) -> ProofAnswer:
    if time.monotonic() > limit:
        return ProofAnswer(problem=f"the files before it took {settings.path_wait_s:g} s (path_wait_s)")
    path = Path(file.path)
    try:
        with opened_exr(path, reading_rules(settings)) as opened:
            return ProofAnswer(digest=digest_open_file(nonce, opened, path, file.ranges))
    except (OSError, ValueError, RequestRefused) as error:
        return ProofAnswer(problem=str(error)[:_PROBLEM_CHARACTERS])


def _folder(nonce: bytes, folder: ProofFolder, settings: ServerSettings) -> ProofAnswer:
    try:
        with opened_folder(Path(folder.path), writing_rules(settings)) as opened:
            return ProofAnswer(digest=answer_folder(nonce, folder, opened))
    except (OSError, ValueError, RequestRefused) as error:
        return ProofAnswer(problem=str(error)[:_PROBLEM_CHARACTERS])


def answer_folder(nonce: bytes, folder: ProofFolder, opened: OpenFolder) -> str:
    """Read the client's probe in a folder that is held open, leave the answer beside it, and return it.

    Raises:
        OSError: when the probe is not there or not one, or when the folder cannot be written to.
    """
    content = opened.read_small(probe_path(folder).name, PROBE_BYTES)
    if len(content) != PROBE_BYTES:
        raise OSError(f"{probe_path(folder)} is not a probe")
    digest = digest_probe(nonce, content)
    # The client may have lost the first answer and ask again, so an earlier answer file is replaced.
    opened.replace(answer_path(folder).name, digest.encode())
    return digest
