"""Translates a job, in the host's terms, into a request to the engine. Only here is the y axis turned
over."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from functools import cache
from importlib.metadata import version

import msgspec
import numpy as np

from void_engine.arrays import Float64Array
from void_engine.engines.interface import Engine, EngineRequest
from void_engine.engines.registry import check_options, make_engine
from void_engine.engines.registry import engine_name as resolved_engine
from void_engine.errors import SettingError
from void_engine.geometry import Box
from void_engine.made_from import OUTPUT_VERSION_KEY, PROXY_SCALE_KEY, SHOT_KEY
from void_engine.mattes import MatteFiles, MatteRole, ShapesAt, ShotMattes
from void_engine.plates.sequence.pattern import FramePattern, refuse_foreign_path
from void_engine.plates.sequence.sequence import DEFAULT_CACHE_BYTES, PlateSequence
from void_engine.region import RegionMode
from void_engine.removal import run_removal
from void_engine.removal_monitor import RemovalMonitor
from void_engine.removal_request import OutputRequest, RegionRequest, RemovalRequest
from void_engine.roto.shapes import BezierPoints, ShapeAtFrame
from void_engine.shot import DEFAULT_GROWTH_PX, AnchorFrames, ReplacementLook
from void_protocol.job import AUTO_GROWTH, RemovalJob, Role, RotoShape, ShapeFrame
from void_protocol.job_file import job_fingerprint
from void_server.engine_choice import told_choice

TURN_S = 60.0
"""A job whose work has not begun waits for at most this long, in seconds, before other jobs get their
turn."""


@cache
def warm_engine(name: str) -> Engine:
    """Make an engine once and keep it for the process's life, so that a worker loads a model once."""
    return make_engine(name)


def run_removal_job(
    job: RemovalJob,
    monitor: RemovalMonitor,
    *,
    resume: bool = False,
    verify: bool = False,
    overwrite: bool = False,
    only: Collection[int] | None = None,
    wait_s: float = 0.0,
    start_wait_s: float | None = None,
) -> None:
    """Run a removal in this process. Every pattern in the job is a path on this machine.

    Args:
        resume: whether to keep those frames of the result that this very job has written before.
        verify: whether every pixel of such frames is decoded before they are kept.
        overwrite: whether frames that another job made may be replaced, each when the new one is whole.
        only: the frames to make, as a test of some; None makes all.
        wait_s: how long to wait, once the work has begun, for an obstacle that may pass, such as a late frame
            or a full volume.
        start_wait_s: how long to wait before the work begins; None for ``wait_s``, but at most
            :data:`TURN_S`, because the process may have other jobs to do in the meantime.

    Raises:
        EngineError: when the removal fails; the message is for the artist.
        RemovalCancelled: when the monitor asked for a stop.
    """
    name = resolved_engine(job.settings.engine)
    for line in told_choice(job, name):
        monitor.log(line)
    with ExitStack() as files:
        request = replace(
            removal_request(job, files, engine_name=name, resume=resume),
            verify=verify,
            overwrite=overwrite,
            only=None if only is None else frozenset(only),
            wait_s=wait_s,
            start_wait_s=min(wait_s, TURN_S) if start_wait_s is None else start_wait_s,
        )
        run_removal(request, warm_engine(name), monitor)


def removal_request(
    job: RemovalJob, files: ExitStack, *, engine_name: str, resume: bool = False, fingerprint: str = ""
) -> RemovalRequest:
    """Make the request of a job. Its file sequences are closed with ``files``; none is opened yet. Frames
    carry the job's fingerprint, or the one that is given, where the job is only a part of another one.

    Raises:
        SettingError: for an engine that is not known here, an engine option that it cannot honour, or a job
            that makes mattes rather than removing anything.
        PlateError: for a pattern that cannot be used here.
    """
    if not job.is_removal:
        raise SettingError(
            f"{job.shot.name}: this job makes mattes ({job.engine_label}) and removes nothing; "
            "run it with 'void run' or 'void submit'"
        )
    shot, settings = job.shot, job.settings
    growth = settings.matte.growth_px
    check_options(engine_name, settings.engine_options)
    refuse_foreign_path(job.output.pattern)
    return RemovalRequest(
        plates=_sequence(job, shot.plate, files),
        display_size=(shot.format.width, shot.format.height),
        pixel_aspect=shot.format.pixel_aspect,
        layer=shot.layer,
        view=shot.view,
        mattes=shot_mattes(job, files),
        anchors=None
        if job.anchors is None
        else AnchorFrames(_sequence(job, job.anchors.pattern, files), frozenset(job.anchors.frames)),
        region=_region(job),
        look=ReplacementLook(
            growth_px=DEFAULT_GROWTH_PX if growth == AUTO_GROWTH else growth,
            auto_growth=growth == AUTO_GROWTH,
            softness_px=settings.matte.softness_px,
            snap_affected_to_grid=settings.quadmask.snap_affected_to_grid,
            clear_affected_on_first_frame=settings.quadmask.clear_affected_on_first_frame,
        ),
        match_seam=settings.match_seam,
        engine=EngineRequest(
            prompt=settings.prompt,
            negative_prompt=settings.negative_prompt,
            seed=settings.seed,
            colour_space=shot.colour_space,
            proxy_scale=settings.proxy_scale,
            options=settings.engine_options,
        ),
        output=OutputRequest(
            pattern=FramePattern.parse(job.output.versioned_pattern),
            compression=job.output.compression,
            layers=frozenset(job.output.layers),
            metadata=_metadata(job, engine_name),
        ),
        job_id=job.job_id,
        fingerprint=fingerprint or job_fingerprint(job),
        resume=resume,
    )


def _sequence(job: RemovalJob, pattern: str, files: ExitStack, share: int = 1) -> PlateSequence:
    """Open a sequence of the job's files; as many as ``share`` share the memory of one."""
    shot = job.shot
    sequence = PlateSequence(
        pattern,
        shot.first_frame,
        shot.last_frame,
        scale=job.settings.proxy_scale,
        cache_bytes=DEFAULT_CACHE_BYTES // share,
    )
    return files.enter_context(sequence)


def shot_mattes(job: RemovalJob, files: ExitStack) -> ShotMattes:
    """Return the job's shapes and matte files, by role, in the engine's coordinates and at the scale of the
    work."""
    by_role: dict[Role, list[RotoShape]] = {}
    for shape in job.shapes:
        by_role.setdefault(shape.role, []).append(shape)
    height = job.shot.format.height
    shapes: Mapping[MatteRole, ShapesAt] = {
        role: _shapes_at(shapes_of_role, height) for role, shapes_of_role in by_role.items()
    }
    # Mattes that are channels of the same files share what was read of them.
    patterns = dict.fromkeys(matte.pattern for matte in job.mattes)
    sequences = {pattern: _sequence(job, pattern, files, share=len(patterns)) for pattern in patterns}
    rendered = [
        MatteFiles(
            role=matte.role,
            frames=sequences[matte.pattern],
            channel=matte.channel,
            inverted=matte.inverted,
            growth_px=matte.growth_px,
            counts_on=matte.frames or None,
            view=job.shot.view,
        )
        for matte in job.mattes
    ]
    return ShotMattes(shapes, rendered, job.settings.proxy_scale)


def _shapes_at(shapes: Sequence[RotoShape], format_height: int) -> ShapesAt:
    frames = [(shape.name, {at.frame: at for at in shape.frames}) for shape in shapes]

    def at(number: int) -> Sequence[ShapeAtFrame]:
        found = ((name, by_number[number]) for name, by_number in frames)
        return [_shape(name, frame, format_height) for name, frame in found if frame.visible]

    return at


def _shape(name: str, at: ShapeFrame, format_height: int) -> ShapeAtFrame:
    rows = [msgspec.structs.astuple(point) for point in at.points]
    # The axes are points, six positions, x and y. y is turned over: positions about the format's height,
    # offsets about 0.
    values = np.array(rows, np.float64).reshape(-1, 6, 2)
    values[..., 1] *= -1.0
    values[:, 0, 1] += format_height
    return ShapeAtFrame(
        name=name,
        points=BezierPoints(*(values[:, index] for index in range(6))),
        opacity=at.opacity,
        feather_x_px=at.feather_x_px,
        feather_y_px=at.feather_y_px,
        falloff=at.falloff,
        inverted=at.inverted,
        visible=at.visible,
    )


def ring_of(ring: Float64Array, format_height: int) -> list[float]:
    """A closed ring (N, 2) of the engine's pixels as those of the job, x and y by turns, to a tenth."""
    turned = np.stack([ring[:, 0], format_height - ring[:, 1]], axis=1)
    return [float(value) for value in np.round(turned, 1).ravel()]


def _region(job: RemovalJob) -> RegionRequest:
    region = job.settings.region
    box = None
    if region.box is not None:
        left, bottom, right, top = region.box
        height = job.shot.format.height
        box = Box(left, height - top, right, height - bottom)
    modes = {"auto": None, "full": RegionMode.FRAME, "box": RegionMode.BOX}
    return RegionRequest(mode=modes[region.mode], margin=region.margin, box=box)


def _metadata(job: RemovalJob, engine_name: str) -> dict[str, str | int | float]:
    settings = job.settings
    return {
        "void/release": version("void-nuke"),
        SHOT_KEY: job.shot.name,
        "void/engine": engine_name,
        "void/seed": str(settings.seed),  # it may exceed the 32 bits of an EXR integer
        "void/prompt": settings.prompt,
        OUTPUT_VERSION_KEY: job.output.version,
        PROXY_SCALE_KEY: settings.proxy_scale,
    }
