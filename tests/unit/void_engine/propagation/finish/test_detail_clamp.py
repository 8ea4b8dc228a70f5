from __future__ import annotations

import cv2
import numpy as np

from void_engine.propagation.finish import detail_clamp


def wire(rows: int = 80, columns: int = 160) -> np.ndarray:
    hole = np.zeros((rows, columns), bool)
    hole[38:41] = True
    return hole


def soft(rows: int = 80, columns: int = 160) -> np.ndarray:
    """A picture with structure as soft as in enlarged footage."""
    noise = np.random.default_rng(0).normal(0, 1, (rows, columns, 1)).astype(np.float32)
    return np.repeat(cv2.GaussianBlur(noise, (0, 0), 3.0)[:, :, None], 3, axis=2) * 2 + 0.5


def fine(picture: np.ndarray, where: np.ndarray) -> float:
    return float(np.abs(cv2.Laplacian(picture, cv2.CV_32F, borderType=cv2.BORDER_REPLICATE)[where]).mean())


def test_errors_sharper_than_the_surroundings_go() -> None:
    truth, hole = soft(), wire()
    wrong = np.random.default_rng(1).normal(0, 0.04, (*hole.shape, 1)).astype(np.float32)
    answer = np.where(hole[:, :, None], truth + wrong, truth).astype(np.float32)
    held = detail_clamp.clamp_detail(answer, hole, np.where(hole, np.float32(0.04**2), np.float32(0.0)))
    assert np.array_equal(held[~hole], answer[~hole])
    assert float(np.abs(held - truth)[hole].mean()) < 0.6 * float(np.abs(answer - truth)[hole].mean())
    assert fine(answer, hole) > 4.0 * fine(truth, hole)
    assert 0.85 < fine(held, hole) / fine(truth, hole) < 1.3


def test_detail_is_not_taken_from_a_fill_that_has_no_more_than_the_plate() -> None:
    hole = wire()
    plate = np.random.default_rng(2).normal(0.5, 0.03, (*hole.shape, 3)).astype(np.float32)
    held = detail_clamp.clamp_detail(plate, hole, np.where(hole, np.float32(0.03**2), np.float32(0.0)))
    assert fine(held, hole) > 0.88 * fine(plate, hole)


def test_what_is_certain_stays() -> None:
    truth, hole = soft(), wire()
    truth[39, ::7] += 0.3
    assert np.array_equal(detail_clamp.clamp_detail(truth, hole, np.zeros(hole.shape, np.float32)), truth)
    held = detail_clamp.clamp_detail(truth, hole, np.where(hole, np.float32(1e-8), np.float32(0.0)))
    assert float(np.abs(held - truth).max()) < 0.02
