"""Step caches: denoising steps that would hardly change anything reuse the output of the steps before them.

The caches are those of diffusers. ``first-block`` computes the first block and skips the others while its
output hardly changes (First Block Cache of ParaAttention, after TeaCache). ``taylor`` computes every few
steps and extrapolates between them (Liu et al., "From Reusing to Forecasting", 2025), in its lite form, which
keeps only the denoiser's last output. ``mag`` skips steps while the measured change of the residual's
magnitude allows it (Ma et al., "MagCache", 2025).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from diffusers.hooks.first_block_cache import FirstBlockCacheConfig
from diffusers.hooks.mag_cache import MagCacheConfig
from diffusers.hooks.taylorseer_cache import TaylorSeerCacheConfig

from void_engine.diffusion.model.folder import ModelFolder
from void_engine.diffusion.model.folder_check import weights_fingerprint
from void_engine.diffusion.model.weights import read_json
from void_engine.errors import SettingError
from void_engine.plates.storage.durable import temporary_for

EXACT = "exact"
"""The speed without a cache, which computes every step."""
AUTO = "auto"
AUTO_METHOD = "first-block"
"""The method that ``auto`` takes, the only one that looks at the shot itself before it skips a step."""

# The other blocks are skipped while the first block's output changes relatively by less than this.
_THRESHOLDS = {"fast": 0.05, "draft": 0.15}
# One step in so many is computed.
_INTERVALS = {"fast": 2, "draft": 4}
# Each pair holds the error that skipped steps may add up to, and how many may be skipped in a row.
_MAGNITUDES = {"fast": (0.06, 3), "draft": (0.12, 5)}
# Steps that form the picture are never skipped.
_FIRST_STEPS = 3
_FIRST_SHARE = 0.2


@dataclass(frozen=True, slots=True)
class StepCache:
    """The step cache of one pass; two equal ones are interchangeable."""

    method: str
    speed: str
    steps: int
    ratios: tuple[float, ...] = ()
    """The ratio of each step's residual to that of the step before it; only for ``mag``."""

    def config(self) -> Any:
        """The configuration that diffusers' ``enable_cache`` takes."""
        if self.method == "first-block":
            return FirstBlockCacheConfig(threshold=_THRESHOLDS[self.speed])
        if self.method == "taylor":
            return TaylorSeerCacheConfig(
                cache_interval=_INTERVALS[self.speed],
                disable_cache_before_step=_FIRST_STEPS,
                disable_cache_after_step=self.steps - 1,
                taylor_factors_dtype=torch.float32,
                use_lite_mode=True,
            )
        threshold, most = _MAGNITUDES[self.speed]
        return MagCacheConfig(
            threshold=threshold,
            max_skip_steps=most,
            retention_ratio=_FIRST_SHARE,
            num_inference_steps=self.steps,
            mag_ratios=list(self.ratios),
        )


def plan_step_cache(
    folder: ModelFolder, pass_number: int, steps: int, *, speed: str, method: str = AUTO
) -> StepCache | None:
    """Choose the step cache of a pass; None for ``exact``, which computes every step.

    Args:
        folder: the models, with the measurements that ``mag`` needs.
        pass_number: 1 or 2.
        steps: number of denoising steps.
        speed: ``exact``, ``fast`` or ``draft``.
        method: ``auto`` or the name of a cache.

    Raises:
        SettingError: when ``mag`` was not measured for these weights.
    """
    if speed == EXACT:
        return None
    chosen = AUTO_METHOD if method == AUTO else method
    # The first-block cache does not depend on the number of steps, so all jobs share it.
    if chosen == "first-block":
        return StepCache(chosen, speed, 0)
    ratios = tuple(read_magnitudes(folder, pass_number)) if chosen == "mag" else ()
    return StepCache(chosen, speed, steps, ratios)


def use_step_cache(denoiser: Any, cache: StepCache | None) -> None:
    """Set the step cache of ``denoiser``; None removes it."""
    if denoiser.is_cache_enabled:
        denoiser.disable_cache()
    if cache is not None:
        denoiser.enable_cache(cache.config())


class MagnitudeMeter:
    """Measures the ratios that ``mag`` needs while a pass is computed exactly.

    The residual of a step is what all blocks together add to the picture's tokens. The ratio of a step is the
    norm of a token's residual over that of the step before, averaged over tokens, windows and branches.
    """

    def __init__(self, denoiser: Any) -> None:
        self.ratios: list[float] = []
        self._before: list[torch.Tensor] = []
        self._now: list[torch.Tensor] = []
        self._given: torch.Tensor | None = None
        blocks = denoiser.transformer_blocks
        self._handles = [
            blocks[0].register_forward_pre_hook(self._begin, with_kwargs=True),
            blocks[-1].register_forward_hook(self._end),
        ]

    def _begin(self, module: Any, inputs: tuple[Any, ...], named: Mapping[str, Any]) -> None:
        self._given = named["hidden_states"] if "hidden_states" in named else inputs[0]

    def _end(self, module: Any, inputs: Any, outputs: tuple[torch.Tensor, ...]) -> None:
        assert self._given is not None
        self._now.append(torch.linalg.vector_norm((outputs[0] - self._given).float(), dim=-1))
        self._given = None

    def step_done(self) -> None:
        """End a step, after all its windows and branches were computed."""
        pairs = zip(self._now, self._before, strict=True) if self._before else ()
        means = [float((now / before.clamp(min=1e-8)).mean()) for now, before in pairs]
        self.ratios.append(sum(means) / len(means) if means else 1.0)
        self._before, self._now = self._now, []

    def stop(self) -> None:
        for handle in self._handles:
            handle.remove()


def read_magnitudes(folder: ModelFolder, pass_number: int) -> list[float]:
    """Read the ratios that were measured for the weights of a pass.

    Raises:
        SettingError: when they are missing or were measured for other weights.
    """
    found: Any = read_json(folder.magnitudes).get(str(pass_number)) if folder.magnitudes.is_file() else None
    if not isinstance(found, dict) or found.get("weights") != weights_fingerprint(folder, pass_number):
        raise SettingError(
            f"engine option step_cache is 'mag', which was not measured for pass {pass_number} of the models "
            f"in {folder.root}; run `void models calibrate JOB`, or choose first-block or taylor"
        )
    return [float(ratio) for ratio in found["ratios"]]


def write_magnitudes(folder: ModelFolder, measured: Mapping[int, Sequence[float]]) -> None:
    """Add the ratios of passes to the folder's file."""
    content = read_json(folder.magnitudes) if folder.magnitudes.is_file() else {}
    for number, ratios in measured.items():
        content[str(number)] = {
            "weights": weights_fingerprint(folder, number),
            "ratios": [round(ratio, 6) for ratio in ratios],
        }
    with temporary_for(folder.magnitudes) as temporary:
        temporary.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
