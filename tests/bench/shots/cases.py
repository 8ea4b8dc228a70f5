"""The cases on real movies with real motion.

Kinds: locked off, hand-held, crowds, wires, logos, codecs, imprecise mattes, shadows, motion blur.

Where a shared clip is used, the hidden place is away from the clip's own object, so what is there is known.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

from tests.bench.shots import movies, occluders
from tests.bench.shots.scene import (
    Scene,
    blocks,
    over,
    soft_shadow,
    with_compression,
    with_grain,
)
from void_engine.arrays import Float32Array

Make = Callable[[int, int, int], Scene]


@dataclass(frozen=True, slots=True)
class Case:
    """A case; ``make`` takes width, height and the number of frames."""

    name: str
    movie: str
    kind: str
    make: Make
    quick: bool = False
    most_frames: int = 30

    @property
    def held_out(self) -> bool:
        return movies.MOVIES[self.movie].held_out


@dataclass(frozen=True, slots=True)
class View:
    """A window on part of a movie."""

    movie: str
    start: int = 0
    centre: tuple[float, float] = (0.5, 0.5)
    zoom: float = 1.0
    stride: int = 1

    def light(self, width: int, height: int, count: int) -> Float32Array:
        """The truth: (count, H, W, 3) scene-linear."""
        clip = movies.frames(movies.MOVIES[self.movie], self.start, count, self.stride, most_width=1920)
        return movies.linear(movies.window(clip, width, height, self.centre, self.zoom))


def paint(like: Float32Array, seed: int = 0, speed: int = 4) -> Float32Array:
    """A textured surface that moves over the frame, (T, H, W, 3), reddish and darker than most of a shot."""
    count, height, width = like.shape[:3]
    noise = np.random.default_rng(seed).normal(0, 1, (height, width, 3)).astype(np.float32)
    cloth = cv2.GaussianBlur(noise, (0, 0), 2.0) * 3 + cv2.GaussianBlur(noise, (0, 0), 12.0) * 14
    colour = np.array([0.30, 0.10, 0.08], np.float32) * np.exp(0.5 * cloth)
    return np.stack([np.roll(colour, (t, t * speed), (0, 1)) for t in range(count)]).astype(np.float32)


def _figure(
    view: View, start: float, stop: float, size: float, finish: Callable[[Scene], Scene] | None = None
) -> Make:
    def make(width: int, height: int, count: int) -> Scene:
        truth = view.light(width, height, count)
        coverage = occluders.figure(width, height, count, start=start, stop=stop, size=size)
        scene = over(truth, coverage, paint(truth))
        return finish(scene) if finish else scene

    return make


def _ball(
    view: View, path: tuple[tuple[float, float], tuple[float, float]], radius: float, squash: float = 1.0
) -> Make:
    def make(width: int, height: int, count: int) -> Scene:
        truth = view.light(width, height, count)
        coverage = occluders.ball(width, height, count, path=path, radius=radius, squash=squash)
        return over(truth, coverage, paint(truth))

    return make


def _wires(view: View, thick: float, sway: float, seed: int, grown: int = 0) -> Make:
    """Wires; ``grown`` is how many pixels the artist's matte is wider on each side."""

    def make(width: int, height: int, count: int) -> Scene:
        truth = view.light(width, height, count)
        coverage = occluders.wires(width, height, count, thick=thick, sway=sway, seed=seed)
        drawn = None
        if grown:
            kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * grown + 1, 2 * grown + 1))
            drawn = np.stack([np.asarray(cv2.dilate(m, kernel), np.float32) for m in coverage])
        return over(truth, coverage, paint(truth) * 0.15, matte=drawn)

    return make


def _logo(view: View, centre: tuple[float, float]) -> Make:
    def make(width: int, height: int, count: int) -> Scene:
        truth = view.light(width, height, count)
        coverage = 0.8 * occluders.logo(width, height, count, centre=centre)
        matte = (coverage > 0.01).astype(np.float32)
        return over(truth, coverage, np.full_like(truth, 0.9), matte=matte)

    return make


def _displaced(view: View, dx: float, dy: float) -> Make:
    """The clip's own object, and its matte, once more elsewhere in the frame: its outline is a real one."""

    def make(width: int, height: int, count: int) -> Scene:
        truth = view.light(width, height, count)
        own = movies.mattes(view.movie, view.start, count, (width, height))
        shift = np.array([[1, 0, round(dx * width)], [0, 1, round(dy * height)]], np.float32)
        flags = cv2.INTER_NEAREST
        moved = np.stack([cv2.warpAffine(f, shift, (width, height), flags=flags) for f in truth])
        coverage = occluders.shifted(own, dx, dy)
        return over(truth, coverage, np.asarray(moved, np.float32))

    return make


def _imprecise(view: View, start: float, stop: float, size: float, pixels: int) -> Make:
    """A figure whose matte is sloppily grown by about ``pixels``, or too tight by as many when negative."""

    def make(width: int, height: int, count: int) -> Scene:
        truth = view.light(width, height, count)
        coverage = occluders.figure(width, height, count, start=start, stop=stop, size=size)
        drawn = occluders.sloppy(coverage, pixels) if pixels > 0 else occluders.too_tight(coverage, -pixels)
        return over(truth, coverage, paint(truth), matte=drawn)

    return make


def _blurred(view: View, path: tuple[tuple[float, float], tuple[float, float]], radius: float) -> Make:
    """A fast ball under a long shutter."""

    def make(width: int, height: int, count: int) -> Scene:
        truth = view.light(width, height, count)
        sharp = occluders.ball(width, height, count, path=path, radius=radius)
        speed = abs(path[1][0] - path[0][0]) * width / max(count - 1, 1)
        return over(truth, occluders.motion_blurred(sharp, speed), paint(truth))

    return make


def _shadow(view: View, path: tuple[tuple[float, float], tuple[float, float]], radius: float) -> Make:
    """A ball with a soft shadow, whose region is the grid of blocks that VOID asks for."""

    def make(width: int, height: int, count: int) -> Scene:
        truth = view.light(width, height, count)
        coverage = occluders.ball(width, height, count, path=path, radius=radius)
        blur = 0.35 * radius * height
        shadow = soft_shadow(coverage, 0.45, blur, int(0.7 * radius * height), int(0.6 * radius * height))
        return over(truth, coverage, paint(truth), shadow=shadow, affected=blocks(shadow))

    return make


def _mirror(view: View, path: tuple[tuple[float, float], tuple[float, float]], radius: float) -> Make:
    """A yellow ball over something that shines: its image, upside down below it, is the affected region."""

    def make(width: int, height: int, count: int) -> Scene:
        truth = view.light(width, height, count)
        coverage = occluders.ball(width, height, count, path=path, radius=radius)
        colour = paint(truth) * np.array([2.5, 6.0, 0.6], np.float32)
        image, light = np.zeros_like(coverage), np.zeros_like(colour)
        for t in range(count):
            rows = np.flatnonzero(coverage[t].max(axis=1) > 0)
            top = int(rows[-1]) + round(0.02 * height)
            deep = min(len(rows), height - top)
            if deep > 0:
                source = slice(int(rows[-1]) - deep + 1, int(rows[-1]) + 1)
                image[t, top : top + deep] = 0.35 * coverage[t, source][::-1]
                light[t, top : top + deep] = colour[t, source][::-1]
            light[t] = cv2.GaussianBlur(light[t], (0, 0), 1.2)
        shining = truth * (1 - 0.5 * image[..., None]) + light * image[..., None]
        plate = over(shining.astype(np.float32), coverage, colour).plate
        return Scene(plate, coverage, truth, blocks(image))

    return make


def _cases() -> list[Case]:
    street = View("bikes", 143, (0.45, 0.33), 1.5)
    water = View("ducky-float", 0, (0.8, 0.7), 1.25)
    people = View("crowd", 200, (0.55, 0.3), 1.6)
    leaves = View("leaves", 8, (0.45, 0.5), 1.15)
    riders = View("bmx-trees", 0)
    court = View("tennis", 0)
    bar = View("lime", 0)
    sofa = View("pillow", 8)
    hand = View("box", 60, (0.5, 0.45), 1.0)
    talk = View("carphone", 10)
    rabbit = View("bunny", 20)

    def coded_(scene: Scene) -> Scene:
        return with_compression(scene, 33)

    def noisy(scene: Scene) -> Scene:
        return with_grain(scene, 0.02)

    whip = View("bmx-trees", 0, stride=3)
    back = View("crowd", 320, (0.5, 0.25), 2.2)
    table = View("moving_ball", 0, (0.4, 0.62), 1.8)
    later = {start: View("bmx-trees", start) for start in (10, 16, 35, 40)}
    serve = {start: View("tennis", start) for start in (10, 20, 30, 40)}
    return [
        Case("water", "ducky-float", "locked off", _figure(water, 0.15, 0.8, 0.6), quick=True),
        Case("leaves", "leaves", "locked off", _figure(leaves, 0.3, 0.75, 0.6), quick=True),
        Case("crowd", "crowd", "crowd", _figure(people, 0.2, 0.8, 0.55), quick=True),
        Case("far crowd", "crowd", "crowd", _ball(back, ((0.35, 0.55), (0.6, 0.5)), 0.2, 1.4)),
        Case("hand beside", "lime", "locked off", _displaced(bar, -0.22, 0.0), quick=True),
        Case("hand passes", "lime", "locked off", _ball(bar, ((0.3, 0.62), (0.75, 0.5)), 0.14)),
        Case("pillows", "pillow", "locked off", _ball(sofa, ((0.15, 0.7), (0.4, 0.75)), 0.13)),
        Case("own rider", "bmx-trees", "hand-held", _displaced(riders, -0.22, 0.02), quick=True),
        Case("rider's trees", "bmx-trees", "hand-held", _figure(later[35], 0.75, 0.3, 0.5)),
        Case("own player", "tennis", "hand-held", _displaced(court, 0.3, -0.05)),
        Case("player, pan", "tennis", "hand-held", _figure(serve[30], 0.8, 0.6, 0.6)),
        Case("street", "bikes", "hand-held", _figure(street, 0.15, 0.85, 0.6), quick=True),
        Case("street wires 3", "bikes", "wires", _wires(street, 3, 0, 1), quick=True),
        Case("street wires 4, sway", "bikes", "wires", _wires(street, 4, 3, 2, grown=3), quick=True),
        Case("rider wires 6", "bmx-trees", "wires", _wires(later[10], 6, 2, 3)),
        Case("leaves wires 8", "leaves", "wires", _wires(leaves, 8, 0, 4)),
        Case("court wires 2", "tennis", "wires", _wires(serve[20], 2, 2, 5)),
        Case("logo, pan", "bmx-trees", "logo", _logo(later[16], (0.8, 0.75)), quick=True),
        Case("logo, court", "tennis", "logo", _logo(serve[40], (0.3, 0.3))),
        Case("whip pan", "bmx-trees", "whip pan", _figure(whip, 0.3, 0.7, 0.6), quick=True, most_frames=22),
        Case("compression", "tennis", "codec", _figure(serve[10], 0.6, 0.85, 0.6, coded_), quick=True),
        Case("before the player", "tennis", "crowd", _figure(serve[10], 0.15, 0.4, 0.6)),
        Case("compression, rider", "bmx-trees", "codec", _figure(later[16], 0.9, 0.6, 0.5, coded_)),
        Case("grain, people", "crowd", "codec", _figure(people, 0.8, 0.3, 0.5, noisy)),
        Case("sloppy", "carphone", "mattes", _imprecise(talk, 0.75, 0.85, 0.6, 6), quick=True),
        Case("sloppy, rider", "bmx-trees", "mattes", _imprecise(later[40], 0.8, 0.55, 0.5, 5)),
        Case("too tight", "bunny", "mattes", _imprecise(rabbit, 0.35, 0.75, 0.6, -2), quick=True),
        Case("too tight, crowd", "crowd", "mattes", _imprecise(people, 0.3, 0.7, 0.5, -2)),
        Case(
            "soft shadow",
            "moving_ball",
            "shadow",
            _shadow(table, ((0.3, 0.35), (0.7, 0.5)), 0.13),
            quick=True,
        ),
        Case("shadow, hand", "box", "shadow", _shadow(hand, ((0.25, 0.6), (0.6, 0.7)), 0.12)),
        Case("shadow, court", "tennis", "shadow", _shadow(serve[20], ((0.2, 0.6), (0.5, 0.7)), 0.12)),
        Case("shadow, rider", "bmx-trees", "shadow", _shadow(later[16], ((0.8, 0.6), (0.5, 0.7)), 0.12)),
        Case("shadow, street", "bikes", "shadow", _shadow(street, ((0.2, 0.6), (0.7, 0.7)), 0.14)),
        Case("shadow, water", "ducky-float", "shadow", _shadow(water, ((0.3, 0.5), (0.6, 0.6)), 0.14)),
        Case("shadow, people", "crowd", "shadow", _shadow(people, ((0.3, 0.5), (0.7, 0.5)), 0.13)),
        Case("shadow, rabbit", "bunny", "shadow", _shadow(rabbit, ((0.3, 0.5), (0.7, 0.7)), 0.13)),
        Case("mirror, table", "moving_ball", "mirror", _mirror(table, ((0.3, 0.35), (0.7, 0.4)), 0.13)),
        Case("mirror, court", "tennis", "mirror", _mirror(serve[20], ((0.2, 0.5), (0.5, 0.55)), 0.12)),
        Case("mirror, water", "ducky-float", "mirror", _mirror(water, ((0.3, 0.4), (0.6, 0.45)), 0.14)),
        Case(
            "motion blur",
            "bunny",
            "motion blur",
            _blurred(rabbit, ((0.1, 0.5), (0.9, 0.4)), 0.16),
            quick=True,
        ),
        Case("motion blur, hand", "box", "motion blur", _blurred(hand, ((0.1, 0.6), (0.95, 0.5)), 0.15)),
        Case("face", "carphone", "locked off", _figure(talk, 0.4, 0.6, 0.6)),
    ]


CASES = _cases()
