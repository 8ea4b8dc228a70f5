"""The job that a pick and its export stand for, and what the script keeps of it."""

from __future__ import annotations

from void_nuke.export.export import Exported
from void_nuke.export.pick import RemovalPick
from void_nuke.jobs.script_notes import JobRecord
from void_protocol.job import Format, Output, RemovalJob, Shot
from void_protocol.job_check import check_job


def build_job(pick: RemovalPick, exported: Exported, *, job_id: str, version: int) -> RemovalJob:
    """
    Raises:
        JobError: when the job is not valid; the message names what to change.
    """
    plate = exported.plate
    colour_space = "scene_linear" if exported.colour_space == "raw" else exported.colour_space
    job = RemovalJob(
        job_id=job_id,
        shot=Shot(
            name=pick.shot_name or plate.node,
            plate=exported.plate_pattern,
            first_frame=pick.frames.first,
            last_frame=pick.frames.last,
            format=Format(width=plate.width, height=plate.height, pixel_aspect=plate.pixel_aspect),
            colour_space=colour_space,
            view=pick.view,
        ),
        shapes=list(exported.shapes),
        mattes=list(exported.mattes),
        settings=pick.settings,
        output=Output(
            pattern=pick.output_pattern,
            version=version,
            compression=pick.compression,
            layers=list(pick.layers),
        ),
    )
    check_job(job)
    return job


def record_of(
    job: RemovalJob, pick: RemovalPick, exported: Exported, *, created_at: float, completes_job: str = ""
) -> JobRecord:
    """What the script keeps of ``job``; ``completes_job`` is the proxy job whose Read it takes over."""
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
