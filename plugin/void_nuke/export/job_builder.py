"""Makes the job of a pick and its export."""

from __future__ import annotations

from msgspec import UNSET

from void_nuke.export.export import Exported
from void_nuke.export.pick import FileMatte, RemovalPick
from void_protocol.job import Format, Matte, Output, RemovalJob, Settings, Shot
from void_protocol.job_check import check_job


def build_job(pick: RemovalPick, exported: Exported, *, job_id: str, version: int) -> RemovalJob:
    """Make the job that ``pick`` asks for from what was exported for it.

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
            layer=pick.layer,
        ),
        shapes=list(exported.shapes),
        mattes=[*exported.mattes, *(_matte(file) for file in pick.files)],
        anchors=exported.anchors,
        # What is set for the removal means nothing to a task, whose mattes are of the plate's size.
        settings=pick.settings if pick.is_removal else Settings(seed=pick.settings.seed),
        output=Output(
            pattern=pick.output_pattern,
            version=version,
            compression=pick.compression,
            layers=list(pick.layers),
        ),
        together=pick.group,
        task=pick.task or UNSET,
    )
    check_job(job)
    return job


def _matte(file: FileMatte) -> Matte:
    return Matte(
        role=file.role,
        pattern=file.pattern,
        channel=file.channel,
        growth_px=file.growth_px,
        frames=UNSET if file.frames is None else (file.frames.first, file.frames.last),
    )
