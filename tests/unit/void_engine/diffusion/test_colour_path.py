"""Colour through every stage of the engine, with an exact VAE and a denoiser that returns the plate."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the diffusion extra is not installed")
pytest.importorskip("diffusers", reason="the diffusion extra is not installed")

from void_engine.colour.picture import ModelPicture  # noqa: E402
from void_engine.diffusion.clip.shot_clip import ShotClip  # noqa: E402
from void_engine.diffusion.engine import VoidEngine  # noqa: E402
from void_engine.diffusion.model.offload import LoadedModels  # noqa: E402
from void_engine.diffusion.model.tiny import SCHEDULER_SETTINGS  # noqa: E402
from void_engine.diffusion.model.vae import decode_groups, encode_groups  # noqa: E402
from void_engine.diffusion.run import VoidRun  # noqa: E402
from void_engine.engines.interface import EngineRequest  # noqa: E402


class BlockDecoder(torch.nn.Module):
    def forward(self, code: Any, conv_cache: Any = None) -> tuple[Any, int]:
        pixels = code[:, :3].repeat_interleave(8, 3).repeat_interleave(8, 4)
        return pixels if conv_cache is None else pixels.repeat_interleave(4, 2), 1


class BlockVae(torch.nn.Module):
    """A stand-in for the VAE that is exact on still pictures of 8 x 8 blocks; it uses 3 of 16 channels."""

    config = SimpleNamespace(scaling_factor=0.7)
    quant_conv = post_quant_conv = None

    def __init__(self) -> None:
        super().__init__()
        self.decoder = BlockDecoder()

    def encoder(self, pixels: Any, conv_cache: Any = None) -> tuple[Any, int]:
        first = pixels[:, :, :1] if conv_cache is None else pixels[:, :, :0]
        frames = torch.cat([first, pixels[:, :, first.shape[2] + 3 :: 4]], dim=2)
        code = torch.zeros(1, 32, frames.shape[2], frames.shape[3] // 8, frames.shape[4] // 8)
        code[:, :3] = frames[..., 4::8, 4::8]
        return code, 1


class PlateDenoiser(torch.nn.Module):
    """Predicts that the clean latents are those of the plate, which it finds in its condition."""

    config = SimpleNamespace(patch_size=2, patch_size_t=2, attention_head_dim=64)

    def __init__(self, alphas: Any) -> None:
        super().__init__()
        self.transformer_blocks = torch.nn.ModuleList()
        self._alphas = alphas

    def cache_context(self, name: str) -> Any:
        return torch.no_grad()

    def _reset_stateful_cache(self) -> None: ...

    def forward(self, hidden_states: Any, timestep: Any, **kwargs: Any) -> tuple[Any]:
        alpha = self._alphas[timestep[0]]
        noisy, plate = hidden_states[:, :, :16], hidden_states[:, :, 32:48]
        return ((alpha**0.5 * noisy - plate) / (1 - alpha) ** 0.5,)


@pytest.fixture
def plate() -> Any:
    """A plate of 8 x 8 blocks: light from 1/128 to 64, a negative colour, and one outside Rec.709's gamut."""
    draw = np.random.default_rng(1)
    blocks = (2.0 ** draw.uniform(-7, 6, (4, 6, 1)) * draw.uniform(0.5, 1, (4, 6, 3))).astype(np.float32)
    blocks[0, 0], blocks[1, 1], blocks[2, 2] = 64, (-0.1, 0.2, 0.01), (1.5, 0.1, 0.02)
    return np.kron(blocks, np.ones((8, 8, 1), np.float32)).astype(np.float32)


@pytest.fixture
def cleaned(
    tiny_root: Path, make_shot: Any, make_monitor: Any, plate: Any, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., tuple[Any, Any, Any]]:
    """Give a function that runs the engine, and returns its pictures, the round trip of the encoding alone,
    and the mask of kept pixels."""
    from diffusers import DDIMScheduler

    own = {k: v for k, v in SCHEDULER_SETTINGS.items() if not k.startswith("_") and k != "snr_shift_scale"}
    alphas = DDIMScheduler(**own).alphas_cumprod
    monkeypatch.setattr(LoadedModels, "vae", lambda self: BlockVae())
    monkeypatch.setattr(LoadedModels, "denoiser", lambda self, number, cache: PlateDenoiser(alphas))
    assert encode_groups(13) == [(0, 13)]
    assert decode_groups(4) == [(0, 1), (1, 3), (3, 4)]
    clips: list[ShotClip] = []
    latents = VoidRun.latents

    def watched(self: VoidRun, models: LoadedModels) -> Any:
        clips.append(self.clip)
        return latents(self, models)

    monkeypatch.setattr(VoidRun, "latents", watched)
    shot = make_shot(frames=5)
    shot.plate = lambda index: plate

    def run(**more: Any) -> tuple[Any, Any, Any]:
        options = {
            "max_tokens": 6, "window_frames": 13, "overlap_frames": 8, "steps": 10, "condition_noise": False,
            **more,
        }  # fmt: skip
        request = EngineRequest(prompt="A table.", options=options)
        frames = VoidEngine(tiny_root).remove(shot, request, make_monitor())
        made = np.stack([frame.picture for frame in frames])
        clip = clips[-1]
        trip = [clip.to_scene(index, clip.canvas_frame(index).code) for index in range(len(made))]
        kept = np.stack([shot.mattes(index)[0] == 0 for index in range(len(made))])
        return made, np.stack(trip), kept

    return run


def off(pictures: Any, truth: Any, where: Any) -> float:
    """The largest error in light, relative to the pixel's brightest channel."""
    scale = np.maximum(np.abs(truth).max(axis=-1, keepdims=True), 1e-2)
    return float((np.abs(pictures - truth) / scale)[where].max())


@pytest.mark.slow
@pytest.mark.parametrize(
    ("encoding", "colour_space"),
    [("shoulder", ""), ("shoulder", "ACEScg"), ("acescct", ""), ("view", "ACEScg")],
)
def test_colours_come_back_when_the_denoiser_returns_the_plate(
    cleaned: Callable[..., tuple[Any, Any, Any]], plate: Any, colour_space: str, encoding: str
) -> None:
    """Every pixel of every frame is within the error of the encoding alone, and exact where it is kept."""
    made, trip, kept = cleaned(colour_space=colour_space, encoding=encoding)
    truth = np.broadcast_to(plate, made.shape)
    everywhere = np.ones_like(kept)
    # The loop is exact up to the rounding of ten steps in float32, near the top of a curve 1e-3 of light.
    assert off(made, trip, everywhere) < 2e-3
    assert off(trip, truth, kept) < 1e-4
    assert off(made, truth, kept) < 2e-3


def test_the_measure_sees_one_hundredth_of_light(
    cleaned: Callable[..., tuple[Any, Any, Any]], plate: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    decode = ModelPicture.decode
    monkeypatch.setattr(ModelPicture, "decode", lambda self, *codes: decode(self, *codes) * np.float32(1.01))
    made, _, kept = cleaned()
    assert off(made, np.broadcast_to(plate, made.shape), kept) > 5e-3
