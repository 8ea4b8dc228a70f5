from __future__ import annotations

import cv2
import numpy as np

from void_engine.propagation.motion import flow_completion
from void_engine.propagation.motion.flow import grid


def hole(rows: int = 80, columns: int = 100) -> np.ndarray:
    hidden = np.zeros((rows, columns), bool)
    hidden[25:55, 35:70] = True
    return hidden


def test_affine_motion_is_continued_into_the_hole() -> None:
    x, y = grid((80, 100))
    truth = np.stack([0.02 * x - 0.01 * y + 1, 0.015 * y - 2], axis=2).astype(np.float32)
    hidden = hole()
    flow = np.where(hidden[:, :, None], 0, truth).astype(np.float32)
    weight = (~hidden).astype(np.float32)
    done = flow_completion.complete_flow(flow, weight, flow_completion.ring_weight(hidden), hidden, None)
    assert float(np.abs(done.flow - truth)[hidden].max()) < 0.05


def test_a_large_box_is_predicted_as_well_though_from_fewer_pixels() -> None:
    x, y = grid((201, 243))
    truth = np.stack([0.02 * x - 0.01 * y + 1, 0.015 * y + np.sin(x / 30)], axis=2).astype(np.float32)
    hidden = np.zeros(x.shape, bool)
    hidden[81:121, 93:140] = True
    flow = np.where(hidden[:, :, None], 50, truth).astype(np.float32)
    weight = (~hidden).astype(np.float32)
    done = flow_completion.complete_flow(flow, weight, flow_completion.ring_weight(hidden), hidden, None)
    assert done.flow.shape == truth.shape
    assert np.array_equal(done.flow[~hidden], truth[~hidden])
    assert float(np.abs(done.flow - truth)[hidden].mean()) < 0.3
    # There must be no half-pixel shift between the coarse prediction and the flow at the rim.
    assert float(np.abs(done.flow - truth)[81:121, 93:95].mean()) < 0.05


def test_a_wrong_tenth_of_the_ring_does_no_harm() -> None:
    x, _ = grid((80, 100))
    truth = np.stack([0.02 * x, np.zeros_like(x)], axis=2).astype(np.float32)
    hidden = hole()
    flow = truth.copy()
    flow[20:25, 40:55] += 9.0
    weight = (~hidden).astype(np.float32)
    done = flow_completion.complete_flow(flow, weight, flow_completion.ring_weight(hidden), hidden, None)
    assert float(np.abs(done.flow - truth)[hidden].mean()) < 0.5


def test_depth_hidden_by_the_hole_is_known_from_other_frames() -> None:
    hidden = hole()
    depth = np.zeros(hidden.shape, np.float32)
    depth[40:, :] = 1.0  # This depth step is mostly hidden by the hole.
    truth = np.stack([3.0 * depth, np.zeros_like(depth)], axis=2)
    structure = np.stack([-1.3 * depth, np.zeros_like(depth)], axis=2).astype(np.float32)
    flow = np.where(hidden[:, :, None], 0, truth).astype(np.float32)
    weight = (~hidden).astype(np.float32)
    ring = flow_completion.ring_weight(hidden)
    plain = flow_completion.complete_flow(flow, weight, ring, hidden, None)
    told = flow_completion.complete_flow(flow, weight, ring, hidden, structure)
    plain_error = float(np.abs(plain.flow - truth)[hidden].mean())
    assert float(np.abs(told.flow - truth)[hidden].mean()) < 0.3 * plain_error


def test_noise_for_structure_is_not_believed() -> None:
    hidden = hole()
    flow = np.zeros((80, 100, 2), np.float32)
    flow[..., 0] = 1.5
    noise = np.random.default_rng(0).normal(0, 3, flow.shape).astype(np.float32)
    weight = (~hidden).astype(np.float32)
    done = flow_completion.complete_flow(flow, weight, flow_completion.ring_weight(hidden), hidden, noise)
    assert float(np.abs(done.flow - flow)[hidden].max()) < 0.05


def test_almost_no_ring_still_gives_finite_motion() -> None:
    hidden = np.ones((30, 30), bool)
    hidden[0, :5] = False
    flow = np.full((30, 30, 2), 2.0, np.float32)
    weight = (~hidden).astype(np.float32)
    done = flow_completion.complete_flow(flow, weight, flow_completion.ring_weight(hidden), hidden, None)
    assert np.allclose(done.flow, 2.0, atol=0.05)


def judged(shift_px: float, noise: float) -> tuple[flow_completion.FlowTest, np.ndarray, np.ndarray]:
    """A test of a noisy textured picture against itself moved, with its ring and the x of its pixels."""
    generator = np.random.default_rng(8)
    rows, columns = 120, 160
    wide = cv2.GaussianBlur(generator.normal(0, 1, (rows, columns + 40)).astype(np.float32), (0, 0), 2.5)
    wide *= 40.0 / wide.std()
    x, y = grid((rows, columns))
    first = cv2.remap(wide, x + 20, y, cv2.INTER_CUBIC)
    second = cv2.remap(wide, x + np.float32(20 - shift_px), y, cv2.INTER_CUBIC)
    grainy = [
        np.clip(128 + f + generator.normal(0, noise, f.shape), 0, 255).astype(np.uint8)
        for f in (first, second)
    ]
    hole = np.zeros((rows, columns), bool)
    hole[40:80, 60:100] = True
    ring = flow_completion.ring_weight(hole)
    return flow_completion.FlowTest(grainy[0], grainy[1], ~hole, ring, hole), ring, x


def test_motion_that_is_there_is_believed_and_noise_is_not() -> None:
    judge, ring, x = judged(0.7, 3.0)
    flow = np.zeros((*x.shape, 2), np.float32)
    flow[..., 0] = 0.7
    assert judge.improves(flow)
    assert judge.predicts(flow, np.ones(x.shape, np.float32), ring, None)
    still, ring, x = judged(0.0, 3.0)
    assert not still.improves(flow)
    noise = np.random.default_rng(1).normal(0, 0.3, flow.shape).astype(np.float32)
    assert not still.improves(cv2.GaussianBlur(noise, (0, 0), 3.0))


def test_motion_that_cannot_be_predicted_does_not_help() -> None:
    judge, ring, x = judged(0.7, 3.0)
    # The flow is right where it was measured, but blocks tell nothing about each other, so the fit misleads.
    flow = np.zeros((*x.shape, 2), np.float32)
    flow[..., 0] = np.where((x // 20) % 2 > 0, 9.0, -9.0)
    assert not judge.predicts(flow, np.ones(x.shape, np.float32), ring, None)
