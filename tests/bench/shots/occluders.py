"""Mattes of what is removed: figures, wires, a logo, and how an artist's matte differs from the coverage."""

from __future__ import annotations

import cv2
import numpy as np

from void_engine.arrays import Float32Array

_FINER = 4


def figure(
    width: int, height: int, count: int, *, start: float = 0.2, stop: float = 0.8, size: float = 0.55
) -> Float32Array:
    """A walking figure, (T, H, W), from ``start`` to ``stop`` of the width; ``size`` of the height."""
    tall = size * height
    found = []
    for t in range(count):
        u = t / max(count - 1, 1)
        x, top = (
            (start + (stop - start) * u) * width,
            0.56 * height - tall / 2 + 0.012 * tall * np.sin(0.9 * t),
        )
        swing = 0.13 * tall * np.sin(0.7 * t)
        canvas = np.zeros((height * _FINER, width * _FINER), np.uint8)

        def limb(x0: float, y0: float, x1: float, y1: float, thick: float, canvas: object = canvas) -> None:
            a, b = (int(x0 * _FINER), int(y0 * _FINER)), (int(x1 * _FINER), int(y1 * _FINER))
            cv2.line(np.asarray(canvas), a, b, 255, max(1, int(thick * _FINER)))

        for y, half, high in ((0.09, 0.06, 0.09), (0.37, 0.11, 0.21)):
            centre = (int(x * _FINER), int((top + y * tall) * _FINER))
            axes = (int(half * tall * _FINER), int(high * tall * _FINER))
            cv2.ellipse(canvas, centre, axes, 0, 0, 360, 255, -1)
        for sign in (-1, 1):
            limb(x, top + 0.55 * tall, x + sign * swing, top + tall, 0.075 * tall)
            limb(x, top + 0.26 * tall, x - 1.2 * sign * swing, top + 0.55 * tall, 0.04 * tall)
        found.append(_small(canvas, width, height))
    return np.stack(found)


def ball(
    width: int,
    height: int,
    count: int,
    *,
    path: tuple[tuple[float, float], tuple[float, float]],
    radius: float,
    squash: float = 1.0,
) -> Float32Array:
    """An ellipse that moves straight between two points (fractions of the frame); radius of the height."""
    found = []
    for t in range(count):
        u = t / max(count - 1, 1)
        centre = [((1 - u) * path[0][i] + u * path[1][i]) * (width, height)[i] for i in (0, 1)]
        canvas = np.zeros((height * _FINER, width * _FINER), np.uint8)
        axes = (int(radius * height * _FINER), int(radius * squash * height * _FINER))
        spot = (int(centre[0] * _FINER), int(centre[1] * _FINER))
        cv2.ellipse(canvas, spot, axes, 7 * np.sin(0.5 * t), 0, 360, 255, -1)
        found.append(_small(canvas, width, height))
    return np.stack(found)


def wires(
    width: int, height: int, count: int, *, thick: float, sway: float, seed: int = 0, lines: int = 3
) -> Float32Array:
    """Hanging wires right across the frame, ``thick`` pixels each, that sway by about ``sway`` pixels."""
    generator = np.random.default_rng(seed)
    ends = generator.uniform(0.12, 0.7, (lines, 2)) * height
    sag = generator.uniform(0.02, 0.12, lines) * height
    phase = generator.uniform(0, 6, (lines, 2))
    x = np.linspace(0, 1, 80)
    found = []
    for t in range(count):
        canvas = np.zeros((height * _FINER, width * _FINER), np.uint8)
        for i in range(lines):
            moved = sway * np.sin(0.5 * t + phase[i, 0]) * np.sin(np.pi * x)
            moved = moved + 0.4 * sway * np.sin(0.8 * t + 9 * x + phase[i, 1]) * np.sin(np.pi * x)
            y = ends[i, 0] + (ends[i, 1] - ends[i, 0]) * x + 4 * sag[i] * x * (1 - x) + moved
            points = np.stack([x * width, y], axis=1) * _FINER
            cv2.polylines(canvas, [points.astype(np.int32)], False, 255, max(1, round(thick * _FINER)))
        found.append(_small(canvas, width, height))
    return np.stack(found)


def logo(width: int, height: int, count: int, *, centre: tuple[float, float] = (0.75, 0.72)) -> Float32Array:
    """A still disc with letters beside it."""
    canvas = np.zeros((height * _FINER, width * _FINER), np.uint8)
    spot = (int(centre[0] * width * _FINER), int(centre[1] * height * _FINER))
    cv2.circle(canvas, spot, int(0.1 * height * _FINER), 255, -1)
    where = (spot[0] - int(0.32 * width * _FINER), spot[1] + int(0.06 * height * _FINER))
    letters = height * _FINER / 210
    cv2.putText(canvas, "VOID", where, cv2.FONT_HERSHEY_SIMPLEX, letters, 255, int(height * _FINER / 45))
    return np.repeat(_small(canvas, width, height)[None], count, axis=0)


def shifted(matte: Float32Array, dx: float, dy: float) -> Float32Array:
    """Displace mattes by fractions of the frame; what leaves it is lost."""
    rows, columns = matte.shape[1:3]
    move = np.array([[1, 0, round(dx * columns)], [0, 1, round(dy * rows)]], np.float32)
    return np.stack(
        [np.asarray(cv2.warpAffine(m, move, (columns, rows), flags=cv2.INTER_NEAREST)) for m in matte]
    )


def motion_blurred(matte: Float32Array, pixels: float) -> Float32Array:
    """Smear mattes across by a shutter of ``pixels``."""
    wide = max(1, round(pixels))
    return np.stack([np.asarray(cv2.blur(m, (wide, 1)), np.float32) for m in matte])


def sloppy(coverage: Float32Array, pixels: float, seed: int = 0) -> Float32Array:
    """A quickly drawn matte: grown by up to twice ``pixels``, elsewhere along the outline in each frame."""
    generator = np.random.default_rng(seed)
    found = []
    for matte in coverage:
        distance = cv2.distanceTransform((matte <= 0.05).astype(np.uint8), cv2.DIST_L2, 5)
        wave = generator.normal(0, 1, (7, 9)).astype(np.float32)
        wobble = cv2.resize(wave, matte.shape[::-1], interpolation=cv2.INTER_CUBIC)
        found.append((distance <= pixels * np.clip(1 + 0.5 * wobble, 0.1, 2)).astype(np.float32))
    return np.stack(found)


def too_tight(coverage: Float32Array, pixels: int) -> Float32Array:
    """A matte that lacks the outermost pixels of what it should cover."""
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * pixels + 1, 2 * pixels + 1))
    return np.stack([np.asarray(cv2.erode(m, kernel), np.float32) for m in coverage])


def _small(canvas: object, width: int, height: int) -> Float32Array:
    small = cv2.resize(np.asarray(canvas), (width, height), interpolation=cv2.INTER_AREA)
    return np.asarray(small, np.float32) / np.float32(255)
