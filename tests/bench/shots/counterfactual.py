"""Shots of known truth for plate detail: what the shot would show if something had never been there.

Unlike a clean plate, the truth may show things elsewhere than the plate does: an object falls when the hand
that held it is gone. All are composited from real footage; the objects are cut out of other footage.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from tests.bench.shots import movies, occluders
from tests.bench.shots.scene import grained, soft_shadow
from void_engine.arrays import Float32Array


@dataclass(frozen=True, slots=True)
class Counterfactual:
    """Plate and truth (T, H, W, 3) in scene-linear light, and the matte (T, H, W) of what is replaced."""

    plate: Float32Array
    matte: Float32Array
    truth: Float32Array


@dataclass(frozen=True, slots=True)
class Material:
    """What a shot is made of: the movies to take pictures from, its size, and a generator."""

    scene: movies.Movie
    """What the camera sees."""
    others: Sequence[movies.Movie]
    """What objects are cut from: an object that looks like what is behind it would be no object."""
    width: int
    height: int
    frames: int
    generator: np.random.Generator

    @classmethod
    def drawn(
        cls,
        choice: Sequence[movies.Movie],
        width: int,
        height: int,
        frames: int,
        generator: np.random.Generator,
    ) -> Material:
        """Draw the scene from ``choice``; objects come from the rest, where there are more."""
        scene = choice[int(generator.integers(len(choice)))]
        others = [movie for movie in choice if movie is not scene]
        return cls(scene, others or [scene], width, height, frames, generator)

    def background(self, zoom: float = 1.0) -> Float32Array:
        """Consecutive frames of one of the movies, scene-linear."""
        count = movies.length(self.scene)
        start = int(self.generator.integers(0, max(1, count - self.frames)))
        clip = movies.frames(self.scene, start, min(self.frames, count), 1, 1280)
        clip = movies.window(clip, self.width, self.height, (0.5, 0.5), zoom)
        return movies.linear(clip)

    def still(self, width: int, height: int) -> Float32Array:
        """One frame of the scene at some size, scene-linear."""
        return self._still(self.scene, width, height)

    def thing(self, width: int, height: int) -> Float32Array:
        """One frame of another movie at some size, scene-linear."""
        return self._still(self.others[int(self.generator.integers(len(self.others)))], width, height)

    def _still(self, movie: movies.Movie, width: int, height: int) -> Float32Array:
        at = int(self.generator.integers(0, movies.length(movie)))
        clip = movies.frames(movie, at, 1, 1, 1296)
        return movies.linear(movies.window(clip, width, height, (0.5, 0.5), 1.0))[0]


@dataclass(frozen=True, slots=True)
class _Object:
    """A cut-out: a picture with a soft outline."""

    picture: Float32Array
    alpha: Float32Array

    @classmethod
    def of(cls, material: Material, across: int) -> _Object:
        generator = material.generator
        side = int(across * 1.5)
        angle = np.linspace(0, 2 * np.pi, 60, endpoint=False)
        radius = np.ones(60)
        for k in (2, 3, 4, 5):
            radius += generator.normal(0, 0.12 / k) * np.cos(k * angle + generator.uniform(0, 6))
        points = side / 2 + np.stack([np.cos(angle), np.sin(angle)], 1) * radius[:, None] * across / 2
        canvas = np.zeros((side * 4, side * 4), np.uint8)
        cv2.fillPoly(canvas, [(points * 4).astype(np.int32)], 255)
        alpha = cv2.resize(canvas, (side, side), interpolation=cv2.INTER_AREA).astype(np.float32) / 255
        return cls(material.thing(side, side), alpha)

    def placed(
        self,
        shape: tuple[int, int],
        x: float,
        y: float,
        angle: float = 0.0,
        size: float = 1.0,
        bend: float = 0.0,
    ) -> tuple[Float32Array, Float32Array]:
        """Picture and coverage in a frame of ``shape``, the centre at ``x``, ``y``; sampled once."""
        rows, columns = shape
        side = self.alpha.shape[0]
        px, py = np.meshgrid(np.arange(columns, dtype=np.float32), np.arange(rows, dtype=np.float32))
        dx, dy = (px - x) / size, (py - y) / size
        cosine, sine = np.cos(angle), np.sin(angle)
        u = cosine * dx + sine * dy + side / 2
        v = -sine * dx + cosine * dy + side / 2
        u = u + bend * np.sin(2 * np.pi * v / side)
        v = v + bend * np.cos(2 * np.pi * u / side)
        picture = cv2.remap(
            self.picture, u.astype(np.float32), v.astype(np.float32), cv2.INTER_CUBIC,
            borderMode=cv2.BORDER_REFLECT,
        )  # fmt: skip
        alpha = cv2.remap(
            self.alpha, u.astype(np.float32), v.astype(np.float32), cv2.INTER_LINEAR, borderValue=0
        )
        return np.maximum(np.asarray(picture, np.float32), 0), np.asarray(alpha, np.float32)


def _over(behind: Float32Array, picture: Float32Array, alpha: Float32Array) -> Float32Array:
    return np.asarray(behind + alpha[..., None] * (picture - behind), np.float32)


def _grown(alpha: Float32Array, pixels: int = 4) -> Float32Array:
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * pixels + 1, 2 * pixels + 1))
    return np.asarray(cv2.dilate((alpha > 0.01).astype(np.uint8), kernel), np.float32)


def _held_still(material: Material, frames: Float32Array) -> Float32Array:
    """The first frame for all, so that nothing but the objects moves; each frame with light noise."""
    noise = material.generator.normal(0, 1, (material.frames, *frames.shape[1:])).astype(np.float32)
    return np.asarray(frames[:1] + noise * 0.01 * np.sqrt(np.maximum(frames[:1], 0) + 1e-3), np.float32)


def _crossing(
    material: Material, truth: Float32Array, *, across: float = 0.22, path: tuple[float, float] = (0.25, 0.75)
) -> Counterfactual:
    rows, columns = material.height, material.width
    thing = _Object.of(material, int(across * columns))
    plates, mattes = [], []
    for t, frame in enumerate(truth):
        u = t / max(1, len(truth) - 1)
        x = (path[0] + (path[1] - path[0]) * u) * columns
        picture, alpha = thing.placed((rows, columns), x, 0.55 * rows + 3 * np.sin(t), 0.05 * np.sin(t))
        plates.append(_over(frame, picture, alpha))
        mattes.append(_grown(alpha))
    return Counterfactual(np.stack(plates), np.stack(mattes), truth)


def revealed(material: Material) -> Counterfactual:
    return _crossing(material, material.background())


def falls(material: Material) -> Counterfactual:
    """An object is carried along in the plate by something that goes; in the truth it falls and turns."""
    truth = _held_still(material, material.background())
    rows, columns = material.height, material.width
    held = _Object.of(material, int(0.16 * columns))
    hand = _Object.of(material, int(0.2 * columns))
    shape, turn = (rows, columns), float(material.generator.uniform(-0.5, 0.5))
    plates, truths, mattes = [], [], []
    for t, frame in enumerate(truth):
        u = t / max(1, len(truth) - 1)
        x, y = (0.42 + 0.16 * u) * columns, 0.32 * rows
        hand_picture, hand_alpha = hand.placed(shape, (0.27 + 0.3 * u) * columns, 0.3 * rows)
        picture, alpha = held.placed(shape, x, y)
        plates.append(_over(_over(frame, hand_picture, hand_alpha), picture, alpha))
        lower, fallen = held.placed(shape, x + 0.06 * columns * u, y + 0.36 * rows * u * u, turn * u)
        truths.append(_over(frame, lower, fallen))
        mattes.append(_grown(np.maximum(np.maximum(hand_alpha, alpha), fallen)))
    return Counterfactual(np.stack(plates), np.stack(mattes), np.stack(truths))


def shadow_gone(material: Material) -> Counterfactual:
    """An object and its still shadow on textured ground go; the ground was never lit there."""
    truth = _held_still(material, material.background())
    rows, columns = material.height, material.width
    thing = _Object.of(material, int(0.12 * columns))
    picture, alpha = thing.placed((rows, columns), 0.35 * columns, 0.5 * rows)
    shade = soft_shadow(alpha[None], 0.55, 5.0, int(0.16 * columns), int(0.08 * rows))[0]
    plate = np.stack([_over(frame * (1 - shade[..., None]), picture, alpha) for frame in truth])
    matte = np.maximum(_grown(alpha), (shade > 0.01).astype(np.float32))
    return Counterfactual(plate, np.repeat(matte[None], len(truth), 0), truth)


def never_revealed(material: Material) -> Counterfactual:
    """A still object before a defocused background under a camera that stands still."""
    frames = material.background()
    soft = np.stack([cv2.GaussianBlur(frame, (0, 0), 3.0) for frame in frames[:1]])
    truth = _held_still(material, soft)
    rows, columns = material.height, material.width
    thing = _Object.of(material, int(0.25 * columns))
    picture, alpha = thing.placed((rows, columns), 0.5 * columns, 0.5 * rows)
    plate = np.stack([_over(frame, picture, alpha) for frame in truth])
    return Counterfactual(plate, np.repeat(_grown(alpha)[None], len(truth), 0), truth)


def hand_held(material: Material) -> Counterfactual:
    """A person crosses, seen by a shaking camera."""
    large = material.still(int(material.width * 1.2), int(material.height * 1.2))
    truth = _camera(material, large, lambda t: (5 * np.sin(0.8 * t), 4 * np.cos(1.1 * t), 0.008 * np.sin(t)))
    matte = occluders.figure(material.width, material.height, len(truth), size=0.7)
    paint = material.thing(material.width, material.height)
    plate = np.stack([_over(frame, paint, alpha) for frame, alpha in zip(truth, matte, strict=True)])
    return Counterfactual(plate, np.stack([_grown(alpha, 3) for alpha in matte]), truth)


def film_grain(material: Material) -> Counterfactual:
    found = _crossing(material, material.background())
    difference = grained(found.truth, 0.03, 5) - found.truth
    return Counterfactual(found.plate + difference, found.matte, found.truth + difference)


def highlights(material: Material) -> Counterfactual:
    """Light up to 20, behind what crosses and on it."""

    def lit(light: Float32Array) -> Float32Array:
        top = np.quantile(light.mean(axis=-1), 0.9)
        boost = np.clip((light.mean(axis=-1, keepdims=True) - top) / max(1e-3, 1 - top), 0, 1)
        return np.asarray(np.minimum(light * (1 + 24 * boost**1.5), 20), np.float32)

    return _crossing(material, lit(material.background()))


def shifted_by_model(material: Material) -> Counterfactual:
    """A neighbour of what goes stays, but the model puts it 2 px aside and bends it."""
    truth = _held_still(material, material.background())
    rows, columns = material.height, material.width
    stays, goes = _Object.of(material, int(0.2 * columns)), _Object.of(material, int(0.15 * columns))
    plates, truths, mattes = [], [], []
    for t, frame in enumerate(truth):
        x, y = 0.55 * columns + 1.5 * t, 0.5 * rows
        picture, alpha = stays.placed((rows, columns), x, y, 0.02 * t)
        gone, gone_alpha = goes.placed((rows, columns), 0.38 * columns + 4 * t, 0.55 * rows)
        plates.append(_over(_over(frame, picture, alpha), gone, gone_alpha))
        moved, moved_alpha = stays.placed((rows, columns), x + 2, y - 1, 0.02 * t + 0.01, bend=1.5)
        truths.append(_over(frame, moved, moved_alpha))
        mattes.append(_grown(np.maximum(np.maximum(alpha, moved_alpha), gone_alpha)))
    return Counterfactual(np.stack(plates), np.stack(mattes), np.stack(truths))


def fast_pan(material: Material) -> Counterfactual:
    """A camera that pans by 4 % of the width a frame, with its motion blur."""
    step = 0.04 * material.width
    large = material.still(int(material.width * 1.8), int(material.height * 1.8))
    large = cv2.blur(large, (max(1, round(step / 4)), 1))
    room = (large.shape[1] - material.width) / 2
    truth = _camera(material, large, lambda t: (-room + 4 + step * t, 3 * np.sin(t), 0))
    return _crossing(material, truth, across=0.2, path=(0.3, 0.7))


def _camera(
    material: Material, large: Float32Array, where: Callable[[int], tuple[float, float, float]]
) -> Float32Array:
    """A camera over a still, displaced by ``where`` (x, y, angle) from its middle."""
    rows, columns = material.height, material.width
    x, y = np.meshgrid(np.arange(columns, dtype=np.float32), np.arange(rows, dtype=np.float32))
    found = []
    for t in range(material.frames):
        dx, dy, angle = where(t)
        cx, cy = x - columns / 2, y - rows / 2
        u = np.cos(angle) * cx - np.sin(angle) * cy + large.shape[1] / 2 + dx
        v = np.sin(angle) * cx + np.cos(angle) * cy + large.shape[0] / 2 + dy
        seen = cv2.remap(
            large, u.astype(np.float32), v.astype(np.float32), cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT
        )
        noise = np.asarray(material.generator.normal(0, 1, seen.shape), np.float32)
        found.append(np.maximum(seen, 0) + noise * 0.008 * np.sqrt(np.maximum(seen, 0) + 1e-3))
    return np.asarray(np.stack(found), np.float32)


KINDS: dict[str, Callable[[Material], Counterfactual]] = {
    "revealed": revealed,
    "falls": falls,
    "shadow": shadow_gone,
    "unseen": never_revealed,
    "hand-held": hand_held,
    "grain": film_grain,
    "highlights": highlights,
    "shifted": shifted_by_model,
    "pan": fast_pan,
}
"""The kinds of shots by name."""
