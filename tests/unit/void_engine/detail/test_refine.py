"""Borders between candidates move to where the composed picture fits the answer."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np

from void_engine.arrays import Float32Array
from void_engine.detail.calibration import Calibration
from void_engine.detail.refine import refined
from void_engine.detail.steady import SteadyAnswer

ROWS, COLUMNS = 20, 30
PLATE, OTHER, ANSWER = 0, 1, 2


def calibration() -> Calibration:
    line = np.array([0.02, 0.23, 0.5, 0.23, 0.02], np.float32)
    blur = np.outer(line, line).astype(np.float32)
    same = np.zeros((7, 7), np.float32)
    same[3, 3] = 1
    return Calibration(blur, blur, same, same, np.array([0.5]), np.array([0.01]), 0.05)


def texture(seed: int) -> Float32Array:
    noise = np.random.default_rng(seed).normal(0.5, 0.15, (ROWS, COLUMNS, 3)).astype(np.float32)
    return np.asarray(cv2.GaussianBlur(noise, (0, 0), 0.7), np.float32)


def place_of(truth: Float32Array, inside: np.ndarray) -> Any:
    found = calibration()
    noise = np.random.default_rng(9).normal(0, 0.01, truth.shape).astype(np.float32)
    steady = SteadyAnswer(found.degrade(truth) + noise, np.full(truth.shape[:2], 1e-4, np.float32))
    return SimpleNamespace(inside=inside, check=lambda: None, calibration=found, steady=steady)


def costs() -> Float32Array:
    return np.stack([np.full((ROWS, COLUMNS), cost, np.float32) for cost in (0.3, 0.5, 4.0)])


def test_a_border_moves_to_where_the_truth_changes() -> None:
    plate, other = texture(1), texture(2)
    inside = np.zeros((ROWS, COLUMNS), np.bool_)
    inside[3:-3, 4:-4] = True
    wanted = np.where(inside, OTHER, PLATE)
    wanted[:, :7] = PLATE  # The matte was drawn three pixels too wide on the left.
    truth = np.where((wanted == OTHER)[..., None], other, plate)
    place = place_of(truth, inside)
    pictures = np.stack([plate, other, truth + np.float32(0.02)])
    begun = np.full((ROWS, COLUMNS), OTHER)
    found = refined(place, begun, pictures, costs(), [PLATE])
    # All of it was taken for the other candidate before. Single pixels may fit by chance along the rim.
    assert (found[5:-5, 4:7] == PLATE).mean() > 0.6
    assert (found[5:-5, 8:-6] == OTHER).all()
    assert (begun == OTHER).all()
    # Outside nothing is chosen: the labels end with the matte.
    assert (found[0] == found[3])[4:-4].all()


def test_what_goes_does_not_come_in_where_it_does_not_fit() -> None:
    """The answer always fits; the plate, however cheap, does not by being near."""
    plate, truth = texture(3), np.full((ROWS, COLUMNS, 3), 0.5, np.float32)
    inside = np.zeros((ROWS, COLUMNS), np.bool_)
    inside[3:-3, 4:-4] = True
    truth[~inside] = plate[~inside]
    pictures = np.stack([plate, texture(4), truth])
    found = refined(place_of(truth, inside), np.full((ROWS, COLUMNS), ANSWER), pictures, costs(), [PLATE])
    assert (found == ANSWER)[inside].mean() > 0.85
    assert (found[5:-5, 6:-6] == ANSWER).all()
