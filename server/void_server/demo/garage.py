"""The demo's set: the photograph, relit as an HDR scene, and the camera that looks at it.

Set coordinates are the photograph's pixels, x right, y down; the first pixel's centre is at (0.5, 0.5). The
camera turns on its nodal point (a homography), zooms, is held by hand, and slides a little along the stereo
baseline, so that the measured depth of the photograph gives a true, mild parallax.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np

from void_engine import opencv
from void_engine.arrays import Float32Array, Float64Array
from void_engine.colour import srgb
from void_server.demo.photographs import Garage, depth_from_disparity

HIGHLIGHT = 20.0
"""The brightest value of the scene; diffuse white is about 0.9."""

_VIEW_WIDTH = 640.0
_VIEW_HEIGHT = 362.0
_ZOOM = 1.045
_PAN_FROM = (346.0, 297.0)
_PAN_TO = (394.0, 299.0)
_SLIDE = 0.03
"""How far the camera slides over the shot, as a fraction of the stereo baseline (19 cm)."""
_CANVAS_DENSITY = 1.4
_HEADLAMP = (537.0, 158.0)
_TAIL_LIGHT = (112.0, 206.0)
_TUNGSTEN = np.array([1.0, 0.90, 0.70], dtype=np.float32)
_RED = np.array([1.0, 0.10, 0.04], dtype=np.float32)
_TOE = 0.02
"""The canvas is sampled as log(1 + x / toe), so that the kernel does not ring around a highlight of 20."""


@dataclass(frozen=True, slots=True)
class CameraView:
    """The camera's position and direction for one frame."""

    set_to_frame: Float64Array
    """(3, 3) homography from set coordinates to display coordinates of the frame."""
    slide: float
    """Fraction of the stereo baseline. A point of disparity d moves left by slide * d set pixels."""
    scale: float
    """How many frame pixels one set pixel takes."""

    def project(self, x: float, y: float, disparity: float) -> tuple[float, float]:
        """Return the display coordinates of a point of the set that has this disparity."""
        px, py, w = self.set_to_frame @ np.array([x - self.slide * disparity, y, 1.0])
        return float(px / w), float(py / w)


@dataclass(frozen=True, slots=True)
class CameraMove:
    """A pan and slow zoom, with the unsteadiness of a hand-held camera."""

    width: int
    height: int
    focal_px: float
    principal_point_px: tuple[float, float]
    phases: Float64Array
    """(3, 3): for pan, tilt and roll, the phases of the three waves that make up the unsteadiness."""

    @classmethod
    def held(cls, garage: Garage, width: int, height: int, seed: int) -> CameraMove:
        phases = np.random.default_rng([seed, 1]).uniform(0.0, 2.0 * math.pi, (3, 3))
        return cls(width, height, garage.focal_px, garage.principal_point_px, phases)

    def at(self, progress: float) -> CameraView:
        """Return the view when ``progress`` (0..1) of the shot has passed."""
        eased = progress * progress * (3.0 - 2.0 * progress)
        cycles = np.array([1.3, 2.9, 5.3])
        waves = np.sin(2.0 * math.pi * cycles * progress + self.phases) @ np.array([0.6, 0.3, 0.1])
        target_x = _PAN_FROM[0] + (_PAN_TO[0] - _PAN_FROM[0]) * eased + 2.2 * waves[0]
        target_y = _PAN_FROM[1] + (_PAN_TO[1] - _PAN_FROM[1]) * eased + 1.8 * waves[1]
        roll = math.radians(0.22) * waves[2]
        fit = max(self.width / _VIEW_WIDTH, self.height / _VIEW_HEIGHT)
        scale = fit * (1.0 + (_ZOOM - 1.0) * eased)
        centre_x, centre_y = self.principal_point_px
        yaw = math.atan2(target_x - centre_x, self.focal_px)
        pitch = math.atan2((target_y - centre_y) * math.cos(yaw), self.focal_px)
        f = self.focal_px
        unproject = np.array([[1 / f, 0, -centre_x / f], [0, 1 / f, -centre_y / f], [0, 0, 1]])
        project = np.array([[f * scale, 0, self.width / 2], [0, f * scale, self.height / 2], [0, 0, 1]])
        turn = _about_z(roll) @ _about_x(pitch) @ _about_y(-yaw)
        return CameraView(project @ turn @ unproject, _SLIDE * (eased - 0.5), scale)


@dataclass(frozen=True, slots=True)
class Background:
    """One frame of the set without the object, over the data window."""

    picture: Float32Array
    """(H, W, 3) scene-linear RGB."""
    depth: Float32Array
    """(H, W) distance from the camera in metres."""


class GarageSet:
    """The lit set, ready to be photographed.

    Args:
        garage: the photograph and its geometry.
        width, height: size of the display window in pixels.
        overscan: how many pixels the data window reaches beyond the display window on each side.
    """

    def __init__(self, garage: Garage, width: int, height: int, overscan: int) -> None:
        fit = max(width / _VIEW_WIDTH, height / _VIEW_HEIGHT)
        self._density = _CANVAS_DENSITY * fit
        rows, columns = garage.disparity.shape
        lit = _lit(garage.picture)
        size = (round(rows * self._density), round(columns * self._density))
        shrinks = self._density < 1.0
        logs = np.log1p(lit * np.float32(1.0 / _TOE))
        self._canvas = opencv.resize(logs, size, opencv.AREA if shrinks else opencv.LANCZOS)
        if not shrinks:
            # Enlarging softens the photograph, which this sharpening makes up for.
            soft = opencv.gaussian_blur(self._canvas, 1.1 * self._density)
            self._canvas = self._canvas + np.float32(0.18) * (self._canvas - soft)
        self._ceiling = np.float32(math.log1p(HIGHLIGHT / _TOE))
        self._disparity = garage.disparity
        y, x = np.mgrid[-overscan : height + overscan, -overscan : width + overscan]
        self._pixels = np.stack([x + 0.5, y + 0.5, np.ones_like(x)]).astype(np.float64)

    def photograph(self, view: CameraView) -> Background:
        """Return the set as seen through ``view``, without grain."""
        inverse = np.linalg.inv(view.set_to_frame)
        w = inverse[2, 0] * self._pixels[0] + inverse[2, 1] * self._pixels[1] + inverse[2, 2]
        x = (inverse[0, 0] * self._pixels[0] + inverse[0, 1] * self._pixels[1] + inverse[0, 2]) / w
        y = (inverse[1, 0] * self._pixels[0] + inverse[1, 1] * self._pixels[1] + inverse[1, 2]) / w
        x32, y32 = x.astype(np.float32), y.astype(np.float32)
        disparity = self._disparity_at(x32, y32)
        for _ in range(2):  # finds the point of the photograph that slid to here
            disparity = self._disparity_at(x32 + np.float32(view.slide) * disparity, y32)
        source_x = (x32 + np.float32(view.slide) * disparity) * np.float32(self._density) - np.float32(0.5)
        source_y = y32 * np.float32(self._density) - np.float32(0.5)
        logs = cv2.remap(self._canvas, source_x, source_y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT_101)
        picture = np.expm1(np.clip(logs, 0.0, self._ceiling)) * np.float32(_TOE)
        return Background(picture.astype(np.float32), depth_from_disparity(disparity))

    def disparity_of(self, x: float, y: float) -> float:
        """Return the disparity of the set at a point in set coordinates."""
        return float(self._disparity[int(y), int(x)])

    def _disparity_at(self, x: Float32Array, y: Float32Array) -> Float32Array:
        half = np.float32(0.5)
        return opencv.remap(self._disparity, x - half, y - half)


def _lit(photograph: Float32Array) -> Float32Array:
    """Return the photograph as scene-linear light. What its 8 bits have clipped is put back: glints on metal
    up to :data:`HIGHLIGHT`, the headlamp switched on, the tail light glowing."""
    linear = srgb.decode(photograph)
    brightness = photograph.min(axis=2)
    standing_out = brightness - opencv.gaussian_blur(brightness, 5.0)
    glint = _ramp(standing_out, 0.10, 0.34) * _ramp(brightness, 0.62, 0.96)
    linear = linear * (1.0 + 24.0 * glint * glint)[..., None].astype(np.float32)
    # The lamp's own glass, as photographed unlit, varies its light.
    glass = linear * (1.0 / 0.12)
    lamps = glass * _glow(linear.shape, _HEADLAMP, 19.0, 2.2) * _TUNGSTEN
    lamps += _glow(linear.shape, _HEADLAMP, 5.5, 18.0) * _TUNGSTEN
    lamps += _glow(linear.shape, _HEADLAMP, 55.0, 0.10) * _TUNGSTEN
    lamps += glass * _glow(linear.shape, _TAIL_LIGHT, 9.0, 3.0) * _RED
    return np.minimum(linear + lamps, HIGHLIGHT).astype(np.float32)


def _glow(shape: tuple[int, ...], centre: tuple[float, float], radius: float, peak: float) -> Float32Array:
    y, x = np.mgrid[0 : shape[0], 0 : shape[1]] + 0.5
    squared = ((x - centre[0]) ** 2 + (y - centre[1]) ** 2) / (radius * radius)
    return np.asarray(peak * np.exp(-squared), dtype=np.float32)[..., None]


def _ramp(value: Float32Array, low: float, high: float) -> Float32Array:
    t = np.clip((value - low) / (high - low), 0.0, 1.0)
    return np.asarray(t * t * (3.0 - 2.0 * t), dtype=np.float32)


def _about_x(angle: float) -> Float64Array:
    c, s = math.cos(angle), math.sin(angle)
    return np.array([[1, 0, 0], [0, c, -s], [0, s, c]])


def _about_y(angle: float) -> Float64Array:
    c, s = math.cos(angle), math.sin(angle)
    return np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]])


def _about_z(angle: float) -> Float64Array:
    c, s = math.cos(angle), math.sin(angle)
    return np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]])
