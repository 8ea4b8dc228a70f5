"""The same numbers on the device as on the CPU, and what happens where float16 has too small a range."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

import torch
from safetensors.torch import load_file, save_file

from tests.bench.gpu.random_models import filled
from tests.bench.gpu.rig import Rig, Row
from tests.golden.replay import Replay
from tests.reference_data import GOLDEN
from void_engine.diffusion import engine as engine_module
from void_engine.diffusion.device import PRECISIONS
from void_engine.diffusion.engine import VoidEngine
from void_engine.diffusion.model.folder import BASE_NAME, ModelFolder
from void_engine.diffusion.model.offload import ActivationWatch, PrecisionOverflow
from void_engine.diffusion.model.tiny import make_tiny
from void_engine.diffusion.model.weights import build_transformer, transformer_config
from void_engine.diffusion.sampling.denoise import predict_velocity

# What is compared of each kind of case.
_ANSWERS = {
    "transformer": "output",
    "vae_encode": "latent_mode",
    "vae_decode": "decoded",
    "t5": "prompt_embeds",
    "e2e": "output_video",
}
_NAMES = {
    "transformer": "denoiser",
    "vae_encode": "encode",
    "vae_decode": "decode",
    "t5": "text",
    "e2e": "whole pass",
}
# Genuine mistakes differ by more than 2e-2; TF32 has ten bits of mantissa.
_LARGEST = {torch.float32: 1e-3}


def golden(rig: Rig) -> Iterator[Row]:
    """The reference cases on the device in each precision, beside the same on the CPU in float32."""
    folder = (
        GOLDEN if rig.on_gpu and (GOLDEN / "manifest.json").is_file() else made_cases(rig.work / "golden")
    )
    cases = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))["cases"]
    cases = [case for case in cases if case["kind"] in _ANSWERS]
    reference = Replay(folder)
    expected = {case["name"]: reference.run(case)[_ANSWERS[case["kind"]]] for case in cases}
    variants = [(name, dtype, True) for name, dtype in PRECISIONS.items()]
    if rig.on_gpu:
        variants.insert(1, ("float32 without TF32", torch.float32, False))
    for name, dtype, tf32 in variants:
        worst: dict[str, list[float]] = defaultdict(list)
        means: dict[str, list[float]] = defaultdict(list)
        failed: dict[str, str] = {}
        with tensor_float_32(tf32):
            replay = Replay(folder, rig.device, dtype)
            for case in cases:
                kind = case["kind"]
                try:
                    given = replay.run(case)[_ANSWERS[kind]]
                except (RuntimeError, NotImplementedError) as error:
                    failed[kind] = str(error).splitlines()[0]
                    continue
                difference = (given.double() - expected[case["name"]].double()).abs()
                worst[kind].append(float(difference.max()))
                means[kind].append(float(difference.mean()))
        for kind, label in _NAMES.items():
            what = f"{label}, {name}"
            if kind in failed:
                yield Row(what, f"cannot run: {failed[kind]}", ok=False)
            elif worst[kind]:
                largest, mean = max(worst[kind]), sum(means[kind]) / len(means[kind])
                figure = f"largest {largest:.1e}, mean {mean:.1e} over {len(worst[kind])}"
                limit = _LARGEST.get(dtype)
                finite = largest < float("inf")
                yield Row(
                    what, figure, f"largest below {limit:.0e}" if limit else "finite",
                    largest < limit if limit else finite,
                )  # fmt: skip


@contextmanager
def tensor_float_32(allowed: bool) -> Iterator[None]:
    """Within this context float32 is computed as the engine leaves it, or exactly."""
    switches: tuple[Any, ...] = (torch.backends.cudnn, torch.backends.cuda.matmul)
    before = [switch.allow_tf32 for switch in switches]
    try:
        for switch, value in zip(switches, before, strict=True):
            switch.allow_tf32 = value and allowed
        yield
    finally:
        for switch, value in zip(switches, before, strict=True):
            switch.allow_tf32 = value


def made_cases(root: Path) -> Path:
    """Write one case of each kind with tiny random models, in the layout of the reference cases."""
    make_tiny(root / "models")
    (root / "models" / BASE_NAME).rename(root / "models" / "base")
    draw = torch.Generator().manual_seed(5)

    def noise(*shape: int) -> torch.Tensor:
        return torch.randn(shape, generator=draw)

    frames, latents = 13, 4
    quadmask = torch.full((frames, 16, 32), 255, dtype=torch.uint8)
    quadmask[:, :8, :16] = 0
    settings = {
        "weights": "models/void_pass1.safetensors", "scheduler": "DDIMScheduler", "temporal_window_size": 5,
        "temporal_multidiffusion_stride": 4, "num_inference_steps": 2, "guidance_scale": 1.0,
        "use_trimask": True, "zero_out_mask_region": False, "add_noise_in_inpaint_model": False,
    }  # fmt: skip
    made: dict[str, tuple[dict[str, Any], dict[str, torch.Tensor]]] = {
        "transformer": (
            {"weights": "models/void_pass1.safetensors"},
            {
                "hidden_states": noise(1, 4, 16, 4, 6), "inpaint_latents": noise(1, 4, 32, 4, 6),
                "encoder_hidden_states": noise(1, 226, 32), "timestep": torch.tensor([700]),
            },
        ),
        "vae_encode": ({}, {"pixels": noise(1, 3, 9, 16, 32).clamp(-1, 1)}),
        "vae_decode": ({}, {"latent": noise(1, 16, 4, 2, 4)}),
        "t5": ({}, {"input_ids": torch.tensor([[5, 9, 4, 1, 0, 0, 0, 0]])}),
        "e2e": (
            settings,
            {
                "video_u8": torch.randint(0, 256, (frames, 16, 32, 3), dtype=torch.uint8, generator=draw),
                "quadmask_u8": quadmask, "prompt_embeds": noise(1, 226, 32),
                "init_latents": noise(1, latents, 16, 2, 4),
            },
        ),
    }  # fmt: skip
    (root / "cases").mkdir()
    cases = []
    for kind, (meta, inputs) in made.items():
        save_file(inputs, root / "cases" / f"{kind}.safetensors")
        cases.append({"name": kind, "kind": kind, "file": f"cases/{kind}.safetensors", "meta": meta})
    (root / "manifest.json").write_text(json.dumps({"cases": cases}), encoding="utf-8")
    return root


def overflow(rig: Rig) -> Iterator[Row]:
    """How near float16 comes to its end in the model, where it is exceeded, and that bfloat16 follows."""
    model = filled(build_transformer(transformer_config(rig.folder.base)), 1, torch.float16, rig.device).to(
        rig.device
    )
    largest: list[float] = []
    hooks = [
        block.register_forward_hook(
            lambda module, inputs, outputs: largest.append(max(float(o.abs().max()) for o in outputs))
        )
        for block in model.transformer_blocks
    ]
    call = (model, *rig.inputs(torch.float16), torch.tensor([999], device=rig.device))
    with torch.inference_mode():
        predict_velocity(*call)
    top = max(range(len(largest)), key=largest.__getitem__)
    yield Row(
        "float16, random weights: largest activation",
        f"{largest[top]:.0f} after block {top} of {len(largest)}",
    )
    for hook in hooks:
        hook.remove()
    bad = len(largest) // 2
    _enlarge(model.transformer_blocks[bad].ff.net[2].weight)
    watch = ActivationWatch(model, torch.float16)
    seen: list[int] = []
    for index, block in enumerate(model.transformer_blocks):
        block.register_forward_pre_hook(lambda module, inputs, index=index: seen.append(index))
    try:
        with torch.inference_mode():
            predict_velocity(*call)
        stopped = "not seen"
    except PrecisionOverflow:
        stopped = f"stopped after block {seen[-1]} of {len(largest)}"
    watch.stop()
    yield Row(
        f"float16, block {bad} made too large", stopped, f"stopped after block {bad}", seen[-1:] == [bad]
    )
    del model
    rig.clear()
    yield fallen_back(rig)


def _enlarge(weight: torch.Tensor) -> None:
    with torch.no_grad():
        weight.mul_(60_000 / float(weight.abs().max()))


def fallen_back(rig: Rig) -> Row:
    """A whole removal with weights that float16 cannot hold the activations of."""
    folder = ModelFolder(rig.work / "large")
    make_tiny(folder.root)
    weights = load_file(folder.pass_weights(1))
    _enlarge(weights["transformer_blocks.1.ff.net.2.weight"])
    save_file(weights, folder.pass_weights(1))
    # On a CPU the engine computes in float32 from the start, so it is told to begin as on a GPU.
    order = [torch.float16, torch.bfloat16]
    with mock.patch.object(engine_module, "precisions", return_value=order):
        engine = VoidEngine(folder.root)
        log = rig.removal(engine, 5, (32, 48), window_frames=5, overlap_frames=0)
    told = any("float16 overflows" in line for line in log.lines)
    precision = str(engine.record["void/precision"])
    return Row(
        "a removal whose weights are too large for float16", f"made in {precision}",
        "bfloat16, and the log says so", precision == "bfloat16" and told,
    )  # fmt: skip
