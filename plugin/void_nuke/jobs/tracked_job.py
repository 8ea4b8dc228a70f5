"""The state of a removal as the artist follows it, from the press of the button to the Read node."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from enum import Enum
from typing import Any

import msgspec

from void_nuke.batch.farm_order import FarmOrder
from void_nuke.export.pick import RemovalPick
from void_nuke.host.host import FrameRange
from void_nuke.jobs.script_notes import JobRecord
from void_protocol.messages import JobInfo, JobState, ProgressInfo
from void_protocol.watching import Preview


class Phase(str, Enum):
    """How far a removal is. From ``uploading`` to ``cancelled`` these are the server's states."""

    EXPORTING = "exporting"
    """The host renders the plate and mattes and bakes the shapes."""
    SUBMITTING = "submitting"
    """The job was sent, but the server has not answered yet."""
    UPLOADING = JobState.UPLOADING.value
    QUEUED = JobState.QUEUED.value
    RUNNING = JobState.RUNNING.value
    CANCELLING = JobState.CANCELLING.value
    DONE = JobState.DONE.value
    FAILED = JobState.FAILED.value
    CANCELLED = JobState.CANCELLED.value
    HANDED_OVER = "handed_over"
    """A farm has the job. How far it is shows there, and by its frames."""

    @property
    def is_final(self) -> bool:
        """Whether nothing more can be heard of the removal here."""
        return self is Phase.HANDED_OVER or any(
            self is Phase.of(state) for state in JobState if state.is_final
        )

    @classmethod
    def of(cls, state: JobState) -> Phase:
        return cls(state.value)


@dataclass(frozen=True)
class TrackedJob:
    """The state of one removal at one moment."""

    record: JobRecord
    """What the job is, and what the script keeps of it."""
    phase: Phase
    message: str
    """Text for the artist: what the removal is doing, or what went wrong and what to do."""
    frames_done: int = 0
    fraction: float = 0.0
    """How much of the present phase is done, 0..1."""
    eta_s: float | None = None
    invented: float | None = None
    """Which share of what goes no frame shows, 0..1, over the frames made so far; None while unknown."""
    real: float | None = None
    moved: float | None = None
    model: float | None = None
    """Which shares of it other frames show, show elsewhere, and are a model's own; see
    :class:`~void_protocol.fields.ProgressInfo`."""
    verdict: str = ""
    """The verdict on each frame of the result, as :attr:`void_protocol.fields.ProgressInfo.verdict`; empty
    while unknown."""
    is_kept: bool = False
    """Whether the script remembers the job, which it does from its submission on."""
    info: JobInfo | None = None
    """What the server last said about the job."""
    preview: Preview | None = None
    left_out: tuple[str, ...] = ()
    """What of the roto could not travel as a shape, one line for each."""
    pick: RemovalPick | None = None
    """The pick, for running it again; None for a job that was found in the script's notes."""
    farm: FarmOrder | None = None
    """The farm that the job is for; None for the server."""
    is_connected: bool = True
    """Whether the server answers at the moment."""

    @property
    def job_id(self) -> str:
        return self.record.job_id

    @property
    def name(self) -> str:
        """The shot's name."""
        return self.record.name

    @property
    def plate(self) -> str:
        return self.record.plate

    @property
    def frames(self) -> FrameRange:
        return self.record.frames

    @property
    def engine(self) -> str:
        return self.record.engine

    @property
    def seed(self) -> int:
        return self.record.seed

    @property
    def version(self) -> int:
        return self.record.version

    @property
    def proxy_scale(self) -> float:
        """The scale of the result."""
        return self.record.proxy_scale

    @property
    def result_pattern(self) -> str:
        """Pattern of the result, with the version filled in."""
        return self.record.result_pattern

    @property
    def created_at(self) -> float:
        """Seconds since 1970, UTC."""
        return self.record.created_at

    @property
    def read_node(self) -> str:
        """The name of the result's Read, once there is one."""
        return self.record.read_node

    def changed(self, **changes: Any) -> TrackedJob:
        """Return the job with other values of its fields. Fields that only the record has change there."""
        kept = {name: changes.pop(name) for name in _RECORD_ONLY & changes.keys()}
        record = msgspec.structs.replace(changes.pop("record", self.record), **kept)
        return replace(self, record=record, **changes)


_RECORD_ONLY = {*JobRecord.__struct_fields__} - {field.name for field in fields(TrackedJob)}


def changes_of(info: JobInfo) -> dict[str, Any]:
    """Turn what the server says of a job into changes for the artist. Its end counts once the files are
    here."""
    changes: dict[str, Any] = {"info": info, "engine": info.engine, "frames_done": info.frames_done}
    if not info.state.is_final:
        changes |= {"phase": Phase.of(info.state), "message": info.message}
    if info.progress is not None:
        changes |= {
            "fraction": info.progress.step / max(info.progress.steps, 1),
            "eta_s": info.progress.eta_s,
        }
        changes |= shares_of(info.progress)
    return changes


def shares_of(progress: ProgressInfo) -> dict[str, Any]:
    """What a progress says of what the frames consist of, and the verdict on them. A stage that does not
    say it takes nothing back."""
    told = {name: getattr(progress, name) for name in ("invented", "real", "moved", "model")}
    shares = {name: share for name, share in told.items() if share is not None}
    return {**shares, "verdict": progress.verdict} if progress.verdict else shares


def tracked_from(record: JobRecord) -> TrackedJob:
    """Make the state of a job that a script remembers. It was submitted; how far the server is is not known
    yet."""
    phase = Phase(record.phase)
    is_underway = not phase.is_final
    return TrackedJob(
        record=record,
        phase=Phase.QUEUED if is_underway else phase,
        message="looking for it on the server" if is_underway else record.message,
        is_kept=True,
    )
