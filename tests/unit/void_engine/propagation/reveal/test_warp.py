from __future__ import annotations

import numpy as np

from void_engine.propagation import encoding
from void_engine.propagation.reveal import warp
from void_engine.propagation.working_set import FullFrame


def frame(encoded: np.ndarray, hidden: np.ndarray) -> FullFrame:
    plate = encoding.decode(encoded.astype(np.float32))
    zero = np.zeros(hidden.shape, np.float32)
    return FullFrame(0, plate, plate, hidden, hidden.astype(np.float32), zero, zero, hidden, False)


def positions(rows: int, columns: int, shift: float) -> tuple[np.ndarray, np.ndarray]:
    y, x = np.mgrid[0:rows, 0:columns].astype(np.float32)
    return x + np.float32(shift), y


def test_fine_texture_survives_being_moved_by_half_a_pixel() -> None:
    x = np.arange(96, dtype=np.float32)
    waves = np.repeat(np.tile(0.5 + 0.1 * np.sin(2 * np.pi * x / 3.0), (40, 1))[:, :, None], 3, axis=2)
    clear = frame(waves, np.zeros((40, 96), bool))
    sampled, visible, _ = warp.sample(clear, np.ones(3, np.float32), *positions(40, 96, 0.5))
    inner = np.s_[10:30, 10:86]
    assert visible[inner].all()
    # A 4 x 4 kernel would leave 0.8 of the contrast.
    assert float(sampled[inner].std()) > 0.93 * 0.1 / np.sqrt(2)


def test_a_bright_object_does_not_reach_over_its_rim() -> None:
    picture, hidden = np.full((40, 96, 3), 0.3, np.float32), np.zeros((40, 96), bool)
    picture[:, 50:60], hidden[:, 50:60] = 2.5, True
    sampled, visible, shown = warp.sample(
        frame(picture, hidden), np.ones(3, np.float32), *positions(40, 96, 0.5)
    )
    assert visible[5:35, 46].all()
    assert not visible[:, 50:59].any()
    assert float(np.abs(sampled - 0.3)[visible].max()) < 1e-3
    assert shown[visible].all()


def test_pixels_right_beside_a_hole_are_shown_but_not_clear() -> None:
    picture, hidden = np.full((40, 96, 3), 0.3, np.float32), np.zeros((40, 96), bool)
    picture[:, 49], hidden[:, 50:60] = 0.7, True
    sampled, clear, shown = warp.sample(frame(picture, hidden), np.ones(3, np.float32), *positions(40, 96, 0))
    assert shown[:, 49].all()
    assert not clear[:, 49].any()
    assert not shown[:, 50:60].any()
    assert clear[:, 48].all()
    assert float(np.abs(sampled[5:35, 49] - 0.7).max()) < 1e-3
