"""The life of a job: accepted, uploaded, queued, run, ended. Every change goes through this module.

:mod:`void_server.broker.jobs.job_states` says which state may follow which. A job whose worker or server died
goes from running back to the front of the queue, and its finished frames stay.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from functools import partial

import msgspec

from void_protocol.messages import (
    FrameEvent,
    JobInfo,
    JobState,
    LogEvent,
    PreviewEvent,
    ProgressEvent,
    QueueMode,
    StateEvent,
)
from void_server.broker.connections.subscriptions import Subscriptions
from void_server.broker.jobs.job_log import JobLogs
from void_server.broker.jobs.queue import JobQueue
from void_server.broker.jobs.quotas import Quotas
from void_server.broker.jobs.reopening import Reopening, first_state, refusal_of
from void_server.broker.jobs.result_room import ResultRoom
from void_server.broker.jobs.run_orders import run_order
from void_server.broker.jobs.spool import Spool
from void_server.broker.jobs.store import AddedJob, Holding, NewJob, Store
from void_server.broker.keyed_threads import KeyedThreads
from void_server.broker.throughput import Meter
from void_server.errors import RequestRefused, StateChangeRefused
from void_server.settings import ServerSettings
from void_server.workers.supervisor import RunOrder
from void_server.workers.worker_link import (
    EngineChosen,
    Finished,
    FrameWhole,
    FromWorker,
    LogLine,
    StageOver,
    Waiting,
)

_log = logging.getLogger(__name__)
_MESSAGE_CHARACTERS = 2000
"""The longest explanation of a state, which goes into every picture of the job."""
_LOG_CHARACTERS = 256 * 1024
"""The most that one call may add to a log, which is sent as one event."""

_NEARLY = 0.95
"""The fraction of a limit after which it counts as reached, because the worker has measured it by its own
clock."""


class JobLifecycle:
    """Changes the states of jobs, and tells everybody of it."""

    def __init__(
        self,
        settings: ServerSettings,
        store: Store,
        spool: Spool,
        events: Subscriptions,
        threads: KeyedThreads,
        meter: Meter,
    ) -> None:
        self._settings = settings
        self._store = store
        self._spool = spool
        self._events = events
        self._threads = threads
        self._meter = meter
        self._is_closing = False
        self._blocked_since: dict[str, float] = {}
        """Since when each job has waited for an obstacle; it is not kept longer than the server lives."""
        self._to_delete: list[tuple[str, Callable[[str], None]]] = []
        self._quotas = Quotas(settings)
        self.logs = JobLogs(spool.log_file, settings.log_bytes, threads, self._first_line)
        self.queue = JobQueue(store, settings.fair_share_half_life_s)
        self.reopening = Reopening(store, self._quotas, self.queue, self._publish)
        self.room = ResultRoom(
            self._quotas, self.queue, store, self.info, self._change, lambda job_id: self.stop_running(job_id)
        )
        self.stop_running: Callable[[str], bool] = lambda job_id: False
        """Asks the worker that runs a job to stop. The broker puts the supervisor's method here."""
        self.stop_upload: Callable[[str], None] = lambda job_id: None

    # What clients ask for -------------------------------------------------------------------------------

    def submit(self, new: NewJob, *, again: bool = False) -> JobInfo:
        """Accept a job whose folders exist, or recognise one that is here already; with ``again``, one that
        failed or was cancelled begins again.

        Raises:
            RequestRefused: ``conflict`` for another job of the same id, ``limit`` when too many are open.
        """
        holding = Holding(new.owner, new.upload_bytes)
        refusal = refusal_of(self.queue, self._quotas, holding)
        # Nearly every job is new, so whether it is known is not asked before it is stored.
        added = None if refusal else self._store.add_job(new, first_state(new.inputs))
        if added is not None:
            return self._accept(new, holding, added)
        known = self._store.content(new.job_id)
        if known is None and refusal is not None:
            raise refusal
        if known != new.content:
            raise RequestRefused(
                "conflict",
                f"job {new.job_id} is here already with other content; give the changed job a new job_id",
            )
        info = self.info(new.job_id)
        if again and info.state.can_begin_again and info.owner == new.owner:
            self.reopening.begin(info)
        return self.info(new.job_id)

    def content(self, job_id: str) -> bytes | None:
        """Return the digest of what a job says; None when there is no such job."""
        return self._store.content(job_id)

    def _accept(self, new: NewJob, holding: Holding, added: AddedJob) -> JobInfo:
        """Tell everybody of a job that was just stored."""
        state = added.info.state
        self.logs.forget(new.job_id)
        self._quotas.enter(new.job_id, holding)
        self._events.publish(added.event)
        if added.order is not None:
            self.queue.added(new.job_id, new.owner, new.priority, added.order)
        _log.info(
            "job %s (%s) accepted from %s, %s", new.job_id, new.name, new.owner, state.value,
            extra={"job_id": new.job_id, "owner": new.owner, "state": state.value},
        )  # fmt: skip
        return self._placed(added.info)

    def cancel(self, job_id: str) -> JobInfo:
        """Cancel a job; a final one stays as it is.

        Raises:
            RequestRefused: for an unknown job.
        """
        state = self.info(job_id).state
        if state in (JobState.UPLOADING, JobState.QUEUED):
            self.stop_upload(job_id)
            self._change(job_id, JobState.CANCELLED, "cancelled before it ran")
        elif state is JobState.RUNNING:
            self._change(job_id, JobState.CANCELLING)
            self.stop_running(job_id)
        return self.info(job_id)

    def release(self, job_id: str) -> JobInfo:
        """Delete what was spooled for a final job.

        Raises:
            RequestRefused: for an unknown job, or one that is not final.
        """
        info = self.info(job_id)
        if not info.state.is_final:
            raise RequestRefused("not_ready", f"job {job_id} is {info.state.value}; cancel it first")
        self._delete(job_id, self._spool.remove_results)
        self._store.set_released(job_id)
        self.room.released(job_id)
        return info

    def info(self, job_id: str) -> JobInfo:
        """Return the job as it is now.

        Raises:
            RequestRefused: for an unknown job.
        """
        info = self._store.info(job_id, self._events.progress(job_id))
        if info is None:
            raise RequestRefused("unknown_job", f"there is no job {job_id}; 'void jobs' lists them")
        return self._placed(info)

    def list_jobs(self, states: list[JobState] | None, limit: int) -> list[JobInfo]:
        """Return the newest jobs, newest first."""
        return [self._placed(info) for info in self._store.list_jobs(states, limit)]

    def _placed(self, info: JobInfo) -> JobInfo:
        if info.state is not JobState.QUEUED:
            return info
        return msgspec.structs.replace(info, queue_position=self.queue.position(info.job_id))

    # What is asked of the queue -------------------------------------------------------------------------

    def pause(self, job_id: str, by: str, reason: str) -> JobInfo:
        """Hold a job back. A running one stops and keeps its finished frames; a final one stays as it is.

        Raises:
            RequestRefused: for an unknown job.
        """
        state = self.info(job_id).state
        if not state.is_final and state is not JobState.CANCELLING:
            self.queue.hold(job_id, by)
            message = f"paused by {by}: {reason}" if reason else f"paused by {by}"
            if state is JobState.RUNNING:
                self.log(job_id, f"{message}; its whole frames stay")
                self.stop_running(job_id)
            else:
                self._change(job_id, state, message)
        return self.info(job_id)

    def resume(self, job_id: str) -> JobInfo:
        """Let a held job run; one that is not held stays as it is.

        Raises:
            RequestRefused: for an unknown job.
        """
        info = self.info(job_id)
        if info.is_paused:
            self.queue.hold(job_id, "")
            if info.state in (JobState.QUEUED, JobState.UPLOADING):
                self._change(job_id, info.state, "resumed")
        return self.info(job_id)

    def set_priority(self, job_id: str, priority: int) -> JobInfo:
        """Give a job another priority. A running one goes on; the priority counts if it has to wait again.

        Raises:
            RequestRefused: for an unknown job.
        """
        if self.info(job_id).priority != priority:
            self.queue.set_priority(job_id, priority)
            self.log(job_id, f"priority {priority}")
        return self.info(job_id)

    def set_gate(self, mode: QueueMode, by: str, reason: str) -> None:
        """Open, pause or drain the queue."""
        if (self.queue.gate.mode, self.queue.gate.reason) != (mode, reason):
            self.queue.set_gate(mode, by, reason)
            _log.info("the queue is %s, by %s%s", mode, by, f": {reason}" if reason else "")

    # What happens to jobs -------------------------------------------------------------------------------

    def upload_complete(self, job_id: str) -> None:
        """Queue a job of which every input file is here."""
        by = self.queue.holder(job_id)
        self._change(job_id, JobState.QUEUED, f"paused by {by}" if by else "")

    def upload_blocked(self, job_id: str, why: str) -> None:
        """Note why input files cannot be stored now; with an empty text, that they can again."""
        self._change(job_id, JobState.UPLOADING, why)

    def upload_abandoned(self, job_id: str) -> None:
        """End an upload whose client has not come back."""
        hours = self._settings.upload_grace_s / 3600
        self.stop_upload(job_id)
        self._change(job_id, JobState.CANCELLED, f"its files did not all arrive within {hours:.2g} h")
        self._delete(job_id, self._spool.remove_results)

    def take_next(self) -> RunOrder | None:
        """Mark the next job as running and hand it out; the supervisor calls this. The worker hears of it
        after the commit."""
        while not self._is_closing and (job_id := self.queue.next()) is not None:
            info = self.info(job_id)
            if info.attempts >= self._settings.most_attempts:
                why = f"started {info.attempts} times without coming to an end; see its log"
                if not self._change(job_id, JobState.FAILED, why):
                    self.queue.dropped(job_id)
                continue
            message = ""
            if info.attempts and info.frames_done:
                message = f"continues after {info.frames_done} of {info.frames_total} frames"
            elif info.attempts:
                message = "starts again, no frame was whole yet; its log tells of a checkpoint of the engine"
            if not self._change(job_id, JobState.RUNNING, message):
                self.queue.dropped(job_id)
                continue
            return run_order(info, self._store, self._spool, self.room.for_run(info))
        return None

    def worker_said(self, message: FromWorker, payloads: list[bytes]) -> None:
        """Take a worker's report on its job; the supervisor calls this."""
        match message:
            case ProgressEvent():
                self._events.publish(message)
            case PreviewEvent():
                self._events.publish(message, payloads)
            case LogLine(job_id=job_id, text=text):
                self.log(job_id, text)
            case Waiting(job_id=job_id, obstacle=obstacle):
                if obstacle:
                    self._blocked_since.setdefault(job_id, time.monotonic())
                if self._store.state(job_id) is JobState.RUNNING:
                    self._change(job_id, JobState.RUNNING, obstacle)
            case EngineChosen(job_id=job_id, engine=engine):
                self._store.set_engine_used(job_id, engine)
            case FrameWhole(job_id=job_id):
                self._blocked_since.pop(job_id, None)
                self._frame_whole(job_id, message)
            case StageOver(job_id=job_id):
                self._store.add_stage_time(job_id, message.stage, message.seconds)
            case Finished(job_id=job_id):
                self._finished(job_id, message)
            case _:
                _log.warning("a worker said %r unasked", message)

    def _frame_whole(self, job_id: str, message: FrameWhole) -> None:
        added = self._store.add_result(job_id, message.frame, message.size, message.sha256, message.seconds)
        if added is None:
            return
        event, more_bytes = added
        self._publish(event)
        self._meter.add("frames")
        self.room.taken(job_id, more_bytes)

    def _finished(self, job_id: str, message: Finished) -> None:
        state = self._store.state(job_id)
        if message.outcome in ("done", "failed"):
            self._meter.add("jobs")
        if message.outcome == "done":
            self._change(job_id, JobState.DONE)
        elif message.outcome == "failed":
            self._change(job_id, JobState.FAILED, message.message)
        elif message.outcome == "blocked" and state is not JobState.CANCELLING:
            self._given_back(job_id, message)
        elif state is JobState.RUNNING and (message.outcome == "no_room" or self.room.is_lacking(job_id)):
            self.room.wait(job_id)
        elif state is JobState.CANCELLING:
            self._change(job_id, JobState.CANCELLED)
        elif by := self.queue.holder(job_id):
            self._change(job_id, JobState.QUEUED, f"paused by {by}", first=True)
        else:  # the server is closing and has stopped it
            self._change(job_id, JobState.QUEUED, "the server stopped; it will continue", first=True)

    def _given_back(self, job_id: str, message: Finished) -> None:
        """Queue a job again whose worker has waited for a while, because others may have work for that
        worker."""
        now = time.monotonic()
        since = self._blocked_since.setdefault(job_id, now)
        if now >= since + _NEARLY * self._settings.wait_limit_s:
            self._change(job_id, JobState.FAILED, message.message)
            return
        self._store.uncount_attempt(job_id)
        self._change(job_id, JobState.QUEUED, f"{message.obstacle}; others go first meanwhile")

    def worker_lost(self, job_id: str, why: str, output: str) -> None:
        """Queue or end a job whose worker is gone; the supervisor calls this."""
        if output.strip():
            self.log(job_id, f"last words of the worker:\n{output}")
        if self._store.state(job_id) is JobState.CANCELLING:
            self._change(job_id, JobState.CANCELLED, why)
            return
        if by := self.queue.holder(job_id):  # its worker ignored the pause, which is not the job's fault
            self._change(job_id, JobState.QUEUED, f"paused by {by}; {why}", first=True)
            return
        deaths = self._store.count_worker_death(job_id)
        if deaths >= self._settings.most_worker_deaths:
            text = f"set aside: {why}; that happened {deaths} times with this job, so it is not tried again"
            text += "; see its log"
            self._change(job_id, JobState.FAILED, text)
        else:
            self._change(job_id, JobState.QUEUED, f"{why}; it will start again", first=True)

    def recover(self) -> None:
        """After a start, queue again what was running, and finish what was being cancelled."""
        self.queue.recover()
        for job_id, holding, is_open in self._store.holdings():
            self._quotas.enter(job_id, holding, is_open=is_open)
            if is_open:
                self.room.recover(job_id)
        self.room.made()
        for job_id in reversed(self._store.jobs_in(JobState.RUNNING)):
            self._change(job_id, JobState.QUEUED, "the server was stopped; it will continue", first=True)
        for job_id in self._store.jobs_in(JobState.CANCELLING):
            self._change(job_id, JobState.CANCELLED)
        for job_id in self._store.jobs_in(JobState.DONE, JobState.FAILED, JobState.CANCELLED):
            if self._spool.inputs_folder(job_id).exists():
                self._delete(job_id, self._spool.remove_inputs)

    def close(self) -> None:
        """Start no more runs. Runs that are stopped go back into the queue."""
        self._is_closing = True

    # Telling --------------------------------------------------------------------------------------------

    def _change(self, job_id: str, state: JobState, message: str = "", *, first: bool = False) -> bool:
        """Give the job a state and tell everybody. Return whether it may have that state.

        A state that may not follow the present one is a bug of this server: the job stays as it is, and the
        server's log names both states.
        """
        message = whole = self._spool.told(job_id, message)
        if len(message) > _MESSAGE_CHARACTERS:
            message = message[:_MESSAGE_CHARACTERS] + " ... (all of it is in the job's log)"
        try:
            event = self._store.set_state(job_id, state, message, first=first)
        except StateChangeRefused as error:
            _log.error("%s", error, extra={"job_id": job_id, "state": state.value})
            return False
        if message != whole:
            self.log(job_id, whole)
        self.queue.changed(job_id, state)
        text = f"{state.value}: {message}" if message else state.value
        self.log(job_id, text)
        _log.info("job %s: %s", job_id, text, extra={"job_id": job_id, "state": state.value})
        if state.is_final:
            self._blocked_since.pop(job_id, None)
            self.room.forget(job_id)
            self._quotas.leave(job_id)
            self._delete(job_id, self._spool.remove_inputs)
        self._publish(event)
        if state.is_final:
            self.room.made()
        return True

    def _delete(self, job_id: str, remove: Callable[[str], None]) -> None:
        self._to_delete.append((job_id, remove))

    def clear_away(self) -> None:
        """Delete what is not needed any more. The broker calls this after a commit: a server that died
        between the two would come back to a job that still runs and has no inputs."""
        to_delete, self._to_delete = self._to_delete, []
        for job_id, remove in to_delete:
            # The files of a long shot take a while, so they are deleted on a thread.
            self._threads.run(job_id, partial(remove, job_id), lambda done: done.result())

    def _publish(self, event: StateEvent | FrameEvent) -> None:
        self._events.publish(event)

    def _first_line(self, job_id: str) -> tuple[float, str]:
        """Return how a job's log begins, and since when. The line is written with the log's second one: a
        file for each accepted job would keep waiting those clients that submit the next ones."""
        info = self.info(job_id)
        state = first_state(info.inputs)
        return info.created_at, f"job {job_id} ({info.name}) accepted from {info.owner}, {state.value}"

    def log(self, job_id: str, text: str) -> None:
        """Add to the job's log and tell those who watch the job."""
        offset, written = self.logs.append(job_id, self._spool.told(job_id, text[:_LOG_CHARACTERS]))
        if written:
            self._events.publish(LogEvent(job_id=job_id, offset=offset, text=written))
