"""Pictures as segmentation models know them: display-referred, 8 bits, a square of a fixed size, normalised.

The resizing is that of the published processors, which do it with torchvision: bilinear with antialiasing, on
bytes where the processor has the instructions for it and else on rounded floats. The square is not padded;
the picture is stretched.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch.nn import functional

from void_engine.arrays import Float32Array, Uint8Array
from void_engine.colour.curve import ShoulderCurve
from void_engine.colour.exposure import exposure_stops, measure
from void_engine.engines.interface import ShotSource

IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
_MEASURED_FRAMES = 8
_MOST_CEILING = 20.0


@dataclass(frozen=True, slots=True)
class ShotDisplay:
    """The one exposure and curve with which the pictures of a shot are shown to models."""

    stops: float
    ceiling: float

    @classmethod
    def of(cls, shot: ShotSource) -> ShotDisplay:
        """Choose them by a few frames of the shot; the plate is taken for linear Rec.709."""
        numbers = shot.frame_numbers
        chosen = [numbers[index] for index in spread(len(numbers), _MEASURED_FRAMES)]
        pictures = (np.nan_to_num(shot.frame(number).plate, posinf=0.0, neginf=0.0) for number in chosen)
        light = measure((picture, np.ones(picture.shape[:2], bool)) for picture in pictures)
        stops = exposure_stops(light)
        peak = light.peak * 2.0**stops
        return cls(stops, min(_MOST_CEILING, max(1.0, peak)) if math.isfinite(peak) else _MOST_CEILING)

    def bytes_of(self, plate: Float32Array) -> Uint8Array:
        """A scene-linear picture (H, W, 3) as display bytes; what is no number becomes black."""
        light = np.nan_to_num(plate * np.float32(2.0**self.stops), nan=0.0, posinf=self.ceiling, neginf=0.0)
        shown = ShoulderCurve.reaching(self.ceiling).encode(np.clip(light, 0.0, self.ceiling))
        return np.asarray(np.rint(np.clip(shown, 0.0, 1.0) * 255.0), np.uint8)


def spread(count: int, most: int) -> list[int]:
    """At most ``most`` indices below ``count``, evenly from the first to the last."""
    if count <= most:
        return list(range(count))
    return [round(step * (count - 1) / (most - 1)) for step in range(most)]


def model_pixels(
    picture: Uint8Array,
    size: int,
    mean: Sequence[float] = IMAGENET_MEAN,
    std: Sequence[float] = IMAGENET_STD,
) -> torch.Tensor:
    """The pixels that a model of the size ``size`` is given for a picture (H, W, 3): (3, size, size)."""
    source = torch.from_numpy(np.ascontiguousarray(picture)).permute(2, 0, 1)[None]
    by_bytes = "AVX2" in torch.backends.cpu.get_cpu_capability()
    resized = functional.interpolate(
        source if by_bytes else source.float(),
        size=(size, size),
        mode="bilinear",
        align_corners=False,
        antialias=True,
    )[0]
    codes = resized.float() if by_bytes else resized.round()
    mean_codes, std_codes = (torch.tensor(each).view(3, 1, 1) * 255.0 for each in (mean, std))
    return (codes - mean_codes) / std_codes
