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
from void_protocol.task import task_name

_log = logging.getLogger(__name__)
_KEPT_JOBS = 200
"""The most jobs that a script keeps; it forgets the oldest finished ones, so that it does not grow for
ever."""


class JobRecord(Struct, frozen=True, kw_only=True):
    """What a removal is. The script keeps it from the submission on."""

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
    created_at: float
    colour_space: str = ""
    """What the result's Read is set to; like the size it is known once the plate was exported."""
    width: int = 0
    height: int = 0
    pixel_aspect: float = 1.0
    proxy_scale: float = 1.0
    compare: bool = True
    matte_channel: str = ""
    completes_job: str = ""
    """The proxy job whose Read the result takes over."""
    view: str = ""
    """The view that it is for, in a script with several."""
    group: str = ""
    """Ties removals together that one press began; see :attr:`void_nuke.export.pick.RemovalPick.group`."""
    task: str = ""
    """What is made instead of a removal: ``propose`` or ``mattes``; empty for a removal."""
    subject: str = ""
    """What is removed; see :attr:`void_nuke.export.pick.RemovalPick.subject`."""
    export_folder: str = ""
    """The folder of temporary plates and mattes; empty when there are none any more."""
    phase: str = "submitting"
    """How the removal ended; ``submitting`` until it did."""
    message: str = ""
    """Text for the artist about its end."""
    read_node: str = ""
    """The name of the result's Read, once it was made."""

    @property
    def frames(self) -> FrameRange:
        return FrameRange(self.first_frame, self.last_frame)


def begun_record(pick: RemovalPick, *, job_id: str, name: str, version: int, created_at: float) -> JobRecord:
    """Make the record of a removal that begins. ``name`` is the shot's, ``created_at`` is in seconds since
    1970."""
    return JobRecord(
        job_id=job_id,
        name=name,
        plate=pick.plate,
        first_frame=pick.frames.first,
        last_frame=pick.frames.last,
        result_pattern=pick.output_pattern.replace("{version}", f"v{version:03d}"),
        version=version,
        engine=pick.settings.engine if pick.task is None else task_name(pick.task),
        seed=pick.settings.seed,
        created_at=created_at,
        proxy_scale=pick.settings.proxy_scale if pick.is_removal else 1.0,
        compare=pick.compare and pick.is_removal,
        task="" if pick.is_removal else ("mattes" if pick.clicks else "propose"),
        subject=pick.subject,
        view=pick.view if pick.group else "",
        group=pick.group,
    )


def exported_record(
    record: JobRecord, job: RemovalJob, exported: Exported, *, completes_job: str = ""
) -> JobRecord:
    """Add to a record what the export found out. ``completes_job`` is the proxy job whose Read it takes
    over."""
    return msgspec.structs.replace(
        record,
        colour_space=exported.colour_space,
        width=job.shot.format.width,
        height=job.shot.format.height,
        pixel_aspect=job.shot.format.pixel_aspect,
        matte_channel="matte.alpha" if "matte" in job.output.layers and not record.task else "",
        completes_job=completes_job,
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
    seed = "" if record.task else f"\nseed {record.seed}"
    return ReadBack(
        label=f"VOID {record.engine}{scale}{seed}\nv{record.version:03d}"
        + (f"\n{record.view}" if record.view else ""),
        pattern=record.result_pattern,
        frames=record.frames,
        colour_space="raw" if record.task else record.colour_space,  # mattes are no light
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
