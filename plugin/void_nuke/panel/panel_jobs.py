"""What the artist does with a removal that was begun: stop it, run it again, import it, compare it."""

from __future__ import annotations

from abc import abstractmethod

from void_nuke.errors import HostError
from void_nuke.host.host import Host
from void_nuke.jobs.session import RemovalSession
from void_nuke.jobs.tracked_job import TrackedJob
from void_nuke.qt import QObject, Signal
from void_protocol.phrases import sentence


class PanelJobs(QObject):
    """The part of :class:`void_nuke.panel.model.PanelModel` that acts on removals."""

    job_changed = Signal(object)
    """Sent with a :class:`TrackedJob` that changed or is new."""
    said = Signal(str, bool)
    """Sent with a message to the artist, and whether it reports a problem."""

    session: RemovalSession

    def __init__(self, host: Host, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.host = host

    def cancel(self, job_id: str) -> None:
        self.session.cancel(job_id)

    def retry(self, job_id: str) -> None:
        """Run the same removal again, as the next version."""
        try:
            job = self.session.retry(job_id)
        except HostError as error:
            self._say(sentence(str(error)), True)
            return
        self._await(job)

    def import_result(self, job_id: str) -> None:
        """Make a Read of the frames that a job has written so far."""
        try:
            name = self.session.import_result(job_id)
        except HostError as error:
            self._say(sentence(str(error)), True)
            return
        self._say(f"The result is in {name}, beside the plate", False)

    def comparable(self, job_id: str) -> list[TrackedJob]:
        """Return the other results that a job's result can be compared with, the newest first: those of the
        same plate that have a Read."""
        own = self.session.job(job_id)
        return [
            one
            for one in self.session.jobs
            if own.read_node and one.job_id != job_id and one.plate == own.plate and one.read_node
        ]

    def compare(self, job_id: str, other_id: str) -> None:
        """Wire a comparison of a job's result with that of another."""
        own, other = self.session.job(job_id), self.session.job(other_id)
        try:
            name = self.host.compare_reads(own.read_node, other.read_node)
        except HostError as error:
            self._say(sentence(str(error)), True)
            return
        self._say(f"{name} compares v{own.version:03d} with v{other.version:03d}", False)

    @abstractmethod
    def _await(self, job: TrackedJob) -> None:
        """Take note of a job that was begun."""

    def _say(self, text: str, is_trouble: bool) -> None:
        self.said.emit(text, is_trouble)
