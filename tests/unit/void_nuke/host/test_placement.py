"""Where new nodes go."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from void_nuke.host.placement import NodeBox, free_place

_place = st.integers(-300, 300)
_boxes = st.lists(st.builds(NodeBox, _place, _place, st.integers(1, 120), st.integers(1, 120)), max_size=12)


@given(_boxes)
def test_never_on_another_node(taken: list[NodeBox]) -> None:
    beside = NodeBox(0, 0, 80, 80)
    x, y = free_place(beside, (80, 20), [beside, *taken])
    assert y == 0
    assert x > 80
    assert not any(NodeBox(x, y, 80, 20).covers(box) for box in taken)


def test_right_beside_when_free() -> None:
    assert free_place(NodeBox(10, 20, 80, 80), (80, 20), []) == (120, 20)
