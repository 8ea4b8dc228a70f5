"""The object that the demo removes: a bouncing basketball, and the shadow that it throws on the floor."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np

from void_engine.arrays import Float32Array
from void_server.demo.garage import CameraView

RADIUS = 48.0
"""The ball's radius in set pixels, as large as a basketball is at the floor's distance of 2.3 m."""
FLOOR_Y = 455.0
"""Where the ball touches the floor, in set coordinates; this is in front of the motorcycle's wheels."""

_ACTION_FRAMES = 39.0
_SHUTTER = 0.42
"""The exposure time in frames (a shutter of about 150 degrees)."""
_SUBFRAMES = 9
_CONTACTS = (-10.5, 8.5, 25.5, 41.0)
_HEIGHT_PER_SQUARED_FRAME = 118.0 / 17.0**2
_LIGHT = np.array([-0.46, -0.72, 0.52], dtype=np.float32)
_LEATHER = np.array([0.50, 0.155, 0.036], dtype=np.float32)
_SEAM = np.array([0.012, 0.010, 0.009], dtype=np.float32)


@dataclass(frozen=True, slots=True)
class BallPose:
    """The ball at one instant, in set coordinates."""

    x: float
    y: float
    height: float
    """Height of the ball's lowest point above the floor, in set pixels."""
    spin: float
    """Rotation in radians."""


@dataclass(frozen=True, slots=True)
class ObjectLayer:
    """What the ball does to a frame, in the part ``rows`` x ``columns`` of the data window."""

    rows: slice
    columns: slice
    ball: Float32Array
    """(h, w, 4) premultiplied scene-linear RGB, and coverage."""
    shade: Float32Array
    """(h, w, 3) the part of the floor's light that the shadow takes, 0..1."""


@dataclass(frozen=True, slots=True)
class BallOutline:
    """An ellipse in display coordinates, around which an artist would draw a shape."""

    x: float
    y: float
    half_width: float
    half_height: float
    angle: float
    """Angle of the half-width's axis in radians, clockwise on screen."""


def pose_at(progress: float) -> BallPose:
    """Return the ball when ``progress`` of the shot has passed (0..1, a little beyond for the shutter)."""
    frame = progress * _ACTION_FRAMES
    x = 92.0 + 16.5 * frame
    before = max((c for c in _CONTACTS if c <= frame), default=_CONTACTS[0])
    after = min((c for c in _CONTACTS if c > frame), default=_CONTACTS[-1] + 12.0)
    # Between two contacts the height is a parabola, as under constant gravity.
    height = 4.0 * _HEIGHT_PER_SQUARED_FRAME * (frame - before) * (after - frame)
    return BallPose(x, FLOOR_Y - RADIUS - height, height, 0.34 * frame)


def poses_of_exposure(progress: float) -> list[BallPose]:
    """Return the instants that make up the exposure of one frame, in their order."""
    offsets = (np.arange(_SUBFRAMES) / (_SUBFRAMES - 1) - 0.5) * _SHUTTER / _ACTION_FRAMES
    return [pose_at(progress + float(offset)) for offset in offsets]


def ball_outline(progress: float, view: CameraView, disparity: float) -> BallOutline:
    """Return the outline of the exposed ball, motion blur included."""
    poses = poses_of_exposure(progress)
    x0, y0 = view.project(poses[0].x, poses[0].y, disparity)
    x1, y1 = view.project(poses[-1].x, poses[-1].y, disparity)
    xm, ym = view.project(poses[len(poses) // 2].x, poses[len(poses) // 2].y, disparity)
    travel = math.hypot(x1 - x0, y1 - y0)
    radius = RADIUS * view.scale
    # At a bounce the path bends, and the middle of the exposure then lies off the line between its ends.
    bend = math.hypot(xm - (x0 + x1) / 2, ym - (y0 + y1) / 2)
    centre = ((x0 + x1 + xm) / 3, (y0 + y1 + ym) / 3)
    return BallOutline(*centre, radius + travel / 2, radius + bend, math.atan2(y1 - y0, x1 - x0))


def shadow_outline(progress: float, view: CameraView, disparity: float) -> BallOutline:
    """Return the outline of the exposed shadow, up to where it ends."""
    extents = [_shadow(pose) for pose in poses_of_exposure(progress)]
    middle = extents[len(extents) // 2]
    x, y = view.project(middle[0], middle[1], disparity)
    travel = abs(extents[-1][0] - extents[0][0])
    half_width = (max(e[2] for e in extents) + travel / 2) * view.scale
    return BallOutline(x, y, half_width, max(e[3] for e in extents) * view.scale, 0.0)


def render_ball(
    progress: float,
    view: CameraView,
    disparity: float,
    pebbles: Float32Array,
    *,
    shape: tuple[int, int],
    overscan: int,
) -> ObjectLayer | None:
    """Render the ball and its shadow as exposed in one frame.

    Args:
        progress: 0..1 through the shot.
        view: the camera.
        disparity: the disparity of the floor where the ball is.
        pebbles: a grey texture of mean 0 and standard deviation 1, for the ball's skin.
        shape: (rows, columns) of the data window.
        overscan: the display window's corner lies this many pixels inside the data window.

    Returns:
        The layer, or None where the ball is out of sight.
    """
    ball = ball_outline(progress, view, disparity)
    shadow = shadow_outline(progress, view, disparity)
    reach = max(ball.half_width, ball.half_height) + 4
    x0 = math.floor(min(ball.x - reach, shadow.x - shadow.half_width - 2)) + overscan
    x1 = math.ceil(max(ball.x + reach, shadow.x + shadow.half_width + 2)) + overscan
    y0 = math.floor(min(ball.y - reach, shadow.y - shadow.half_height - 2)) + overscan
    y1 = math.ceil(max(ball.y + reach, shadow.y + shadow.half_height + 2)) + overscan
    x0, x1 = max(0, x0), min(shape[1], x1)
    y0, y1 = max(0, y0), min(shape[0], y1)
    if x0 >= x1 or y0 >= y1:
        return None
    y, x = np.mgrid[y0:y1, x0:x1].astype(np.float32)
    x += 0.5 - overscan
    y += 0.5 - overscan
    colour = np.zeros((*x.shape, 4), dtype=np.float32)
    shade = np.zeros(x.shape, dtype=np.float32)
    poses = poses_of_exposure(progress)
    for pose in poses:
        colour += _ball_at_instant(pose, view, disparity, pebbles, x, y)
        shade += _shadow_at_instant(pose, view, disparity, x, y)
    colour /= len(poses)
    shade /= len(poses)
    # The lens is no sharper on the ball than on the set behind it.
    softness = max(0.3, 0.45 * view.scale)
    colour = cv2.GaussianBlur(colour, (5, 5), softness)
    # The light that is left under the ball has been tinted by its orange skin.
    tinted = shade[..., None] * np.array([0.94, 1.0, 1.02], dtype=np.float32)
    return ObjectLayer(
        rows=slice(y0, y1),
        columns=slice(x0, x1),
        ball=np.asarray(colour, dtype=np.float32),
        shade=np.asarray(tinted, dtype=np.float32),
    )


def _ball_at_instant(
    pose: BallPose,
    view: CameraView,
    disparity: float,
    pebbles: Float32Array,
    x: Float32Array,
    y: Float32Array,
) -> Float32Array:
    centre_x, centre_y = view.project(pose.x, pose.y, disparity)
    radius = RADIUS * view.scale
    nx, ny = (x - centre_x) / radius, (y - centre_y) / radius
    from_centre = np.hypot(nx, ny)
    coverage = np.clip((1.0 - from_centre) * radius + 0.5, 0.0, 1.0)
    inside = np.minimum(from_centre, 0.9999)
    squeeze = inside / np.maximum(from_centre, 1e-6)
    normal = np.stack([nx * squeeze, ny * squeeze, np.sqrt(1.0 - inside * inside)], axis=-1)
    colour = _skin(normal, pose, pebbles)
    return np.concatenate([colour * coverage[..., None], coverage[..., None]], axis=-1).astype(np.float32)


def _skin(normal: Float32Array, pose: BallPose, pebbles: Float32Array) -> Float32Array:
    c, s = math.cos(pose.spin), math.sin(pose.spin)
    tilt_c, tilt_s = math.cos(0.7), math.sin(0.7)
    turn = np.array([[c, s, 0], [-s, c, 0], [0, 0, 1]]) @ np.array(
        [[1, 0, 0], [0, tilt_c, tilt_s], [0, -tilt_s, tilt_c]]
    )
    skin = (normal @ turn.astype(np.float32).T).astype(np.float32)
    seams = np.minimum.reduce(
        [
            np.abs(skin[..., 0]),
            np.abs(skin[..., 1]),
            np.abs(np.abs(skin[..., 0]) - 0.68 + 0.2 * skin[..., 2] ** 2),
        ]
    )
    seam = np.clip((0.034 - seams) / 0.016, 0.0, 1.0)[..., None]
    grit = _pebble_relief(skin, pebbles)[..., None]
    albedo = (_LEATHER * (1.0 + 0.13 * grit)) * (1.0 - seam) + _SEAM * seam
    light = _LIGHT / np.linalg.norm(_LIGHT)
    facing = normal @ light
    key = np.clip(0.86 * facing + 0.14, 0.0, None)[..., None]
    # The floor throws light up from below, except where the ball sits in its own contact shadow.
    openness = pose.height / (pose.height + RADIUS)
    from_floor = np.clip(normal[..., 1:2], 0.0, 1.0) * (0.10 + 0.28 * openness)
    from_room = 0.34 * (1.0 - 0.55 * np.clip(normal[..., 1:2], 0.0, 1.0) * (1.0 - openness))
    half = light + np.array([0.0, 0.0, 1.0], dtype=np.float32)
    half /= np.linalg.norm(half)
    gloss = np.clip(normal @ half, 0.0, 1.0)[..., None]
    glint = 2.2 * gloss**70 * (1.0 + 0.7 * grit) + 0.10 * gloss**12
    warm = np.array([1.08, 1.0, 0.88], dtype=np.float32)
    floor_tint = np.array([1.0, 0.88, 0.72], dtype=np.float32)
    lit = albedo * (1.25 * key * warm + from_room + from_floor * floor_tint) + np.clip(glint, 0, None) * warm
    return np.asarray(lit, dtype=np.float32)


def _pebble_relief(skin: Float32Array, pebbles: Float32Array) -> Float32Array:
    """Project the texture along the three axes and blend by how much the skin faces each."""
    weight = np.abs(skin) ** 4
    weight /= weight.sum(axis=-1, keepdims=True)
    relief = np.zeros(skin.shape[:2], dtype=np.float32)
    for axis, (across, down) in enumerate(((1, 2), (0, 2), (0, 1))):
        u = np.ascontiguousarray(skin[..., across] * 300.0 + 256.0)
        v = np.ascontiguousarray(skin[..., down] * 300.0 + 256.0)
        relief += weight[..., axis] * cv2.remap(
            pebbles, u, v, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT
        )
    return relief


def _shadow(pose: BallPose) -> tuple[float, float, float, float, float]:
    """Return the shadow's centre x and y, half-width and half-height in set pixels, and strength. Under a
    high ball it is wide and weak."""
    lift = pose.height / RADIUS
    spread = 1.0 + 0.26 * lift
    x = pose.x + 9.0 + 0.16 * pose.height
    return x, FLOOR_Y - 6.0, RADIUS * 1.12 * spread, RADIUS * 0.36 * spread, 0.92 / (1.0 + 0.20 * lift)


def _shadow_at_instant(
    pose: BallPose, view: CameraView, disparity: float, x: Float32Array, y: Float32Array
) -> Float32Array:
    set_x, set_y, half_width, half_height, strength = _shadow(pose)
    centre_x, centre_y = view.project(set_x, set_y, disparity)
    squared = ((x - centre_x) / (half_width * view.scale)) ** 2 + (
        (y - centre_y) / (half_height * view.scale)
    ) ** 2
    # The strength falls smoothly to 0 at the ellipse, so that the shadow has a definite extent.
    return np.asarray(strength * np.clip(1.0 - squared, 0.0, 1.0) ** 1.25, dtype=np.float32)
