"""Removals from the press of the button to the Read node, without a widget.

A session exports one removal after the other on a thread of its own, asking the main thread for one frame at
a time; submits; follows the server's events; and has the host make the Read. Every change comes to
``on_change`` on the main thread. Nothing here blocks the main thread, but for :meth:`RemovalSession.wait`.
"""

from __future__ import annotations

import logging
import queue
import shutil
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import msgspec

from void_protocol.errors import ProtocolError, ServerUnreachableError
from void_protocol.job import RemovalJob, new_job_id
from void_protocol.job_file import write_job
from void_protocol.messages import FrameEvent, JobInfo, ProgressEvent, StateEvent
from void_protocol.remote_job import RemoteJob
from void_protocol.watching import Connected, Disconnected, Preview, Snapshot, WatchEvent

from .errors import ExportCancelled, HostError, MainThreadError, SelectionError
from .export import export_removal
from .host import Host
from .job_builder import build_job, record_of
from .pick import RemovalPick
from .script_notes import JobRecord, decode_notes, encode_notes, plan_read_back
from .tracked_job import Phase, TrackedJob, changes_of, tracked_from
from .version_choice import next_version

_log = logging.getLogger(__name__)

OnChange = Callable[[TrackedJob], None]
_NO_SERVER = "no VOID server is connected; start it in the panel (or `void serve`), then press Retry"


class JobClient(Protocol):
    """What a session needs of :class:`void_protocol.client.Client`."""

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
    """All removals of the open script. Methods belong to the main thread."""

    def __init__(
        self, host: Host, client: JobClient | None = None, on_change: OnChange | None = None
    ) -> None:
        """
        Args:
            host: where the script is.
            client: the connection to the server; None until :meth:`use_client`.
            on_change: hears of every job that changed, on the main thread.
        """
        self._host = host
        self._client = client
        self._on_change = on_change
        self._lock = threading.Lock()
        self._jobs: dict[str, TrackedJob] = {}
        self._records: dict[str, JobRecord] = {}
        self._remotes: dict[str, RemoteJob] = {}
        self._cancelled: dict[str, threading.Event] = {}
        self._changed: set[str] = set()
        self._work: queue.Queue[Callable[[], None] | None] = queue.Queue()
        self._is_closed = False
        threading.Thread(target=self._run, name="void-export", daemon=True).start()
        host.on_script_load(self.reattach)

    # For the main thread -----------------------------------------------------------------------------------

    @property
    def jobs(self) -> Sequence[TrackedJob]:
        """All removals, newest first."""
        with self._lock:
            return sorted(self._jobs.values(), key=lambda job: job.created_at, reverse=True)

    def job(self, job_id: str) -> TrackedJob:
        with self._lock:
            return self._jobs[job_id]

    def use_client(self, client: JobClient | None) -> None:
        """Another connection, or none. Running jobs are followed on the new one."""
        self._client = client
        if client is not None:
            for job in self.jobs:
                # What is still exporting will find the new client when it comes to submitting.
                if not job.phase.is_final and job.phase not in (Phase.EXPORTING, Phase.SUBMITTING):
                    self._follow(job.job_id)

    def start(self, pick: RemovalPick) -> TrackedJob:
        """Export and submit.

        Raises:
            SelectionError: when the pick cannot be removed; nothing was begun then.
        """
        return self._begin(pick, lambda job_id, job: self._submit(job_id, job))

    def write_job_file(self, pick: RemovalPick, path: Path) -> TrackedJob:
        """Export and save the job for ``void run`` or a farm, instead of submitting it. The tracked job is
        done when the file is there.

        Raises:
            SelectionError: as for :meth:`start`.
        """

        def write(job_id: str, job: RemovalJob) -> None:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_job(job, path)
            self._keep(job_id, phase=Phase.DONE.value)
            self._update(job_id, phase=Phase.DONE, message=f"the job is in {path}", fraction=1.0)

        return self._begin(pick, write)

    def cancel(self, job_id: str) -> None:
        """Stop an export, or ask the server to stop the job."""
        if self.job(job_id).phase.is_final:
            return
        self._update(job_id, phase=Phase.CANCELLING, message="stopping")
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
        return self.start(job.pick)

    def import_result(self, job_id: str) -> str:
        """Make (or bring up to date) the Read of a job's frames so far; the node's name.

        Raises:
            HostError: when there is no such job in this script.
        """
        record = self._records.get(job_id)
        if record is None:
            raise HostError(
                f"the job {job_id} is not of this script; use its Read from the script it was sent from"
            )
        name = self._host.add_read(plan_read_back(record))
        self._keep(job_id, read_node=name)
        self._save_notes()
        self._update(job_id, read_node=name)
        return name

    def reattach(self) -> None:
        """Take up the jobs that the open script knows; those of another script are left to themselves."""
        records = {record.job_id: record for record in decode_notes(self._host.notes())}
        with self._lock:
            for job_id, job in self._jobs.items():
                if job_id not in records and job.phase in (Phase.EXPORTING, Phase.SUBMITTING):
                    self._cancelled[job_id].set()  # its nodes are gone
            known = {job_id: job for job_id, job in self._jobs.items() if job_id in records}
            self._jobs = {
                **{job_id: tracked_from(record) for job_id, record in records.items()},
                **known,
            }
            self._records = records
            for job_id in records:
                self._cancelled.setdefault(job_id, threading.Event())
        for job_id, record in records.items():
            self._notify(job_id)
            if not Phase(record.phase).is_final:
                self._follow(job_id)

    def wait(self, job_id: str, timeout_s: float) -> TrackedJob:
        """Block until a job is final, for scripts in a terminal. Not for a GUI.

        Raises:
            MainThreadError: when it is not in time.
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
        """Stop exports. What was submitted goes on at the server."""
        self._is_closed = True
        for event in self._cancelled.values():
            event.set()
        self._work.put(None)

    # Begin --------------------------------------------------------------------------------------------------

    def _begin(self, pick: RemovalPick, deliver: Callable[[str, RemovalJob], None]) -> TrackedJob:
        pick.check()
        plate = self._host.plate(pick.plate)
        job_id = new_job_id()
        with self._lock:
            taken = [record.result_pattern for record in self._records.values()]
            taken += [job.result_pattern for job in self._jobs.values()]
        version = next_version(pick.output_pattern, taken)
        tracked = TrackedJob(
            job_id=job_id,
            name=pick.shot_name or plate.node,
            phase=Phase.EXPORTING,
            message="waiting for other exports" if self._work.qsize() else "preparing",
            frames=pick.frames,
            frames_done=0,
            fraction=0.0,
            eta_s=None,
            engine=pick.settings.engine,
            seed=pick.settings.seed,
            version=version,
            result_pattern=pick.output_pattern.replace("{version}", f"v{version:03d}"),
            created_at=time.time(),
            plate=pick.plate,
            pick=pick,
        )
        with self._lock:
            self._jobs[job_id] = tracked
            self._cancelled[job_id] = threading.Event()
        self._notify(job_id)
        self._work.put(partial(self._export, job_id, pick, version, tracked.created_at, deliver))
        return tracked

    # The export's thread ------------------------------------------------------------------------------------

    def _run(self) -> None:
        while (work := self._work.get()) is not None:
            work()

    def _export(
        self,
        job_id: str,
        pick: RemovalPick,
        version: int,
        created_at: float,
        deliver: Callable[[str, RemovalJob], None],
    ) -> None:
        folder = Path(pick.output_pattern.replace("{version}", f"v{version:03d}")).parent
        folder = folder / f"void_export_{job_id[:12]}"
        try:
            exported = export_removal(
                self._host,
                pick,
                folder,
                is_cancelled=self._cancelled[job_id].is_set,
                on_progress=lambda fraction, message: self._update(
                    job_id, fraction=fraction, message=message
                ),
            )
            job = build_job(pick, exported, job_id=job_id, version=version)
            self._update(
                job_id, phase=Phase.SUBMITTING, message="submitting", left_out=exported.left_out, fraction=0.0
            )
            if self._cancelled[job_id].is_set():
                raise ExportCancelled("the export was cancelled; nothing was submitted")
            self._remember(record_of(job, pick, exported, created_at=created_at))
            deliver(job_id, job)
        except ExportCancelled as error:
            self._discard(folder)
            self._fail(job_id, Phase.CANCELLED, str(error))
        except (HostError, ProtocolError) as error:
            self._discard(folder)
            self._fail(job_id, Phase.FAILED, str(error))
        except Exception as error:  # noqa: BLE001 - the thread must outlive one removal's bug
            _log.exception("the export of %s failed", job_id)
            self._discard(folder)
            self._fail(job_id, Phase.FAILED, f"the export failed unexpectedly: {error!r}; the log has more")

    def _submit(self, job_id: str, job: RemovalJob) -> None:
        client = self._client
        if client is None:
            raise ServerUnreachableError(_NO_SERVER)
        remote = client.submit(
            job,
            on_event=partial(self._heard, job_id),
            on_upload=lambda sent, files: self._update(
                job_id, fraction=sent / max(files, 1), message=f"sending file {sent} of {files}"
            ),
        )
        self._take(job_id, remote)
        if self._cancelled[job_id].is_set():
            remote.cancel()

    def _follow(self, job_id: str) -> None:
        client, record = self._client, self._records.get(job_id)
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
            self._update(job_id, **changes_of(event.job))
        elif isinstance(event, StateEvent):
            # The end is told by _ended(), when the files are here too.
            if not event.state.is_final:
                self._update(job_id, phase=Phase.of(event.state), message=event.message)
        elif isinstance(event, ProgressEvent):
            progress = event.progress
            self._update(
                job_id,
                fraction=progress.step / max(progress.steps, 1),
                message=progress.stage,
                eta_s=progress.eta_s,
            )
        elif isinstance(event, FrameEvent):
            self._update(job_id, one_more_frame=True)
        elif isinstance(event, Preview):
            self._update(job_id, preview=event)
        elif isinstance(event, Connected | Disconnected):
            self._update(job_id, is_connected=isinstance(event, Connected))

    def _ended(self, job_id: str, remote: RemoteJob, done: Future[JobInfo]) -> None:
        if self._remotes.get(job_id) is not remote:
            return  # a newer connection follows the job
        error = done.exception()
        if (
            isinstance(error, ServerUnreachableError)
            and remote.accepted.done()
            and not _failed(remote.accepted)
        ):
            self._update(job_id, is_connected=False)
        elif error is not None:
            self._fail(job_id, Phase.FAILED, str(error))
        else:
            info = done.result()
            self._host.post(partial(self._finish, job_id, info))

    def _finish(self, job_id: str, info: JobInfo) -> None:
        """On the main thread: the job is final and its files are here."""
        phase = Phase.of(info.state)
        record = self._records.get(job_id)
        if record is None:
            return  # another script was opened meanwhile
        if phase is not Phase.FAILED:
            self._discard_later(Path(record.export_folder) if record.export_folder else None)
        self._keep(job_id, phase=phase.value, message=info.message, engine=info.engine)
        name = record.read_node
        message = info.message
        if phase is Phase.DONE and not name:
            try:
                name = self.import_result(job_id)
            except HostError as error:
                message = f"the result is there, but its Read could not be made: {error}"
        self._save_notes()
        self._update(
            job_id,
            **{**changes_of(info), "phase": phase, "message": message, "read_node": name, "fraction": 1.0},
        )

    # Any thread ---------------------------------------------------------------------------------------------

    def _update(self, job_id: str, **changes: Any) -> None:
        with self._lock:
            job = self._jobs.get(job_id)
            if job is None or (job.phase.is_final and "read_node" not in changes):
                return
            if job.phase is Phase.CANCELLING and not changes.get("phase", job.phase).is_final:
                changes.pop("phase", None)
            if changes.pop("one_more_frame", False):
                changes["frames_done"] = min(job.frames_done + 1, len(job.frames.frames))
            self._jobs[job_id] = replace(job, **changes)
        self._notify(job_id)

    def _notify(self, job_id: str) -> None:
        """Tell the listener, once for all changes until it is told."""
        with self._lock:
            is_pending = job_id in self._changed
            self._changed.add(job_id)
        if not is_pending and self._on_change is not None:
            self._host.post(partial(self._tell, job_id))

    def _tell(self, job_id: str) -> None:
        with self._lock:
            self._changed.discard(job_id)
            job = self._jobs.get(job_id)
        if job is not None and self._on_change is not None and not self._is_closed:
            self._on_change(job)

    def _fail(self, job_id: str, phase: Phase, message: str) -> None:
        self._keep(job_id, phase=phase.value, message=message)
        self._host.post(self._save_notes)
        self._update(job_id, phase=phase, message=message)

    def _remember(self, record: JobRecord) -> None:
        with self._lock:
            self._records[record.job_id] = record
        self._host.post(self._save_notes)

    def _keep(self, job_id: str, **changes: Any) -> None:
        with self._lock:
            record = self._records.get(job_id)
            if record is not None:
                self._records[job_id] = msgspec.structs.replace(record, **changes)

    def _save_notes(self) -> None:
        with self._lock:
            text = encode_notes(self._records.values())
        self._host.keep_notes(text)

    def _discard_later(self, folder: Path | None) -> None:
        """As :meth:`_discard`, from the main thread: hundreds of files on a network drive take their time."""
        threading.Thread(target=self._discard, args=(folder,), name="void-discard").start()

    def _discard(self, folder: Path | None) -> None:
        """Remove temporary files; those that cannot be removed are only reported."""
        if folder is not None and folder.exists():
            shutil.rmtree(
                folder, onerror=lambda _, path, error: _log.warning("cannot remove %s: %s", path, error[1])
            )


def _failed(future: Future[JobInfo]) -> bool:
    return future.exception() is not None
