from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the diffusion extra is not installed")

from void_engine.diffusion.sampling.latent_preview import LatentPreview, preview_latents  # noqa: E402


def test_a_linear_code_is_read_back() -> None:
    draw = np.random.default_rng(1)
    small = draw.uniform(0.1, 0.9, (3, 6, 8, 3)).astype(np.float32)
    pictures = [np.kron(picture, np.ones((8, 8, 1), np.float32)) for picture in small]
    mix = torch.from_numpy(draw.normal(size=(3, 16)).astype(np.float32))
    latents = (torch.from_numpy(small) @ mix).permute(0, 3, 1, 2) + 0.3
    preview = LatentPreview(latents, pictures)
    np.testing.assert_allclose(preview.picture(latents[1]), small[1], atol=0.02)


def test_pictures_are_codes_whatever_the_latents() -> None:
    preview = LatentPreview(torch.randn(2, 16, 4, 4), [np.full((32, 32, 3), 0.5, np.float32)] * 2)
    picture = preview.picture(1000 * torch.randn(16, 4, 4))
    assert picture.shape == (4, 4, 3)
    assert 0 <= picture.min() <= picture.max() <= 1


def test_latents_to_fit_on_are_spread_over_the_shot() -> None:
    assert preview_latents(2) == [0, 1]
    assert preview_latents(50)[0] == 0
    assert preview_latents(50)[-1] == 49
    assert len(preview_latents(50)) == 8
