"""What is known of a hole, and which parts of it are wires, which are filled from both sides."""

from __future__ import annotations

import numpy as np

from void_engine.propagation.finish.hole import Hole, wires_of


def test_a_hole_knows_what_was_revealed_of_it() -> None:
    plate, revealed = np.full((1, 4, 3), 1.0, np.float32), np.full((1, 4, 3), 2.0, np.float32)
    hole = Hole(
        plate,
        revealed,
        mask=np.array([[True, True, False, False]]),
        seen=np.array([[True, False, True, False]]),
    )
    assert hole.known.tolist() == [[False, False, True, False]]
    assert hole.unseen.tolist() == [[False, True, False, False]]
    assert hole.with_revealed()[0, :, 0].tolist() == [2.0, 1.0, 1.0, 1.0]


def test_a_wire_is_long_and_thin_all_over() -> None:
    hole = np.zeros((120, 300), bool)
    hole[10:21, :] = True
    hole[60:71, :200] = True
    hole[55:85, 200:230] = True
    hole[100:110, 20:40] = True
    wires = wires_of(hole)
    assert wires[10:21].all()
    assert not wires[50:90].any(), "this one holds something"
    assert not wires[95:].any(), "a short one is a spot"
    assert not (wires & ~hole).any()


def test_a_slanted_wire_is_one_too_and_a_ribbon_is_not() -> None:
    rows, columns = np.indices((200, 300))
    across = np.abs(rows - 0.5 * columns - 20)
    assert wires_of(across < 6).any()
    assert not wires_of(across < 16).any()
    assert not wires_of(np.zeros((20, 20), bool)).any()
