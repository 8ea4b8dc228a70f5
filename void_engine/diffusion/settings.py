"""The settings of the VOID engine. docs/engine.md gives the reason of each."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from void_engine.colour.encodings import ENCODINGS
from void_engine.diffusion.framing import (
    PUBLISHED_LONGEST,
    PUBLISHED_WINDOW,
    TEMPORAL_COMPRESSION,
    TEMPORAL_PATCH,
    published_window,
)
from void_engine.engines.options import EngineOption, Scalar, check_values, option, options_of
from void_engine.errors import SettingError
from void_engine.region import TRAINED_TOKENS

# The lengths of windows and overlaps change by two latents' worth of frames.
_STEP = TEMPORAL_COMPRESSION * TEMPORAL_PATCH
# A job may not decide these, because it may come from others and must not point at files of this machine.
# The texts say who decides them.
_NOT_A_JOBS: Mapping[str, str] = {
    "models": "the machine that runs the job names its model folder: `void run --models DIR`, "
    "`void serve --models DIR` or VOID_MODELS",
    "checkpoint": "checkpoints are kept below VOID_CACHE of the machine that runs the job",
}


@dataclass(frozen=True, slots=True)
class VoidSettings:
    """All settings, with the defaults of the mode ``default``. Each field is an option of a job."""

    mode: str = option(
        "default",
        "published changes the defaults of others to those of the published program.",
        choices=("default", "published"),
    )
    passes: int = option(1, "2 refines the result of the first pass with warped noise.", low=1, high=2)
    steps: int = option(0, "Denoising steps of pass 1; 0 takes 30, at a proxy scale fewer.", low=0, high=1000)
    steps_pass2: int = option(50, "Denoising steps of pass 2.", low=1, high=1000)
    guidance: float = option(
        1.0, "Guidance of pass 1; there is no negative branch at or below 1.", low=0, high=30
    )
    guidance_pass2: float = option(6.0, "Guidance of pass 2.", low=0, high=30)
    window_frames: int = option(
        PUBLISHED_WINDOW, "Frames of a temporal window: 8k + 5; published takes any.", low=1
    )
    overlap_frames: int = option(
        16, "Frames that neighbouring windows share: a multiple of 8; published takes any.", low=0
    )
    crossing_ramps: str = option(
        "smaller",
        "Where overlaps take more than half of a window, the ramp that counts.",
        choices=("smaller", "later"),
    )
    full_last_window: bool = option(True, "The last window is moved back to full length.")
    longest: int = option(0, "Frames beyond are not touched; 0 for no limit.", low=0, high=1_000_000)
    exact_transitions: bool = option(True, "Each step tells the model the noise that the latents hold.")
    mask_sampling: str = option(
        "roles", "How the quadmask is brought to the canvas.", choices=("roles", "area")
    )
    fit: str = option(
        "canvas",
        "Whether the canvas has the region's aspect or the trained one.",
        choices=("canvas", "squash"),
    )
    pass2_mask: str = option(
        "three", "Whether pass 2 sees affected regions as such or as removed.", choices=("three", "binary")
    )
    warped_noise: str = option(
        "carried", "How the noise of pass 2 follows the motion.", choices=("carried", "bilinear")
    )
    flow: str = option(
        "auto",
        "Optical flow for warped noise: RAFT where the model folder has it, else OpenCV's DIS.",
        choices=("auto", "dis", "raft"),
    )
    half_latents: bool = option(False, "Round the latents to the model's 16 bits after every step.")
    eight_bit: bool = option(False, "Show the model the plate in eight bits.")
    shared_noise: bool = option(False, "One generator for all noise of a shot.")
    blank_removed: bool = option(False, "Black out what goes.")
    condition_noise: bool = option(True, "Noise on the condition, as in training.")
    max_tokens: int = option(
        TRAINED_TOKENS, "Patches of 16 x 16 pixels on the canvas; at most.", low=4, high=60_000
    )
    encoding: str = option("shoulder", "The picture that the model sees of the plate.", choices=ENCODINGS)
    exposure_stops: float = option(
        math.nan, "Exposure of that picture in stops; auto measures the shot.", low=-20, high=20
    )
    view_display: str = option("", "With the encoding view: display of the OCIO configuration.")
    view: str = option("", "With the encoding view: view of that display.")
    colour_space: str = option("", "The plate's working space where it is not the job's.")
    detail: float = option(
        math.nan,
        "The plate's own detail on the model's answer, 0 to 1; 0 is off, auto takes 1 where the canvas is "
        "smaller than the region.",
        low=0,
        high=1,
    )
    device: str = option("auto", "auto, cpu, cuda, cuda:1 or mps.")
    precision: str = option(
        "auto", "What the model computes in.", choices=("auto", "float32", "float16", "bfloat16")
    )
    memory: str = option(
        "auto",
        "What stays on the device; see the table of memory modes.",
        choices=("auto", "full", "model", "group", "fp8"),
    )
    vae_tiles: int = option(
        0,
        "Parts of each side in encoding and decoding; 0 takes 1, and more where memory is short.",
        low=0,
        high=8,
    )
    speed: str = option("exact", "fast and draft save steps by a cache.", choices=("exact", "fast", "draft"))
    step_cache: str = option(
        "auto", "How fast and draft save steps.", choices=("auto", "first-block", "taylor", "mag")
    )
    compile: bool = option(False, "Compile the denoiser: minutes before the first step, faster steps.")
    preview_every: int = option(5, "Steps between previews; 0 for none.", low=0, high=1000)
    checkpoint_every: int = option(
        5, "Steps between checkpoints of the latents; 0 for none.", low=0, high=1000
    )

    @property
    def window(self) -> int:
        """The length of a temporal window in latent frames: even, or 1."""
        return published_window(self.window_frames)

    @property
    def overlap(self) -> int:
        """The number of latent frames that neighbouring windows share."""
        return self.overlap_frames // TEMPORAL_COMPRESSION

    @property
    def as_published(self) -> bool:
        """Whether windows, overlaps and lengths may be whatever the published program takes."""
        return self.mode == "published"


_PUBLISHED: Mapping[str, Any] = {
    "mode": "published",
    "full_last_window": False,
    "crossing_ramps": "later",
    "longest": PUBLISHED_LONGEST,
    "exact_transitions": False,
    "mask_sampling": "area",
    "fit": "squash",
    "pass2_mask": "binary",
    "warped_noise": "bilinear",
    "half_latents": True,
    "eight_bit": True,
    "shared_noise": True,
    "encoding": "srgb",
    "exposure_stops": 0.0,
    "detail": 0.0,
}


OPTIONS: tuple[EngineOption, ...] = options_of(VoidSettings)
"""The options of a job, as :class:`VoidSettings` declares them."""


def read_settings(options: Mapping[str, Scalar]) -> VoidSettings:
    """Read the settings from a job's options. ``mode: published`` changes the defaults of the others.

    Raises:
        SettingError: for an unknown name, or a value of the wrong type or out of range.
    """
    for name in options:
        if name in _NOT_A_JOBS:
            raise SettingError(f"engine option {name!r} cannot be set by a job: {_NOT_A_JOBS[name]}")
    given: dict[str, Any] = check_values("void", OPTIONS, options)
    settings = VoidSettings(**_PUBLISHED) if given.get("mode") == "published" else VoidSettings()
    settings = replace(settings, **given)
    _check(settings)
    return settings


def _check(settings: VoidSettings) -> None:
    if not settings.as_published:
        _check_lengths(settings)
    if (settings.view or settings.view_display) and settings.encoding != "view":
        raise SettingError(
            f"engine options view and view_display need encoding 'view', which is {settings.encoding!r}"
        )
    if settings.step_cache != "auto" and settings.speed == "exact":
        raise SettingError(
            f"engine option step_cache is {settings.step_cache!r}, and speed 'exact' uses none; set speed to "
            "'fast' or 'draft'"
        )


def _check_lengths(settings: VoidSettings) -> None:
    """Check what the published mode need not keep: even numbers of latents, as the model was trained."""
    if settings.window_frames % _STEP != 5:
        raise SettingError(
            f"engine option window_frames is {settings.window_frames}; it must be 5, 13, 21, ... 85, ..."
        )
    if settings.overlap_frames % _STEP or not 0 <= settings.overlap < settings.window:
        raise SettingError(
            f"engine option overlap_frames is {settings.overlap_frames}; it must be a multiple of {_STEP} "
            f"below the window of {settings.window_frames}"
        )
    if settings.longest and settings.longest < settings.window_frames:
        raise SettingError(
            f"engine option longest is {settings.longest}; it must be 0 or at least the window of "
            f"{settings.window_frames}"
        )
