"""One removal with the models, step by step: prompt, condition, pass 1, pass 2, decoded frames.

Precision, memory mode and retries are the business of :mod:`void_engine.diffusion.engine`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch

from void_engine.arrays import Float32Array
from void_engine.caches import cache_folder
from void_engine.diffusion.clip.condition_encoding import Clip, Conditioning, encode_mask, encode_video
from void_engine.diffusion.clip.conditioning import NOISE_STRENGTH, join_condition
from void_engine.diffusion.clip.shot_clip import ShotClip
from void_engine.diffusion.clip.shot_preview import ShotPreview
from void_engine.diffusion.framing import latent_frames, pixel_frames
from void_engine.diffusion.model.folder import ModelFolder
from void_engine.diffusion.model.folder_check import weights_fingerprint
from void_engine.diffusion.model.offload import LoadedModels, PrecisionOverflow, cancellable
from void_engine.diffusion.model.optical_flow import make_flow
from void_engine.diffusion.model.prompt_cache import PromptCache
from void_engine.diffusion.model.step_cache import MagnitudeMeter, StepCache, plan_step_cache
from void_engine.diffusion.model.text import PromptTokenizer, encode_tokens
from void_engine.diffusion.model.vae import decode_latents, decoded_to_picture, unscaled
from void_engine.diffusion.model.weights import read_json, transformer_config
from void_engine.diffusion.noise.published import PublishedNoise, load_warped_noise
from void_engine.diffusion.noise.seeded import initial_noise, initial_noise_as_published
from void_engine.diffusion.noise.warped import NoiseOverClip
from void_engine.diffusion.pass_progress import PassProgress
from void_engine.diffusion.sampling.denoise import DenoiseInputs
from void_engine.diffusion.sampling.denoise_pass import Pass, denoise_pass
from void_engine.diffusion.sampling.distributed import current_process_group
from void_engine.diffusion.sampling.latent_checkpoint import Checkpoint, fingerprint
from void_engine.diffusion.sampling.process_group import SingleProcess
from void_engine.diffusion.sampling.windows import CrossingRamps, Window, plan_windows
from void_engine.diffusion.settings import VoidSettings
from void_engine.engines.interface import EngineRequest, Monitor
from void_engine.errors import RemovalCancelled, SettingError

PUBLISHED_STEPS = 30
"""The number of denoising steps of pass 1 in the published program."""
_FEWEST_STEPS = 10
"""The least number of steps at a proxy scale."""


@dataclass
class VoidRun:
    """The inputs of one removal and its intermediate results, which another attempt takes over."""

    clip: ShotClip
    settings: VoidSettings
    request: EngineRequest
    folder: ModelFolder
    monitor: Monitor
    tiles: int = 1
    """How many tiles each side of the picture is cut into for encoding and decoding."""
    measures: bool = False
    """Whether :attr:`magnitudes` are measured."""
    magnitudes: dict[int, list[float]] = field(default_factory=dict)
    """The magnitudes that the step cache ``mag`` needs, by pass."""
    _texts: list[torch.Tensor] = field(default_factory=list)
    _codes: dict[str, torch.Tensor] = field(default_factory=dict)
    _preview: ShotPreview | None = None

    def latents(self, models: LoadedModels) -> torch.Tensor:
        """Compute the clean latents of the whole clip, (1, T, 16, h, w), by all passes.

        Raises:
            PrecisionOverflow: when activations leave the range of the models' floating-point type.
        """
        with torch.inference_mode():
            texts = self._embedded(models)
            video = self._encoded(models, "video")
            result = self._denoised(models, 1, video, texts, None)
            if self.settings.passes == 2:
                noise = self._warped_noise(models, result)
                result = self._denoised(models, 2, video, texts, noise)
            return result

    @property
    def windows(self) -> int:
        """The number of temporal windows that cover the clip."""
        return len(self._windows())

    def steps(self, pass_number: int) -> int:
        """The number of denoising steps of a pass; fewer at a proxy scale, where speed matters most."""
        settings = self.settings
        full = (settings.steps or PUBLISHED_STEPS) if pass_number == 1 else settings.steps_pass2
        asked = pass_number == 1 and settings.steps > 0
        if asked or self.request.proxy_scale >= 1:
            return full
        return max(min(full, _FEWEST_STEPS), round(full * self.request.proxy_scale))

    def step_cache(self, pass_number: int) -> StepCache | None:
        """The step cache of a pass; None computes all steps.

        Raises:
            SettingError: when the models were not measured for the method asked for.
        """
        settings = self.settings
        return plan_step_cache(
            self.folder,
            pass_number,
            self.steps(pass_number),
            speed=settings.speed,
            method=settings.step_cache,
        )

    def frames(self, models: LoadedModels, latents: torch.Tensor) -> Iterator[tuple[int, Float32Array]]:
        """Decoded padded frames in order: the index and the picture (H, W, 3) in codes 0..1.

        Frames are decoded on demand, one temporal group at a time.
        """
        vae = models.vae()
        index = 0
        coded = unscaled(latents, vae).permute(0, 2, 1, 3, 4)
        with cancellable(vae, self.monitor):
            groups = decode_latents(vae, coded, device=models.device, dtype=models.dtype, tiles=self.tiles)
            while True:
                # Inference mode must not leak to the consumer of this generator.
                with torch.inference_mode():
                    group = next(groups, None)
                    if group is None:
                        return
                    pictures = decoded_to_picture(group)[0].permute(1, 2, 3, 0).cpu().numpy()
                for picture in pictures:
                    yield index, np.ascontiguousarray(picture)
                    index += 1

    def _windows(self) -> list[Window]:
        settings, latents = self.settings, latent_frames(self.clip.frames)
        try:
            return plan_windows(
                latents, settings.window, settings.overlap, full_last=settings.full_last_window
            )
        except ValueError as error:
            raise SettingError(
                f"engine option overlap_frames is {settings.overlap_frames} and window_frames "
                f"{settings.window_frames}, and the shot needs several windows: {error}"
            ) from None

    def _embedded(self, models: LoadedModels) -> list[torch.Tensor]:
        """The embeddings of the prompt, and of the negative prompt where a pass has guidance."""
        if self._texts:
            return self._texts
        tokens = int(transformer_config(self.folder.base)["max_text_seq_length"])
        guided = self.settings.guidance > 1 or (
            self.settings.passes == 2 and self.settings.guidance_pass2 > 1
        )
        prompts = [self.request.prompt, self.request.negative_prompt] if guided else [self.request.prompt]
        self.monitor.progress("prompt", 0, len(prompts))

        def encode(missing: list[str]) -> list[torch.Tensor]:
            tokenizer = PromptTokenizer(self.folder.tokenizer)
            for prompt in missing:
                if (count := tokenizer.count(prompt)) > tokens:
                    self.monitor.log(f"the prompt has {count} tokens; the model sees the first {tokens}")
            with models.text_encoder() as encoder:
                return [
                    encode_tokens(encoder, tokenizer.tokenize(prompt, tokens).to(models.device)).float().cpu()
                    for prompt in missing
                ]

        self._texts = PromptCache(self.folder, models.dtype).get(prompts, encode)
        return self._texts

    def _conditioning(self, levels: str) -> Conditioning:
        trained_with_noise = bool(
            read_json(self.folder.transformer_config).get("add_noise_in_inpaint_model", False)
        )
        return Conditioning(
            mask_levels="binary" if levels == "binary" else "three",
            blank_removed=self.settings.blank_removed,
            noise_strength=NOISE_STRENGTH if trained_with_noise and self.settings.condition_noise else 0.0,
        )

    def _encoded(self, models: LoadedModels, what: str) -> torch.Tensor:
        """The scaled latents of the plate (``video``) or of a mask (``three``, ``binary``), encoded once."""
        if what in self._codes:
            return self._codes[what]
        clip = Clip(self.clip.frames, self.clip.video, self.clip.removal, self.clip.noise)
        how = self._conditioning(what)
        encode = encode_video if what == "video" else encode_mask
        stage = "encoding plate" if what == "video" else "encoding matte"
        vae = models.vae()
        with cancellable(vae, self.monitor):
            code = encode(
                vae,
                clip,
                how,
                device=models.device,
                dtype=models.dtype,
                tiles=self.tiles,
                on_group=lambda done, count: self.monitor.progress(stage, done, count),
            )
        if not bool(torch.isfinite(code).all()):
            raise PrecisionOverflow
        self._codes[what] = code
        return code

    def _denoised(
        self,
        models: LoadedModels,
        pass_number: int,
        video: torch.Tensor,
        texts: list[torch.Tensor],
        noise: torch.Tensor | None,
    ) -> torch.Tensor:
        mask = self._encoded(models, "three" if pass_number == 1 else self.settings.pass2_mask)
        if noise is None:
            draw = initial_noise_as_published if self.settings.shared_noise else initial_noise
            noise = draw(self.request.seed, video.shape[2], *video.shape[-2:])
        inputs = DenoiseInputs(noise, join_condition(mask, video), texts)
        group = current_process_group()
        how = self._pass(pass_number, alone=isinstance(group, SingleProcess))
        checkpoint = self._checkpoint(models, how, inputs)
        if (found := checkpoint.load()) is not None:
            how, inputs = replace(how, first_step=found[0]), replace(inputs, latents=found[1])
            self.monitor.log(f"going on after step {how.first_step} of {how.steps} from the checkpoint")
        if self._preview is None:
            self._preview = ShotPreview(self.clip, video)
        own = group.own(len(how.windows))
        progress = PassProgress(
            how, own, self.clip, self.settings, self.monitor, preview=self._preview, checkpoint=checkpoint
        )
        meter = MagnitudeMeter(models.denoiser(pass_number)) if self.measures else None

        def on_step(step: int, latents: torch.Tensor) -> None:
            progress.on_step(step, latents)
            if meter is not None:
                meter.step_done()

        try:
            result = denoise_pass(
                models,
                how,
                inputs,
                group,
                self.monitor,
                on_prediction=progress.on_prediction,
                on_step=on_step,
            )
        except RemovalCancelled:
            progress.keep()
            raise
        finally:
            if meter is not None:
                meter.stop()
                self.magnitudes[pass_number] = meter.ratios
        checkpoint.discard()
        return result

    def _pass(self, number: int, *, alone: bool) -> Pass:
        """The settings of a pass from its first step; ``alone`` says that one process has all windows."""
        settings, steps = self.settings, self.steps(number)
        crossing: CrossingRamps = "later" if settings.crossing_ramps == "later" else "smaller"
        return Pass(
            number=number,
            steps=steps,
            first_step=0,
            windows=tuple(self._windows()),
            guidance=settings.guidance if number == 1 else settings.guidance_pass2,
            exact_transitions=settings.exact_transitions,
            half_latents=settings.half_latents,
            # A single process has all latents of the shot, so looking at them costs nothing.
            crossing=crossing,
            keep_every=1 if alone else settings.checkpoint_every or steps,
            cache=self.step_cache(number),
        )

    def _checkpoint(self, models: LoadedModels, how: Pass, inputs: DenoiseInputs) -> Checkpoint:
        """The checkpoint of a pass, whose name depends on everything that its latents depend on."""
        settings = self.settings
        # A checkpoint does not hold the state of a step cache, so a resumed run would give other bytes.
        resumable = settings.checkpoint_every > 0 and how.cache is None and not self.measures
        name = fingerprint(
            how.number, how.steps, how.guidance, settings.window, settings.overlap, settings.full_last_window,
            how.crossing, how.exact_transitions, how.half_latents, str(models.dtype), models.mode,
            weights_fingerprint(self.folder, how.number), inputs.condition, inputs.latents, *inputs.texts,
        )  # fmt: skip
        return Checkpoint(cache_folder() / "unfinished" if resumable else None, name, self.monitor.log)

    def _warped_noise(self, models: LoadedModels, latents: torch.Tensor) -> torch.Tensor:
        """Make the initial noise of pass 2, warped along the motion of pass 1's picture."""
        height, width = self.clip.canvas
        frames = pixel_frames(latents.shape[1])
        bilinear = self.settings.warped_noise == "bilinear"
        flow = make_flow(self.folder, self.settings.flow)
        noise: Any = (
            PublishedNoise(self.request.seed, frames, flow)
            if bilinear
            else NoiseOverClip(self.request.seed, height, width, flow)
        )
        self.monitor.progress("warping noise", 0, frames)
        for index, picture in self.frames(models, latents):
            noise.add(picture)
            self.monitor.progress("warping noise", index + 1, frames)
        if bilinear:
            return load_warped_noise(noise.stored(), latents.shape[1], *latents.shape[-2:])
        warped: torch.Tensor = noise.latents()
        return warped
