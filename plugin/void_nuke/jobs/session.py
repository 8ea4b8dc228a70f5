"""Carries removals from the press of the button to the Read node; it needs no widgets.

A session exports one removal after the other on a thread of its own and asks the main thread for one frame at
a time. It submits jobs, follows the server's events and has the host make the Read. It reports every change
to ``on_change`` on the main thread. Nothing here blocks the main thread but :meth:`RemovalSession.wait`.
"""

from __future__ import annotations

import contextlib
import logging
import queue
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from functools import partial
from pathlib import Path
from typing import Protocol

from void_nuke.batch.farm_order import TARGETS, FarmOrder, bundle_folder_of, hand_over, job_file_of
from void_nuke.errors import ExportCancelled, HostError, MainThreadError, SelectionError
from void_nuke.export.export import export_removal
from void_nuke.export.job_builder import build_job
from void_nuke.export.pick import RemovalPick
from void_nuke.export.version_choice import has_frames, next_version
from void_nuke.host.host import Host
from void_nuke.jobs.exported_files import discard, discard_later, save_job
from void_nuke.jobs.job_book import JobBook, OnChange
from void_nuke.jobs.notes_section import for_removals
from void_nuke.jobs.script_notes import begun_record, exported_record, plan_read_back
from void_nuke.jobs.tracked_job import Phase, TrackedJob, changes_of, shares_of
from void_protocol.errors import ProtocolError, ServerUnreachableError
from void_protocol.job import RemovalJob, new_job_id
from void_protocol.messages import FrameEvent, JobInfo, ProgressEvent, StateEvent
from void_protocol.remote_job import RemoteJob
from void_protocol.watching import Connected, Disconnected, Preview, Snapshot, WatchEvent

_log = logging.getLogger(__name__)

Deliver = Callable[[str, RemovalJob], None]
_NO_SERVER = "no VOID server is connected; start it in the panel (or `void serve`), then press Retry"


class JobClient(Protocol):
    """The part of :class:`void_protocol.client.Client` that a session needs."""

    def submit(
        self,
        job: RemovalJob,
        *,
        on_event: Callable[[WatchEvent], None],
        on_upload: Callable[[int, int], None],
    ) -> RemoteJob: ...

    def follow(
        self, job_id: str, *, pattern: str | None, on_event: Callable[[WatchEvent], None]
    ) -> RemoteJob: ...


class RemovalSession:
    """All removals of the open script. The methods belong to the main thread."""

    def __init__(
        self, host: Host, client: JobClient | None = None, on_change: OnChange | None = None
    ) -> None:
        """Prepare for removals; the first job starts the export's thread.

        Args:
            host: the host that has the script open.
            client: the connection to the server; None until :meth:`use_client`.
            on_change: called on the main thread with every job that changed.
        """
        self._host = for_removals(host)
        self._client = client
        self._book = JobBook(self._host, on_change)
        self._remotes: dict[str, RemoteJob] = {}
        self._cancelled: dict[str, threading.Event] = {}
        self._is_closed = False
        self._work: queue.Queue[Callable[[], None] | None] = queue.Queue()
        threading.Thread(target=self._run, name="void-export", daemon=True).start()
        host.on_script_load(self.reattach)
        host.on_script_close(self.leave_script)

    # For the main thread -----------------------------------------------------------------------------------

    @property
    def jobs(self) -> Sequence[TrackedJob]:
        """Return all removals, newest first."""
        return self._book.jobs

    def job(self, job_id: str) -> TrackedJob:
        """Return one removal.

        Raises:
            KeyError: when the script knows no such job.
        """
        return self._book.job(job_id)

    def use_client(self, client: JobClient | None) -> None:
        """Use another connection, or none. Running jobs are followed on the new one."""
        self._client = client
        if client is not None:
            for job in self.jobs:
                # A job that is still being exported finds the new client when it comes to submitting.
                if not job.phase.is_final and job.phase not in (Phase.EXPORTING, Phase.SUBMITTING):
                    self._follow(job.job_id)

    def start(self, pick: RemovalPick) -> TrackedJob:
        """Export a pick and submit it to the server.

        Raises:
            SelectionError: when the pick cannot be removed; nothing was begun then.
        """
        return self._begin(pick, self._submit)

    def send_to_farm(self, pick: RemovalPick, order: FarmOrder) -> TrackedJob:
        """Export a pick, write the job beside the result, and hand it to a farm.

        Raises:
            SelectionError: as for :meth:`start`.
        """
        return self._begin(pick, partial(self._hand_over, order), farm=order)

    def write_job_file(self, pick: RemovalPick, path: Path) -> TrackedJob:
        """Export a pick and save the job for ``void run`` or a farm, instead of submitting it. The tracked
        job counts as handed over when the file is there; its exported files stay.

        Raises:
            SelectionError: as for :meth:`start`.
        """

        def write(job_id: str, job: RemovalJob) -> None:
            save_job(job, path)
            self._book.end(job_id, Phase.HANDED_OVER, f"the job is in {path}")

        return self._begin(pick, write)

    def cancel(self, job_id: str) -> None:
        """Stop an export, or ask the server to stop the job."""
        if self.job(job_id).phase.is_final:
            return
        self._book.update(job_id, phase=Phase.CANCELLING, message="stopping")
        self._cancelled[job_id].set()
        remote = self._remotes.get(job_id)
        if remote is not None:
            remote.cancel()

    def retry(self, job_id: str) -> TrackedJob:
        """Run a removal again, as a new job and a new version.

        Raises:
            SelectionError: when the pick is not known (a job of an earlier session) or cannot be removed.
        """
        job = self.job(job_id)
        if job.pick is None:
            raise SelectionError(
                f"{job.name} v{job.version:03d} was sent in an earlier session; "
                "mark its shapes again and press Remove"
            )
        record = self._book.record(job_id)
        if record is not None and job.phase is Phase.FAILED and record.export_folder:
            self._book.keep(job_id, export_folder="")
            discard_later(record.export_folder)
        return self.start(job.pick) if job.farm is None else self.send_to_farm(job.pick, job.farm)

    def import_result(self, job_id: str) -> str:
        """Make the Read of a job's frames so far, or update it, and return the node's name.

        Raises:
            HostError: when this script has no such job, or the job has no frame yet.
        """
        record = self._book.record(job_id)
        if record is None:
            raise HostError(
                f"the job {job_id} is not of this script; use its Read from the script it was sent from"
            )
        if record.phase != Phase.DONE.value and not has_frames(record.result_pattern):
            raise HostError(
                f"no frame of {record.name} v{record.version:03d} is there yet; import it once some are"
            )
        name = self._host.add_read(plan_read_back(record))
        self._book.update(job_id, read_node=name)
        reads = self._book.reads_of_group(record.group)
        if reads:
            self._host.join_views(reads)
        self._book.save()
        return name

    def leave_script(self) -> None:
        """Let go of the script that is being closed. Its exports end, and its jobs are followed again when it
        is opened; a new, empty script begins without any."""
        if self._is_closed:
            return
        for job_id in self._book.leave_script():
            self._cancelled[job_id].set()
        self._remotes.clear()
        closed = self._book.script

        def look_again() -> None:
            # Where the artist keeps the script open after all, its notes bring the jobs back.
            if self._book.script == closed:
                self.reattach()

        self._post(look_again)

    def reattach(self) -> None:
        """Follow the jobs that the open script knows, and no longer those of another script."""
        records, lost = self._book.open_script()
        for job_id in lost:
            self._cancelled[job_id].set()
        for record in records:
            self._cancelled.setdefault(record.job_id, threading.Event())
            if not Phase(record.phase).is_final and record.job_id not in self._remotes:
                self._follow(record.job_id)

    def wait(self, job_id: str, timeout_s: float) -> TrackedJob:
        """Block until a job is final. This is for scripts in a terminal, not for a GUI.

        Raises:
            MainThreadError: when the job is not final in time.
        """
        limit = time.monotonic() + timeout_s
        while not self.job(job_id).phase.is_final:
            left = limit - time.monotonic()
            if left <= 0:
                raise MainThreadError(f"the removal {job_id} was not final after {timeout_s:g} s")
            self._host.run_posted(min(left, 0.1))
        self._host.run_posted(0.0)
        return self.job(job_id)

    def close(self) -> None:
        """Stop exports. Submitted jobs go on at the server."""
        self._is_closed = True
        self._book.close()
        for event in self._cancelled.values():
            event.set()
        self._work.put(None)

    # Begin --------------------------------------------------------------------------------------------------

    def _begin(self, pick: RemovalPick, deliver: Deliver, farm: FarmOrder | None = None) -> TrackedJob:
        pick.check()
        plate = self._host.plate(pick.plate)
        edition = self._host.version().edition
        if limited := pick.edition_problem(edition, has_files=plate.files is not None):
            raise SelectionError(limited)
        job_id = new_job_id()
        version = next_version(pick.output_pattern, self._book.taken_patterns())
        tracked = TrackedJob(
            record=begun_record(
                pick,
                job_id=job_id,
                name=pick.shot_name or plate.node,
                version=version,
                created_at=time.time(),
            ),
            phase=Phase.EXPORTING,
            message="waiting for other exports" if self._work.qsize() else "preparing",
            pick=pick,
            farm=farm,
        )
        self._cancelled[job_id] = threading.Event()
        self._book.add(tracked)
        self._work.put(partial(self._export, tracked, pick, deliver))
        return tracked

    # The export's thread ------------------------------------------------------------------------------------

    def _run(self) -> None:
        while (work := self._work.get()) is not None:
            work()

    def _export(self, tracked: TrackedJob, pick: RemovalPick, deliver: Deliver) -> None:
        job_id, is_cancelled = tracked.job_id, self._cancelled[tracked.job_id].is_set
        folder = Path(tracked.result_pattern).parent / f"void_export_{job_id[:12]}"
        try:
            exported = export_removal(
                self._host,
                pick,
                folder,
                is_cancelled=is_cancelled,
                on_progress=lambda fraction, message: self._book.update(
                    job_id, fraction=fraction, message=message
                ),
            )
            job = build_job(pick, exported, job_id=job_id, version=tracked.version)
            self._book.update(
                job_id, phase=Phase.SUBMITTING, message="submitting", left_out=exported.left_out, fraction=0.0
            )
            if is_cancelled():
                raise ExportCancelled("the export was cancelled; nothing was submitted")
            completes = pick.completes_job
            if pick.settings.proxy_scale == 1.0 and not completes and pick.is_removal:
                completes = self._book.open_proxy(pick.subject)
            self._book.remember(exported_record(tracked.record, job, exported, completes_job=completes))
            deliver(job_id, job)
        except ExportCancelled as error:
            self._give_up(job_id, folder, Phase.CANCELLED, str(error))
        except (HostError, ProtocolError) as error:
            self._give_up(job_id, folder, Phase.FAILED, str(error))
        except Exception as error:  # noqa: BLE001 - the thread has to outlive a bug in one removal
            _log.exception("the export of %s failed", job_id)
            self._give_up(
                job_id, folder, Phase.FAILED, f"the export failed unexpectedly: {error!r}; the log has more"
            )

    def _give_up(self, job_id: str, folder: Path, phase: Phase, message: str) -> None:
        """End a job of which nothing was submitted, and remove its exported files."""
        discard(folder)
        self._book.keep(job_id, export_folder="")
        self._book.end(job_id, phase, message)

    def _hand_over(self, order: FarmOrder, job_id: str, job: RemovalJob) -> None:
        result = job.output.versioned_pattern
        path, folder = job_file_of(result), bundle_folder_of(result, order.target)
        save_job(job, path)
        title = TARGETS.get(order.target, order.target)
        self._book.update(job_id, message=f"handing it to {title}")
        try:
            said = hand_over(order, [path], folder, is_cancelled=self._cancelled[job_id].is_set)
        except HostError:
            path.unlink(missing_ok=True)
            raise
        self._book.end(job_id, Phase.HANDED_OVER, said or f"the job for {title} is in {folder}")

    def _submit(self, job_id: str, job: RemovalJob) -> None:
        client = self._client
        if client is None:
            raise ServerUnreachableError(_NO_SERVER)
        remote = client.submit(
            job,
            on_event=partial(self._heard, job_id),
            on_upload=lambda sent, files: self._book.update(
                job_id, fraction=sent / max(files, 1), message=f"sending file {sent} of {files}"
            ),
        )
        self._take(job_id, remote)
        if self._cancelled[job_id].is_set():
            remote.cancel()

    def _follow(self, job_id: str) -> None:
        client, record = self._client, self._book.record(job_id)
        if client is None or record is None:
            return
        self._take(
            job_id,
            client.follow(job_id, pattern=record.result_pattern, on_event=partial(self._heard, job_id)),
        )

    def _take(self, job_id: str, remote: RemoteJob) -> None:
        self._remotes[job_id] = remote
        remote.done.add_done_callback(partial(self._ended, job_id, remote))

    # The client's threads -----------------------------------------------------------------------------------

    def _heard(self, job_id: str, event: WatchEvent) -> None:
        if isinstance(event, Snapshot):
            self._book.update(job_id, **changes_of(event.job))
        elif isinstance(event, StateEvent):
            # _ended() reports the end, when the files are here too.
            if not event.state.is_final:
                self._book.update(job_id, phase=Phase.of(event.state), message=event.message)
        elif isinstance(event, ProgressEvent):
            progress = event.progress
            self._book.update(
                job_id,
                fraction=progress.step / max(progress.steps, 1),
                message=progress.stage,
                eta_s=progress.eta_s,
                **shares_of(progress),
            )
        elif isinstance(event, FrameEvent):
            self._book.update(job_id, one_more_frame=True)
        elif isinstance(event, Preview):
            self._book.update(job_id, preview=event)
        elif isinstance(event, Connected | Disconnected):
            self._book.update(job_id, is_connected=isinstance(event, Connected))

    def _ended(self, job_id: str, remote: RemoteJob, done: Future[JobInfo]) -> None:
        if self._remotes.get(job_id) is not remote:
            return  # a newer connection follows the job now
        error = done.exception()
        was_accepted = remote.accepted.done() and remote.accepted.exception() is None
        if isinstance(error, ServerUnreachableError) and was_accepted:
            self._book.update(job_id, is_connected=False)
        elif error is not None:
            self._lose(job_id, error, was_accepted=was_accepted)
        else:
            self._post(partial(self._finish, job_id, done.result()))

    def _lose(self, job_id: str, error: BaseException, *, was_accepted: bool) -> None:
        """End a job that the server refused, or that it has while its results cannot come here."""
        record = self._book.record(job_id)
        message = str(error)
        if record is not None and record.export_folder:
            if was_accepted:  # the server may still be reading them
                message += f"; its exported files stay in {record.export_folder} until you press Retry"
            else:
                self._book.keep(job_id, export_folder="")
                discard(Path(record.export_folder))
        self._book.end(job_id, Phase.FAILED, message)

    def _finish(self, job_id: str, info: JobInfo) -> None:
        """On the main thread, end a job that is final and whose files are here."""
        phase = Phase.of(info.state)
        record = self._book.record(job_id)
        if record is None:
            return  # another script was opened in the meantime
        if record.export_folder:
            discard_later(record.export_folder)
        self._book.keep(job_id, phase=phase.value, message=info.message, export_folder="")
        shares = {} if info.progress is None else shares_of(info.progress)
        self._book.update(job_id, engine=info.engine, **shares)
        name = record.read_node or self._book.completed_read(job_id)
        message = info.message
        if (
            phase is Phase.DONE and not name and not record.task
        ):  # the panel shows what a task has made itself
            try:
                name = self.import_result(job_id)
            except Exception as error:  # noqa: BLE001 - whatever the host raises, the job has come to its end
                if not isinstance(error, HostError):
                    _log.exception("the Read of %s could not be made", job_id)
                told = str(error) or type(error).__name__
                message = f"the result is there, but its Read could not be made ({told}); press Import result"
        try:
            self._book.save()
        except Exception:  # noqa: BLE001 - as above: the artist sees the end, and the frames are there
            _log.exception("the script's notes could not be written")
        self._book.update(
            job_id,
            **{**changes_of(info), "phase": phase, "message": message, "read_node": name, "fraction": 1.0},
        )

    def _post(self, function: Callable[[], None]) -> None:
        with contextlib.suppress(MainThreadError):  # the host is quitting; the script remembers the job
            self._host.post(function)
