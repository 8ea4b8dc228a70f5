"""The removals that a script remembers, so that they are found when it is opened again."""

from __future__ import annotations

import logging
from collections.abc import Iterable

import msgspec
from msgspec import Struct

from void_nuke.export.export import Exported
from void_nuke.export.pick import RemovalPick
from void_nuke.host.host import FrameRange, ReadBack
from void_protocol.job import RemovalJob

_log = logging.getLogger(__name__)
_KEPT_JOBS = 200
"""The most jobs that a script keeps; it forgets the oldest finished ones, so that it does not grow for
ever."""


class JobRecord(Struct, frozen=True, kw_only=True):
    """A submitted removal, kept with the script."""

    job_id: str
    name: str
    plate: str
    first_frame: int
    last_frame: int
    result_pattern: str
    """Absolute pattern of the result, with the version filled in."""
    version: int
    engine: str
    seed: int
    colour_space: str
    width: int
    height: int
    created_at: float
    pixel_aspect: float = 1.0
    proxy_scale: float = 1.0
    compare: bool = True
    matte_channel: str = ""
    completes_job: str = ""
    """The proxy job whose Read the result takes over."""
    subject: str = ""
    """What is removed; see :attr:`void_nuke.export.pick.RemovalPick.subject`."""
    export_folder: str = ""
    """The folder of temporary plates and mattes; empty when there are none any more."""
    phase: str = "submitting"
    message: str = ""
    read_node: str = ""
    """The name of the result's Read, once it was made."""

    @property
    def frames(self) -> FrameRange:
        return FrameRange(self.first_frame, self.last_frame)


def record_of(
    job: RemovalJob, pick: RemovalPick, exported: Exported, *, created_at: float, completes_job: str = ""
) -> JobRecord:
    """Make the record of ``job``. ``completes_job`` is the proxy job whose Read it takes over."""
    return JobRecord(
        job_id=job.job_id,
        name=job.shot.name,
        plate=pick.plate,
        first_frame=job.shot.first_frame,
        last_frame=job.shot.last_frame,
        result_pattern=job.output.versioned_pattern,
        version=job.output.version,
        engine=job.settings.engine,
        seed=job.settings.seed,
        colour_space=exported.colour_space,
        width=job.shot.format.width,
        height=job.shot.format.height,
        created_at=created_at,
        pixel_aspect=job.shot.format.pixel_aspect,
        proxy_scale=job.settings.proxy_scale,
        compare=pick.compare,
        matte_channel="matte.alpha" if "matte" in job.output.layers else "",
        completes_job=completes_job,
        subject=pick.subject,
        export_folder="" if exported.folder is None else str(exported.folder),
    )


class _Notes(Struct, frozen=True, kw_only=True):
    schema_version: int = 1
    jobs: list[JobRecord] = []


def encode_notes(records: Iterable[JobRecord]) -> str:
    """Write the newest records as text."""
    newest = sorted(records, key=lambda record: record.created_at)[-_KEPT_JOBS:]
    return msgspec.json.encode(_Notes(jobs=newest)).decode()


def decode_notes(text: str) -> list[JobRecord]:
    """Read the records in a script; the list may be empty. Notes that cannot be read are logged and dropped,
    because they must not keep a script from opening."""
    if not text:
        return []
    try:
        return msgspec.json.decode(text, type=_Notes).jobs
    except msgspec.DecodeError as error:
        _log.warning("the script's VOID notes cannot be read (%s); earlier removals are not listed", error)
        return []


def plan_read_back(record: JobRecord) -> ReadBack:
    """Say what the Read node of a finished job needs."""
    scale = "" if record.proxy_scale == 1.0 else f" 1/{round(1 / record.proxy_scale)}"
    return ReadBack(
        label=f"VOID {record.engine}{scale}\nseed {record.seed}\nv{record.version:03d}",
        pattern=record.result_pattern,
        frames=record.frames,
        colour_space=record.colour_space,
        beside=record.plate,
        job_id=record.job_id,
        is_proxy=record.proxy_scale != 1.0,
        width=record.width,
        height=record.height,
        pixel_aspect=record.pixel_aspect,
        replaces_job=record.completes_job,
        compare=record.compare,
        matte_channel=record.matte_channel,
    )
