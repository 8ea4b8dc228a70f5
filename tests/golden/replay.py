"""Runs golden cases through the engine and writes its outputs.

    python tests/golden/replay.py GOLDEN_DIR OUT_DIR

GOLDEN_DIR holds ``manifest.json`` as its README describes it, ``models/`` and the cases' inputs; expected
outputs may be absent or empty. OUT_DIR/NAME.safetensors gets each case's outputs under the README's names.
Only inputs are read, and the names of the outputs that are asked for.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812 - its name everywhere
from safetensors.torch import load_file, save_file

from void_engine.diffusion.clip.condition_encoding import (
    Clip,
    Conditioning,
    encode_mask,
    encode_video,
    mask_pixels,
)
from void_engine.diffusion.clip.conditioning import join_condition
from void_engine.diffusion.framing import padding_indices, published_window
from void_engine.diffusion.model.text import PromptTokenizer, encode_tokens
from void_engine.diffusion.model.vae import (
    ReadFrames,
    decode_latents,
    decoded_to_picture,
    encode_frames,
    unscaled,
)
from void_engine.diffusion.model.weights import (
    load_text_encoder,
    load_transformer,
    load_vae,
    read_json,
    transformer_config,
)
from void_engine.diffusion.noise.published import load_warped_noise
from void_engine.diffusion.sampling.denoise import (
    DenoiseInputs,
    DenoisePlan,
    Denoiser,
    denoise,
    predict_velocity,
)
from void_engine.diffusion.sampling.rotary import rotary_tables
from void_engine.diffusion.sampling.schedule import NoiseSchedule
from void_engine.diffusion.sampling.windows import plan_windows
from void_engine.quadmask import removal_mask

Tensors = dict[str, torch.Tensor]

# Threads that share a model smaller than this mostly wait for each other, at six times the processor time.
_SMALL_BYTES = 100 << 20


class Replay:
    """The models of one golden folder and one method for each kind of case."""

    def __init__(
        self,
        golden: Path,
        device: torch.device | str = "cpu",
        dtype: torch.dtype = torch.float32,
    ) -> None:
        """``device`` and ``dtype`` are those of the models; the reference was made in float32 on a CPU."""
        self._golden, self._device, self._dtype = golden, device, dtype
        self._base = golden / "models" / "base"
        self._config = transformer_config(self._base)
        self._transformers: dict[str, Any] = {}
        self._vae: Any = None
        self._scheduler_config = read_json(self._base / "scheduler" / "scheduler_config.json")

    def run(self, case: dict[str, Any]) -> Tensors:
        kinds: dict[str, Callable[[Tensors, dict[str, Any], list[str]], Tensors]] = {
            "transformer": self._transformer_case,
            "vae_encode": self._encode_case,
            "vae_decode": self._decode_case,
            "scheduler": self._scheduler_case,
            "preprocess": self._preprocess_case,
            "tables": self._tables_case,
            "t5": self._t5_case,
            "warped_noise": self._warped_noise_case,
            "e2e": self._pass_case,
        }
        if case["kind"] not in kinds:
            raise ValueError(f"case {case['name']} is of kind {case['kind']!r}; there are {', '.join(kinds)}")
        inputs = load_file(self._golden / case["file"])
        # An expected output whose file is empty is asked for, like one that only the manifest names.
        described = case.get("tensors", {})
        names = sorted({*inputs, *described})
        meta = dict(case.get("meta", {}))
        meta["asked_steps"] = described.get("latents_after_step_index", {}).get("shape", [None])[0]
        return kinds[case["kind"]](inputs, meta, names)

    def transformer(self, weights: str) -> Any:
        if weights not in self._transformers:
            model = load_transformer(self._config, self._golden / weights, self._dtype)
            self._transformers[weights] = model.to(self._device)
        return self._transformers[weights]

    @property
    def _where(self) -> dict[str, Any]:
        return {"device": self._device, "dtype": self._dtype}

    def _placed(self, tensor: torch.Tensor) -> torch.Tensor:
        return tensor.to(self._device, self._dtype)

    @property
    def vae(self) -> Any:
        if self._vae is None:
            self._vae = load_vae(self._base / "vae", self._dtype).to(self._device)
        return self._vae

    def _transformer_case(self, inputs: Tensors, meta: dict[str, Any], names: list[str]) -> Tensors:
        latents = inputs["hidden_states"]
        with torch.no_grad():
            output = predict_velocity(
                self.transformer(meta["weights"]),
                self._placed(latents),
                self._placed(inputs["inpaint_latents"]),
                self._placed(inputs["encoder_hidden_states"]),
                inputs["timestep"].to(self._device),
            )
        cos, sin = rotary_tables(
            self.transformer(meta["weights"]).config, latents.shape[1], *latents.shape[-2:]
        )
        return {"output": output.float().cpu(), "rope_cos": cos, "rope_sin": sin}

    def _encode_case(self, inputs: Tensors, meta: dict[str, Any], names: list[str]) -> Tensors:
        pixels = inputs["pixels"]
        return {"latent_mode": encode_frames(self.vae, tensor_reader(pixels), pixels.shape[2], **self._where)}

    def _decode_case(self, inputs: Tensors, meta: dict[str, Any], names: list[str]) -> Tensors:
        groups = decode_latents(self.vae, inputs["latent"], **self._where)
        return {"decoded": torch.cat([group.float().cpu() for group in groups], dim=2)}

    def _scheduler_case(self, inputs: Tensors, meta: dict[str, Any], names: list[str]) -> Tensors:
        config = meta.get("config", self._scheduler_config)
        classes = {"ddim": "DDIMScheduler", "cog_ddim": "CogVideoXDDIMScheduler"}
        outputs: Tensors = {}
        counts = sorted({(m[1], int(m[2])) for n in names if (m := re.match(r"(\w+)\.n(\d+)\.", n))})
        for short, steps in counts:
            schedule = NoiseSchedule.from_config(classes[short], config, steps, exact_transitions=False)
            outputs[f"{short}.alphas_cumprod"] = schedule.alphas_cumprod
            outputs[f"{short}.n{steps}.timesteps"] = torch.tensor(schedule.timesteps)
            sample = inputs[f"{short}.n{steps}.sample"]
            velocity = inputs[f"{short}.n{steps}.model_output"]
            for step in range(steps):
                outputs[f"{short}.n{steps}.step{step}.prev_sample"] = schedule.step(step, velocity, sample)
        return outputs

    def _preprocess_case(self, inputs: Tensors, meta: dict[str, Any], names: list[str]) -> Tensors:
        height, width = meta["sample_size"]
        video, mask = load_clip_as_published(
            inputs["video_u8"],
            inputs["quadmask_u8"],
            (height, width),
            meta["temporal_window_size"],
            meta["max_video_length"],
        )
        return {"video": video, "mask": mask}

    def _tables_case(self, inputs: Tensors, meta: dict[str, Any], names: list[str]) -> Tensors:
        ramp = inputs.get("ramp_in_u8", torch.arange(256, dtype=torch.uint8))
        outputs: Tensors = {"ramp_out_mask": torch.from_numpy(removal_mask(ramp.numpy()))}
        for name in names:
            if match := re.fullmatch(r"pad\.L(\d+)\.win(\d+)\.max(\d+)", name):
                frames, window, longest = map(int, match.groups())
                outputs[name] = torch.tensor(padding_indices(min(frames, longest), window, longest))
        return outputs

    def _t5_case(self, inputs: Tensors, meta: dict[str, Any], names: list[str]) -> Tensors:
        encoder = load_text_encoder(self._base / "text_encoder", self._dtype).to(self._device)
        ids = inputs["input_ids"].to(self._device)
        rows = [encode_tokens(encoder, row[None]).float().cpu() for row in ids]
        return {"prompt_embeds": torch.cat(rows)}

    def _warped_noise_case(self, inputs: Tensors, meta: dict[str, Any], names: list[str]) -> Tensors:
        latents, height, width, _ = meta["target_thwc"]
        return {"latents": load_warped_noise(inputs["noises"], latents, height, width)}

    def _pass_case(self, inputs: Tensors, meta: dict[str, Any], names: list[str]) -> Tensors:
        """Run a whole pass. ``temporal_multidiffusion_stride`` is the overlap of windows in pixel frames."""
        clip = self._clip(inputs, meta)
        how = Conditioning(
            mask_levels="three" if meta["use_trimask"] else "binary",
            blank_removed=meta["zero_out_mask_region"],
            noise_strength=meta["noise_aug_strength"] if meta["add_noise_in_inpaint_model"] else 0.0,
        )
        mask_latents = encode_mask(self.vae, clip, how, **self._where)
        video_latents = encode_video(self.vae, clip, how, **self._where)
        count, (height, width) = mask_latents.shape[2], mask_latents.shape[-2:]
        if "noises" in inputs:
            noise = load_warped_noise(inputs["noises"], count, height, width)
        else:
            noise = inputs["init_latents"]
        windows = plan_windows(
            count,
            published_window(meta["temporal_window_size"]),
            meta["temporal_multidiffusion_stride"] // 4,
        )
        schedule = NoiseSchedule.from_config(
            meta["scheduler"], self._scheduler_config, meta["num_inference_steps"], exact_transitions=False
        )
        states: list[torch.Tensor] = []
        texts = [inputs[name] for name in ("prompt_embeds", "negative_prompt_embeds") if name in inputs]
        final = denoise(
            Denoiser(self.transformer(meta["weights"]), self._device, self._dtype),
            DenoisePlan(schedule, windows, guidance=meta["guidance_scale"], crossing="later"),
            DenoiseInputs(noise, join_condition(mask_latents, video_latents), texts),
            on_step=lambda step, latents: states.append(latents),
        )
        steps = inputs.get("latents_after_step_index")
        if steps is None or not steps.numel():
            steps = kept_steps(len(states), meta["asked_steps"])
        coded = unscaled(final, self.vae).permute(0, 2, 1, 3, 4)
        decoded = [group.float().cpu() for group in decode_latents(self.vae, coded, **self._where)]
        return {
            "init_latents": noise,
            "mask_vae_input": mask_pixels(clip, how, 0, clip.frames),
            "mask_latents": mask_latents,
            "masked_video_latents": video_latents,
            "timesteps": torch.tensor(schedule.timesteps),
            "latents_after_step": torch.stack([states[int(step)] for step in steps]),
            "latents_after_step_index": steps,
            "final_latents": final,
            "output_video": decoded_to_picture(torch.cat(decoded, dim=2)),
        }

    @staticmethod
    def _clip(inputs: Tensors, meta: dict[str, Any]) -> Clip:
        if meta.get("from_raw"):
            height, width = meta["sample_size"]
            video, removal = load_clip_as_published(
                inputs["video_u8"],
                inputs["quadmask_u8"],
                (height, width),
                meta["temporal_window_size"],
                meta["max_video_length"],
            )
        else:
            video = inputs["video_u8"].permute(3, 0, 1, 2)[None].float() / 255.0
            removal = (255.0 - inputs["quadmask_u8"][None, None].float()) / 255.0
        noise = inputs.get("aug_noise")
        return Clip(
            frames=video.shape[2],
            video=tensor_reader(video),
            removal=tensor_reader(removal),
            noise=None if noise is None else tensor_reader(noise),
        )


def load_clip_as_published(
    video: torch.Tensor,
    quadmask: torch.Tensor,
    sample_size: tuple[int, int],
    window: int,
    longest: int,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Load a clip as published VOID does: squash frames to ``sample_size`` by area averaging, pad in time.

    Args:
        video: (n, H0, W0, 3) uint8, display-referred.
        quadmask: (n, H0, W0) uint8.
        sample_size: ``(H, W)`` of the model's frame.
        window: the temporal window in pixel frames.
        longest: the number of frames after which the rest is dropped, as upstream does silently.

    Returns:
        The video (1, 3, F, H, W) in 0..1 and the removal mask (1, 1, F, H, W), both float32.
    """
    frames = video[:longest].permute(0, 3, 1, 2).to(torch.float32) / 255.0
    frames = F.interpolate(frames, size=sample_size, mode="area")
    masks = F.interpolate(quadmask[:longest, None].to(torch.float32), size=sample_size, mode="area")
    removal = torch.from_numpy(removal_mask(masks.numpy()))
    order = torch.tensor(padding_indices(frames.shape[0], window, longest))
    return (
        frames[order].permute(1, 0, 2, 3)[None].contiguous(),
        removal[order].permute(1, 0, 2, 3)[None].contiguous(),
    )


def tensor_reader(tensor: torch.Tensor) -> ReadFrames:
    """Make a function that reads ranges of frames out of a tensor (B, C, F, H, W)."""

    def read(start: int, stop: int) -> torch.Tensor:
        return tensor[:, :, start:stop]

    return read


def kept_steps(count: int, asked: int | None) -> torch.Tensor:
    """The steps, of ``count``, after which a case wants the latents: all, or the few that long runs keep."""
    few = sorted({0, 1, 2, count // 2, count - 2})
    return torch.tensor(few if asked == len(few) < count else range(count))


def replay_tokenizer(golden: Path, out: Path) -> None:
    """Replay the tokenizer's case, which is JSON: prompts in, ids out."""
    asked = golden / "cases" / "tokenizer_ids.json"
    folder = golden / "tokenizer"
    if not asked.is_file() or not folder.is_dir():
        return
    prompts = read_json(asked)["prompts"]
    tokenizer = PromptTokenizer(folder)
    ids = [tokenizer.tokenize(prompt, 226)[0].tolist() for prompt in prompts]
    (out / "tokenizer_ids.json").write_text(json.dumps({"prompts": prompts, "input_ids": ids}))


def replay(golden: Path, out: Path) -> list[str]:
    """Run every case of ``golden``, and return the names of the cases."""
    out.mkdir(parents=True, exist_ok=True)
    manifest = read_json(golden / "manifest.json")
    runner = Replay(golden)
    names = []
    for case in manifest["cases"]:
        outputs = runner.run(case)
        save_file(
            {name: t.contiguous().clone() for name, t in outputs.items()}, out / f"{case['name']}.safetensors"
        )
        names.append(case["name"])
    replay_tokenizer(golden, out)
    return names


def main(arguments: list[str]) -> int:
    if len(arguments) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    golden = Path(arguments[0])
    sizes = [path.stat().st_size for path in golden.glob("models/*.safetensors")]
    if max(sizes, default=0) < _SMALL_BYTES:
        torch.set_num_threads(1)
    for name in replay(golden, Path(arguments[1])):
        print(name)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
