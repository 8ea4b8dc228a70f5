"""Process groups, which divide the windows of a shot: one process alone, or several that exchange latents.

All windows of a shot are coupled at every denoising step, so a shot cannot be cut into independent tasks. But
several processes can own some windows each and exchange latents after every step. Predictions are added in
the order of the windows, so the result does not depend on the number of processes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

import torch

from void_engine.diffusion.sampling.windows import CrossingRamps, Window, WindowBlend


class ProcessGroup(Protocol):
    """The interface between the denoising loop and the processes that work on a shot."""

    def own(self, count: int) -> range:
        """The indices of the windows, among ``count``, that this process computes."""
        ...

    def step(self) -> AbstractContextManager[None]:
        """A context for the work of one step; an error in one process ends the step in all of them."""
        ...

    def joined(
        self,
        windows: Sequence[Window],
        answers: Mapping[int, torch.Tensor],
        latents: torch.Tensor,
        crossing: CrossingRamps = "smaller",
    ) -> torch.Tensor:
        """Join the latents after a step; they are correct wherever a window of this process lies.

        Args:
            windows: the windows of the whole shot.
            answers: (B, length, C, h, w) for each window of this process, by its index.
            latents: (B, T, C, h, w) before the step.
            crossing: what weighs latents on both ramps of a window.

        Returns:
            (B, T, C, h, w).
        """
        ...

    def whole(self, windows: Sequence[Window], latents: torch.Tensor) -> torch.Tensor:
        """Gather the latents of the whole shot in the leading process; the others keep what they had."""
        ...


class SingleProcess:
    """The group of a single process, which computes all windows."""

    def own(self, count: int) -> range:
        return range(count)

    @contextmanager
    def step(self) -> Iterator[None]:
        yield

    def joined(
        self,
        windows: Sequence[Window],
        answers: Mapping[int, torch.Tensor],
        latents: torch.Tensor,
        crossing: CrossingRamps = "smaller",
    ) -> torch.Tensor:
        if len(windows) == 1:
            return answers[0]
        blend = WindowBlend(windows, latents, crossing=crossing)
        for index in range(len(windows)):
            blend.add(index, answers[index])
        return blend.result().to(latents.dtype)

    def whole(self, windows: Sequence[Window], latents: torch.Tensor) -> torch.Tensor:
        return latents


def share(count: int, size: int) -> list[range]:
    """Divide ``count`` windows into ``size`` runs whose lengths differ by one at most, longer ones first."""
    each, more = divmod(count, size)
    ends = [each * (rank + 1) + min(rank + 1, more) for rank in range(size)]
    return [range(start, end) for start, end in zip([0, *ends[:-1]], ends, strict=True)]


def span(windows: Sequence[Window], own: range) -> Window:
    """The range of latents that the windows ``own`` cover; empty for no window."""
    return Window(windows[own[0]].start, windows[own[-1]].stop) if own else Window(0, 0)


def shared_part(one: Window, other: Window) -> Window | None:
    """The range of latents that two windows have in common; None when they do not overlap."""
    start, stop = max(one.start, other.start), min(one.stop, other.stop)
    return Window(start, stop) if start < stop else None
