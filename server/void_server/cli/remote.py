"""Shows a server's job on a terminal, from its first event to its last."""

from __future__ import annotations

import queue
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress

from void_protocol.messages import JobInfo, JobState, LogEvent, ProgressEvent, ProgressInfo, StateEvent
from void_protocol.watching import Connected, Disconnected, Snapshot, WatchEvent
from void_server.cli.exit_codes import ExitCode
from void_server.cli.explain import CommandError
from void_server.cli.progress import StageProgress

_POLL_S = 0.1


class JobDisplay:
    """Takes events on the client's thread and draws them on the caller's."""

    def __init__(self, progress: StageProgress) -> None:
        self.progress = progress
        """Where the events are drawn. Whoever shows them opens it, so that one of several shows at a time."""
        self._events: queue.SimpleQueue[WatchEvent] = queue.SimpleQueue()
        self._uploads: queue.SimpleQueue[tuple[int, int]] = queue.SimpleQueue()
        self.state: JobState | None = None
        """The job's state as last heard of; None before that."""

    def on_event(self, event: WatchEvent) -> None:
        """Take an event; pass this to :meth:`void_protocol.client.Client.watch`."""
        self._events.put(event)

    def on_upload(self, sent: int, files: int) -> None:
        """Take the upload's progress; pass this to :meth:`void_protocol.client.Client.submit`."""
        self._uploads.put((sent, files))

    def show_until(self, finished: Callable[[], bool]) -> None:
        """Draw events until ``finished`` answers yes, which is asked ten times a second, and then those that
        are left."""
        done = False
        while not done:
            done = finished()
            with suppress(queue.Empty):
                while True:
                    sent, files = self._uploads.get_nowait()
                    self.progress.update("upload", sent, files)
            with suppress(queue.Empty):
                self._draw(self._events.get(timeout=_POLL_S))
                while True:
                    self._draw(self._events.get_nowait())

    def _draw(self, event: WatchEvent) -> None:
        if isinstance(event, Snapshot):
            self.state = event.job.state
            if event.job.message:
                self.progress.message(f"{event.job.state.value}: {event.job.message}")
            if event.job.progress is not None:
                self._stage(event.job.progress)
        elif isinstance(event, StateEvent):
            self.state = event.state
        elif isinstance(event, ProgressEvent):
            self._stage(event.progress)
        elif isinstance(event, LogEvent):
            for line in event.text.removesuffix("\n").split("\n"):
                self.progress.message(line)
        elif isinstance(event, Disconnected):
            self.progress.message(f"no connection: {event.why}; trying again")
        elif isinstance(event, Connected):
            self.progress.message(f"connected to {event.server}")

    def _stage(self, progress: ProgressInfo) -> None:
        note = "" if progress.frame is None else f"frame {progress.frame}"
        self.progress.update(progress.stage, progress.step, progress.steps, note)


def wait_shown(done: Future[JobInfo], display: JobDisplay) -> JobInfo:
    """Draw a submitted job until it is final and its frames are here, and return it.

    Raises:
        CommandError: when the job failed or was cancelled.
        ProtocolError: when a transfer failed.
    """
    display.show_until(done.done)
    return checked(done.result())


def checked(info: JobInfo) -> JobInfo:
    """Return the job if it went well.

    Raises:
        CommandError: when the job failed or was cancelled.
    """
    if info.state is JobState.FAILED:
        raise CommandError(f"job {info.job_id} failed: {info.message}", ExitCode.JOB_FAILED)
    if info.state is JobState.CANCELLED:
        raise CommandError(f"job {info.job_id} was cancelled", ExitCode.CANCELLED)
    return info
