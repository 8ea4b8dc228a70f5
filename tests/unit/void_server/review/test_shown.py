from __future__ import annotations

import cv2
import numpy as np
import OpenImageIO as oiio  # noqa: N813
import pytest

from void_server.review.shown import ReviewView, confidence_codes, fitted, matte_codes, png, resized


def test_what_is_shown_is_the_view_to_one_code() -> None:
    view = ReviewView.named()
    light = (np.random.default_rng(1).uniform(0, 1, (40, 50, 3)) ** 4 * 8).astype(np.float32)
    expected = oiio.ImageBufAlgo.ociodisplay(
        oiio.ImageBuf(light), view.view.display, view.view.view, view.view.space, unpremult=False,
        colorconfig=view.view.config,
    )  # fmt: skip
    codes = expected.get_pixels(oiio.FLOAT)
    shown = cv2.imdecode(np.frombuffer(png(view.shown(light)), np.uint8), cv2.IMREAD_COLOR)[..., ::-1]
    assert np.abs(shown / 255.0 - np.clip(codes, 0, 1)).max() <= 0.5001 / 255
    assert len(np.unique(shown)) > 200


def test_exposure_and_gamma_come_before_the_view() -> None:
    view = ReviewView.named()
    light = np.full((2, 2, 3), 0.09, np.float32)
    assert (view.shown(light, exposure=1.0) == view.shown(light * 2)).all()
    assert (view.shown(light, gamma=2.0) == view.shown(light**0.5)).all()
    assert (view.shown(light, exposure=1.0, gamma=2.0) == view.shown((light * 2) ** 0.5)).all()
    odd = np.array([[[np.nan, -1.0, np.inf]]], np.float32)
    assert (view.shown(odd) == view.shown(np.array([[[0.0, 0.0, 65504.0]]], np.float32))).all()


def test_the_grey_curve_turns_codes_back_into_light() -> None:
    view = ReviewView.named()
    curve = np.array(view.grey_curve())
    assert len(curve) == 256
    assert (np.diff(curve) >= 0).all()
    codes = view.shown(np.repeat(curve[20:240, None, None], 3, axis=2).astype(np.float32).reshape(1, -1, 3))
    assert np.abs(codes[0].mean(axis=1) - np.arange(20, 240)).max() <= 1.0


@pytest.mark.parametrize(
    ("size", "aspect", "widest", "expected"),
    [
        ((1920, 1080), 1.0, 1280, (1280, 720)),
        ((640, 360), 1.0, 1280, (640, 360)),
        ((720, 576), 2.0, 2000, (1440, 576)),
        ((5000, 1), 1.0, 64, (64, 1)),
    ],
)
def test_pictures_are_in_true_proportions(
    size: tuple[int, int], aspect: float, widest: int, expected: tuple[int, int]
) -> None:
    assert fitted(size, aspect, widest) == expected
    assert resized(np.zeros((size[1], size[0]), np.float32), expected).shape == expected[::-1]


def test_a_proxy_shows_its_pixels() -> None:
    small = np.array([[0.0, 1.0]], np.float32)
    assert resized(small, (4, 2)).tolist() == [[0, 0, 1, 1], [0, 0, 1, 1]]


def test_tints() -> None:
    matte = np.array([[0.0, 0.5, 1.0, 1.0]], np.float32)
    over = matte_codes(matte)
    assert over[0, :, 3].tolist() == [0, 57, 115, 115]
    told = confidence_codes(np.array([[1.0, 1.0, 0.5, 0.1]], np.float32), matte)
    assert told[0, 0, 3] == 0
    assert [tuple(pixel[:3]) for pixel in told[0, 1:]] == [(46, 160, 67), (230, 160, 20), (220, 40, 60)]
