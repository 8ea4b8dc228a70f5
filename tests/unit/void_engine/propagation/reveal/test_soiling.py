"""Whether the plate beside a hole still shows the object."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from void_engine.propagation import encoding
from void_engine.propagation.reveal import soiling

ROWS, COLUMNS = 80, 120


def cloth() -> np.ndarray:
    noise = np.random.default_rng(90).normal(0, 1, (ROWS, COLUMNS, 3)).astype(np.float32)
    weave = cv2.GaussianBlur(noise, (0, 0), 2.5)
    return np.asarray(0.4 + 0.12 * weave / weave.std(), np.float32)


@pytest.mark.parametrize(("soiled_px", "told"), [(0, False), (2, True)])
def test_a_matte_that_is_too_tight_is_told(soiled_px: int, told: bool) -> None:
    """What the object soils beside the matte must not be continued into the hole."""
    plate = encoding.encode(cloth())
    hidden = np.zeros((ROWS, COLUMNS), bool)
    hidden[20:60, 30:80] = True
    plate[20 - soiled_px : 60 + soiled_px, 30 - soiled_px : 80 + soiled_px] = 0.05
    assert soiling.is_soiled(plate, hidden) is told


@pytest.mark.parametrize("kind", ["smeared", "alike", "moves beside", "all moves", "few points"])
def test_an_object_that_a_codec_smears_is_told_from_what_moves_beside_it(kind: str) -> None:
    generator = np.random.default_rng(1)
    count = 40 if kind == "few points" else 2000
    outside = generator.uniform(2, 16, count).astype(np.float32)
    size = np.where((outside < 8) & (kind == "smeared"), 0.02, 0.003)
    if kind == "moves beside":
        size = np.where(outside < 8, 0.2, 0.003)
    if kind == "all moves":
        size = np.full(count, 0.05)
    squares = np.square(generator.normal(0, 1, (3, count)) * size).astype(np.float32)
    found = soiling.smeared(squares, np.ones((3, count), bool), outside)
    if kind == "smeared":
        assert found > float(squares.min(axis=0)[outside < 8].mean())
    else:
        assert found == 0
