"""Shots drawn at random from movies: window, occluder, matte, camera, light, grain and codec are all drawn.

The same seed over the same movies draws the same shot.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from tests.bench.shots import movies, occluders
from tests.bench.shots.cases import paint
from tests.bench.shots.scene import Scene, over, with_compression, with_grain
from void_engine.arrays import Float32Array, Uint8Array

_MOST_WIDTH = 960
_FEWEST = 3
_MARGIN = 0.08
"""How much wider than the frame the window is, on each side, so that a drawn camera can move in it."""


@dataclass(frozen=True, slots=True)
class DrawnShot:
    """A drawn shot, and what was drawn in words."""

    scene: Scene
    movie: str
    what: str


def draw(
    seed: int, choice: Sequence[movies.Movie], *, width: int = 240, frames: tuple[int, int] = (8, 14)
) -> DrawnShot:
    """Draw one shot.

    Args:
        seed: decides everything.
        choice: the movies to draw from.
        width: of the frame, in pixels; the height is 9/16 of it.
        frames: the least and the largest number of frames.

    Raises:
        MovieMissingError: when the movie that is drawn is not here, or has fewer than three frames.
    """
    generator = np.random.default_rng(seed)
    movie = choice[int(generator.integers(len(choice)))]
    count = int(generator.integers(frames[0], frames[1] + 1))
    height = round(width * 9 / 16 / 8) * 8
    clip, start, stride = _stretch(movie, count, generator)
    count = len(clip)
    clip, moved = _view(clip, width, height, generator)
    truth = movies.linear(clip)
    truth, light = _light(truth, generator)
    coverage, shape = _coverage(width, height, count, generator)
    matte, drawn = _matte(coverage, generator)
    colour = paint(truth, seed) * np.float32(generator.choice([0.15, 1.0, 2.5]))
    scene, film = _film(over(truth, coverage, colour, matte=matte), generator)
    words = [f"frames {start}+{count}x{stride}", moved, light, shape, drawn, film]
    return DrawnShot(scene, movie.name, ", ".join(word for word in words if word))


def _stretch(movie: movies.Movie, count: int, generator: np.random.Generator) -> tuple[Uint8Array, int, int]:
    available = movies.length(movie)
    stride = int(generator.choice([1, 1, 1, 1, 1, 1, 1, 2, 2, 3]))
    while stride > 1 and count * stride > available:
        stride -= 1
    count = min(count, available)
    if count < _FEWEST:
        raise movies.MovieMissingError(f"{movie.name} has only {available} frames")
    start = int(generator.integers(0, available - count * stride + 1))
    return movies.frames(movie, start, count, stride, _MOST_WIDTH), start, stride


def _view(
    clip: Uint8Array, width: int, height: int, generator: np.random.Generator
) -> tuple[Uint8Array, str]:
    zoom = float(generator.uniform(1.0, 2.2))
    centre = (float(generator.uniform(0.25, 0.75)), float(generator.uniform(0.25, 0.75)))
    if generator.random() < 0.7:
        return movies.window(clip, width, height, centre, zoom), f"zoom {zoom:.1f}"
    wide, high = round(width * (1 + 2 * _MARGIN)), round(height * (1 + 2 * _MARGIN))
    cut = movies.window(clip, wide, high, centre, zoom)
    smooth = float(generator.choice([1.0, 3.0, 6.0]))
    kernel = np.exp(-0.5 * (np.arange(-20, 21) / smooth) ** 2)
    kernel /= np.sqrt((kernel**2).sum())
    steps = generator.normal(0, 1, (2, len(clip) + 40))
    walks = np.stack([np.convolve(step, kernel, "same")[20:-20] for step in steps])
    walks = np.clip(walks * generator.uniform(0.005, 0.03), -_MARGIN, _MARGIN)
    found = []
    for t, picture in enumerate(cut):
        dx, dy = (_MARGIN + walks[0, t]) * width, (_MARGIN + walks[1, t]) * height
        shift = np.array([[1, 0, dx], [0, 1, dy]], np.float32)
        flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
        found.append(np.asarray(cv2.warpAffine(picture, shift, (width, height), flags=flags), np.uint8))
    return np.stack(found), f"zoom {zoom:.1f}, camera shaken with smoothness {smooth:.0f}"


def _light(truth: Float32Array, generator: np.random.Generator) -> tuple[Float32Array, str]:
    kind = generator.random()
    if kind < 0.8:
        return truth, ""
    count = len(truth)
    if kind < 0.9:
        gain, word = 1 + generator.uniform(-0.12, 0.12, count), "flickering"
    else:
        gain, word = np.exp(np.linspace(0, generator.uniform(-0.5, 0.5), count)), "exposure ramp"
    return (truth * gain[:, None, None, None]).astype(np.float32), word


def _coverage(
    width: int, height: int, count: int, generator: np.random.Generator
) -> tuple[Float32Array, str]:
    kind = str(generator.choice(["figure", "figure", "ball", "ball", "wires", "logo"]))
    ends = generator.uniform(0.1, 0.9, (2, 2))
    if generator.random() < 0.3:  # It hardly moves.
        ends[1] = ends[0] + generator.uniform(-0.08, 0.08, 2)
    if kind == "figure":
        size = float(generator.uniform(0.35, 0.9))
        found = occluders.figure(
            width, height, count, start=float(ends[0, 0]), stop=float(ends[1, 0]), size=size
        )
        word = f"figure {size:.2f}"
    elif kind == "ball":
        radius, squash = float(generator.uniform(0.08, 0.25)), float(generator.uniform(0.5, 1.4))
        path = ((float(ends[0, 0]), float(ends[0, 1])), (float(ends[1, 0]), float(ends[1, 1])))
        found = occluders.ball(width, height, count, path=path, radius=radius, squash=squash)
        word = f"ball {radius:.2f}"
    elif kind == "wires":
        thick, sway = float(generator.uniform(2, 8)), float(generator.choice([0, 0, 2, 5]))
        lines, seed = int(generator.integers(1, 4)), int(generator.integers(1000))
        found = occluders.wires(width, height, count, thick=thick, sway=sway, seed=seed, lines=lines)
        word = f"{lines} wires of {thick:.0f} px, sway {sway:.0f}"
    else:
        centre = (float(generator.uniform(0.4, 0.85)), float(generator.uniform(0.2, 0.8)))
        found, word = occluders.logo(width, height, count, centre=centre), "logo"
    if kind in ("figure", "ball") and generator.random() < 0.2:
        blur = float(generator.uniform(3, 14))
        return occluders.motion_blurred(found, blur), f"{word}, blurred {blur:.0f} px"
    return found, word


def _matte(coverage: Float32Array, generator: np.random.Generator) -> tuple[Float32Array | None, str]:
    kind = generator.random()
    if kind < 0.65:
        return None, ""
    if kind < 0.9:
        pixels = float(generator.uniform(1.5, 5))
        return occluders.sloppy(coverage, pixels, int(generator.integers(1000))), f"sloppy {pixels:.0f} px"
    tight = occluders.too_tight(coverage, 1)
    return (tight, "too tight") if (tight > 0).any() else (None, "")


def _film(scene: Scene, generator: np.random.Generator) -> tuple[Scene, str]:
    kind = generator.random()
    if kind < 0.5:
        return scene, ""
    if kind < 0.75:
        amount = float(generator.uniform(0.005, 0.03))
        return with_grain(scene, amount, int(generator.integers(1000))), f"grain {amount:.3f}"
    quality = int(generator.integers(22, 37))
    return with_compression(scene, quality), f"H.264 at {quality}"
