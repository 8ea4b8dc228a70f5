"""Temporal windows over the latents, and the blending of their overlaps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch

CrossingRamps = Literal["smaller", "later"]
"""The weight of a latent that lies on both ramps of one window, where overlaps take more than half of it:
the ``smaller`` of the two, or the ``later`` one, the falling, as in published VOID. With ``later`` the
weights jump where the falling ramp begins."""


@dataclass(frozen=True, slots=True)
class Window:
    """A half-open range of latent frames."""

    start: int
    stop: int

    @property
    def length(self) -> int:
        return self.stop - self.start


def plan_windows(latents: int, window: int, overlap: int, *, full_last: bool = False) -> list[Window]:
    """Plan the windows that cover a shot, as published VOID does unless ``full_last`` is given.

    Starts and lengths are even where all arguments are. The denoising loop takes odd lengths too, the
    published program only those of 1.

    Args:
        latents: number of latent frames of the shot.
        window: number of latent frames that the model sees at once (22 for 85 frames).
        overlap: number of latent frames that neighbouring windows share (4 as published).
        full_last: whether the last window is moved back so that it is as long as the others; published VOID
            leaves it short, down to two latents.

    Raises:
        ValueError: when several windows are needed and the overlap is not below the window.
    """
    if latents <= window:
        return [Window(0, latents)]
    if not 0 <= overlap < window:
        raise ValueError(f"the overlap of {overlap} latents must be below the window of {window}")
    windows = [Window(0, window)]
    while windows[-1].stop < latents:
        start = windows[-1].start + window - overlap
        if full_last:
            start = min(start, latents - window)
        windows.append(Window(start, min(start + window, latents)))
    return windows


def ramp_weights(windows: Sequence[Window], index: int, crossing: CrossingRamps = "smaller") -> torch.Tensor:
    """The weight of each latent frame of window ``index``, float32: 1 inside, i/(o+1) over overlaps of o."""
    window = windows[index]
    weights = torch.ones(window.length)
    if index > 0:
        overlap = windows[index - 1].stop - window.start
        ramp = torch.linspace(0.0, 1.0, overlap + 2)[1:-1]
        count = min(overlap, window.length)
        weights[:count] = ramp[:count]
    if index + 1 < len(windows):
        overlap = window.stop - windows[index + 1].start
        ramp = torch.linspace(1.0, 0.0, overlap + 2)[1:-1]
        count = min(overlap, window.length)
        last = window.length - count
        falling = ramp[overlap - count :]
        weights[last:] = falling if crossing == "later" else torch.minimum(weights[last:], falling)
    return weights


class WindowBlend:
    """Blends the predictions of the windows to their weighted mean in float32, for all latents or some.

    Weights and products are rounded to the type of the predictions before they are added, as published; in
    float32 that changes nothing.
    """

    def __init__(
        self,
        windows: Sequence[Window],
        like: torch.Tensor,
        only: Window | None = None,
        crossing: CrossingRamps = "smaller",
    ) -> None:
        """Prepare the sums.

        Args:
            windows: the windows of the whole shot.
            like: a tensor (B, T, C, h, w) of the shot's shape and device.
            only: the range of latents that is wanted; None for all.
            crossing: what weighs latents on both ramps of a window.
        """
        self._windows, self._crossing = windows, crossing
        self._wanted = only or Window(0, like.shape[1])
        wanted = like[:, self._wanted.start : self._wanted.stop]
        self._sum = torch.zeros_like(wanted, dtype=torch.float32)
        self._weight = torch.zeros(1, self._wanted.length, 1, 1, 1, device=like.device)

    def add(self, index: int, answer: torch.Tensor, part: Window | None = None) -> None:
        """Add the prediction (B, length, C, h, w) of window ``index``, or of the ``part`` of it.

        Windows must be added in ascending order, because the last bit of a sum depends on the order.
        """
        window = self._windows[index]
        part = part or window
        weights = ramp_weights(self._windows, index, self._crossing)
        weights = weights[part.start - window.start : part.stop - window.start]
        weights = weights.to(answer.device, answer.dtype).view(1, -1, 1, 1, 1)
        place = slice(part.start - self._wanted.start, part.stop - self._wanted.start)
        self._sum[:, place] += answer * weights
        self._weight[:, place] += weights

    def result(self) -> torch.Tensor:
        return self._sum / self._weight
