"""Who denoises which windows: this process alone, or several that exchange what their windows share.

All windows of a shot are coupled at every denoising step, so a shot cannot be cut into tasks of its own. But
several processes can own some windows each and meet after every step. Answers are added in the order of the
windows, so the result does not depend on how many processes there are.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

import torch

from void_engine.diffusion.sampling.windows import Window, WindowBlend


class ProcessGroup(Protocol):
    """What the denoising loop asks of the processes that work on a shot."""

    def own(self, count: int) -> range:
        """Which of ``count`` windows this process computes."""
        ...

    def step(self) -> AbstractContextManager[None]:
        """Around the work of one step: what fails in one process ends the step in all of them."""
        ...

    def joined(
        self, windows: Sequence[Window], answers: Mapping[int, torch.Tensor], latents: torch.Tensor
    ) -> torch.Tensor:
        """The latents after a step, (B, T, C, h, w), right wherever a window of this process lies.

        Args:
            windows: of the whole shot.
            answers: (B, length, C, h, w) of the windows that are this process's own.
            latents: (B, T, C, h, w) before the step.
        """
        ...

    def whole(self, windows: Sequence[Window], latents: torch.Tensor) -> torch.Tensor:
        """The latents of the whole shot in the process that leads; in the others what they had."""
        ...


class SingleProcess:
    """One process for all windows."""

    def own(self, count: int) -> range:
        return range(count)

    @contextmanager
    def step(self) -> Iterator[None]:
        yield

    def joined(
        self, windows: Sequence[Window], answers: Mapping[int, torch.Tensor], latents: torch.Tensor
    ) -> torch.Tensor:
        if len(windows) == 1:
            return answers[0]
        blend = WindowBlend(windows, latents)
        for index in range(len(windows)):
            blend.add(index, answers[index])
        return blend.result().to(latents.dtype)

    def whole(self, windows: Sequence[Window], latents: torch.Tensor) -> torch.Tensor:
        return latents


def share(count: int, size: int) -> list[range]:
    """``count`` windows in ``size`` runs of neighbours; lengths differ by one at most, longer ones first."""
    each, more = divmod(count, size)
    ends = [each * (rank + 1) + min(rank + 1, more) for rank in range(size)]
    return [range(start, end) for start, end in zip([0, *ends[:-1]], ends, strict=True)]


def span(windows: Sequence[Window], own: range) -> Window:
    """The latents that a run of windows covers; empty for no window."""
    return Window(windows[own[0]].start, windows[own[-1]].stop) if own else Window(0, 0)


def shared_part(one: Window, other: Window) -> Window | None:
    """The latents that two ranges have in common."""
    start, stop = max(one.start, other.start), min(one.stop, other.stop)
    return Window(start, stop) if start < stop else None
