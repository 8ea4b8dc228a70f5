from __future__ import annotations

from collections.abc import Sequence

import pytest

from void_engine.spread import evenly_spread


@pytest.mark.parametrize(
    ("numbers", "most", "expected"),
    [
        (range(1001, 1011), 4, [1001, 1004, 1007, 1010]),
        (range(1001, 1004), 10, [1001, 1002, 1003]),
        ([3, 5, 90], 2, [3, 90]),
        (range(7, 8), 3, [7]),
        (range(1, 9), 1, [1]),
        ([], 3, []),
        (range(1, 9), 0, []),
    ],
)
def test_frames_are_spread_with_both_ends(numbers: Sequence[int], most: int, expected: list[int]) -> None:
    assert evenly_spread(numbers, most) == expected
