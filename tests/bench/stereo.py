"""What the other eye of a stereo pair is worth to propagation as a further source.

The pair is real: the left and the right photograph of the *Motorcycle* scene of the Middlebury 2014 stereo
benchmark (Scharstein et al., GCPR 2014), which scikit-image brings. An object is composited into both, nearer
than all of the scene, so the truth beneath it is known. With the other eye, the frames of both are given to
the engine in turn.

    python -m tests.bench.stereo
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import cv2
import numpy as np
from skimage import data

from tests.bench.propagation_metrics import display
from void_engine.arrays import BoolArray, Float32Array
from void_engine.colour.srgb import decode
from void_engine.engines.interface import EngineRequest
from void_engine.propagation.engine import PropagationEngine
from void_engine.propagation.in_memory import ArrayShot, SilentMonitor

_FRAMES = 6
_GRAIN = 0.004
_OBJECT_DISPARITY_PX = 60
"""How much further left the object stands in the right eye, in pixels of the picture as it is used."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The left eye's clean frames and how sure the engine is of each pixel."""

    picture: Float32Array
    confidence: Float32Array


def eyes() -> tuple[Float32Array, Float32Array]:
    """The left and the right photograph at half size, scene-linear."""
    left, right, _ = data.stereo_motorcycle()  # type: ignore[no-untyped-call]
    pictures = []
    for photograph in (left, right):
        code = photograph[..., :3].astype(np.float32) / 255
        small = cv2.resize(code, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
        pictures.append(decode(small).astype(np.float32))
    return pictures[0], pictures[1]


def shot(still: Float32Array, seed: int) -> Float32Array:
    """A locked-off shot of a still, each frame with noise of its own."""
    noise = np.random.default_rng(seed).normal(0, _GRAIN, (_FRAMES, *still.shape))
    return (still + noise).astype(np.float32)


def mattes(shape: tuple[int, int], width: int, moves_px: int) -> tuple[Float32Array, Float32Array]:
    """The object's mattes for both eyes: a box that moves by ``moves_px`` in each frame."""
    both = np.zeros((2, _FRAMES, *shape), np.float32)
    top, bottom = shape[0] // 4, 3 * shape[0] // 4
    for frame in range(_FRAMES):
        x = shape[1] // 2 - width // 2 + 30 + moves_px * (frame - _FRAMES // 2)
        for eye, shift in enumerate((0, _OBJECT_DISPARITY_PX)):
            both[eye, frame, top:bottom, x - shift : x - shift + width] = 1.0
    return both[0], both[1]


def removed(plate: Float32Array, matte: Float32Array) -> Answer:
    frames = list(PropagationEngine().remove(ArrayShot(plate, matte), EngineRequest(), SilentMonitor()))
    sure = np.ones(matte.shape[1:], np.float32)
    confidences = [sure if one.confidence is None else one.confidence for one in frames]
    return Answer(np.stack([one.picture for one in frames]), np.stack(confidences))


def error(answer: Float32Array, truth: Float32Array, inside: BoolArray) -> float:
    """The root of the mean squared error inside a mask, of display values in steps of 8 bits."""
    return float(255 * np.sqrt(np.mean((display(answer[inside]) - display(truth[inside])) ** 2)))


def main() -> None:
    left, right = eyes()
    size = left.shape[:2]
    print("object          source            error inside   invented   seconds")
    for name, width, moves in (("stands, 30 px", 30, 0), ("stands, 60 px", 60, 0), ("moves, 30 px", 30, 12)):
        own_matte, other_matte = mattes(size, width, moves)
        truth, other = shot(left, 1), shot(right, 2)
        plates = []
        for clean, matte in ((truth, own_matte), (other, other_matte)):
            plates.append(np.where(matte[..., None] > 0, np.float32(0.5), clean))
        both = np.stack(plates, axis=1).reshape(2 * _FRAMES, *left.shape)
        both_mattes = np.stack([own_matte, other_matte], axis=1).reshape(2 * _FRAMES, *size)
        inside = own_matte > 0
        sources = (("own eye", plates[0], own_matte, 1), ("both eyes", both, both_mattes, 2))
        for source, plate, matte, step in sources:
            began = time.monotonic()
            answer = removed(plate, matte)
            seconds = time.monotonic() - began
            invented = float(np.mean(answer.confidence[::step][inside] < 0.25))
            wrong = error(answer.picture[::step], truth, inside)
            print(f"{name:15} {source:17} {wrong:12.2f} {100 * invented:9.0f} % {seconds:9.1f}")


if __name__ == "__main__":
    main()
