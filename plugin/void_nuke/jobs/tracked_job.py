"""A removal as the artist follows it, from the press of the button to the Read node."""

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
    """Where a removal is. From ``uploading`` to ``cancelled`` these are the server's states."""

    EXPORTING = "exporting"
    """The host renders and bakes."""
    SUBMITTING = "submitting"
    """The server has not answered yet."""
    UPLOADING = "uploading"
    QUEUED = "queued"
    RUNNING = "running"
    CANCELLING = "cancelling"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"
    HANDED_OVER = "handed_over"
    """A farm has it: what becomes of it is seen there, and by its frames."""

    @property
    def is_final(self) -> bool:
        """Whether nothing more is heard of it here."""
        return self in (Phase.DONE, Phase.FAILED, Phase.CANCELLED, Phase.HANDED_OVER)

    @classmethod
    def of(cls, state: JobState) -> Phase:
        return cls(state.value)


@dataclass(frozen=True)
class TrackedJob:
    """A frozen picture of one removal."""

    job_id: str
    name: str
    """The shot's."""
    phase: Phase
    message: str
    """For the artist: what it is doing, or what went wrong and what to do."""
    frames: FrameRange
    frames_done: int
    fraction: float
    """0..1 of the present phase."""
    eta_s: float | None
    engine: str
    seed: int
    version: int
    result_pattern: str
    """Version put in."""
    created_at: float
    """Seconds since 1970, UTC."""
    plate: str = ""
    info: JobInfo | None = None
    """The server's own picture, as last heard."""
    preview: Preview | None = None
    left_out: tuple[str, ...] = ()
    """What of the roto could not be carried as a shape, a line each."""
    read_node: str = ""
    """The Read of the result, once there is one."""
    pick: RemovalPick | None = None
    """To run it again; None for a job that was found in the script's notes."""
    proxy_scale: float = 1.0
    """Of the result."""
    farm: FarmOrder | None = None
    """The farm that it was meant for; None for the server."""
    is_connected: bool = True
    """Whether the server answers at the moment."""


def changes_of(info: JobInfo) -> dict[str, Any]:
    """What the server's picture of a job says to the artist. The end counts once the files are here."""
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
    """A job that a script remembers. It was submitted: how far the server is with it is not known yet."""
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
