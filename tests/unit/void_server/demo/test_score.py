import math

import numpy as np
import pytest

from void_engine.geometry import Box
from void_engine.plates.frame.frame import Frame
from void_server.demo.score import (
    NOTHING,
    RESULT,
    TELEA,
    ScoreError,
    Scorer,
    bit_exact_outside,
    changed_outside,
    decoded,
    encoded,
    telea,
)

SIZE = (48, 64)


@pytest.fixture
def picture() -> np.ndarray:
    return np.random.default_rng(3).uniform(0.02, 0.9, (*SIZE, 3)).astype(np.float32)


@pytest.fixture
def matte() -> np.ndarray:
    matte = np.zeros(SIZE, np.float32)
    matte[15:30, 20:40] = 1.0
    matte[14, 20:40] = 0.25
    return matte


def frame(picture: np.ndarray, matte: np.ndarray | None = None, **more: object) -> Frame:
    made = Frame.from_pixels(7, ("R", "G", "B"), picture.astype(np.float16), **more)
    return made if matte is None else made.with_layer("matte", {"A": matte})


def test_encoding_is_srgb_below_one_and_logarithmic_above() -> None:
    light = np.array([-0.01, 0.0, 0.002, 0.18, 1.0, math.e, 20.0], np.float32)
    expected = [-0.1292, 0.0, 0.02584, 0.461356, 1.0, 1.44, 1.0 + 0.44 * math.log(20)]
    assert encoded(light) == pytest.approx(expected, abs=1e-4)
    ramp = encoded(np.geomspace(1e-4, 50, 500, dtype=np.float32))
    assert (np.diff(ramp) > 0).all()
    np.testing.assert_allclose(decoded(encoded(light[1:])), light[1:], rtol=1e-5, atol=1e-7)
    assert decoded(encoded(light[:1])) == 0


def test_the_truth_itself_scores_perfectly(picture: np.ndarray, matte: np.ndarray) -> None:
    scorer = Scorer()
    scorer.add_pictures(picture, picture * 0.5, picture, matte)
    score = scorer.score()
    perfect = score.scores[RESULT]
    assert perfect.psnr_db == perfect.worst_psnr_db == math.inf
    assert perfect.ssim == pytest.approx(1.0)
    assert perfect.detail == pytest.approx(1.0)
    assert score.scores[NOTHING].psnr_db < 30
    assert score.matte_pixels == 16 * 20


def test_psnr_is_pooled_over_the_shot_and_the_worst_frame_is_told(matte: np.ndarray) -> None:
    grey = np.full((*SIZE, 3), 0.18, np.float32)
    # 0.1 of code above and below: 20 dB; 0.05: 26.02 dB.
    plus = np.full_like(grey, ((encoded(grey)[0, 0, 0] + 0.1 + 0.055) / 1.055) ** 2.4)
    small = np.full_like(grey, ((encoded(grey)[0, 0, 0] + 0.05 + 0.055) / 1.055) ** 2.4)
    scorer = Scorer()
    scorer.add_pictures(grey, grey, plus, matte)
    scorer.add_pictures(grey, grey, small, matte)
    result = scorer.score().scores[RESULT]
    assert result.worst_psnr_db == pytest.approx(20.0, abs=0.01)
    assert result.psnr_db == pytest.approx(-10 * math.log10((0.01 + 0.0025) / 2), abs=0.01)


def test_the_outside_does_not_count(picture: np.ndarray, matte: np.ndarray) -> None:
    spoilt = np.where(matte[..., None] > 0, picture, 5.0).astype(np.float32)
    scorer = Scorer()
    scorer.add_pictures(picture, picture, spoilt, matte)
    assert scorer.score().scores[RESULT].psnr_db == math.inf


def test_blur_loses_detail(picture: np.ndarray, matte: np.ndarray) -> None:
    scorer = Scorer()
    scorer.add_pictures(picture, picture, np.full_like(picture, picture.mean()), matte)
    assert scorer.score().scores[RESULT].detail < 0.2


def test_telea_continues_smooth_surroundings_and_keeps_the_rest(matte: np.ndarray) -> None:
    ramp = np.broadcast_to(np.linspace(0, 1, SIZE[1], dtype=np.float32)[None, :, None], (*SIZE, 3))
    broken = np.where(matte[..., None] > 0, 0.0, ramp).astype(np.float32)
    filled = telea(broken, matte > 0)
    assert np.abs(filled - ramp)[matte > 0].max() < 0.15
    assert np.array_equal(filled[matte == 0], ramp[matte == 0])


def test_frames_are_judged_over_the_data_window_with_the_result_s_own_matte(
    picture: np.ndarray, matte: np.ndarray
) -> None:
    window = {"data_window": Box(-2, -2, 62, 46), "display_size": (60, 44)}
    picture = 0.5 + 0.05 * picture
    hidden = picture.copy()
    hidden[matte > 0] = 0.0
    scorer = Scorer()
    scorer.add(frame(picture, **window), frame(hidden, **window), frame(picture, matte, **window))
    score = scorer.score()
    assert score.bit_exact_outside
    assert score.scores[RESULT].psnr_db == math.inf
    assert score.scores[NOTHING].psnr_db < 20
    assert score.scores[RESULT].psnr_db > score.scores[TELEA].psnr_db > score.scores[NOTHING].psnr_db
    table = score.table()
    assert "bit-exact outside: yes" in table
    assert all(name in table for name in (RESULT, NOTHING, TELEA))
    assert max(len(line) for line in table.splitlines()) <= 80


def test_a_changed_pixel_outside_is_found(picture: np.ndarray, matte: np.ndarray) -> None:
    plate = frame(picture)
    assert bit_exact_outside(plate, frame(picture, matte), matte)
    inside, outside = picture.copy(), picture.copy()
    inside[20, 30] = 7.0
    outside[2, 3, 1] += 0.25
    assert bit_exact_outside(plate, frame(inside), matte)
    assert changed_outside(plate, frame(outside), matte) == 1


@pytest.mark.parametrize(("before", "after", "same"), [(np.nan, np.nan, True), (0.0, -0.0, False)])
def test_bits_are_compared_not_numbers(
    picture: np.ndarray, matte: np.ndarray, before: float, after: float, same: bool
) -> None:
    plate, result = picture.copy(), picture.copy()
    plate[0, 0, 0], result[0, 0, 0] = before, after
    assert bit_exact_outside(frame(plate), frame(result), matte) is same


def test_lost_or_converted_channels_are_changes(picture: np.ndarray, matte: np.ndarray) -> None:
    plate = frame(picture)
    everything = int((matte == 0).sum())
    assert changed_outside(plate, plate.without(["B"]), matte) == everything
    as_float = Frame.from_pixels(7, ("R", "G", "B"), picture.astype(np.float16).astype(np.float32))
    assert changed_outside(plate, as_float, matte) == everything


def test_what_cannot_be_compared_is_refused(picture: np.ndarray, matte: np.ndarray) -> None:
    plate, result = frame(picture), frame(picture, matte)
    smaller = frame(picture[:40])
    with pytest.raises(ScoreError, match="truth"):
        Scorer().add(smaller, plate, result)
    with pytest.raises(ScoreError, match=r"matte\.A"):
        Scorer().add(plate, plate, plate)
    with pytest.raises(ScoreError, match="nothing to judge"):
        Scorer().score()
    with pytest.raises(ScoreError, match="data window"):
        changed_outside(plate, result, matte[:40])
