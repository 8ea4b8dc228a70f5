"""Replays cases that are made here, without golden outputs: other sizes, lengths, windows, steps, settings.

They run on tiny models of random weights, so they need nothing that is not in a clone. What denoising gives
is compared with a plain re-statement of the published program (``restated.py``), windows with the single
steps that they are made of, and the rest with plain rules (names, shapes, masks, paddings, timesteps).
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the diffusion extra is not installed")
pytest.importorskip("diffusers", reason="the diffusion extra is not installed")

from safetensors.torch import load_file, save_file  # noqa: E402

Replayed = Callable[[dict[str, Any], dict[str, Any]], Any]


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Random models in the folders in which the reference cases have theirs."""
    from void_engine.diffusion.model.tiny import TINY, make_tiny

    folder = make_tiny(
        tmp_path_factory.mktemp("case") / "models",
        size=dataclasses.replace(TINY, text_tokens=16),
        dtype=torch.float32,
    )
    folder.base.rename(folder.root / "base")
    return folder.root


@pytest.fixture
def replayed(models: Path, tmp_path: Path) -> Replayed:
    """Give a function that replays one case from its manifest entry and inputs."""
    from tests.golden.replay import replay

    root = models.parent
    (root / "cases").mkdir(exist_ok=True)

    def run(case: dict[str, Any], inputs: dict[str, Any]) -> Any:
        entry = {"name": "it", "file": "cases/it.safetensors", **case}
        (root / "manifest.json").write_text(json.dumps({"cases": [entry]}))
        save_file(inputs, root / "cases" / "it.safetensors")
        assert replay(root, tmp_path / "out") == ["it"]
        return load_file(tmp_path / "out" / "it.safetensors")

    return run


def noise(*shape: int, seed: int = 1) -> Any:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def pixels(*shape: int, seed: int = 1) -> Any:
    return torch.randint(0, 256, shape, dtype=torch.uint8, generator=torch.Generator().manual_seed(seed))


def quadmask(frames: int, height: int, width: int) -> Any:
    levels = torch.full((frames, height, width), 255, dtype=torch.uint8)
    levels[:, : height // 2, : width // 2] = 0
    levels[:, height // 2 :, : width // 2] = 127
    levels[:, height // 2 :, width // 4 : width // 2] = 63
    return levels


def a_pass(frames: int, height: int, width: int, **meta: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """Make the manifest entry and the inputs of a whole pass."""
    settings = {
        "pass_": 1, "weights": "models/void_pass1.safetensors", "scheduler": "DDIMScheduler",
        "temporal_window_size": 13, "temporal_multidiffusion_stride": 8, "num_inference_steps": 2,
        "guidance_scale": 1.0, "use_trimask": True, "zero_out_mask_region": False,
        "add_noise_in_inpaint_model": False, "noise_aug_strength": 0.0563,
        "height": height, "width": width, "num_frames": frames, **meta,
    }  # fmt: skip
    latents = (frames - 1) // 4 + 1
    inputs = {
        "video_u8": pixels(frames, height, width, 3),
        "quadmask_u8": quadmask(frames, height, width),
        "prompt_embeds": noise(1, 16, 32, seed=2),
        "init_latents": noise(1, latents, 16, height // 8, width // 8, seed=3),
    }
    if settings["guidance_scale"] > 1:
        inputs["negative_prompt_embeds"] = noise(1, 16, 32, seed=4)
    if settings["add_noise_in_inpaint_model"]:
        inputs["aug_noise"] = noise(1, 3, frames, height, width, seed=5)
    return {"kind": "e2e", "meta": settings}, inputs


def check_pass(given: Any, frames: int, height: int, width: int, steps: int) -> None:
    latents = ((frames - 1) // 4 + 1, height // 8, width // 8)
    code = (1, 16, *latents)
    assert given["mask_latents"].shape == given["masked_video_latents"].shape == code
    assert given["final_latents"].shape == (1, latents[0], 16, *latents[1:])
    assert given["mask_vae_input"].shape == (1, 1, frames, height, width)
    assert given["output_video"].shape == (1, 3, frames, height, width)
    assert given["timesteps"].tolist() == [round(1000 - i * 1000 / steps) - 1 for i in range(steps)]
    assert given["timesteps"].dtype == torch.int64
    assert torch.equal(given["latents_after_step"][-1], given["final_latents"])
    assert all(torch.isfinite(tensor.float()).all() for tensor in given.values())
    assert 0 <= given["output_video"].min() <= given["output_video"].max() <= 1


@pytest.mark.parametrize(
    ("frames", "size", "meta"),
    [
        (13, (16, 64), {}),
        (61, (32, 16), {"temporal_multidiffusion_stride": 8}),
        (45, (16, 32), {"temporal_multidiffusion_stride": 0}),
        (29, (16, 16), {"guidance_scale": 3.0, "num_inference_steps": 3}),
        (37, (16, 16), {"temporal_window_size": 21, "temporal_multidiffusion_stride": 16,
                        "add_noise_in_inpaint_model": True, "zero_out_mask_region": True}),
        (29, (16, 16), {"pass_": 2, "weights": "models/void_pass2.safetensors", "use_trimask": False,
                        "scheduler": "CogVideoXDDIMScheduler", "guidance_scale": 6.0,
                        "add_noise_in_inpaint_model": True}),
        (13, (16, 16), {"num_inference_steps": 7, "use_trimask": False}),
        (25, (16, 16), {"temporal_multidiffusion_stride": 12, "num_inference_steps": 3}),
        (33, (16, 16), {"temporal_window_size": 9, "temporal_multidiffusion_stride": 4}),
        (9, (16, 16), {"temporal_window_size": 1, "temporal_multidiffusion_stride": 0,
                       "guidance_scale": 2.0}),
        (17, (16, 16), {"temporal_multidiffusion_stride": 0}),
        (45, (16, 16), {"temporal_window_size": 21, "temporal_multidiffusion_stride": 16}),
        (25, (16, 16), {"temporal_multidiffusion_stride": 4}),
        (1, (16, 16), {"temporal_window_size": 85, "temporal_multidiffusion_stride": 16}),
    ],
    ids=["wide", "seven windows", "no overlap", "guided windows", "noise and blanking", "pass 2", "7 steps",
         "crossing ramps", "odd window", "single latents", "single last latent", "overlap of two thirds",
         "odd overlap", "one frame"],
)  # fmt: skip
def test_passes(
    replayed: Replayed, models: Path, frames: int, size: tuple[int, int], meta: dict[str, Any]
) -> None:
    case, inputs = a_pass(frames, *size, **meta)
    given = replayed(case, inputs)
    steps = case["meta"]["num_inference_steps"]
    check_pass(given, frames, *size, steps)
    removal = (255 - inputs["quadmask_u8"].numpy().astype(np.float32)) / np.float32(255)
    if case["meta"]["use_trimask"]:
        levels = np.where(removal > 0.75, 1, np.where(removal >= 0.25, np.float32(127 / 255), 0))
    else:
        levels = removal > 0.5
    assert np.array_equal(given["mask_vae_input"][0, 0].numpy(), 1 - levels.astype(np.float32))
    assert given["latents_after_step_index"].tolist() == list(range(steps))
    # The README's tolerance is 1e-4, and genuine mistakes show as more than 2e-2.
    torch.testing.assert_close(
        given["final_latents"].double(), told_once_more(models, case, inputs, given), atol=1e-3, rtol=0
    )


def told_once_more(models: Path, case: dict[str, Any], inputs: dict[str, Any], given: Any) -> Any:
    """The latents of a pass after the plain re-statement, from the condition that the engine encoded."""
    from tests.golden import restated
    from void_engine.diffusion.model.weights import load_transformer, transformer_config

    meta = case["meta"]
    model = load_transformer(transformer_config(models / "base"), models.parent / meta["weights"])
    codes = torch.cat([given["mask_latents"], given["masked_video_latents"]], dim=1)
    return restated.denoised(
        model,
        inputs["init_latents"],
        codes.permute(0, 2, 1, 3, 4),
        [inputs[name] for name in ("prompt_embeds", "negative_prompt_embeds") if name in inputs],
        window_frames=meta["temporal_window_size"],
        overlap_frames=meta["temporal_multidiffusion_stride"],
        steps=meta["num_inference_steps"],
        guidance=meta["guidance_scale"],
    )


def test_one_step_of_windows_is_the_blend_of_the_windows_steps(replayed: Replayed, models: Path) -> None:
    """29 frames are cut into windows of 13 that share 8, latents [0, 4) [2, 6) [4, 8), and each is a pass."""
    case, inputs = a_pass(29, 16, 32, num_inference_steps=1)
    whole = replayed(case, inputs)
    from void_engine.diffusion.clip.conditioning import join_condition
    from void_engine.diffusion.model.weights import load_transformer, transformer_config
    from void_engine.diffusion.sampling.denoise import predict_velocity

    model = load_transformer(transformer_config(models / "base"), models.parent / case["meta"]["weights"])
    condition = join_condition(whole["mask_latents"], whole["masked_video_latents"])
    total, weights = torch.zeros(1, 8, 16, 2, 4), torch.zeros(8)
    ramp = {0: [1, 1, 2 / 3, 1 / 3], 2: [1 / 3, 2 / 3, 2 / 3, 1 / 3], 4: [1 / 3, 2 / 3, 1, 1]}
    for start, share in ramp.items():
        part = slice(start, start + 4)
        with torch.no_grad():
            velocity = predict_velocity(
                model, inputs["init_latents"][:, part], condition[:, part], inputs["prompt_embeds"],
                torch.tensor([999]),
            )  # fmt: skip
        # At timestep 999 no signal is left, so the clean latents are -v and one step goes all the way.
        total[:, part] += -velocity * torch.tensor(share).view(1, 4, 1, 1, 1)
        weights[part] += torch.tensor(share)
    expected = total / weights.view(1, 8, 1, 1, 1)
    torch.testing.assert_close(whole["final_latents"], expected, atol=1e-4, rtol=0)


@pytest.mark.parametrize(
    ("frames", "window", "longest", "padded"),
    [(7, 13, 197, 13), (16, 13, 197, 21), (40, 13, 29, 29), (1, 5, 21, 5)],
)
def test_raw_frames_of_any_length(
    replayed: Replayed, frames: int, window: int, longest: int, padded: int
) -> None:
    case, inputs = a_pass(padded, 16, 32, temporal_window_size=window, temporal_multidiffusion_stride=0)
    case["meta"] |= {"from_raw": True, "sample_size": [16, 32], "max_video_length": longest}
    inputs |= {"video_u8": pixels(frames, 37, 59, 3), "quadmask_u8": quadmask(frames, 37, 59)}
    check_pass(replayed(case, inputs), padded, 16, 32, 2)


def test_padding_tables_of_other_lengths(replayed: Replayed) -> None:
    def table(frames: int, window: int, longest: int) -> list[int]:
        cut = min(frames, longest)
        there_and_back = [*range(cut), *reversed(range(cut))]
        length = next(n for n in range(5, 10_000, 8) if n >= max(cut, window))
        return [there_and_back[i % len(there_and_back)] for i in range(min(length, longest))]

    asked = [(1, 13, 197), (6, 5, 21), (100, 45, 85), (198, 85, 197), (33, 29, 37), (400, 85, 397)]
    names = {f"pad.L{n}.win{w}.max{m}": (n, w, m) for n, w, m in asked}
    given = replayed({"kind": "tables"}, {name: torch.zeros(0, dtype=torch.int64) for name in names})
    for name, about in names.items():
        assert given[name].tolist() == table(*about), name
    ramp = given["ramp_out_mask"].tolist()
    assert [ramp[value] for value in (0, 31, 32, 95, 96, 191, 192, 255)] == pytest.approx(
        [1, 1, 192 / 255, 192 / 255, 128 / 255, 128 / 255, 0, 0]
    )


@pytest.mark.parametrize("steps", [1, 3, 20, 37])
def test_schedules_of_other_lengths(replayed: Replayed, steps: int) -> None:
    inputs = {}
    for name in ("ddim", "cog_ddim"):
        inputs[f"{name}.n{steps}.sample"] = noise(1, 2, 16, 2, 4)
        inputs[f"{name}.n{steps}.model_output"] = noise(1, 2, 16, 2, 4, seed=2)
    given = replayed({"kind": "scheduler"}, inputs)
    for name in ("ddim", "cog_ddim"):
        assert given[f"{name}.n{steps}.timesteps"].tolist() == [
            round(1000 - i * 1000 / steps) - 1 for i in range(steps)
        ]
        alphas = given[f"{name}.alphas_cumprod"].double()
        for index in (0, steps - 1):
            now = int(given[f"{name}.n{steps}.timesteps"][index])
            then = now - 1000 // steps
            a, b = alphas[now], alphas[then] if then >= 0 else torch.tensor(1.0).double()
            x, v = (inputs[f"{name}.n{steps}.{part}"].double() for part in ("sample", "model_output"))
            expected = b.sqrt() * (a.sqrt() * x - (1 - a).sqrt() * v) + (1 - b).sqrt() * (
                a.sqrt() * v + (1 - a).sqrt() * x
            )
            got = given[f"{name}.n{steps}.step{index}.prev_sample"].double()
            torch.testing.assert_close(got, expected, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize(
    ("batch", "frames", "size"), [(2, 9, (16, 48)), (1, 33, (16, 16)), (1, 21, (48, 16))]
)
def test_the_vae_on_other_sizes(replayed: Replayed, batch: int, frames: int, size: tuple[int, int]) -> None:
    latents = (frames - 1) // 4 + 1
    code = replayed({"kind": "vae_encode"}, {"pixels": noise(batch, 3, frames, *size).clamp(-1, 1)})[
        "latent_mode"
    ]
    assert code.shape == (batch, 16, latents, size[0] // 8, size[1] // 8)
    decoded = replayed({"kind": "vae_decode"}, {"latent": code[:1]})["decoded"]
    assert decoded.shape == (1, 3, frames, *size)


def test_the_denoiser_text_and_noise_on_other_sizes(replayed: Replayed) -> None:
    inputs = {
        "hidden_states": noise(1, 8, 16, 4, 14), "inpaint_latents": noise(1, 8, 32, 4, 14, seed=2),
        "encoder_hidden_states": noise(1, 16, 32, seed=3), "timestep": torch.tensor([501]),
    }  # fmt: skip
    given = replayed({"kind": "transformer", "meta": {"weights": "models/void_pass2.safetensors"}}, inputs)
    assert given["output"].shape == (1, 8, 16, 4, 14)
    assert given["rope_cos"].shape == given["rope_sin"].shape == (4 * 2 * 7, 64)
    ids = torch.tensor([[5, 9, 1, 0, 0, 0, 0, 0], [7, 1, 0, 0, 0, 0, 0, 0]])
    assert replayed({"kind": "t5"}, {"input_ids": ids})["prompt_embeds"].shape == (2, 8, 32)
    for layout, stored in (("THWC", noise(7, 5, 9, 16)), ("TCHW", noise(7, 16, 5, 9))):
        meta = {"target_thwc": [4, 8, 6, 16], "stored_layout": layout}
        latents = replayed({"kind": "warped_noise", "meta": meta}, {"noises": stored.half()})["latents"]
        assert latents.shape == (1, 4, 16, 8, 6)


def test_long_runs_keep_the_steps_they_are_asked_for(replayed: Replayed) -> None:
    case, inputs = a_pass(
        5, 16, 16, temporal_window_size=5, temporal_multidiffusion_stride=0, num_inference_steps=12
    )
    case["tensors"] = {"latents_after_step_index": {"shape": [5], "dtype": "int64"}}
    assert replayed(case, inputs)["latents_after_step_index"].tolist() == [0, 1, 2, 6, 10]
    inputs["latents_after_step_index"] = torch.tensor([3, 11])
    given = replayed(case, inputs)
    assert given["latents_after_step"].shape[0] == 2
    assert torch.equal(given["latents_after_step"][1], given["final_latents"])


def test_a_kind_that_is_not_known_is_named(replayed: Replayed) -> None:
    with pytest.raises(ValueError, match="kind 'dream'"):
        replayed({"kind": "dream"}, {"x": torch.zeros(1)})
