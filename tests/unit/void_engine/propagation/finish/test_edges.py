from __future__ import annotations

import cv2
import numpy as np
import pytest

from void_engine.propagation import encoding
from void_engine.propagation.finish import edges, grain, thin_structures
from void_engine.propagation.finish.hole import Hole


def test_a_step_at_the_rim_is_taken_away() -> None:
    plate = np.full((60, 60, 3), 0.5, np.float32)
    hole = np.zeros((60, 60), bool)
    hole[20:40, 20:40] = True
    known = np.zeros_like(hole)
    known[14:46, 14:46] = True
    known &= ~hole
    revealed = np.full_like(plate, 0.46)
    answer = np.where(hole[:, :, None], revealed, plate)
    closed = edges.close_seam(answer, Hole(plate, revealed, hole, known))
    assert float(np.abs(closed - plate)[20, 20:40].max()) < 0.01
    assert np.array_equal(closed[~hole], plate[~hole])


def test_what_is_left_of_the_object_beside_a_tight_matte_is_not_continued() -> None:
    truth = np.full((60, 60, 3), 0.5, np.float32)
    hole, known = np.zeros((60, 60), bool), np.zeros((60, 60), bool)
    hole[20:40, 20:40] = True
    known[12:48, 12:48] = True
    known &= ~hole
    plate = truth.copy()
    plate[18:42, 18:42] = 0.58
    answer = np.where(hole[:, :, None], truth, plate).astype(np.float32)
    soiled, closed = (
        edges.close_seam(answer, Hole(plate, truth, hole, known), tight=tight) for tight in (False, True)
    )
    assert float(np.abs(soiled - truth)[hole].max()) > 0.02
    assert float(np.abs(closed - truth)[hole].max()) < 0.002


def rim_scene(difference: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The errors of the first pixels inside a hole, before and after, when plate and sources differ by
    ``difference``."""
    plate = np.full((80, 80, 3), 0.5, np.float32)
    hole, known = np.zeros((80, 80), bool), np.zeros((80, 80), bool)
    hole[25:55, 25:55] = True
    known[17:63, 17:63] = True
    known &= ~hole
    revealed = (plate - difference[:, :, None]).astype(np.float32)
    answer = np.where(hole[:, :, None], revealed, plate).astype(np.float32)
    closed = edges.close_seam(answer, Hole(plate, revealed, hole, known))
    rim = hole & ~cv2.erode(hole.astype(np.uint8), np.ones((3, 3), np.uint8)).astype(bool)
    assert np.array_equal(closed[~hole], plate[~hole])
    return np.abs(answer - plate)[rim], np.abs(closed - plate)[rim], np.abs(closed - answer)[rim]


def test_misfit_that_runs_across_the_rim_is_continued_but_grain_is_not() -> None:
    noise = np.random.default_rng(4).normal(0, 1, (80, 80)).astype(np.float32)
    structure = cv2.GaussianBlur(noise, (0, 0), 1.5)
    before, after, _ = rim_scene(0.03 * structure / structure.std())
    assert float(after.mean()) < 0.6 * float(before.mean())
    _, _, changed = rim_scene(0.03 * noise)
    assert float(changed.mean()) < 0.1 * 0.03


def soft_scene() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A striped scene-linear background, an alpha ramp from 1 to 0, and the mix with a flat foreground."""
    x = np.arange(80)
    background = np.broadcast_to((0.2 + 0.2 * ((x // 3) % 2))[None, :, None], (40, 80, 3)).astype(np.float32)
    alpha = np.clip((60 - x) / 40, 0, 1).astype(np.float32)
    alpha = np.ascontiguousarray(np.broadcast_to(alpha, (40, 80)))
    plate = background * (1 - alpha[:, :, None]) + 1.5 * alpha[:, :, None]
    return background, alpha, plate.astype(np.float32)


def test_background_is_read_through_a_soft_edge() -> None:
    background, alpha, plate = soft_scene()
    guess = np.full_like(background, encoding.encode(np.array([0.3], np.float32))[0])
    doubt = np.full(alpha.shape, 10.0, np.float32)
    unmixed = encoding.decode(edges.unmix(guess, plate, alpha, 0.02, doubt).values)
    thin_part = (alpha > 0) & (alpha < 0.4)
    before = float(np.abs(0.3 - background)[thin_part].mean())
    assert float(np.abs(unmixed - background)[thin_part].mean()) < 0.4 * before


def test_a_matte_that_is_wrong_is_not_believed() -> None:
    background, alpha, _ = soft_scene()
    # The matte claims a tenth where the object covers everything, so the plate shows only the object.
    plate = np.full_like(background, 4.0)
    lying = np.where(alpha > 0, np.float32(0.1), np.float32(0.0))
    lying[:, :20] = 1.0
    answer = encoding.encode(background)
    unmixed = edges.unmix(answer, plate, lying, 0.005, np.ones(alpha.shape, np.float32)).values
    assert float(np.abs(unmixed - answer).max()) < 0.02


def test_a_wire_is_taken_from_both_sides_where_the_sources_are_poor() -> None:
    truth = np.tile(np.linspace(0.2, 0.8, 120, dtype=np.float32)[None, :, None], (60, 1, 3))
    hole = np.zeros((60, 120), bool)
    hole[30:33] = True
    known = np.zeros_like(hole)
    known[20:43] = True
    known &= ~hole
    poor = truth + np.random.default_rng(0).normal(0, 0.1, truth.shape).astype(np.float32)
    answer = np.where(hole[:, :, None], poor, truth).astype(np.float32)
    expected = np.full(hole.shape, 0.1**2, np.float32)
    joined = thin_structures.blend(answer, Hole(truth, poor, hole, known), expected)
    # The error that it claims is not far from its true error.
    assert 0.2 < float(joined.deviation[hole].mean()) / float((joined.values - truth)[hole].std()) < 5.0
    assert not joined.deviation[~hole].any()
    assert float(np.abs(joined.values - truth)[hole].mean()) < 0.2 * float(
        np.abs(answer - truth)[hole].mean()
    )
    assert np.array_equal(
        thin_structures.blend(answer, Hole(truth, truth, hole, known), 0 * expected).values[~hole],
        answer[~hole],
    )
    trusted = thin_structures.blend(answer, Hole(truth, poor, hole, known), 0 * expected)
    assert np.allclose(trusted.values, answer, atol=1e-3), "an estimate without error stays"


def test_a_wide_hole_is_left_to_the_sources() -> None:
    truth = np.random.default_rng(1).uniform(0, 1, (60, 60, 3)).astype(np.float32)
    hole = np.zeros((60, 60), bool)
    hole[15:45, 15:45] = True
    expected = np.ones(hole.shape, np.float32)
    assert np.array_equal(
        thin_structures.blend(truth, Hole(truth, truth, hole, ~hole), expected).values, truth
    )


@pytest.mark.parametrize(("width", "is_thin"), [(3, True), (11, True), (16, True), (23, False)])
def test_a_wire_with_its_grown_matte_is_thin(width: int, is_thin: bool) -> None:
    truth = np.tile(np.linspace(0.2, 0.8, 160, dtype=np.float32)[None, :, None], (90, 1, 3))
    hole = np.zeros((90, 160), bool)
    hole[40 : 40 + width] = True
    poor = truth + np.random.default_rng(0).normal(0, 0.1, truth.shape).astype(np.float32)
    answer = np.where(hole[:, :, None], poor, truth).astype(np.float32)
    expected = np.full(hole.shape, 0.1**2, np.float32)
    joined = thin_structures.blend(answer, Hole(truth, poor, hole, ~hole), expected).values
    left = float(np.abs(joined - truth)[hole].mean()) / float(np.abs(answer - truth)[hole].mean())
    assert left < 0.3 if is_thin else left == 1.0


def test_grain_is_measured_on_flat_ground_and_put_back() -> None:
    generator = np.random.default_rng(2)
    deviation = np.array([0.02, 0.01, 0.03], np.float32)
    plate = (0.5 + generator.normal(0, 1, (96, 96, 3)) * deviation).astype(np.float32)
    model = grain.measure(plate, np.ones((96, 96), bool))
    assert model is not None
    assert np.allclose(model.deviation.mean(axis=0), deviation, rtol=0.3)
    flat = np.full((96, 96, 3), 0.5, np.float32)
    hole = np.zeros((96, 96), bool)
    hole[20:80, 20:80] = True
    nothing_kept = np.zeros((96, 96), np.float32)
    grained = grain.restore(flat, model, nothing_kept, hole, (1, 2), 1.0)
    assert np.array_equal(grained[~hole], flat[~hole])
    assert np.allclose(grained[hole].std(axis=0), deviation, rtol=0.35)
    assert np.array_equal(grain.restore(flat, model, nothing_kept, hole, (1, 2), 1.0), grained)
    # A copied frame has grain of its own, and a texture drowns what is missing.
    own = grain.restore(plate, model, np.ones((96, 96), np.float32), hole, (1, 2), 0.8)
    assert float(np.abs(own - plate)[hole].mean()) < 0.1 * float(deviation.mean())
    stripes = (plate + 0.4 * (np.arange(96) % 4 < 2)[None, :, None]).astype(np.float32)
    assert np.array_equal(grain.restore(stripes, model, nothing_kept + 0.2, hole, (1, 2), 0.8), stripes)


def test_grain_is_what_does_not_repeat_at_each_brightness() -> None:
    generator = np.random.default_rng(3)
    brightness = np.tile(np.linspace(0.1, 0.9, 96, dtype=np.float32)[None, :], (96, 1))
    dark, bright = np.array([0.02, 0.02, 0.02]), np.array([0.005, 0.005, 0.005])
    deviation = np.where(brightness[:, :, None] < 0.5, dark, bright)
    noise = (generator.normal(0, 1, (96, 96, 3)) * deviation).astype(np.float32)
    high = noise - cv2.GaussianBlur(noise, (0, 0), 1.6)
    # Texture was taken for grain everywhere; the difference of two frames shows how much grain there is.
    texture = grain.GrainModel(np.array([0.3, 0.7]), np.full((2, 3), 0.08), 0.0)
    known, kept = np.ones((96, 96), bool), np.zeros((96, 96), np.float32)
    model = grain.refined(texture, high, brightness, known, kept)
    assert np.allclose(np.interp(0.2, model.centres, model.deviation[:, 0]), 0.02, rtol=0.3)
    assert np.allclose(np.interp(0.8, model.centres, model.deviation[:, 0]), 0.005, rtol=0.3)


@pytest.mark.parametrize(("rim_px", "tight"), [(0, False), (2, True)])
def test_a_matte_is_tight_when_the_object_reaches_beyond_it(rim_px: int, tight: bool) -> None:
    generator = np.random.default_rng(6)
    y, x = np.mgrid[:80, :80]
    distance = np.hypot(x - 40, y - 40)
    removed = np.clip(20.5 - distance, 0.0, 1.0).astype(np.float32)
    revealed = generator.normal(0.5, 0.05, (80, 80, 3)).astype(np.float32)
    plate = revealed + generator.normal(0.0, 0.01, revealed.shape).astype(np.float32)
    plate[distance < 20.5 + rim_px] = 0.1
    everywhere = np.ones(distance.shape, bool)
    hole = Hole(plate, revealed, removed > 0, everywhere)
    assert edges.is_tight(hole, removed) is tight
    grown = Hole(plate, revealed, distance < 28, everywhere)
    assert edges.is_tight(grown, removed) is tight


def test_the_lit_rim_of_an_object_leaves_no_line() -> None:
    """The rim is brighter than the object, so the object's colour does not explain the pixels it shares."""
    alpha = np.zeros((40, 40), np.float32)
    alpha[:, 20] = 0.45
    alpha[:, 21:] = 1
    plate = np.full((40, 40, 3), 0.5, np.float32)
    plate[:, 21:] = 0.1
    plate[:, 20] = 0.55 * 0.5 + 0.45 * 0.9
    answer = encoding.encode(np.full((40, 40, 3), 0.5, np.float32))
    doubt = np.full((40, 40), 20.0, np.float32)
    found = encoding.decode(edges.unmix(answer, plate, alpha, 0.005, doubt).values)
    assert float(np.abs(found[:, 20] - 0.5).max()) < 0.05


@pytest.mark.parametrize(("deviation", "comes_back"), [(0.0, False), (0.0012, False), (0.0018, True)])
def test_grain_that_nobody_sees_is_not_put_back(deviation: float, comes_back: bool) -> None:
    noise = np.random.default_rng(3).normal(0, deviation, (96, 96, 3))
    plate = (0.5 + noise).astype(np.float32)
    flat, hole = np.full_like(plate, 0.5), np.zeros((96, 96), bool)
    hole[20:80, 20:80] = True
    seen = ~hole
    model = grain.measure(plate, seen)
    if deviation == 0.0:
        assert model is None
        return
    assert model is not None
    # The lower quartile of the blocks is a little below what all of them have.
    assert 0.8 * deviation < float(model.deviation.mean()) < 1.05 * deviation
    nothing_kept = np.zeros(hole.shape, np.float32)
    grained = grain.restore(flat, model, nothing_kept, hole, (1, 2), 1.0)
    assert np.array_equal(grained, flat) != comes_back
    if comes_back:
        assert 0.7 * deviation < float(grained[hole].std()) < 1.1 * deviation


@pytest.mark.parametrize("strength", [0.0, 0.5, 0.95, 1.0])
@pytest.mark.parametrize("kept", [0.0, 0.4])
def test_fine_detail_comes_back_to_the_share_that_is_asked_for(strength: float, kept: float) -> None:
    """No more than that, and where more is there already, that stays."""
    generator = np.random.default_rng(4)
    plate = (0.5 + 0.02 * generator.normal(0, 1, (128, 128, 3))).astype(np.float32)
    averaged = (0.5 + 0.02 * np.sqrt(kept) * generator.normal(0, 1, plate.shape)).astype(np.float32)
    hole = np.zeros((128, 128), bool)
    hole[24:104, 24:104] = True
    model = grain.measure(plate, ~hole)
    assert model is not None
    share = np.full(hole.shape, kept, np.float32)
    grained = grain.restore(averaged, model, share, hole, (1, 2), strength)
    inside = np.s_[32:96, 32:96]
    reached = float(grained[inside].std()) / 0.02
    assert reached == pytest.approx(max(strength, kept**0.5), abs=0.09)
    assert np.array_equal(grained[~hole], averaged[~hole])
