"""Things to put into a shot: cut out of real footage by its mattes, or drawn and covered with its pixels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from tests.bench.shots import movies, occluders
from void_engine.arrays import Float32Array

_SIDE = 160
"""Rows of a drawn sprite."""


@dataclass(frozen=True, slots=True)
class Sprite:
    """A thing that stands on the lower edge of its pictures, each with a matte; they repeat."""

    pictures: list[Float32Array]
    alphas: list[Float32Array]
    name: str


@dataclass(frozen=True, slots=True)
class Placed:
    """A thing in a frame: (H, W, 3) scene-linear and (H, W) in 0..1."""

    picture: Float32Array
    alpha: Float32Array


def draw_sprite(
    choice: Sequence[movies.Movie], generator: np.random.Generator, *, still: bool = False
) -> Sprite:
    """Draw a thing at random; ``still`` for one that keeps its shape."""
    kind = str(generator.choice(["blob", "box"] if still else ["figure", "figure", "blob", "cut"]))
    if kind == "cut":
        try:
            return _cut(generator)
        except movies.MovieMissingError:
            kind = "figure"
    texture = _texture(choice, generator)
    if kind == "figure":
        alpha = occluders.figure(_SIDE, _SIDE, 24, start=0.5, stop=0.5, size=0.96)
        first = int(np.nonzero(alpha.max(axis=(0, 2)))[0].max()) + 1
        return Sprite([texture[:first]] * 24, [each[:first] for each in alpha], kind)
    if kind == "box":
        alpha = np.zeros((_SIDE, _SIDE), np.float32)
        alpha[30:, 25:135] = 1
    else:
        angle = np.linspace(0, 2 * np.pi, 60, endpoint=False)
        radius = np.ones(60)
        for k in (2, 3, 4):
            radius += generator.normal(0, 0.15 / k) * np.cos(k * angle + generator.uniform(0, 6))
        radius *= 0.47 * _SIDE / radius.max()
        points = _SIDE / 2 + np.stack([np.cos(angle), np.sin(angle)], 1) * radius[:, None]
        canvas = np.zeros((_SIDE, _SIDE), np.uint8)
        cv2.fillPoly(canvas, [points.astype(np.int32)], 255, cv2.LINE_AA)
        alpha = canvas.astype(np.float32) / 255
        last = int(np.nonzero(alpha.max(axis=1))[0].max()) + 1
        alpha, texture = alpha[:last], texture[:last]
    return Sprite([texture], [alpha], kind)


def _texture(choice: Sequence[movies.Movie], generator: np.random.Generator) -> Float32Array:
    movie = choice[int(generator.integers(len(choice)))]
    at = int(generator.integers(0, movies.length(movie)))
    clip = movies.frames(movie, at, 1, 1, 960)
    centre = (float(generator.uniform(0.2, 0.8)), float(generator.uniform(0.2, 0.8)))
    light = movies.linear(movies.window(clip, _SIDE, _SIDE, centre, 2.5))[0]
    gain = float(generator.choice([0.3, 1.0, 1.0, 1.8]))
    return np.asarray(light * gain, np.float32)


def _cut(generator: np.random.Generator) -> Sprite:
    name = str(generator.choice(["tennis", "bmx-trees"]))
    movie, size, start, count = movies.MOVIES[name], (432, 240), 2, 60
    clip = movies.linear(movies.frames(movie, start, count))
    mattes = movies.mattes(name, start, count, size)
    pictures, alphas = [], []
    for frame, matte in zip(clip, mattes, strict=True):
        rows, columns = np.nonzero(matte > 0.5)
        if not len(rows):
            continue
        cut = np.s_[rows.min() : rows.max() + 1, max(0, columns.min() - 2) : columns.max() + 3]
        pictures.append(np.ascontiguousarray(frame[cut]))
        alphas.append(np.ascontiguousarray(matte[cut]))
    return Sprite(pictures, alphas, name)


def place(sprite: Sprite, t: int, shape: tuple[int, int], x: float, y: float, tall: float) -> Placed:
    """Put a thing with its feet at ``x``, ``y`` into a frame of ``shape``, ``tall`` pixels high."""
    index = t % len(sprite.alphas)
    picture, alpha = sprite.pictures[index], sprite.alphas[index]
    rows, columns = alpha.shape
    scale = tall / rows
    if scale < 0.7:
        size = (max(2, round(columns * scale)), max(2, round(rows * scale)))
        picture = np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.float32)
        alpha = np.asarray(cv2.resize(alpha, size, interpolation=cv2.INTER_AREA), np.float32)
        rows, columns = alpha.shape
        scale = tall / rows
    move = np.array([[scale, 0, x - scale * columns / 2], [0, scale, y - scale * rows]])
    size = (shape[1], shape[0])
    return Placed(
        np.asarray(cv2.warpAffine(picture, move, size, borderMode=cv2.BORDER_REPLICATE), np.float32),
        np.clip(np.asarray(cv2.warpAffine(alpha, move, size), np.float32), 0, 1),
    )


def over(behind: Float32Array, thing: Placed) -> Float32Array:
    """The thing before the picture ``behind``."""
    return np.asarray(behind + thing.alpha[..., None] * (thing.picture - behind), np.float32)
