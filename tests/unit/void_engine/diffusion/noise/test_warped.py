"""The two things that warped noise is for: it stays Gaussian, and it moves with the picture."""

from __future__ import annotations

from itertools import pairwise

import cv2
import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the diffusion extra is not installed")

from void_engine.arrays import Float32Array  # noqa: E402
from void_engine.diffusion.model.optical_flow import DenseInverseSearch  # noqa: E402
from void_engine.diffusion.noise.published import PublishedNoise, load_warped_noise  # noqa: E402
from void_engine.diffusion.noise.warped import CarriedNoise, NoiseOverClip  # noqa: E402

HEIGHT, WIDTH = 96, 160


def uniform(right: float, down: float) -> Float32Array:
    return np.full((HEIGHT, WIDTH, 2), (right, down), np.float32)


def zoom(rate: float) -> Float32Array:
    y, x = np.mgrid[:HEIGHT, :WIDTH].astype(np.float32)
    return np.dstack([(x - WIDTH / 2) * rate, (y - HEIGHT / 2) * rate]).astype(np.float32)


def turbulence(seed: int) -> Float32Array:
    wild = np.random.default_rng(seed).normal(0, 20, (HEIGHT, WIDTH, 2)).astype(np.float32)
    return np.asarray(cv2.GaussianBlur(wild, (0, 0), 6), np.float32)


def correlation(before: torch.Tensor, after: torch.Tensor, right: int, down: int) -> float:
    """The correlation of latents (C, h, w) with those that lie so far to the right and down of them."""
    rows, columns = before.shape[-2:]
    a = before[:, : rows - down, : columns - right].flatten()
    b = after[:, down:, right:].flatten()
    return float(torch.corrcoef(torch.stack([a, b]))[0, 1])


@pytest.mark.parametrize(
    "flows",
    [
        [uniform(2, 1)] * 4,
        [uniform(0.3, -0.6)] * 4,
        [zoom(0.03)] * 4,
        [zoom(-0.03)] * 4,
        [turbulence(seed) for seed in range(4)],
    ],
    ids=["pan", "slow pan", "zoom in", "zoom out", "turbulence"],
)
def test_noise_stays_white_and_gaussian(flows: list[Float32Array]) -> None:
    reduced = []
    fine = []
    for seed in range(100, 110):
        noise = CarriedNoise(seed, HEIGHT, WIDTH)
        for flow in flows:
            noise.move(flow)
        reduced.append(noise.reduced())
        fine.append(float(noise.fine.var()))
    assert float(np.mean(fine)) == pytest.approx(1, abs=0.004)
    values = torch.stack(reduced)
    assert abs(float(values.mean())) < 0.02
    assert float(values.var()) == pytest.approx(1, abs=0.02)
    assert float((values**4).mean() / values.var() ** 2) == pytest.approx(3, abs=0.1)
    assert float((values**3).mean()) == pytest.approx(0, abs=0.06)
    for neighbour in (values[..., :, 1:] * values[..., :, :-1], values[..., 1:, :] * values[..., :-1, :]):
        assert abs(float(neighbour.mean())) < 0.02


@pytest.mark.parametrize(
    ("right", "down", "frames"), [(2.0, 0.0, 4), (0.5, 0.5, 16), (1.6, 0.8, 10), (0.25, 0.0, 32)]
)
def test_noise_follows_a_pan(right: float, down: float, frames: int) -> None:
    noise = CarriedNoise(1, HEIGHT, WIDTH)
    before = noise.reduced()
    for _ in range(frames):
        noise.move(uniform(right, down))
    cells = round(right * frames / 8), round(down * frames / 8)
    assert correlation(before, noise.reduced(), *cells) > 0.9


def texture() -> Float32Array:
    grain = np.random.default_rng(3).normal(0.5, 0.4, (HEIGHT, 3 * WIDTH, 3)).astype(np.float32)
    return np.clip(np.asarray(cv2.GaussianBlur(grain, (0, 0), 2.5), np.float32), 0, 1)


def pan(frames: int, step: int = 2) -> list[Float32Array]:
    wide = texture()
    return [np.ascontiguousarray(wide[:, WIDTH - step * i : 2 * WIDTH - step * i]) for i in range(frames)]


def test_flow_of_a_pan_is_found() -> None:
    before, after = pan(2, 3)
    flow = DenseInverseSearch().between(before, after)[16:-16, 16:-16]
    assert np.median(flow[..., 0]) == pytest.approx(3, abs=0.2)
    assert np.median(flow[..., 1]) == pytest.approx(0, abs=0.2)


def test_noise_follows_the_footage_and_the_published_one_loses_variance(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(PublishedNoise, "SIZE", (120, 184))
    monkeypatch.setattr(PublishedNoise, "FRAMES", 20)
    frames = pan(13)
    carried, published = NoiseOverClip(5, HEIGHT, WIDTH), PublishedNoise(5, len(frames))
    for frame in frames:
        carried.add(frame)
        published.add(frame)
    ours = carried.latents()[0]
    theirs = load_warped_noise(published.stored(), 4, HEIGHT // 8, WIDTH // 8)[0]
    assert ours.shape == theirs.shape == (4, 16, HEIGHT // 8, WIDTH // 8)
    for before, after in pairwise(ours):
        assert correlation(before, after, 1, 0) > 0.9
    assert float(ours.var()) == pytest.approx(1, abs=0.03)
    assert float(theirs.var()) < 0.8


@pytest.mark.parametrize("step", [1, 2, 4])
def test_correlation_along_a_pan_beside_the_published(step: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both noises are compared along the true motion, which is known.

    docs/engine.md has the figures for the published program's own 72 frames of 480 x 720.
    """
    monkeypatch.setattr(PublishedNoise, "SIZE", (120, 184))
    monkeypatch.setattr(PublishedNoise, "FRAMES", 26)
    frames = pan(17, step)
    carried, published = NoiseOverClip(5, HEIGHT, WIDTH), PublishedNoise(5, len(frames))
    for frame in frames:
        carried.add(frame)
        published.add(frame)
    ours = carried.latents()[0]
    theirs = load_warped_noise(published.stored(), 5, HEIGHT // 8, WIDTH // 8)[0]
    # Latents are 4 frames and 8 pixels apart, so slow motion is compared over two of them.
    apart, cells = (2, 1) if step == 1 else (1, step // 2)
    pairs = [(index, index + apart) for index in range(5 - apart)]
    along = [
        float(np.mean([correlation(noise[one], noise[two], cells, 0) for one, two in pairs]))
        for noise in (ours, theirs)
    ]
    spread = [float(noise.std()) for noise in (ours, theirs)]
    print(
        f"pan {step} px: ours {along[0]:.2f}, deviation {spread[0]:.2f}; "
        f"published {along[1]:.2f}, deviation {spread[1]:.2f}"
    )
    assert along[0] > 0.9
    assert spread[0] == pytest.approx(1, abs=0.02)
    assert along[1] < along[0] - 0.1
    assert spread[1] < 0.9


def test_the_same_seed_gives_the_same_noise() -> None:
    def made(seed: int) -> torch.Tensor:
        noise = CarriedNoise(seed, 32, 48)
        noise.move(turbulence(1)[:32, :48])
        return noise.reduced()

    assert torch.equal(made(1), made(1))
    assert not torch.equal(made(1), made(2))
