"""The whole engine, by ``remove_object``, on small shots whose truth is known."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

import cv2
import numpy as np
import pytest

from void_engine.arrays import Float32Array
from void_engine.errors import MatteError, PlateError, RemovalCancelled
from void_engine.propagation.ahead import frames_at_a_time
from void_engine.propagation.in_memory import SilentMonitor, remove_object

ROWS, COLUMNS, FRAMES = 72, 104, 7


def texture(rows: int, columns: int, seed: int = 1) -> Float32Array:
    """A smooth random picture with structure at several scales, scene-linear, about 0.05 to 1."""
    generator = np.random.default_rng(seed)
    total = np.zeros((rows, columns, 3), np.float32)
    for sigma in (1.5, 4.0, 10.0):
        layer = cv2.GaussianBlur(generator.normal(0, 1, (rows, columns, 3)).astype(np.float32), (0, 0), sigma)
        total += layer / layer.std() * sigma**0.5
    total = (total - total.min()) / np.ptp(total)
    return (0.05 + 0.95 * total).astype(np.float32)


def panning(step: float, frames: int = FRAMES) -> Float32Array:
    """A shot whose camera moves ``step`` pixels to the right in each frame."""
    still = texture(ROWS, COLUMNS + 120)
    moved = []
    for t in range(frames):
        shift = np.array([[1, 0, 20 + step * t], [0, 1, 0]], np.float32)
        flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
        moved.append(cv2.warpAffine(still, shift, (COLUMNS, ROWS), flags=flags))
    return np.stack(moved).astype(np.float32)


def walking_box(frames: int = FRAMES, step: int = 9) -> Float32Array:
    matte = np.zeros((frames, ROWS, COLUMNS), np.float32)
    for t in range(frames):
        matte[t, 24:50, 18 + step * t : 32 + step * t] = 1
    return matte


def covered(truth: Float32Array, matte: Float32Array, colour: float = 0.7) -> Float32Array:
    cover = matte[..., None]
    return (truth * (1 - cover) + colour * cover).astype(np.float32)


def error_inside(clean: Float32Array, truth: Float32Array, matte: Float32Array) -> float:
    """The root mean square error under the matte."""
    return float(np.sqrt(np.square(clean - truth)[matte > 0].mean()))


def test_static_camera_gives_back_the_background_exactly() -> None:
    truth, matte = panning(0.0), walking_box()
    clean = remove_object(covered(truth, matte), matte)
    assert error_inside(clean, truth, matte) < 0.002


def test_panning_camera_reveals_what_was_hidden() -> None:
    truth, matte = panning(2.3), walking_box()
    plate = covered(truth, matte)
    clean = remove_object(plate, matte)
    assert error_inside(clean, truth, matte) < 0.02
    assert error_inside(clean, truth, matte) < 0.1 * error_inside(plate, truth, matte)


@pytest.mark.slow
def test_nothing_changes_where_the_matte_is_zero_not_even_nan() -> None:
    truth, matte = panning(1.0), walking_box()
    plate = covered(truth, matte)
    plate[0, 3, 3] = np.nan
    plate[2, 5, 90] = np.inf
    plate[3, 60, 60] = -0.4
    plate[4, 61, 61] = 64.0
    clean = remove_object(plate, matte)
    outside = matte == 0
    assert plate[outside].tobytes() == clean[outside].tobytes()


def test_what_is_under_the_matte_is_finite_even_when_the_plate_there_is_not() -> None:
    truth, matte = panning(1.0), walking_box()
    plate = covered(truth, matte)
    plate[1:3][matte[1:3] > 0] = np.nan
    plate[4][matte[4] > 0] = np.inf
    clean = remove_object(plate, matte)
    assert np.isfinite(clean).all()
    assert error_inside(clean, truth, matte) < 0.03


def test_the_inputs_are_not_written_to() -> None:
    truth, matte = panning(1.0, 3), walking_box(3)
    plate = covered(truth, matte)
    plate_before, matte_before = plate.copy(), matte.copy()
    plate.flags.writeable = matte.flags.writeable = False
    remove_object(plate, matte)
    assert np.array_equal(plate, plate_before)
    assert np.array_equal(matte, matte_before)


def test_twice_the_same_bytes() -> None:
    truth, matte = panning(1.7, 4), walking_box(4, step=2)
    plate = covered(truth, matte)
    assert remove_object(plate, matte).tobytes() == remove_object(plate, matte).tobytes()


def test_highlights_and_negative_light_survive() -> None:
    truth, matte = panning(0.0), walking_box()
    truth = truth.copy()
    truth[:, 30:36, 40:60] = 60.0
    truth[:, 38:44, 40:60] = -0.05
    clean = remove_object(covered(truth, matte), matte)
    hidden = matte[3] > 0
    bright, dark = hidden & (truth[3, ..., 0] == 60.0), hidden & (truth[3, ..., 0] < 0)
    assert bright.any()
    assert dark.any()
    assert float(np.abs(clean[3][bright] / 60.0 - 1).max()) < 0.05
    assert float(np.abs(clean[3][dark] + 0.05).max()) < 0.01


def test_one_frame_is_filled_from_around_the_hole() -> None:
    ramp = np.broadcast_to(
        np.linspace(0.1, 0.9, COLUMNS, dtype=np.float32)[None, None, :, None], (1, ROWS, COLUMNS, 3)
    )
    truth, matte = ramp.copy(), walking_box(1)
    clean = remove_object(covered(truth, matte, 5.0), matte)
    assert error_inside(clean, truth, matte) < 0.08


def test_frames_without_matte_come_back_as_they_are() -> None:
    truth = panning(1.0, 3)
    clean = remove_object(truth, np.zeros(truth.shape[:3], np.float32))
    assert clean.tobytes() == truth.tobytes()
    assert clean is not truth


def test_a_matte_over_whole_frames_is_filled_from_the_others() -> None:
    truth = panning(0.0, 5)
    matte = np.zeros(truth.shape[:3], np.float32)
    matte[2] = 1
    clean = remove_object(covered(truth, matte), matte)
    assert np.isfinite(clean).all()
    assert error_inside(clean, truth, matte) < 0.01


def test_nothing_at_all_is_visible_anywhere() -> None:
    truth = panning(0.0, 2)
    clean = remove_object(truth, np.ones(truth.shape[:3], np.float32))
    assert np.isfinite(clean).all()


@pytest.mark.parametrize(("rows", "columns"), [(1, 1), (2, 3), (5, 4), (9, 40), (17, 17)])
def test_tiny_pictures(rows: int, columns: int) -> None:
    plate = texture(rows, columns)[None].repeat(3, axis=0)
    matte = np.zeros(plate.shape[:3], np.float32)
    matte[1, rows // 2, columns // 2] = 1
    clean = remove_object(plate, matte)
    assert np.isfinite(clean).all()
    assert clean[matte == 0].tobytes() == plate[matte == 0].tobytes()


def test_a_soft_edge_is_un_mixed_not_smeared() -> None:
    truth = texture(ROWS, COLUMNS)[None].repeat(3, axis=0)
    soft = cv2.GaussianBlur(walking_box(1)[0], (0, 0), 4.0)
    soft[soft < 0.004] = 0
    matte = soft[None].repeat(3, axis=0)
    clean = remove_object(covered(truth, matte, 2.0), matte)
    # The background under the thin part of the edge is never revealed, so only un-mixing can recover it.
    edge = (matte > 0) & (matte < 0.35)
    assert float(np.sqrt(np.square(clean - truth)[edge].mean())) < 0.03


def test_an_exposure_ramp_does_not_print_through() -> None:
    truth, matte = panning(1.3), walking_box()
    truth = truth * (2.0 ** np.linspace(-1, 1, FRAMES, dtype=np.float32))[:, None, None, None]
    clean = remove_object(covered(truth, matte), matte)
    inside = matte > 0
    mean_ratio = clean[inside].mean() / truth[inside].mean()
    assert abs(float(mean_ratio) - 1) < 0.03
    assert error_inside(clean, truth, matte) < 0.05


def test_across_a_cut_nothing_is_taken() -> None:
    first, second = panning(0.0, 4), 3.0 * texture(ROWS, COLUMNS, 9)[None].repeat(4, axis=0)
    truth = np.concatenate([first, second])
    matte = np.zeros(truth.shape[:3], np.float32)
    matte[:4, 20:40, 20:40] = 1
    clean = remove_object(covered(truth, matte), matte)
    # No frame before the cut shows the background under the still matte, and after it is another scene.
    assert float(clean[:4][matte[:4] > 0].max()) < 1.3


@pytest.mark.parametrize(
    ("spoil", "error"),
    [
        (lambda p, m: (p[..., :2], m), PlateError),
        (lambda p, m: (p[0], m), PlateError),
        (lambda p, m: (p, m[:, :-1]), MatteError),
        (lambda p, m: (p, m * 2), MatteError),
        (lambda p, m: (p, m - 0.5), MatteError),
        (lambda p, m: (p, np.where(m > 0, np.nan, m).astype(np.float32)), MatteError),
    ],
)
def test_wrong_arrays_are_named(
    spoil: Callable[[Float32Array, Float32Array], tuple[Float32Array, Float32Array]], error: type[Exception]
) -> None:
    plate, matte = spoil(panning(0.0, 2), walking_box(2))
    with pytest.raises(error):
        remove_object(plate, matte)


class Impatient(SilentMonitor):
    """A monitor that stops the removal at a given call."""

    def __init__(self, patience: int) -> None:
        self.calls = 0
        self._patience = patience

    def check_cancelled(self) -> None:
        self.calls += 1
        if self.calls > self._patience:
            raise RemovalCancelled


def test_a_stop_takes_effect_inside_a_frame() -> None:
    truth, matte = panning(1.0, 4), walking_box(4)
    patient = Impatient(10**9)
    remove_object(covered(truth, matte), matte, monitor=patient)
    assert patient.calls > 10 * len(truth)
    stopped = Impatient(patient.calls // 2)
    with pytest.raises(RemovalCancelled):
        remove_object(covered(truth, matte), matte, monitor=stopped)
    # Each frame that is being worked on looks once more.
    assert stopped.calls <= patient.calls // 2 + 1 + 2 * frames_at_a_time(truth[0].size // 3)


def test_scripts_take_it_from_the_package_which_costs_nothing_to_import() -> None:
    code = """
import sys
import void_engine.propagation as package
assert not {"cv2", "numpy"} & sys.modules.keys(), "the package imports pictures"
from void_engine.propagation import remove_object
from void_engine.propagation.in_memory import remove_object as owned
assert remove_object is owned
assert not hasattr(package, "something_else")
"""
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True)


@pytest.mark.parametrize("frames", [1, 2])
@pytest.mark.parametrize("hidden", ["all", "none", "middle"])
def test_few_frames_and_mattes_of_all_or_nothing(frames: int, hidden: str) -> None:
    truth = panning(1.0, frames)
    matte = np.full(truth.shape[:3], hidden == "all", np.float32)
    if hidden == "middle":
        matte[:, 20:40, 30:50] = 1
    plate = covered(truth, matte)
    clean = remove_object(plate, matte)
    assert clean.shape == plate.shape
    assert np.isfinite(clean).all()
    assert np.array_equal(clean[matte == 0], plate[matte == 0])
    if hidden == "middle":
        assert error_inside(clean, truth, matte) < 0.75 * error_inside(plate, truth, matte)


@pytest.mark.parametrize(("rows", "columns"), [(1, 1), (1, 60), (3, 5), (41, 67)])
@pytest.mark.parametrize("light", [-1.0, 1.0, 4000.0])
def test_odd_sizes_in_any_light(rows: int, columns: int, light: float) -> None:
    plate = (light * texture(rows, columns)[None].repeat(3, 0)).astype(np.float32)
    if rows == columns == 1:
        plate = np.full((3, 1, 1, 3), light, np.float32)
    matte = np.zeros((3, rows, columns), np.float32)
    for t in range(3):
        matte[t, rows // 3 : rows // 3 * 2 + 1, (columns // 4) : columns // 2 + 1] = 1
    clean = remove_object(plate, matte)
    assert np.isfinite(clean).all()
    assert np.array_equal(clean[matte == 0], plate[matte == 0])
    assert float(np.abs(clean).max()) <= 1.5 * abs(light)


def test_the_rim_that_a_tight_matte_leaves_is_not_taken_for_background() -> None:
    truth, cover = panning(2.3), walking_box()
    matte = np.stack([cv2.erode(one, np.ones((3, 3), np.uint8)) for one in cover]).astype(np.float32)
    clean = remove_object(covered(truth, cover), matte)
    assert error_inside(clean, truth, matte) < 0.01
