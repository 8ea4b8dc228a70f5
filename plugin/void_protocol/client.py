"""The client of a VOID server: submit, watch, cancel, fetch.

One background thread owns the socket, and work on files has threads of its own. A method blocks the caller
only where its description says so. What takes time comes back as a :class:`concurrent.futures.Future`, whose
``result()`` raises the :class:`~void_protocol.errors.ProtocolError` that went wrong.

    with Client(load_connection()) as client:
        remote = client.submit(job, on_event=print)
        info = remote.done.result()
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection
from concurrent.futures import Future
from typing import NoReturn, TypeVar

from void_protocol.collector import OnFrame
from void_protocol.errors import ProtocolError, ServerError
from void_protocol.job import RemovalJob
from void_protocol.keys import Connection
from void_protocol.messages import (
    Cancel,
    EngineDescription,
    Engines,
    Error,
    FileRefused,
    FileStored,
    GetEngines,
    GetJob,
    GetLog,
    GetResults,
    GetStatus,
    JobInfo,
    JobList,
    JobReply,
    JobState,
    ListJobs,
    LogText,
    Message,
    Release,
    ResultFile,
    ResultList,
    ServerMessage,
    Status,
    UploadCredit,
    Welcome,
)
from void_protocol.remote_job import RemoteJob
from void_protocol.sequence import absolute_pattern
from void_protocol.session import Reply, Session
from void_protocol.submission import TransferChoice
from void_protocol.upload import Upload, UploadProgress
from void_protocol.watching import OnEvent, Watching

T = TypeVar("T")
_R = TypeVar("_R", bound=Message)
_S = TypeVar("_S")


class Client:
    """A connection to one server. It reconnects by itself when the connection is lost."""

    def __init__(
        self, connection: Connection, *, name: str = "void", request_timeout_s: float = 60.0
    ) -> None:
        """Begin to connect; this does not wait for the server.

        Args:
            connection: address and keys; see :func:`void_protocol.keys.load_connection`.
            name: what the server's log calls this client.
            request_timeout_s: a request without an answer for this long fails.
        """
        self._session = Session(connection, self, name, request_timeout_s)
        self._watching = Watching(self._session)
        self._uploads: dict[str, Upload] = {}
        self._jobs: list[RemoteJob] = []
        self._lock = threading.Lock()
        self._session.start()

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Leave the server. Jobs go on there; this client's transfers end and their futures fail."""
        with self._lock:
            jobs, self._jobs = self._jobs, []
        for job in jobs:
            job.detach()
        self._session.close()

    def wait_connected(self, timeout_s: float = 10.0) -> Welcome:
        """Block until the server has answered, and return its answer.

        Raises:
            ServerUnreachableError: when it has not answered in time; the message gives the reason if it is
                known.
            VersionRefusedError: when client and server share no protocol version.
        """
        return self._session.wait_connected(timeout_s)

    # Jobs -----------------------------------------------------------------------------------------------

    def submit(
        self,
        job: RemovalJob,
        *,
        transfer: TransferChoice = "auto",
        fetch: bool = True,
        priority: int = 0,
        again: bool = False,
        replaces: Collection[int] = (),
        on_event: OnEvent | None = None,
        on_upload: UploadProgress | None = None,
        on_frame: OnFrame | None = None,
    ) -> RemoteJob:
        """Submit a job and its files.

        Submitting the same job again, also after the caller has crashed, finds the first submission.

        Args:
            job: what to remove. Its patterns are paths on this machine, absolute or relative to the current
                folder.
            transfer: ``paths`` when the server must read and write this machine's paths, ``streamed`` when
                everything must travel, ``auto`` to let the server prove what it sees and decide by that.
            fetch: bring streamed results to ``job.output`` frame by frame while the job runs.
            priority: -100 to 100; higher ones run first. Above 0 is for the server's operators.
            again: let the job begin again when the server knows it as failed or cancelled.
            replaces: frames whose files may be there already and be replaced, such as proxies of this result.
            on_event: called with every event of the job, on the client's background thread.
            on_upload: called with how many of the input files are sent, on a thread of the job's own.
            on_frame: called with each fetched file once it is in place, on a thread of its own.
        """
        pattern = absolute_pattern(job.output.versioned_pattern) if fetch else None
        remote = RemoteJob(
            self,
            self._session,
            job.job_id,
            job=job,
            priority=priority,
            again=again,
            replaces=replaces,
            pattern=pattern,
            on_event=on_event,
            on_upload=on_upload,
            on_frame=on_frame,
        )
        return self._begin(remote, transfer)

    def follow(
        self,
        job_id: str,
        *,
        pattern: str | None = None,
        on_event: OnEvent | None = None,
        on_frame: OnFrame | None = None,
    ) -> RemoteJob:
        """Return a handle on a job that anyone submitted before.

        Args:
            pattern: where to put streamed results on this machine, also those still to come. With None they
                stay at the server. Results that the server writes by path are where the job says.
            on_event: as for :meth:`submit`.
            on_frame: as for :meth:`submit`.
        """
        local = None if pattern is None else absolute_pattern(pattern)
        remote = RemoteJob(self, self._session, job_id, pattern=local, on_event=on_event, on_frame=on_frame)
        return self._begin(remote, "auto")

    def _begin(self, remote: RemoteJob, transfer: TransferChoice) -> RemoteJob:
        with self._lock:
            self._jobs = [job for job in self._jobs if not job.done.done()]
            self._jobs.append(remote)
        remote.start(transfer)
        return remote

    def watch(self, job_id: str, on_event: OnEvent) -> None:
        """Call ``on_event`` for a job's events, first with a :class:`~void_protocol.watching.Snapshot`."""
        self._session.call(lambda: self._watching.add(job_id, on_event))

    def unwatch(self, job_id: str, on_event: OnEvent) -> None:
        """Stop calling ``on_event`` for that job."""
        self._session.call(lambda: self._watching.remove(job_id, on_event))

    def cancel(self, job_id: str) -> Future[JobInfo]:
        """Ask for a job to be stopped. The state is ``cancelling`` until the worker has confirmed."""
        return self.ask(Cancel(request=0, job_id=job_id), JobReply, lambda reply: reply.job)

    def job(self, job_id: str) -> Future[JobInfo]:
        """Ask for the present state of one job."""
        return self.ask(GetJob(request=0, job_id=job_id), JobReply, lambda reply: reply.job)

    def jobs(self, states: list[JobState] | None = None, limit: int = 200) -> Future[list[JobInfo]]:
        """Ask for the newest jobs, newest first, at most 250; with ``states`` only for jobs in one of
        these."""
        return self.ask(ListJobs(request=0, states=states, limit=limit), JobList, lambda reply: reply.jobs)

    def release(self, job_id: str) -> Future[JobInfo]:
        """Let the server delete the streamed results that it keeps of a finished job."""
        return self.ask(Release(request=0, job_id=job_id), JobReply, lambda reply: reply.job)

    def status(self) -> Future[Status]:
        """Ask for the server's status."""
        return self.ask(GetStatus(request=0), Status, lambda reply: reply)

    def engines(self) -> Future[list[EngineDescription] | None]:
        """The engines that the server has; None while none of its workers has been ready yet, and from a
        server of a release that does not tell."""
        asked = self.ask(GetEngines(request=0), Engines, lambda reply: reply.engines)
        return none_if_unknown(asked)

    def log(self, job_id: str, offset: int = 0) -> Future[tuple[str, int]]:
        """Ask for a piece of a job's log from byte ``offset``; the answer also says where the next piece
        begins."""

        def text(reply: LogText, payloads: list[memoryview]) -> tuple[str, int]:
            data = bytes(payloads[0])
            if reply.offset + len(data) < reply.size:  # do not end inside a character
                data = data[: data.rfind(b"\n") + 1] or data
            return data.decode("utf-8", "replace"), reply.offset + len(data)

        request = GetLog(request=0, job_id=job_id, offset=offset)
        return _then(self._session.request(request), lambda reply: text(_expect(reply, LogText), reply[1]))

    def results(self, job_id: str) -> list[ResultFile]:
        """The frames that are whole so far, with sizes and checksums. Blocks.

        Raises:
            ServerError, ServerUnreachableError
        """
        found: list[ResultFile] = []
        after: int | None = None
        while True:
            request = GetResults(request=0, job_id=job_id, after_frame=after)
            reply = _expect(self._session.request(request).result(), ResultList)
            found.extend(reply.results)
            if not reply.more:
                return found
            after = reply.results[-1].frame

    # The session's thread -------------------------------------------------------------------------------

    def connected(self, welcome: Welcome) -> None:
        """Take up every watch; the session calls this."""
        self._watching.connected(welcome.server)

    def disconnected(self, why: str) -> None:
        """Tell whoever watches; the session calls this."""
        for upload in list(self._uploads.values()):
            upload.interrupt()
        self._watching.disconnected(why)

    def received(self, message: ServerMessage, payloads: list[memoryview]) -> None:
        """Pass on a message that answers no request; the session calls this."""
        if isinstance(message, UploadCredit | FileStored | FileRefused):
            upload = self._uploads.get(message.job_id)
            if upload is not None:
                upload.received(message)
        elif isinstance(message, Error):
            if message.code == "no_upload":
                for upload in list(self._uploads.values()):
                    upload.interrupt()
        else:
            self._watching.received(message, payloads)

    def add_upload(self, job_id: str, upload: Upload) -> None:
        """Route the server's answers about a job's upload to ``upload``; a submission calls this."""
        self._uploads[job_id] = upload

    def remove_upload(self, job_id: str) -> None:
        """Forget a job's upload, which is over; a submission calls this."""
        self._uploads.pop(job_id, None)

    def ask(self, message: Message, kind: type[_R], pick: Callable[[_R], T]) -> Future[T]:
        """Send a request; ``pick`` takes what matters from its reply of this kind."""
        return _then(self._session.request(message), lambda reply: pick(_expect(reply, kind)))


def _expect(reply: Reply, kind: type[_R]) -> _R:
    if not isinstance(reply[0], kind):
        raise ServerError("bad_message", f"the server answered with {type(reply[0]).__name__}")
    return reply[0]


def _raise(error: ProtocolError) -> NoReturn:
    raise error


def _then(
    source: Future[_S], pick: Callable[[_S], T], rescue: Callable[[ProtocolError], T] = _raise
) -> Future[T]:
    """What ``pick`` makes of the answer, once it is there; ``rescue`` may make something of an error."""
    result: Future[T] = Future()
    result.set_running_or_notify_cancel()

    def done(future: Future[_S]) -> None:
        try:
            try:
                picked = pick(future.result())
            except ProtocolError as error:
                picked = rescue(error)
            result.set_result(picked)
        except ProtocolError as error:
            result.set_exception(error)

    source.add_done_callback(done)
    return result


def none_if_unknown(asked: Future[T]) -> Future[T | None]:
    """Turn the answer of a server of an older release, which does not know the message, into None."""

    def rescue(error: ProtocolError) -> None:
        if not (isinstance(error, ServerError) and error.code == "unknown_type"):
            raise error

    return _then(asked, lambda answer: answer, rescue)
