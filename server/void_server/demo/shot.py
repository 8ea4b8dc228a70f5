"""Renders the demo shot: an HDR EXR plate with an object in it, and the same shot without the object."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import OpenImageIO as oiio  # noqa: N813 - its documentation uses this name

from void_engine.arrays import Float32Array
from void_engine.colour.primaries import REC709_CHROMATICITIES, REC709_SPACE
from void_protocol.job import Format, Output, RemovalJob, RotoPoint, RotoShape, Settings, ShapeFrame, Shot
from void_server.demo.ball import FLOOR_Y, ball_outline, pose_at, render_ball, shadow_outline
from void_server.demo.exposure import exposed, grain_field, with_object
from void_server.demo.garage import CameraMove, GarageSet
from void_server.demo.photographs import depth_from_disparity, read_garage, read_pebbles
from void_server.demo.roto import DemoShape, DemoShapeFrame, Hand, draw_around
from void_server.errors import ServiceError

FRAMES_PER_SECOND = 24
PROMPT = "A red motorcycle stands in an empty garage."
"""What remains when the ball is gone, for engines that read a prompt."""

_TALLEST = 0.6


class DemoRenderError(ServiceError):
    """The demo shot could not be rendered. The message says what to change."""


@dataclass(frozen=True, slots=True)
class DemoShot:
    """The files that were rendered, and the shapes of what to remove."""

    plate_pattern: str
    """``.../plate.%04d.exr``: the shot with the object."""
    truth_pattern: str
    """``.../truth.%04d.exr``: the same frames, camera and grain, without the object."""
    first_frame: int
    last_frame: int
    """The last frame is part of the shot."""
    width: int
    height: int
    """Height of the format (the display window) in pixels."""
    overscan_px: int
    """How far the data window reaches beyond the format on each side."""
    shapes: tuple[DemoShape, ...]

    @property
    def frame_numbers(self) -> range:
        return range(self.first_frame, self.last_frame + 1)


def render_demo_shot(
    folder: Path,
    *,
    width: int = 960,
    height: int = 540,
    frames: int = 40,
    first_frame: int = 1001,
    seed: int = 7,
    overscan_px: int = 16,
    on_frame: Callable[[int, int], None] | None = None,
) -> DemoShot:
    """Render plate and truth as half-float EXR with a float ``depth.Z`` channel.

    A basketball bounces through a photographed garage in front of a hand-held camera that pans and zooms. The
    action always fills the shot: with fewer frames it runs faster. Grain is independent from frame to frame
        and
    the same in plate and truth, so the two differ only in what the ball and its shadow did.

    Args:
        folder: where to put the files; it is made if absent. Files of the same names are replaced.
        width, height: size of the format in pixels.
        frames: number of frames, at least 2.
        first_frame: number of the first frame.
        seed: seed of grain, camera and roto. The same seed on the same machine gives the same pixels.
        overscan_px: how far the data window reaches beyond the format on each side.
        on_frame: called with (frames done, all frames) after each frame.

    Raises:
        DemoRenderError: when the size or length is impossible, or a file cannot be written.
    """
    if frames < 2:
        raise DemoRenderError(f"The demo shot needs at least 2 frames, not {frames}.")
    if width < 64 or height < 36 or height > _TALLEST * width:
        raise DemoRenderError(
            f"The demo shot cannot be {width}x{height} pixels: "
            f"it must be at least 64x36, and no taller than {_TALLEST} of its width."
        )
    if not 0 <= overscan_px <= width // 40:
        raise DemoRenderError(f"The overscan must be 0 to {width // 40} pixels at this width.")
    folder.mkdir(parents=True, exist_ok=True)
    garage, pebbles = read_garage(), read_pebbles()
    stage = GarageSet(garage, width, height, overscan_px)
    camera = CameraMove.held(garage, width, height, seed)
    size = width / 960.0
    ball_hand = Hand.of(2.5 * max(size, 0.7), 3.0 * size, 0.3 * size, (seed, 2))
    shadow_hand = Hand.of(3.0 * max(size, 0.7), 8.0 * size, 0.6 * size, (seed, 3))
    ball_frames: list[DemoShapeFrame] = []
    shadow_frames: list[DemoShapeFrame] = []
    plate_pattern, truth_pattern = str(folder / "plate.%04d.exr"), str(folder / "truth.%04d.exr")
    for index in range(frames):
        frame, progress = first_frame + index, index / (frames - 1)
        view = camera.at(progress)
        background = stage.photograph(view)
        window = background.depth.shape
        disparity = stage.disparity_of(pose_at(progress).x, FLOOR_Y)
        distance_m = float(depth_from_disparity(np.full(1, disparity, dtype=np.float32))[0])
        layer = render_ball(progress, view, disparity, pebbles, shape=window, overscan=overscan_px)
        grain = grain_field(window, seed, index)
        truth = exposed(background.picture, grain)
        plate, depth = truth, background.depth
        if layer is not None:
            plate, depth = with_object(background, truth, grain, layer, distance_m)
        header = _header(width, height, overscan_px, index, view.scale * garage.focal_px / width)
        _write(Path(truth_pattern % frame), header, truth, background.depth)
        _write(Path(plate_pattern % frame), header, plate, depth)
        ball, shadow = ball_outline(progress, view, disparity), shadow_outline(progress, view, disparity)
        ball_frames.append(draw_around(ball, ball_hand, frame=frame, progress=progress, height=height))
        shadow_frames.append(draw_around(shadow, shadow_hand, frame=frame, progress=progress, height=height))
        if on_frame is not None:
            on_frame(index + 1, frames)
    return DemoShot(
        plate_pattern=plate_pattern,
        truth_pattern=truth_pattern,
        first_frame=first_frame,
        last_frame=first_frame + frames - 1,
        width=width,
        height=height,
        overscan_px=overscan_px,
        shapes=(
            DemoShape("ball", "remove", tuple(ball_frames)),
            DemoShape("ball_shadow", "affected", tuple(shadow_frames)),
        ),
    )


def demo_job(shot: DemoShot, output_pattern: str, *, engine: str = "auto", version: int = 1) -> RemovalJob:
    """Return the job that removes the ball and its shadow, as the panel would submit it.

    Args:
        shot: what :func:`render_demo_shot` made.
        output_pattern: where the result goes, with a frame token and, if wished, ``{version}``.
        engine: the name of the engine, or ``auto``.
        version: version of the result.
    """
    return RemovalJob(
        shot=Shot(
            name="demo",
            plate=shot.plate_pattern,
            first_frame=shot.first_frame,
            last_frame=shot.last_frame,
            format=Format(width=shot.width, height=shot.height),
            colour_space=REC709_SPACE,
        ),
        shapes=[
            RotoShape(
                name=shape.name,
                role=shape.role,
                frames=[
                    ShapeFrame(frame=drawn.frame, points=[RotoPoint(*point) for point in drawn.points])
                    for drawn in shape.frames
                ],
            )
            for shape in shot.shapes
        ],
        settings=Settings(engine=engine, prompt=PROMPT),
        output=Output(pattern=output_pattern, version=version),
    )


def _header(width: int, height: int, overscan_px: int, index: int, focal_per_width: float) -> oiio.ImageSpec:
    spec = oiio.ImageSpec(width + 2 * overscan_px, height + 2 * overscan_px, 4, oiio.HALF)
    spec.x, spec.y = -overscan_px, -overscan_px
    spec.full_x, spec.full_y, spec.full_width, spec.full_height = 0, 0, width, height
    spec.channelnames = ("R", "G", "B", "depth.Z")
    spec.channelformats = (oiio.TypeHalf, oiio.TypeHalf, oiio.TypeHalf, oiio.TypeFloat)
    spec.attribute("compression", "zip:1")  # grain hardly compresses, and this is the fastest
    spec.attribute("smpte:TimeCode", oiio.TypeTimeCode, (_timecode(index), 0))
    spec.attribute("FramesPerSecond", oiio.TypeRational, (FRAMES_PER_SECOND, 1))
    spec.attribute("chromaticities", oiio.TypeDesc("float[8]"), REC709_CHROMATICITIES)
    spec.attribute("DateTime", "2026:06:02 10:14:22")  # a fixed time, so that the bytes are always the same
    spec.attribute("Make", "VOID for Nuke")
    spec.attribute("Model", "demo camera")
    spec.attribute("ExposureTime", 150.0 / 360.0 / FRAMES_PER_SECOND)
    spec.attribute("FNumber", 4.0)
    spec.attribute("camera/focal_mm", 24.0 * focal_per_width)  # for a sensor 24 mm wide
    spec.attribute("slate/shot", "demo_010")
    return spec


def _timecode(index: int) -> int:
    """Encode 10:14:22:00 plus ``index`` frames as the binary-coded decimals of SMPTE 12M."""
    seconds, frame = divmod(index, FRAMES_PER_SECOND)
    minutes, seconds = divmod(22 + seconds, 60)
    hours, minutes = divmod(14 + minutes, 60)
    fields = (frame, seconds, minutes, (10 + hours) % 24)
    return sum(((value // 10) << 4 | value % 10) << (8 * place) for place, value in enumerate(fields))


def _write(path: Path, header: oiio.ImageSpec, picture: Float32Array, depth: Float32Array) -> None:
    output = oiio.ImageOutput.create(str(path))
    if output is None:
        raise DemoRenderError(f"OpenImageIO cannot write {path}: {oiio.geterror()}")
    pixels = np.concatenate([picture, depth[..., None]], axis=2)
    if not (output.open(str(path), header) and output.write_image(pixels) and output.close()):
        raise DemoRenderError(
            f"Cannot write {path}: {output.geterror()} Is there space, may you write there?"
        )
