from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="the diffusion extra is not installed")
pytest.importorskip("diffusers", reason="the diffusion extra is not installed")

from void_engine.diffusion.model.folder import ModelFolder  # noqa: E402
from void_engine.diffusion.model.live_memory import peak_bytes  # noqa: E402
from void_engine.diffusion.model.tiles import plan_tiles, tile_weights  # noqa: E402
from void_engine.diffusion.model.tiny import TINY, random_weights, vae_settings  # noqa: E402
from void_engine.diffusion.model.vae import (  # noqa: E402
    decode_groups,
    decode_latents,
    decoded_to_picture,
    encode_frames,
    encode_groups,
)
from void_engine.diffusion.model.weights import build_vae, load_vae  # noqa: E402


@pytest.fixture(scope="module")
def vae(tiny_root: Path) -> Any:
    return load_vae(ModelFolder(tiny_root).vae)


def test_groups_are_the_published_ones() -> None:
    assert encode_groups(85)[:2] == [(0, 13), (13, 21)]
    assert encode_groups(5) == [(0, 5)]
    assert encode_groups(13) == [(0, 13)]
    assert decode_groups(6) == [(0, 1), (1, 3), (3, 5), (5, 6)]
    assert decode_groups(1) == [(0, 1)]


@pytest.mark.parametrize("frames", [1, 5, 13, 29])
def test_streamed_encoding_is_diffusers_encoding(vae: Any, frames: int) -> None:
    pixels = torch.rand(1, 3, frames, 16, 24) * 2 - 1
    asked: list[tuple[int, int]] = []

    def read(start: int, stop: int) -> Any:
        asked.append((start, stop))
        return pixels[:, :, start:stop]

    with torch.no_grad():
        expected = vae.encode(pixels).latent_dist.mode()
    assert torch.equal(encode_frames(vae, read, frames), expected)
    assert asked == encode_groups(frames)


@pytest.mark.parametrize("latents", [1, 2, 5, 6])
def test_every_latent_but_the_first_gives_four_frames(vae: Any, latents: int) -> None:
    code = torch.randn(1, 16, latents, 2, 3)
    decoded = torch.cat(list(decode_latents(vae, code)), dim=2)
    assert decoded.shape == (1, 3, 4 * latents - 3, 16, 24)


def test_odd_latents_decode_as_diffusers_does_apart_from_the_grouping(vae: Any) -> None:
    code = torch.randn(1, 16, 1, 2, 3)
    with torch.no_grad():
        expected = vae.decode(code).sample
    torch.testing.assert_close(next(decode_latents(vae, code)), expected)


def test_the_last_single_latent_leaves_no_hook_behind(vae: Any) -> None:
    code = torch.randn(1, 16, 2, 2, 3)
    list(decode_latents(vae, code))
    assert torch.cat(list(decode_latents(vae, code[:, :, :1])), dim=2).shape[2] == 1


def test_dropping_useless_caches_changes_memory_and_nothing_else(vae: Any) -> None:
    plain = build_vae(vae_settings(TINY))
    plain.load_state_dict(vae.state_dict(), assign=True)
    code = torch.randn(1, 16, 3, 2, 3)
    kept, dropped = list(decode_latents(plain, code)), list(decode_latents(vae, code))
    assert all(torch.equal(a, b) for a, b in zip(kept, dropped, strict=True))

    def peak(model: Any) -> int:
        return peak_bytes(lambda: [None for _ in decode_latents(model, code)])

    assert peak(vae) < 0.95 * peak(plain)


def test_pictures_are_clamped() -> None:
    assert decoded_to_picture(torch.tensor([-3.0, -1.0, 0.0, 1.0, 3.0])).tolist() == [0, 0, 0.5, 1, 1]


def test_random_weights_do_not_depend_on_order_or_global_state() -> None:
    model = build_vae(vae_settings(TINY))
    torch.manual_seed(1)
    first = random_weights(model, 3, torch.float32)
    torch.manual_seed(2)
    second = random_weights(model, 3, torch.float32)
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert not torch.equal(random_weights(model, 4, torch.float32)["decoder.conv_in.conv.weight"],
                           first["decoder.conv_in.conv.weight"])  # fmt: skip


@pytest.mark.slow
def test_tiles_save_memory_and_small_pictures_are_never_cut(vae: Any) -> None:
    code = torch.randn(1, 16, 2, 4, 48)
    whole = torch.cat(list(decode_latents(vae, code)), dim=2)
    tiled = torch.cat(list(decode_latents(vae, code, tiles=3)), dim=2)
    assert tiled.shape == whole.shape
    small = code[..., :8]
    cut = list(decode_latents(vae, small, tiles=4))
    assert all(torch.equal(a, b) for a, b in zip(decode_latents(vae, small), cut, strict=True))

    def peak(tiles: int) -> int:
        return peak_bytes(lambda: [None for _ in decode_latents(vae, code, tiles=tiles)])

    assert peak(3) < 0.8 * peak(1)


def test_tiled_encoding_has_the_shape_and_scale_of_the_whole(vae: Any) -> None:
    pixels = torch.rand(1, 3, 5, 32, 256) * 2 - 1
    whole = encode_frames(vae, lambda a, b: pixels[:, :, a:b], 5)
    tiled = encode_frames(vae, lambda a, b: pixels[:, :, a:b], 5, tiles=2)
    assert tiled.shape == whole.shape
    assert float((tiled - whole).std()) < 0.2 * float(whole.std())


@pytest.mark.parametrize(("height", "width", "count"), [(48, 84, 2), (48, 84, 3), (20, 84, 4), (8, 8, 4)])
def test_tile_weights_add_up_to_one(height: int, width: int, count: int) -> None:
    tiles = plan_tiles(height, width, count)
    total = torch.zeros(height * 8, width * 8)
    for tile, weight in zip(tiles, tile_weights(tiles, 8), strict=True):
        tile.cut(total, 8).add_(weight)
    torch.testing.assert_close(total, torch.ones_like(total))
