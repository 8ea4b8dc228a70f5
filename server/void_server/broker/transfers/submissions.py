"""Accepts submitted jobs.

A reader, which is a thread, reads and checks a submission, because its paths may lie on a drive that hangs.
Each owner has one, so that large jobs and slow drives hold up their owner alone. What arrives while a reader
is busy waits; it is then read together, stored together and made durable by one commit. So the more clients
wait, the less each of them costs.
"""

from __future__ import annotations

import logging
from collections import Counter, OrderedDict, deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial

import msgspec

from void_protocol.engines import engine_problem
from void_protocol.errors import KeyFileError
from void_protocol.mailbox import Mailbox
from void_protocol.messages import Accepted, EngineDescription, JobState, Submit
from void_server.access.allowed_paths import reading_rules, writing_rules
from void_server.access.permissions import check_priority
from void_server.access.places import PlaceFinder
from void_server.broker.connections.outbox import Outbox
from void_server.broker.connections.sessions import ClientSession
from void_server.broker.jobs.lifecycle import JobLifecycle
from void_server.broker.jobs.spool import Spool
from void_server.broker.jobs.store import NewJob
from void_server.broker.keyed_threads import KeyedThreads
from void_server.broker.transfers.manifest_index import ManifestIndex, index_manifest
from void_server.broker.transfers.owner_threads import OwnerThreads
from void_server.broker.transfers.submission_check import read_submission
from void_server.broker.transfers.uploads import Uploads
from void_server.errors import RequestRefused, StoreError, reason_of
from void_server.settings import ServerSettings

_log = logging.getLogger(__name__)
_TOGETHER = 64
_TOGETHER_BYTES = 1024**2
"""How many bytes are read in one go: so few that the first client does not wait long for the last."""

_LEAST_BYTES = 4096
"""What any submission counts as, in bytes, because an empty one takes memory too."""

_INLINE_BYTES = 64 * 1024
"""A job whose text is longer is kept in a file: the store is the broker's thread's, and takes so much at a
time."""

_Outcome = tuple[NewJob, ManifestIndex, RequestRefused | None] | Exception
"""A job, its manifest, and why it cannot be taken if it is new; or why it cannot be read. A job that is known
needs no engine and no folders any more: those of one that has just ended are being deleted."""


@dataclass
class _Submission:
    peer: bytes
    owner: str
    message: Submit
    payloads: Sequence[memoryview]
    size: int


_Line = OrderedDict[bytes, deque[_Submission]]
"""For each peer of an owner, the submissions that the reader does not have; the peer whose last turn is
longest ago comes first."""


class Submissions:
    """Takes submissions, and answers them once they are stored. All methods belong to the broker's thread."""

    def __init__(
        self,
        *,
        settings: ServerSettings,
        spool: Spool,
        lifecycle: JobLifecycle,
        uploads: Uploads,
        outbox: Outbox,
        mailbox: Mailbox[Callable[[], None]],
        engines: Callable[[], Sequence[EngineDescription] | None] = lambda: None,
    ) -> None:
        """Prepare to accept jobs; ``engines`` gives the engines that the workers have, None while nobody
        knows."""
        self._settings = settings
        self._spool = spool
        self._lifecycle = lifecycle
        self._uploads = uploads
        self._outbox = outbox
        self._engines = engines
        self._readers = OwnerThreads(lambda: KeyedThreads(mailbox, 1), settings.path_wait_s)
        self._waiting: dict[str, _Line] = {}
        """What waits, for each owner."""
        self._unread_bytes: Counter[str] = Counter()
        """Bytes of the submissions of each owner that wait or are being read."""

    def take(self, session: ClientSession, message: Submit, payloads: Sequence[memoryview]) -> None:
        """Take a client's submission; the answer comes when it was read.

        Raises:
            RequestRefused: when too much waits already, this client may not choose such a priority, or a
                drive that an earlier submission of its owner named hangs.
        """
        self._readers.check(session.owner)
        check_priority(self._settings, session.owner, message.priority)
        size = max(_LEAST_BYTES, sum(len(payload) for payload in payloads))
        most = self._settings.submission_bytes
        unread = self._unread_bytes.total()
        # However much others send, a small job of somebody of whom nothing waits gets in.
        is_first = size <= _TOGETHER_BYTES and not self._unread_bytes[session.owner]
        if unread and unread + size > most and not is_first:
            raise RequestRefused(
                "limit",
                f"{unread} bytes of submissions wait already, at most {most} (submission_bytes); "
                "send one at a time, or this one again soon",
            )
        self._unread_bytes[session.owner] += size
        submission = _Submission(session.peer, session.owner, message, payloads, size)
        line = self._waiting.setdefault(session.owner, OrderedDict())
        line.setdefault(session.peer, deque()).append(submission)

    def drop(self, peer: bytes) -> None:
        """Forget what a peer that is gone has sent and no reader has begun."""
        for owner, line in list(self._waiting.items()):
            for submission in line.pop(peer, ()):
                self._unread_bytes[owner] -= submission.size
            if not line:
                del self._waiting[owner]

    def begin(self) -> None:
        """Let the readers that are free read what waits. The broker calls this once in each turn."""
        self._readers.look()
        for owner in [owner for owner in self._waiting if not self._readers.is_busy(owner)]:
            self._hand_over(owner)

    @property
    def are_coming(self) -> bool:
        """Whether submissions will have to be stored in a moment."""
        return self._readers.are_busy

    def _hand_over(self, owner: str) -> None:
        batch = self._next_batch(owner)
        work = partial(_read_all, self._settings, self._spool, batch, self._engines())
        self._readers.run(owner, work, partial(self._were_read, batch), partial(self._came_late, batch))

    def _next_batch(self, owner: str) -> list[_Submission]:
        """Take one submission of each of the owner's clients in turn."""
        line = self._waiting[owner]
        batch: list[_Submission] = []
        size = 0
        while line and len(batch) < _TOGETHER:
            peer, theirs = next(iter(line.items()))
            size += theirs[0].size
            if batch and size > _TOGETHER_BYTES:
                break
            batch.append(theirs.popleft())
            if theirs:
                line.move_to_end(peer)
            else:
                del line[peer]
        if not line:
            del self._waiting[owner]
        return batch

    def _were_read(self, batch: list[_Submission], done: Future[list[_Outcome]]) -> None:
        self._unread_bytes[batch[0].owner] -= sum(submission.size for submission in batch)
        late = done.exception()
        if isinstance(late, RequestRefused):
            self._refuse_all(batch, late)
            return
        for submission, outcome in zip(batch, done.result(), strict=True):
            try:
                self._answer(submission, outcome)
            except RequestRefused as refusal:
                self._refuse(submission, refusal.code, str(refusal))
                self._clear_away(submission.owner, outcome)
            except StoreError:
                raise
            except Exception:  # noqa: BLE001 - one client's job must not end the service for the others
                _log.exception("cannot take a job of %s", submission.owner)
                self._refuse(submission, "internal", "the server failed at this job; its log says more")

    def _refuse_all(self, batch: list[_Submission], late: RequestRefused) -> None:
        """Refuse what an owner's reader has not read in time, and what waits for it."""
        line = self._waiting.pop(batch[0].owner, _Line())
        waiting = [submission for theirs in line.values() for submission in theirs]
        self._unread_bytes[batch[0].owner] -= sum(submission.size for submission in waiting)
        for submission in (*batch, *waiting):
            self._refuse(submission, late.code, str(late))

    def _came_late(self, batch: list[_Submission], done: Future[list[_Outcome]]) -> None:
        """Clear away what was read after its clients were told that it is not."""
        if done.exception() is None:
            for submission, outcome in zip(batch, done.result(), strict=True):
                self._clear_away(submission.owner, outcome)

    def _answer(self, submission: _Submission, outcome: _Outcome) -> None:
        if isinstance(outcome, Exception):
            raise outcome
        new, index, refusal = outcome
        again = submission.message.again
        if refusal is not None and (again or self._lifecycle.content(new.job_id) is None):
            raise refusal
        info = self._lifecycle.submit(new, again=again)
        accepted = Accepted(request=submission.message.request, job=info)
        if info.state is JobState.UPLOADING:
            if info.owner != submission.owner:
                raise RequestRefused("conflict", f"job {info.job_id} is being uploaded by {info.owner}")
            standing = self._uploads.begin(submission.peer, info.job_id, index)
            accepted = Accepted(
                request=submission.message.request,
                job=self._lifecycle.info(info.job_id),
                have=standing.have,
                partial=standing.partial,
                credit=standing.credit,
            )
        self._outbox.send(submission.peer, accepted)

    def _clear_away(self, owner: str, outcome: _Outcome) -> None:
        """Delete the folders of a job that is not accepted. The reader that made them does so before it reads
        on, so that they are not those of the same job submitted again."""
        if isinstance(outcome, Exception):
            return
        new = outcome[0]
        known = self._lifecycle.content(new.job_id)
        if known is None:
            self._readers.do(owner, partial(self._spool.remove_all, new.job_id))
        elif known != new.content:
            self._readers.do(owner, partial(self._spool.remove_text, new.job_id, new.content))

    def _refuse(self, submission: _Submission, code: str, text: str) -> None:
        self._outbox.refuse(submission.peer, submission.message.request, code, text)

    def close(self, limit_s: float = 10.0) -> None:
        """End the readers, and wait at most ``limit_s`` seconds for them. What they have not begun is
        dropped; nobody was told that it was accepted."""
        self._readers.close(limit_s)


def _read_all(
    settings: ServerSettings,
    spool: Spool,
    batch: Sequence[_Submission],
    engines: Sequence[EngineDescription] | None,
) -> list[_Outcome]:
    """Return for each submission the job and its manifest, or what is wrong with it. This runs on a reader's
    thread."""
    outcomes: list[_Outcome] = []
    finder = PlaceFinder(reading_rules(settings), writing_rules(settings))
    for submission in batch:
        try:
            outcomes.append(_read(settings, spool, finder, submission, engines))
        except Exception as error:  # noqa: BLE001 - the broker's thread tells the client
            outcomes.append(error)
    return outcomes


def _read(
    settings: ServerSettings,
    spool: Spool,
    finder: PlaceFinder,
    submission: _Submission,
    engines: Sequence[EngineDescription] | None,
) -> tuple[NewJob, ManifestIndex, RequestRefused | None]:
    new, files, wished = read_submission(
        settings, submission.owner, submission.message, submission.payloads, finder
    )
    problem = "" if engines is None else engine_problem(wished, engines)
    refusal = RequestRefused("bad_job", problem) if problem else None
    try:
        spool.make_folders(new.job_id, files.groups, new.outputs)
        if len(new.job) > _INLINE_BYTES:
            spool.keep_text(new.job_id, new.content, new.job)
            new = msgspec.structs.replace(new, job=b"")
    except (OSError, KeyFileError) as error:
        _log.warning("cannot make the folders of job %s: %s", new.job_id, error)
        why = reason_of(error) if isinstance(error, OSError) else "others may write to them"
        refusal = refusal or RequestRefused("storage", f"cannot make the job's folders: {why}")
    return new, index_manifest(files, spool, new.job_id), refusal
