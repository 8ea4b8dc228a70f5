"""Masks as rings."""

from __future__ import annotations

import cv2
import numpy as np

from void_engine.effects.outlines import outlines


def _area(ring: np.ndarray) -> float:
    x, y = ring.T
    return float(np.sum(x * np.roll(y, -1) - np.roll(x, -1) * y) / 2)


def test_rings_cover_the_mask_at_the_pictures_size_and_holes_turn_the_other_way() -> None:
    y, x = np.mgrid[:90, :160]
    mask = (x - 60) ** 2 + (y - 40) ** 2 < 30**2
    mask &= (x - 60) ** 2 + (y - 40) ** 2 >= 10**2
    rings = outlines(mask, (1600, 900))
    areas = sorted((_area(ring) for ring in rings), key=abs)
    assert len(areas) == 2
    assert areas[0] * areas[1] < 0
    assert abs(abs(sum(areas)) / (100 * mask.sum()) - 1) < 0.03
    drawn = np.zeros((900, 1600), np.uint8)
    cv2.fillPoly(drawn, [np.round(ring).astype(np.int32) for ring in rings], 1)
    full = cv2.resize(mask.astype(np.float32), (1600, 900), interpolation=cv2.INTER_LINEAR) >= 0.5
    assert ((drawn > 0) != full).mean() < 0.004
    assert max(len(ring) for ring in rings) < 80


def test_an_empty_mask_has_no_ring_and_a_full_one_has_the_frame() -> None:
    assert outlines(np.zeros((9, 16), bool), (160, 90)) == []
    (ring,) = outlines(np.ones((9, 16), bool), (160, 90))
    assert np.abs(ring.min(axis=0)).max() < 2
    assert np.abs(ring.max(axis=0) - (160, 90)).max() < 2
