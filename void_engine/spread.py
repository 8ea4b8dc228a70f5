"""A few frames that stand for many."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def evenly_spread(numbers: Sequence[int], most: int) -> list[int]:
    """At most ``most`` of the numbers, in their order and evenly spread: the first and the last among them
    where there is more than one. None for an empty sequence."""
    count = min(most, len(numbers))
    return [numbers[round(float(place))] for place in np.linspace(0, len(numbers) - 1, count)]
