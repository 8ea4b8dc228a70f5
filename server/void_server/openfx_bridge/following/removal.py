"""One removal on its way: handed to the server, followed, taken up again when any process was gone."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from itertools import chain, repeat

from msgspec.structs import replace

from void_protocol.client import Client
from void_protocol.errors import ProtocolError, ServerUnreachableError
from void_protocol.fields import JobInfo, JobState, ProgressInfo
from void_protocol.job import RemovalJob
from void_protocol.job_file import read_job
from void_protocol.messages import FrameEvent, LogEvent, ProgressEvent, StateEvent
from void_protocol.phrases import sentence
from void_protocol.printable import printable
from void_protocol.remote_job import RemoteJob
from void_protocol.watching import Disconnected, Snapshot, WatchEvent
from void_server.openfx_bridge.conversation.framing import Message
from void_server.openfx_bridge.errors import BridgeError
from void_server.openfx_bridge.following.sentences import (
    finished_text,
    proposed_text,
    running_text,
    stopped_text,
)
from void_server.openfx_bridge.following.server import ServerLink
from void_server.openfx_bridge.handover.begun import Begun
from void_server.openfx_bridge.results.folder import FINAL, Phase, ResultFolder
from void_server.openfx_bridge.results.record import Record

_log = logging.getLogger(__name__)

_LOG_LINES = 400
_SHOWN_LINES = 40
_AGAIN_S = (1.0, 5.0, 15.0, 60.0)
"""How long to wait, in seconds, before a server that does not answer is looked for again."""


class Removal:
    """One removal. The methods may be called from any thread; those that wait do so on one of their own."""

    def __init__(
        self, record: Record, folder: ResultFolder, link: ServerLink, on_change: Callable[[str], None]
    ) -> None:
        """Prepare to follow it.

        Args:
            record: what it is.
            folder: where its result is.
            link: the server.
            on_change: called with the job's identity when anything about it has changed; it must be quick.
        """
        self.record = record
        self.folder = folder
        self._link = link
        self._on_change = on_change
        self._lock = threading.Lock()
        self._phase: Phase | None = None
        """How it ended, or None."""
        self._text = "Writing the plate"
        """Why it ended so, or what it does while the server knows nothing of it."""
        self._info: JobInfo | None = None
        self._progress: ProgressInfo | None = None
        self._lines: deque[str] = deque(maxlen=_LOG_LINES)
        self._heard_from: int | None = None
        """The byte of the job's log from which on it was heard here; None while nothing was."""
        self._remote: RemoteJob | None = None
        self._client: Client | None = None
        self._is_cancelled = threading.Event()
        self._is_looking = False
        self._is_closed = False
        self._may_be_at_server = False
        """Whether a server may have the job, which reads the plate then."""
        self._is_ours = False
        """Whether this process took the frames over, and not one before it."""
        self.is_writing = False
        """Whether frames of the host are still to be written before the server can have the job."""

    @property
    def is_on_its_way(self) -> bool:
        """Whether the server has not got all of a removal that this process took over."""
        if not self._is_ours or self._phase is not None:
            return False
        info = self._info
        return info is None or info.state is JobState.UPLOADING

    def hand_over(self, begun: Begun) -> None:
        """Write what is left of the frames, make the job and hand it to the server, on a thread."""
        self._is_ours = self.is_writing = True
        self._run(partial(self._complete, begun))

    def take_up(self) -> None:
        """Go on with a removal of an earlier bridge, on a thread, unless it has ended."""
        kept = self.folder.kept()
        if kept is not None and kept.phase in FINAL:
            self._phase, self._text = kept.phase, kept.text
            return
        if kept is not None and kept.is_orphaned and not self.folder.job_file.exists():
            self._end("failed", "The host ended before the plate was handed over whole; press Remove again")
            return
        self._text = "Looking for the removal at the server"
        self._run(self._join)

    def cancel(self) -> str:
        """Stop it, and say so.

        Raises:
            BridgeError: when the server cannot be asked.
        """
        if self._phase is not None:
            return self.text()
        self._is_cancelled.set()
        if self.is_writing:
            return "Stopping"
        try:
            self._link.client().cancel(self.record.job).result(30.0)
        except (ProtocolError, TimeoutError) as error:
            raise BridgeError(f"{sentence(str(error))}.") from error
        return "Stopping"

    def close(self) -> None:
        """Let go of it. It goes on at the server."""
        self._is_closed = True

    # What is told of it ----------------------------------------------------------------------------------

    def fields(self) -> Message:
        """The fields of the answer to ``status``."""
        ready = self.folder.frames(self.record)
        phase = self._phase
        state = phase if phase is not None else "running"
        message = {
            "state": state,
            "text": self.text(ready),
            "ready": str(ready),
            "total": str(self.record.total),
            "revision": self.folder.revision(self.record, state, ready),
            "log": "\n".join(list(self._lines)[-_SHOWN_LINES:]),
        }
        shares = self._shares()
        if shares is not None:
            message |= {name: f"{value:.6g}" for name, value in zip(_SHARES, shares, strict=True)}
        return message

    def text(self, ready: int | None = None) -> str:
        """One line about it."""
        ready = self.folder.frames(self.record) if ready is None else ready
        total = self.record.total
        if self._phase == "finished" and self.record.is_proposal:
            return proposed_text(ready, total)
        if self._phase == "finished":
            shares = self._shares()
            return finished_text(ready, total, None if shares is None else shares[2])
        if self._phase == "cancelled":
            return stopped_text(ready, total)
        if self._phase == "failed" or (self._info is None and self._text):
            return printable(sentence(self._text))
        return running_text(self._info, self._progress, ready, total)

    def log(self) -> str:
        """The end of its log."""
        return "\n".join(self._lines) or self.folder.log()

    def _shares(self, *, is_over: bool = False) -> tuple[float, float, float] | None:
        progress = self._progress
        if progress is not None:
            real, guessed, invented = progress.real, progress.guessed, progress.invented
        else:
            kept = self.folder.kept() if is_over or self._phase is not None else None
            if kept is None:
                return None
            real, guessed, invented = kept.real, kept.guessed, kept.invented
        if real is None or guessed is None or invented is None:
            return None
        return real, guessed, invented

    # Its own threads -------------------------------------------------------------------------------------

    def _run(self, work: Callable[[], None]) -> None:
        def guarded() -> None:
            try:
                work()
            except BridgeError as error:
                phase: Phase = "cancelled" if self._is_cancelled.is_set() else "failed"
                self._end(phase, str(error).rstrip("."), keeps_export=self._may_be_at_server)
            except Exception as error:  # noqa: BLE001 - the artist must learn of it, and the bridge lives on
                _log.exception("the removal %s failed", self.record.job)
                text = f"The bridge failed ({error!r}); its log has more"
                self._end("failed", text, keeps_export=self._may_be_at_server)

        threading.Thread(target=guarded, name=f"removal-{self.record.job[:8]}", daemon=True).start()

    def _complete(self, begun: Begun) -> None:
        try:
            delivered = begun.delivery.complete(lambda: not self._is_cancelled.is_set())
            job = begun.make_job(delivered)
            self.folder.keep(self.record, "handed over")
        finally:
            begun.delivery.close()
            self.is_writing = False
        self._text = "Looking for the server"
        self._on_change(self.record.job)
        self._submit(job)

    def _join(self) -> None:
        """Submit the job again, which finds the first submission where there was one, or follow it."""
        self._may_be_at_server = True
        is_moved = str(self.folder.path.absolute()) != self.record.folder
        if self.folder.job_file.exists() and not is_moved:
            try:
                job = read_job(self.folder.job_file)
            except ProtocolError as error:
                raise BridgeError(f"{error}.") from error
            self._submit(job)
        else:
            self._attach(lambda client: client.follow(self.record.job, on_event=self._heard))

    def _submit(self, job: RemovalJob) -> None:
        self._may_be_at_server = True
        self._attach(lambda client: client.submit(job, on_event=self._heard))

    def _attach(self, begin: Callable[[Client], RemoteJob]) -> None:
        """Begin to follow the job, and keep looking for a server while none answers."""
        client = self._found_client(self._tell_silence)
        if client is None:
            return
        with self._lock:
            self._client = client
            remote = self._remote = begin(client)
        remote.done.add_done_callback(partial(self._ended, remote))
        if self._is_cancelled.is_set():
            client.cancel(self.record.job)

    def _tell_silence(self, error: BridgeError) -> None:
        if self._is_cancelled.is_set():
            raise error
        self._text = f"{str(error).rstrip('.')}; the removal goes on when it answers"
        self._on_change(self.record.job)

    def _rejoin(self) -> None:
        try:
            time.sleep(_AGAIN_S[0])
            client = self._found_client(lambda error: _log.info("%s: %s", self.record.job, error))
            if client is not None and client is not self._client:
                self._join()
        finally:
            self._is_looking = False

    def _found_client(self, on_silence: Callable[[BridgeError], None]) -> Client | None:
        """A client of the server, which is looked for until one answers; None when nobody follows the removal
        any more."""
        waits = chain(_AGAIN_S, repeat(_AGAIN_S[-1]))
        while not self._is_closed and self._phase is None:
            try:
                return self._link.client()
            except BridgeError as error:
                on_silence(error)
            time.sleep(next(waits))
        return None

    # The client's threads --------------------------------------------------------------------------------

    def _heard(self, event: WatchEvent) -> None:
        with self._lock:
            if isinstance(event, Snapshot):
                self._info = event.job
                self._progress = event.job.progress or self._progress
            elif isinstance(event, StateEvent) and self._info is not None:
                # Its end is told when the files are here too.
                if not event.state.is_final:
                    self._info = _changed(self._info, event.state, event.message)
            elif isinstance(event, ProgressEvent):
                self._progress = _with_shares(event.progress, self._progress)
            elif isinstance(event, LogEvent):
                if self._heard_from is None:
                    self._heard_from = event.offset
                self._lines.extend(printable(line) for line in event.text.splitlines())
            elif isinstance(event, Disconnected) and not self._is_looking and not self._is_closed:
                self._is_looking = True
                self._run(self._rejoin)
            elif not isinstance(event, FrameEvent):
                return
        self._on_change(self.record.job)

    def _ended(self, remote: RemoteJob, done: Future[JobInfo]) -> None:
        if remote is not self._remote or self._is_closed:
            return  # a newer connection follows it
        error = done.exception()
        was_accepted = remote.accepted.done() and remote.accepted.exception() is None
        if isinstance(error, ServerUnreachableError) and not self._is_looking:
            self._is_looking = True
            self._client = None
            self._run(self._rejoin)
        elif error is not None and not isinstance(error, ServerUnreachableError):
            text = str(error).rstrip(".")
            self._end("failed", text, keeps_export=was_accepted)
        elif error is None:
            info = done.result()
            self._info = info
            self._progress = self._progress or info.progress
            phases: dict[JobState, Phase] = {JobState.DONE: "finished", JobState.CANCELLED: "cancelled"}
            self._with_whole_log(partial(self._end, phases.get(info.state, "failed"), info.message))

    def _with_whole_log(self, then: Callable[[], None]) -> None:
        """Call ``then`` once the log has also what was said before this bridge listened; as it is where the
        server does not tell."""
        client, heard_from = self._client, self._heard_from
        if client is None or heard_from == 0:
            then()
            return

        def came(done: Future[tuple[str, int]]) -> None:
            if done.exception() is None:
                before = done.result()[0].encode()[:heard_from].decode("utf-8", "replace")
                lines = [printable(line) for line in before.splitlines()]
                with self._lock:
                    self._lines = deque([*lines, *self._lines], maxlen=_LOG_LINES)
            then()

        client.log(self.record.job).add_done_callback(came)

    def _end(self, phase: Phase, text: str, *, keeps_export: bool = False) -> None:
        _log.info("the removal %s in %s: %s %s", self.record.job, self.folder.path, phase, text)
        self.folder.keep(self.record, phase, text, self._shares(is_over=True))
        self.folder.keep_log("\n".join(self._lines))
        if not keeps_export:
            self.folder.discard_export()
        # Told last: whoever hears of the end finds the folder as it stays.
        self._text, self._phase = text, phase
        self._on_change(self.record.job)


_SHARES = ("real", "guessed", "invented")


def _changed(info: JobInfo, state: JobState, message: str) -> JobInfo:
    return replace(info, state=state, message=message)


def _with_shares(progress: ProgressInfo, before: ProgressInfo | None) -> ProgressInfo:
    """The newer progress, with the shares that were known already where it tells none."""
    if before is None or progress.invented is not None:
        return progress
    return replace(progress, real=before.real, guessed=before.guessed, invented=before.invented)
