"""Makes the job of a pick and its export."""

from __future__ import annotations

from void_nuke.export.export import Exported
from void_nuke.export.pick import RemovalPick
from void_protocol.job import Format, Output, RemovalJob, Shot
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
        mattes=list(exported.mattes),
        anchors=exported.anchors,
        settings=pick.settings,
        output=Output(
            pattern=pick.output_pattern,
            version=version,
            compression=pick.compression,
            layers=list(pick.layers),
        ),
        together=pick.group,
    )
    check_job(job)
    return job
