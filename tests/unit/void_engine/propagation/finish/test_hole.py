from __future__ import annotations

import numpy as np

from void_engine.propagation.finish.hole import Hole


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
