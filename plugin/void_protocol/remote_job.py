"""A job on the server, as its submitter sees it."""

from __future__ import annotations

import logging
import threading
from collections.abc import Collection
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from functools import partial
from typing import Protocol

import msgspec

from void_protocol.collector import Collector, OnFrame
from void_protocol.errors import (
    ProtocolError,
    ResultFileError,
    ResultsGoneError,
    ServerUnreachableError,
    TransferError,
)
from void_protocol.frame_list import describe_frames
from void_protocol.job import RemovalJob
from void_protocol.messages import (
    Accepted,
    FrameEvent,
    JobInfo,
    JobState,
    ProgressEvent,
    ResultFile,
    StateEvent,
)
from void_protocol.proposal import proposal_path, read_proposal, report_of_frames, write_proposal
from void_protocol.sequence import frame_path
from void_protocol.session import Session
from void_protocol.submission import TransferChoice, absolute_job, plan_submission
from void_protocol.task import is_task_name
from void_protocol.upload import Upload, UploadProgress
from void_protocol.watching import OnEvent, Snapshot, WatchEvent

_log = logging.getLogger(__name__)


class Server(Protocol):
    """What a remote job needs of its client."""

    def watch(self, job_id: str, on_event: OnEvent) -> None: ...

    def unwatch(self, job_id: str, on_event: OnEvent) -> None: ...

    def cancel(self, job_id: str) -> Future[JobInfo]: ...

    def job(self, job_id: str) -> Future[JobInfo]: ...

    def results(self, job_id: str) -> list[ResultFile]: ...

    def add_upload(self, job_id: str, upload: Upload) -> None: ...

    def remove_upload(self, job_id: str) -> None: ...


class RemoteJob:
    """A handle on a job, made by :class:`~void_protocol.client.Client`.

    Attributes:
        job_id: the job's identity.
        accepted: a future of the job as the server stored it. It fails when the job is refused.
        done: a future of the job once it is final and, with ``fetch``, every result file is in place here. A
            job that failed or was cancelled comes back as such; only trouble with the transfer is raised.
    """

    def __init__(
        self,
        server: Server,
        session: Session,
        job_id: str,
        *,
        job: RemovalJob | None = None,
        priority: int = 0,
        again: bool = False,
        replaces: Collection[int] = (),
        pattern: str | None = None,
        on_event: OnEvent | None = None,
        on_upload: UploadProgress | None = None,
        on_frame: OnFrame | None = None,
    ) -> None:
        """When ``job`` is given, it is submitted; when ``pattern`` is given, results are fetched to it."""
        self.job_id = job_id
        self.accepted: Future[JobInfo] = Future()
        self.done: Future[JobInfo] = Future()
        for future in (self.accepted, self.done):
            future.set_running_or_notify_cancel()  # a job is cancelled with cancel(), not through its futures
        self._server = server
        self._session = session
        self._job = job
        self._priority = priority
        self._again = again
        self._replaces = replaces
        self._pattern = pattern
        self._on_event = on_event
        self._on_upload = on_upload
        self._on_frame = on_frame
        self._info: JobInfo | None = None
        self._upload: Upload | None = None
        self._collector: Collector | None = None
        self._is_final = threading.Event()

    @property
    def info(self) -> JobInfo | None:
        """The job as last heard of; None before it was accepted."""
        return self._info

    def cancel(self) -> Future[JobInfo]:
        """Ask the server to stop the job."""
        return self._server.cancel(self.job_id)

    def start(self, transfer: TransferChoice) -> None:
        """Begin the submission on a thread of its own; the client calls this."""
        threading.Thread(
            target=self._run, args=(transfer,), name=f"void-job-{self.job_id[:8]}", daemon=True
        ).start()

    def detach(self) -> None:
        """Let go of the job because the client closes. The job goes on without it."""
        if self._upload is not None:
            self._upload.stop()
        if self._collector is not None:
            self._collector.stop()
        self._is_final.set()
        self._fail(ServerUnreachableError("the client was closed; the job goes on at the server"))

    # The job's thread -----------------------------------------------------------------------------------

    def _run(self, transfer: TransferChoice) -> None:
        try:
            if self._job is None:
                self._accept(self._server.job(self.job_id).result())
            else:
                self._submit(absolute_job(self._job), transfer)
            self._is_final.wait()
            if not self.done.done():
                self._finish()
        except ProtocolError as error:
            self._fail(error)
        except Exception as error:  # noqa: BLE001 - whoever waits for the futures must learn of the failure
            _log.exception("the client failed at job %s", self.job_id)
            self._fail(TransferError(f"the client failed at job {self.job_id}: {error!r}"))
        finally:
            self._server.unwatch(self.job_id, self._heard)
            if self._collector is not None:
                self._collector.stop()

    def _submit(self, job: RemovalJob, transfer: TransferChoice) -> None:
        plan = plan_submission(
            self._session, job, transfer, self._priority, again=self._again, replaces=self._replaces
        )
        upload = Upload(
            self._session, job.job_id, plan.message, plan.payloads, plan.files, plan.entries, self._on_upload
        )
        self._upload = upload
        self._server.add_upload(job.job_id, upload)
        try:
            upload.run(partial(self._accepted, job))
        except TransferError:
            # A job whose inputs cannot be sent cannot run, so the server need not wait for them.
            self._server.cancel(job.job_id)
            raise
        finally:
            self._server.remove_upload(job.job_id)
            self._upload = None

    def _accepted(self, job: RemovalJob, answer: Accepted) -> None:
        if not self.accepted.done():
            if answer.job.state is JobState.DONE and answer.job.outputs == "paths":
                _refuse_gone_results(job)
            self._accept(answer.job)

    def _accept(self, info: JobInfo) -> None:
        self._info = info
        if self._pattern is not None and info.outputs == "streamed":
            self._collector = Collector(
                self._session, self.job_id, self._pattern, self._on_frame, self._replaces
            )
        self.accepted.set_result(info)
        self._server.watch(self.job_id, self._heard)

    def _finish(self) -> None:
        info = self._server.job(self.job_id).result()
        if self._collector is not None:
            results = self._server.results(self.job_id)
            self._collector.add(results)
            self._collector.wait()
            if is_task_name(info.engine) and self._pattern is not None:
                _keep_report(self._pattern, [result.frame for result in results])
        self._info = info
        with suppress(InvalidStateError):  # the client may have been closed meanwhile
            self.done.set_result(info)

    def _fail(self, error: ProtocolError) -> None:
        for future in (self.accepted, self.done):
            with suppress(InvalidStateError):
                future.set_exception(error)

    # The session's thread -------------------------------------------------------------------------------

    def _heard(self, event: WatchEvent) -> None:
        info = self._info
        if isinstance(event, Snapshot):
            self._info = event.job
            is_final = event.job.state.is_final
        elif isinstance(event, StateEvent) and info is not None:
            self._info = msgspec.structs.replace(
                info, state=event.state, message=event.message, sequence=event.sequence
            )
            is_final = event.state.is_final
        else:
            is_final = False
            self._note(event, info)
        if is_final and self._upload is not None:
            self._upload.stop()
        if self._on_event is not None:
            self._on_event(event)
        if is_final:
            self._is_final.set()

    def _note(self, event: WatchEvent, info: JobInfo | None) -> None:
        if isinstance(event, ProgressEvent) and info is not None:
            self._info = msgspec.structs.replace(info, progress=event.progress)
        elif isinstance(event, FrameEvent):
            if info is not None:
                self._info = msgspec.structs.replace(
                    info, frames_done=info.frames_done + 1, sequence=event.sequence
                )
            if self._collector is not None:
                self._collector.add([ResultFile(frame=event.frame, size=event.size, sha256=event.sha256)])


def _keep_report(pattern: str, frames: list[int]) -> None:
    """Write the report on fetched mattes beside them, as the server does where it writes them itself.

    Raises:
        ResultFileError: when it cannot be written.
    """
    report, path = report_of_frames(pattern, frames), proposal_path(pattern)
    if report is None:
        return
    there = read_proposal(path)
    if path.exists() and (there is None or there.job_id != report.job_id):
        _log.warning("%s is another job's and stays; the mattes themselves carry the report", path)
        return
    try:
        write_proposal(report, path)
    except OSError as error:
        raise ResultFileError(f"cannot write {path}: {error.strerror or error}") from error


def _refuse_gone_results(job: RemovalJob) -> None:
    """Raise when files of a finished job are gone: it does not run again, so they would be missing for
    good."""
    pattern = job.output.versioned_pattern
    numbers = job.shot.frame_numbers
    gone = [frame for frame in numbers if not frame_path(pattern, frame).exists()]
    if gone:
        raise ResultsGoneError(
            f"the job {job.job_id} is done, but {len(gone)} of its {len(numbers)} files are gone "
            f"({describe_frames(gone)}, looked for {frame_path(pattern, gone[0])}); "
            "give it the next output version and a new job id to make them again"
        )
