from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="the diffusion extra is not installed")

from void_engine.diffusion.sampling.process_group import SingleProcess, share, shared_part, span  # noqa: E402
from void_engine.diffusion.sampling.windows import Window, WindowBlend, plan_windows  # noqa: E402


@pytest.mark.parametrize("size", range(1, 6))
def test_shares_are_neighbours_and_even(size: int) -> None:
    for count in range(1, 12):
        shares = share(count, size)
        assert [index for run in shares for index in run] == list(range(count))
        assert max(map(len, shares)) - min(map(len, shares)) <= 1, count
        assert all(len(before) >= len(after) for before, after in pairwise(shares)), count


def test_a_span_reaches_over_a_run_of_windows() -> None:
    windows = plan_windows(50, 22, 4)
    assert span(windows, range(2)) == Window(0, 40)
    assert span(windows, range(3, 3)).length == 0


def test_ranges_share_what_lies_in_both() -> None:
    assert shared_part(Window(0, 22), Window(18, 40)) == Window(18, 22)
    assert shared_part(Window(0, 18), Window(18, 40)) is None
    assert shared_part(Window(0, 0), Window(0, 22)) is None


@pytest.mark.parametrize(("overlap", "crossing"), [(4, "smaller"), (6, "smaller"), (6, "later")])
def test_a_part_of_the_shot_is_blended_as_the_whole_is(overlap: int, crossing: Any) -> None:
    windows = plan_windows(20, 8, overlap, full_last=True)
    latents = torch.zeros(1, 20, 2, 3, 3)
    draw = torch.Generator().manual_seed(1)
    answers = {i: torch.randn(1, w.length, 2, 3, 3, generator=draw) for i, w in enumerate(windows)}
    whole = SingleProcess().joined(windows, answers, latents, crossing)

    wanted = Window(6, 14)
    blend = WindowBlend(windows, latents, wanted, crossing)
    for index, answer in answers.items():
        if part := shared_part(windows[index], wanted):
            start = windows[index].start
            blend.add(index, answer[:, part.start - start : part.stop - start], part)
    assert torch.equal(blend.result(), whole[:, 6:14])
