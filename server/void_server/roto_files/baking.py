"""Splines sampled frame by frame into the shapes of a job."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from void_protocol.job import RotoPoint, ShapeFrame
from void_protocol.roto_attributes import (
    DEFAULTS,
    clamped_falloff,
    clamped_feather,
    clamped_opacity,
    is_alive,
)
from void_server.roto_files.animation import Floats, Track, sample
from void_server.roto_files.errors import RotoFileError

Pair = tuple[Track, Track]


@dataclass(frozen=True, slots=True)
class SplinePoint:
    """A control point; the handles are offsets from it, those of the feather from the feather's point."""

    center: Pair
    left: Pair = (0.0, 0.0)
    right: Pair = (0.0, 0.0)
    feather: Pair = (0.0, 0.0)
    feather_left: Pair | None = None
    """None for the handle of the point itself."""
    feather_right: Pair | None = None

    @property
    def tracks(self) -> tuple[Track, ...]:
        """Its twelve numbers in the order of :class:`void_protocol.job.RotoPoint`, the centre first."""
        left = self.left if self.feather_left is None else self.feather_left
        right = self.right if self.feather_right is None else self.feather_right
        return (*self.center, *self.left, *self.right, *self.feather, *left, *right)


class Placing(Protocol):
    """Something that moves a spline, such as a layer."""

    def matrices(self, frames: Floats) -> Floats:
        """Return the matrix at each frame, float64 of shape (frames, 3, 3)."""
        ...


@dataclass(frozen=True)
class Spline:
    """A closed Bezier spline with its attributes, in layers."""

    path: str
    points: tuple[SplinePoint, ...]
    attributes: dict[str, Track]
    transforms: tuple[Placing, ...]
    """The transforms of its layers, from the root down, and at last its own."""
    layers: tuple[dict[str, Track], ...] = ()
    """The attributes of the layers that hold it, from the root down."""
    is_bspline: bool = False
    """Whether the points are those of a uniform cubic B-spline, which is made a Bezier spline exactly."""

    def bake(self, frames: Sequence[int], placed: Floats) -> list[ShapeFrame]:
        """Return the shape at each frame; see :class:`void_server.roto_files.model.Geometry`."""
        times = np.array(frames, np.float64)
        numbers = self._numbers(times)
        if self.is_bspline:
            numbers = _bezier_of(numbers)
        has_feather = self._value("fo", times) != 0.0
        numbers[~has_feather, :, 6:8] = 0.0
        numbers[~has_feather, :, 8:12] = numbers[~has_feather, :, 2:6]
        matrix: Floats = np.broadcast_to(placed, (len(times), 3, 3))
        for transform in self.transforms:
            matrix = matrix @ transform.matrices(times)
        moved = _moved(numbers, matrix, self.path)
        visible = self._visible(times)
        opacity = self._value("opc", times)
        for layer in self.layers:
            opacity = opacity * sample(layer.get("opc", 1.0), times)
        columns = {name: self._value(name, times).tolist() for name in ("fx", "fy", "ff", "inv")}
        return [
            ShapeFrame(
                frame=frame,
                points=[RotoPoint(*point) for point in moved[index].tolist()] if visible[index] else [],
                opacity=clamped_opacity(float(opacity[index])),
                feather_x_px=clamped_feather(columns["fx"][index]) if has_feather[index] else 0.0,
                feather_y_px=clamped_feather(columns["fy"][index]) if has_feather[index] else 0.0,
                falloff=clamped_falloff(columns["ff"][index]),
                inverted=columns["inv"][index] != 0.0,
                visible=visible[index] and len(self.points) > 1,
            )
            for index, frame in enumerate(frames)
        ]

    def _numbers(self, times: Floats) -> Floats:
        """Return float64 of shape (frames, points, 12)."""
        numbers = np.empty((len(times), len(self.points), 12))
        for index, point in enumerate(self.points):
            for place, track in enumerate(point.tracks):
                numbers[:, index, place] = track if isinstance(track, float) else track.at(times)
        return numbers

    def _value(self, name: str, times: Floats) -> Floats:
        return sample(self.attributes.get(name, DEFAULTS[name]), times)

    def _visible(self, times: Floats) -> list[bool]:
        """Return whether the spline and all its layers are switched on and alive at each time."""
        shown = [True] * len(times)
        for attributes in (*self.layers, self.attributes):
            names = ("vis", "ltt", "ltn", "ltm")
            columns = [sample(attributes.get(name, DEFAULTS[name]), times).tolist() for name in names]
            for index, (switch, kind, first, last) in enumerate(zip(*columns, strict=True)):
                if switch == 0.0 or not is_alive(int(kind), first, last, float(times[index])):
                    shown[index] = False
        return shown


def _bezier_of(numbers: Floats) -> Floats:
    """Return the Bezier spline that a uniform cubic B-spline is (Farin, *Curves and Surfaces for CAGD*, ch.
    8): the joints are (P[i-1] + 4 P[i] + P[i+1]) / 6, the handles a third of (P[i+1] - P[i-1]) / 2."""
    result = np.zeros_like(numbers)
    outer = numbers[:, :, 0:2] + numbers[:, :, 6:8]
    for places, line in ((slice(0, 2), numbers[:, :, 0:2]), (slice(6, 8), outer)):
        before, after = np.roll(line, 1, axis=1), np.roll(line, -1, axis=1)
        joint, handle = (before + 4.0 * line + after) / 6.0, (after - before) / 6.0
        result[:, :, places] = joint
        at = 2 if places.start == 0 else 8
        result[:, :, at : at + 2] = -handle
        result[:, :, at + 2 : at + 4] = handle
    result[:, :, 6:8] -= result[:, :, 0:2]
    return result


def _moved(numbers: Floats, matrix: Floats, path: str) -> Floats:
    """Apply the matrix of each frame. Under a perspective the ends of the handles are moved, which keeps the
    spline's shape as near as handles as short as those of roto can tell."""
    center = numbers[..., 0:2]
    feather = center + numbers[..., 6:8]
    bases = (np.zeros_like(center), center, center, center, feather, feather)
    ends = np.stack([base + numbers[..., 2 * n : 2 * n + 2] for n, base in enumerate(bases)], axis=2)
    flat = ends.reshape(len(numbers), -1, 2)
    weights = flat @ matrix[:, 2:3, :2].transpose(0, 2, 1) + matrix[:, 2:3, 2:3]
    places = flat @ matrix[:, :2, :2].transpose(0, 2, 1) + matrix[:, :2, 2][:, None, :]
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        moved = (places / weights).reshape(ends.shape)
    if not np.isfinite(moved).all():
        raise RotoFileError(
            f"{path}: its perspective or numbers put a point at infinity; mend the layer's transform"
        )
    base = np.stack([moved[:, :, 0]] * 3 + [moved[:, :, 3]] * 2, axis=2)
    offsets = moved[:, :, 1:] - base
    return np.concatenate([moved[:, :, 0:1], offsets], axis=2).reshape(numbers.shape)
