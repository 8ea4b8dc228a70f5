"""Pictures for segmentation models."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from void_engine.propagation.in_memory import ArrayShot  # noqa: E402
from void_engine.segmentation.pictures import (  # noqa: E402
    IMAGENET_MEAN,
    IMAGENET_STD,
    ShotDisplay,
    model_pixels,
    spread,
)


def _resized_by_the_formula(picture: Any, size: int) -> Any:
    """Bilinear with antialiasing in double precision: triangles as wide as a pixel of the coarser grid, each
    normalised (Pillow's definition, which torch takes over)."""

    def weights(n: int) -> Any:
        scale = n / size
        support = max(1.0, scale)
        centres = (np.arange(size) + 0.5) * scale - 0.5
        w = np.maximum(0, 1 - np.abs(np.arange(n)[None] - centres[:, None]) / support)
        return w / w.sum(axis=1, keepdims=True)

    rows, columns = weights(picture.shape[0]), weights(picture.shape[1])
    return np.einsum("ij,jkc,lk->ilc", rows, picture.astype(np.float64), columns)


@pytest.mark.slow
@pytest.mark.parametrize("shape", [(130, 201), (32, 50), (64, 64)])
def test_pixels_are_those_of_the_documented_method(shape: tuple[int, int]) -> None:
    picture = np.random.default_rng(3).integers(0, 256, (*shape, 3), dtype=np.uint8)
    found = model_pixels(picture, 64).numpy()
    assert found.shape == (3, 64, 64)
    mean, std = (np.array(each)[:, None, None] for each in (IMAGENET_MEAN, IMAGENET_STD))
    codes = found * (std * 255) + mean * 255
    # They are whole bytes, and no further from the exact value than rounding twice may be.
    np.testing.assert_allclose(codes, np.rint(codes), atol=1e-3)
    exact = _resized_by_the_formula(picture, 64).transpose(2, 0, 1)
    assert np.abs(codes - exact).max() <= 1.01


def test_pixels_are_bit_for_bit_those_of_the_published_processor() -> None:
    pytest.importorskip("torchvision")
    from transformers import Sam2ImageProcessor, Sam2VideoProcessor, Sam2VideoVideoProcessor

    processor = Sam2VideoProcessor(
        image_processor=Sam2ImageProcessor(), video_processor=Sam2VideoVideoProcessor()
    )
    video = np.random.default_rng(4).integers(0, 256, (2, 90, 160, 3), dtype=np.uint8)
    session = processor.init_video_session(video=torch.from_numpy(video).permute(0, 3, 1, 2))
    for index, picture in enumerate(video):
        np.testing.assert_array_equal(session.get_frame(index).numpy(), model_pixels(picture, 1024).numpy())


def _shot(light: float) -> ArrayShot:
    plate = np.full((3, 8, 10, 3), light, np.float32)
    plate[0, 0, 0] = np.nan
    plate[1, 0, 0] = np.inf
    plate[2, 0, 0] = -3
    return ArrayShot(plate, np.zeros((3, 8, 10), np.float32))


@pytest.mark.parametrize("light", [0.001, 0.18, 40.0])
def test_every_exposure_is_shown_at_sane_brightness(light: float) -> None:
    shot = _shot(light)
    display = ShotDisplay.of(shot)
    for number in shot.frame_numbers:
        shown = display.bytes_of(shot.frame(number).plate)
        assert 40 < np.median(shown) < 220
    # One exposure holds for the shot: twice the light is brighter.
    plate = shot.frame(0).plate
    assert display.bytes_of(plate * 2)[4, 4, 0] > display.bytes_of(plate)[4, 4, 0]


@pytest.mark.parametrize(("count", "most"), [(1, 5), (4, 5), (5, 5), (100, 5), (3, 2)])
def test_frames_are_spread_from_first_to_last(count: int, most: int) -> None:
    found = spread(count, most)
    assert found[0] == 0
    assert found[-1] == count - 1
    assert len(set(found)) == len(found) == min(count, most)
