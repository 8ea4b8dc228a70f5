"""The state of a removal as the artist follows it, from the press of the button to the Read node."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any

from void_nuke.batch.farm_order import FarmOrder
from void_nuke.export.pick import RemovalPick
from void_nuke.host.host import FrameRange
from void_nuke.jobs.script_notes import JobRecord
from void_protocol.messages import JobInfo, JobState
from void_protocol.watching import Preview


class Phase(str, Enum):
    """How far a removal is. From ``uploading`` to ``cancelled`` these are the server's states."""

    EXPORTING = "exporting"
    """The host renders the plate and mattes and bakes the shapes."""
    SUBMITTING = "submitting"
    """The job was sent, but the server has not answered yet."""
    UPLOADING = "uploading"
    QUEUED = "queued"
    RUNNING = "running"
    CANCELLING = "cancelling"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"
    HANDED_OVER = "handed_over"
    """A farm has the job. How far it is shows there, and by its frames."""

    @property
    def is_final(self) -> bool:
        """Whether nothing more can be heard of the removal here."""
        return self in (Phase.DONE, Phase.FAILED, Phase.CANCELLED, Phase.HANDED_OVER)

    @classmethod
    def of(cls, state: JobState) -> Phase:
        return cls(state.value)


@dataclass(frozen=True)
class TrackedJob:
    """The state of one removal at one moment."""

    job_id: str
    name: str
    """The shot's name."""
    phase: Phase
    message: str
    """Text for the artist: what the removal is doing, or what went wrong and what to do."""
    frames: FrameRange
    frames_done: int
    fraction: float
    """How much of the present phase is done, 0..1."""
    eta_s: float | None
    engine: str
    seed: int
    version: int
    result_pattern: str
    """Pattern of the result, with the version filled in."""
    created_at: float
    """Seconds since 1970, UTC."""
    plate: str = ""
    info: JobInfo | None = None
    """What the server last said about the job."""
    preview: Preview | None = None
    left_out: tuple[str, ...] = ()
    """What of the roto could not travel as a shape, one line for each."""
    read_node: str = ""
    """The name of the result's Read, once there is one."""
    pick: RemovalPick | None = None
    """The pick, for running it again; None for a job that was found in the script's notes."""
    proxy_scale: float = 1.0
    """The scale of the result."""
    farm: FarmOrder | None = None
    """The farm that the job is for; None for the server."""
    is_connected: bool = True
    """Whether the server answers at the moment."""


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
    return changes


def tracked_from(record: JobRecord) -> TrackedJob:
    """Make the state of a job that a script remembers. It was submitted; how far the server is is not known
    yet."""
    phase = Phase(record.phase)
    is_underway = not phase.is_final
    return TrackedJob(
        job_id=record.job_id,
        name=record.name,
        phase=Phase.QUEUED if is_underway else phase,
        message="looking for it on the server" if is_underway else record.message,
        frames=record.frames,
        frames_done=0,
        fraction=0.0,
        eta_s=None,
        engine=record.engine,
        seed=record.seed,
        version=record.version,
        result_pattern=record.result_pattern,
        created_at=record.created_at,
        plate=record.plate,
        proxy_scale=record.proxy_scale,
        read_node=record.read_node,
    )
