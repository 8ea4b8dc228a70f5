"""The settings of the VOID engine. docs/engine.md gives the reason of each."""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from void_engine.colour.picture import ENCODINGS
from void_engine.diffusion.framing import TEMPORAL_COMPRESSION, TEMPORAL_PATCH, latent_frames
from void_engine.diffusion.model.optical_flow import FLOWS
from void_engine.errors import SettingError
from void_engine.region import TRAINED_TOKENS

# Two latents' worth of frames: what the window's and the overlap's length may change by.
_STEP = TEMPORAL_COMPRESSION * TEMPORAL_PATCH
_CHOICES: Mapping[str, tuple[str, ...]] = {
    "mode": ("default", "published"),
    "mask_sampling": ("roles", "area"),
    "fit": ("canvas", "squash"),
    "pass2_mask": ("three", "binary"),
    "warped_noise": ("carried", "bilinear"),
    "precision": ("auto", "float32", "float16", "bfloat16"),
    "memory": ("auto", "full", "model", "group", "fp8"),
    "speed": ("exact", "fast", "draft"),
    "step_cache": ("auto", "first-block", "taylor", "mag"),
    "flow": FLOWS,
    "encoding": ENCODINGS,
}
_RANGES: Mapping[str, tuple[float, float]] = {
    "passes": (1, 2),
    "steps": (0, 1000),
    "steps_pass2": (1, 1000),
    "guidance": (0, 30),
    "guidance_pass2": (0, 30),
    "longest": (0, 1_000_000),
    "max_tokens": (4, 60_000),
    "preview_every": (0, 1000),
    "checkpoint_every": (0, 1000),
    "vae_tiles": (0, 8),
    "exposure_stops": (-20, 20),
}
# What a job may not decide, with who does: it comes from others and must not point at files of this machine.
_NOT_A_JOBS: Mapping[str, str] = {
    "models": "the machine that runs the job names its model folder: `void run --models DIR`, "
    "`void serve --models DIR` or VOID_MODELS",
    "checkpoint": "checkpoints are kept below VOID_CACHE of the machine that runs the job",
}


@dataclass(frozen=True, slots=True)
class VoidSettings:
    """All settings, with the defaults of the mode ``default``."""

    mode: str = "default"
    passes: int = 1
    """1, or 2 to refine the result with warped noise."""
    steps: int = 0
    """Denoising steps of pass 1; 0 takes 30, at a proxy scale fewer."""
    steps_pass2: int = 50
    guidance: float = 1.0
    """Guidance of pass 1; at or below 1 there is no negative branch."""
    guidance_pass2: float = 6.0
    window_frames: int = 85
    overlap_frames: int = 16
    full_last_window: bool = True
    longest: int = 0
    """Frames beyond are not touched; 0 for no limit."""
    exact_transitions: bool = True
    mask_sampling: str = "roles"
    fit: str = "canvas"
    pass2_mask: str = "three"
    warped_noise: str = "carried"
    flow: str = "auto"
    """Optical flow for warped noise: RAFT where the model folder has it, else OpenCV's DIS."""
    half_latents: bool = False
    eight_bit: bool = False
    shared_noise: bool = False
    blank_removed: bool = False
    condition_noise: bool = True
    max_tokens: int = TRAINED_TOKENS
    encoding: str = "shoulder"
    exposure_stops: float = math.nan
    """Not a number: measured on the shot."""
    view_display: str = ""
    """With the encoding ``view``: display and view of the OCIO configuration; "" for its defaults."""
    view: str = ""
    colour_space: str = ""
    device: str = "auto"
    precision: str = "auto"
    memory: str = "auto"
    vae_tiles: int = 0
    """Parts of each side in encoding and decoding; 0 takes 1, and more where memory is short."""
    speed: str = "exact"
    step_cache: str = "auto"
    """How ``fast`` and ``draft`` save steps."""
    compile: bool = False
    preview_every: int = 5
    """Steps between previews; 0 for none."""
    checkpoint_every: int = 5
    """Steps between checkpoints of the latents; 0 for none."""

    @property
    def window(self) -> int:
        """Latents of a temporal window."""
        return latent_frames(self.window_frames)

    @property
    def overlap(self) -> int:
        """Latents that neighbouring windows share."""
        return self.overlap_frames // TEMPORAL_COMPRESSION


_PUBLISHED: Mapping[str, Any] = {
    "mode": "published",
    "full_last_window": False,
    "longest": 197,
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
}


def read_settings(options: Mapping[str, str | int | float | bool]) -> VoidSettings:
    """Settings from a job's options. ``mode: published`` changes the defaults of the others first.

    Raises:
        SettingError: for a name that is not known, or a value of the wrong kind or out of range.
    """
    known = {field.name: field for field in fields(VoidSettings)}
    for name in options:
        if name in _NOT_A_JOBS:
            raise SettingError(f"engine option {name!r} cannot be set by a job: {_NOT_A_JOBS[name]}")
        if name not in known:
            near = difflib.get_close_matches(name, known, 1)
            hint = f"; did you mean {near[0]!r}?" if near else f"; there are {', '.join(known)}"
            raise SettingError(f"engine option {name!r} is not known to 'void'{hint}")
    settings = VoidSettings(**_PUBLISHED) if options.get("mode") == "published" else VoidSettings()
    given = {name: _value(name, getattr(settings, name), value) for name, value in options.items()}
    settings = replace(settings, **given)
    _check(settings)
    return settings


def _value(name: str, default: Any, value: Any) -> Any:
    """``value`` as the type of ``default``; text is understood too, since command lines give it."""
    wanted = type(default)
    try:
        if wanted is bool and isinstance(value, str):
            return {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}[
                value.lower()
            ]
        if wanted is bool and not isinstance(value, bool):
            raise ValueError
        if wanted is float and value == "auto":
            return math.nan
        if wanted is int and (isinstance(value, bool) or float(value) != int(value)):
            raise ValueError
        return wanted(value)
    except (KeyError, TypeError, ValueError):
        raise SettingError(f"engine option {name} is {value!r}; it takes a {wanted.__name__}") from None


def _check(settings: VoidSettings) -> None:
    for name, choices in _CHOICES.items():
        value = getattr(settings, name)
        if value not in choices:
            raise SettingError(f"engine option {name} is {value!r}; choose one of {', '.join(choices)}")
    for name, (low, high) in _RANGES.items():
        value = getattr(settings, name)
        if not (math.isnan(value) or low <= value <= high):
            raise SettingError(f"engine option {name} is {value}; it must be in {low:g}..{high:g}")
    if settings.window_frames < 5 or settings.window_frames % _STEP != 5:
        raise SettingError(
            f"engine option window_frames is {settings.window_frames}; it must be 5, 13, 21, ... 85, ..."
        )
    if settings.overlap_frames % _STEP or not 0 <= settings.overlap < settings.window:
        raise SettingError(
            f"engine option overlap_frames is {settings.overlap_frames}; it must be a multiple of {_STEP} "
            f"below the window of {settings.window_frames}"
        )
    if (settings.view or settings.view_display) and settings.encoding != "view":
        raise SettingError(
            f"engine options view and view_display need encoding 'view', which is {settings.encoding!r}"
        )
    if settings.step_cache != "auto" and settings.speed == "exact":
        raise SettingError(
            f"engine option step_cache is {settings.step_cache!r}, and speed 'exact' uses none; set speed to "
            "'fast' or 'draft'"
        )
    if settings.longest and settings.longest < settings.window_frames:
        raise SettingError(
            f"engine option longest is {settings.longest}; it must be 0 or at least the window of "
            f"{settings.window_frames}"
        )
