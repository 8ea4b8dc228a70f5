"""One removal's way through the models: prompt, condition, pass 1, pass 2, frames."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

from void_engine.arrays import Float32Array
from void_engine.diffusion.clip.condition_encoding import Clip, Conditioning, encode_mask, encode_video
from void_engine.diffusion.clip.conditioning import NOISE_STRENGTH, join_condition
from void_engine.diffusion.clip.shot_clip import ShotClip
from void_engine.diffusion.framing import latent_frames, pixel_frames
from void_engine.diffusion.model.folder import ModelFolder
from void_engine.diffusion.model.folder_check import weights_fingerprint
from void_engine.diffusion.model.offload import Offload, PrecisionOverflow, cancellable
from void_engine.diffusion.model.optical_flow import make_flow
from void_engine.diffusion.model.prompt_cache import PromptCache, cache_folder
from void_engine.diffusion.model.step_cache import MagnitudeMeter, StepCache, plan_step_cache
from void_engine.diffusion.model.text import PromptTokenizer, encode_tokens
from void_engine.diffusion.model.vae import decode_latents, decoded_to_picture, unscaled
from void_engine.diffusion.model.weights import read_json, transformer_config
from void_engine.diffusion.noise.published import PublishedNoise, load_warped_noise
from void_engine.diffusion.noise.seeded import initial_noise, initial_noise_as_published
from void_engine.diffusion.noise.warped import NoiseOverClip
from void_engine.diffusion.sampling.denoise import DenoiseInputs
from void_engine.diffusion.sampling.denoise_pass import Pass, denoise_pass
from void_engine.diffusion.sampling.distributed import current_process_group
from void_engine.diffusion.sampling.latent_checkpoint import Checkpoint, fingerprint
from void_engine.diffusion.sampling.latent_preview import LatentPreview, preview_latents
from void_engine.diffusion.sampling.process_group import SingleProcess
from void_engine.diffusion.sampling.windows import Window, plan_windows
from void_engine.diffusion.settings import VoidSettings
from void_engine.engines.interface import EngineRequest, Monitor
from void_engine.errors import RemovalCancelled

PUBLISHED_STEPS = 30
_FEWEST_STEPS = 10
_STAGES = {1: "denoising", 2: "refining"}


@dataclass
class VoidRun:
    """What one removal needs and what it has made so far. Made parts are kept for another attempt."""

    clip: ShotClip
    settings: VoidSettings
    request: EngineRequest
    folder: ModelFolder
    monitor: Monitor
    tiles: int = 1
    """Parts of each side in encoding and decoding."""
    measures: bool = False
    """Fill :attr:`magnitudes`."""
    magnitudes: dict[int, list[float]] = field(default_factory=dict)
    """By pass, the magnitudes that the step cache ``mag`` needs."""
    _texts: list[torch.Tensor] = field(default_factory=list)
    _codes: dict[str, torch.Tensor] = field(default_factory=dict)
    _preview: LatentPreview | None = None

    def latents(self, models: Offload) -> torch.Tensor:
        """The clean latents of the whole clip, (1, T, 16, h, w), after all passes.

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
        """How many windows cover the clip."""
        settings, latents = self.settings, latent_frames(self.clip.frames)
        return len(
            plan_windows(latents, settings.window, settings.overlap, full_last=settings.full_last_window)
        )

    def steps(self, pass_number: int) -> int:
        """Denoising steps of a pass: fewer at a proxy scale, where speed is the point."""
        settings = self.settings
        full = (settings.steps or PUBLISHED_STEPS) if pass_number == 1 else settings.steps_pass2
        asked = pass_number == 1 and settings.steps > 0
        if asked or self.request.proxy_scale >= 1:
            return full
        return max(min(full, _FEWEST_STEPS), round(full * self.request.proxy_scale))

    def step_cache(self, pass_number: int) -> StepCache | None:
        """How a pass saves steps.

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

    def frames(self, models: Offload, latents: torch.Tensor) -> Iterator[tuple[int, Float32Array]]:
        """Decoded padded frames in order: the index and the picture (H, W, 3) in codes 0..1.

        Stops asking the decoder when it is not asked any more; holds one temporal group.
        """
        vae = models.vae()
        index = 0
        coded = unscaled(latents, vae).permute(0, 2, 1, 3, 4)
        with cancellable(vae, self.monitor):
            groups = decode_latents(vae, coded, device=models.device, dtype=models.dtype, tiles=self.tiles)
            while True:
                # The mode must not leak to whoever consumes this generator.
                with torch.inference_mode():
                    group = next(groups, None)
                    if group is None:
                        return
                    pictures = decoded_to_picture(group)[0].permute(1, 2, 3, 0).cpu().numpy()
                for picture in pictures:
                    yield index, np.ascontiguousarray(picture)
                    index += 1

    def _embedded(self, models: Offload) -> list[torch.Tensor]:
        """The prompt, and the negative prompt where a pass has guidance."""
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

    def _encoded(self, models: Offload, what: str) -> torch.Tensor:
        """The scaled code of the plate (``video``) or of the mask (``three`` or ``binary``), made once."""
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
        models: Offload,
        pass_number: int,
        video: torch.Tensor,
        texts: list[torch.Tensor],
        noise: torch.Tensor | None,
    ) -> torch.Tensor:
        settings, seed = self.settings, self.request.seed
        mask = self._encoded(models, "three" if pass_number == 1 else settings.pass2_mask)
        count, (height, width) = video.shape[2], video.shape[-2:]
        if noise is None:
            draw = initial_noise_as_published if settings.shared_noise else initial_noise
            noise = draw(seed, count, height, width)
        windows = plan_windows(count, settings.window, settings.overlap, full_last=settings.full_last_window)
        steps = self.steps(pass_number)
        guidance = settings.guidance if pass_number == 1 else settings.guidance_pass2
        condition = join_condition(mask, video)
        cache = self.step_cache(pass_number)
        # What a step cache holds is not in a checkpoint: a run that went on from one would give other bytes.
        resumable = settings.checkpoint_every > 0 and cache is None and not self.measures
        checkpoint = Checkpoint(
            cache_folder() / "unfinished" if resumable else None,
            fingerprint(
                pass_number, steps, guidance, settings.window, settings.overlap, settings.full_last_window,
                settings.exact_transitions, settings.half_latents, str(models.dtype), models.mode,
                weights_fingerprint(self.folder, pass_number), condition, noise, *texts,
            ),
            self.monitor.log,
        )  # fmt: skip
        first, noise = checkpoint.load() or (0, noise)
        if first:
            self.monitor.log(f"going on after step {first} of {steps} from the checkpoint")
        group = current_process_group()
        own = group.own(len(windows))
        stage = _STAGES[pass_number]
        total = steps * len(own)
        self.monitor.progress(stage, first * len(own), total)
        reached = (first, noise)

        def on_prediction(step: int, index: int, clean: torch.Tensor) -> None:
            done = step * len(own) + own.index(index) + 1
            self.monitor.progress(stage, done, total, self._first_frame(windows[index]))
            every = settings.preview_every
            if every and ((step + 1) % every == 0 or step == steps - 1):
                self._show(windows[index].start, clean, video)

        def on_step(step: int, latents: torch.Tensor) -> None:
            nonlocal reached
            reached = (step + 1, latents)
            if meter is not None:
                meter.step_done()
            if resumable and (step + 1) % settings.checkpoint_every == 0 and step + 1 < steps:
                checkpoint.save(*reached)

        how = Pass(
            number=pass_number,
            steps=steps,
            first_step=first,
            windows=tuple(windows),
            guidance=guidance,
            exact_transitions=settings.exact_transitions,
            half_latents=settings.half_latents,
            # Looking at the whole shot costs nothing to a process that has it all.
            keep_every=1 if isinstance(group, SingleProcess) else settings.checkpoint_every or steps,
            cache=cache,
        )
        meter = MagnitudeMeter(models.denoiser(pass_number)) if self.measures else None
        try:
            result = denoise_pass(
                models,
                how,
                DenoiseInputs(noise, condition, texts),
                group,
                self.monitor,
                on_prediction=on_prediction,
                on_step=on_step,
            )
        except RemovalCancelled:
            if reached[0] > first:
                checkpoint.save(*reached)
            raise
        finally:
            if meter is not None:
                meter.stop()
                self.magnitudes[pass_number] = meter.ratios
        checkpoint.discard()
        return result

    def _warped_noise(self, models: Offload, latents: torch.Tensor) -> torch.Tensor:
        """Pass 2's noise, along the motion of pass 1's picture."""
        height, width = self.clip.canvas
        bilinear = self.settings.warped_noise == "bilinear"
        flow = make_flow(self.folder, self.settings.flow)
        noise: Any = (
            PublishedNoise(self.request.seed, self.clip.frames, flow)
            if bilinear
            else NoiseOverClip(self.request.seed, height, width, flow)
        )
        self.monitor.progress("warping noise", 0, self.clip.frames)
        for index, picture in self.frames(models, latents):
            noise.add(picture)
            self.monitor.progress("warping noise", index + 1, self.clip.frames)
        if bilinear:
            return load_warped_noise(noise.stored(), latents.shape[1], *latents.shape[-2:])
        warped: torch.Tensor = noise.latents()
        return warped

    def _first_frame(self, window: Window) -> int:
        """The number of the shot's frame that a window begins with: it says which window is at work."""
        index = pixel_frames(window.start) if window.start else 0
        return self.clip.shot.frame_numbers[self.clip.order[index]]

    def _show(self, start: int, clean: torch.Tensor, video: torch.Tensor) -> None:
        """A preview of the middle of a window."""
        if self._preview is None:
            chosen = preview_latents(video.shape[2])
            ends = [self.clip.order[pixel_frames(index + 1) - 1] for index in chosen]
            self._preview = LatentPreview(
                video[0, :, chosen].permute(1, 0, 2, 3), [self.clip.canvas_frame(end).code for end in ends]
            )
        covered = latent_frames(self.clip.covered)
        middle = min(clean.shape[1] // 2, max(0, covered - 1 - start))
        codes = self._preview.picture(clean[0, middle])
        frame = self.clip.order[pixel_frames(start + middle + 1) - 1]
        self.monitor.preview(self.clip.shot.frame_numbers[frame], self.clip.picture.decode(codes))
