"""Turns a shot into the model's clip: on its canvas, in its encoding, padded to its length, on demand."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - its name everywhere

from void_engine.arrays import BoolArray, Float32Array, Uint8Array
from void_engine.colour.exposure import LightMeter, ShotLight
from void_engine.colour.picture import ModelPicture
from void_engine.colour.primaries import Primaries
from void_engine.diffusion.clip.anchored_shot import AnchoredShot
from void_engine.diffusion.framing import latent_frames, padding_indices, pixel_frames, published_longest
from void_engine.diffusion.noise.seeded import condition_noise
from void_engine.diffusion.settings import VoidSettings
from void_engine.engines.interface import Monitor, ShotFrame, ShotSource
from void_engine.errors import MatteError, PlateError, SettingError
from void_engine.quadmask import (
    KEEP,
    OVERLAP,
    REMOVE,
    REMOVED_ABOVE,
    quadmask_from_roles,
    removal_mask,
    roles_from_levels,
)
from void_engine.region import TRAINED_SIZE, plan_canvas
from void_engine.resampling import Resampler

FEWEST_FRAMES = 5
"""The least number of frames of a shot that the model can work on."""
_FRAMES_KEPT = 4


@dataclass(frozen=True, slots=True)
class CanvasFrame:
    """One frame on the model's canvas: its picture and its removal mask."""

    code: Float32Array
    """(H, W, 3) display-referred in 0..1."""
    removal: Float32Array
    """(H, W): 1 remove, 192/255 overlap, 128/255 affected, 0 keep."""


@dataclass(frozen=True, slots=True)
class ShotSurvey:
    """The findings of one look at every frame of a shot."""

    light: ShotLight
    is_clean: bool = False
    """Whether nothing is left to do, because the artist has cleaned every frame that has a matte."""


def survey(
    shot: ShotSource, primaries: Primaries, monitor: Monitor, *, fewest: int = FEWEST_FRAMES
) -> ShotSurvey:
    """Look at every frame once, to find out whether there is something to remove and how bright the shot is.

    Args:
        shot: the shot.
        primaries: turns the plate's working space into the model's.
        monitor: receives progress.
        fewest: the least number of frames; the published program takes one.

    Raises:
        SettingError: when the shot is too short.
        MatteError: when no frame has a matte, or a frame consists of nothing but matte.
        PlateError: when a plate holds infinities or NaN.
    """
    numbers = shot.frame_numbers
    if len(numbers) < fewest:
        raise SettingError(
            f"the shot has {len(numbers)} frames and the model needs {fewest} to tell motion; give "
            "the job handles, or choose the engine 'propagation'"
        )
    meter = LightMeter()
    anything = anything_kept = answered = False
    for step, number in enumerate(numbers):
        monitor.progress("survey", step, len(numbers), number)
        frame = shot.frame(number)
        if not np.isfinite(frame.plate).all():
            what = "plate" if shot.anchor(number) is None else "anchor"
            raise PlateError(f"frame {number}: the {what} holds NaN or infinity; repair it first")
        stays = frame.quadmask == KEEP
        anything = anything or bool((frame.quadmask != KEEP).any())
        answered = answered or (shot.anchor(number) is not None and bool(frame.replaced.any()))
        anything_kept = anything_kept or bool(
            ((frame.quadmask != REMOVE) & (frame.quadmask != OVERLAP)).any()
        )
        meter.add(primaries.to_model(frame.plate), stays)
    if not anything and not answered:
        raise MatteError("no frame has a matte; draw what is to be removed")
    if not anything_kept:
        raise MatteError(
            "every pixel of every frame is to be removed, which leaves nothing to go by; "
            "check that the matte is not inverted"
        )
    return ShotSurvey(meter.light(), is_clean=not anything)


def plan_size(shot: ShotSource, settings: VoidSettings, proxy_scale: float) -> tuple[int, int]:
    """Choose height and width of the model's canvas for a shot."""
    if settings.fit == "squash":
        return TRAINED_SIZE
    tokens = max(4, round(settings.max_tokens * min(1.0, proxy_scale) ** 2))
    return plan_canvas(shot.width, shot.height, shot.pixel_aspect, tokens)


class ShotClip:
    """A shot on the model's canvas. Frames are made on demand, and the last few are kept."""

    def __init__(
        self,
        shot: AnchoredShot,
        picture: ModelPicture,
        canvas: tuple[int, int],
        settings: VoidSettings,
        seed: int,
    ) -> None:
        longest = settings.longest or None
        if longest is not None and settings.as_published:
            longest = published_longest(longest)
        self.shot, self.picture, self.canvas = shot, picture, canvas
        self._settings, self._seed = settings, seed
        seen = len(shot.frame_numbers) if longest is None else min(len(shot.frame_numbers), longest)
        # Only the published program ends a clip at its limit; the model wants an even number of latents.
        self.order = padding_indices(seen, settings.window_frames, longest if settings.as_published else None)
        self.covered = min(seen, pixel_frames(latent_frames(len(self.order))))
        """How many frames of the shot the model answers; after the last of its latents there is no answer."""
        self.resampler = Resampler((shot.height, shot.width), canvas)
        self._kept: OrderedDict[int, CanvasFrame] = OrderedDict()

    @property
    def frames(self) -> int:
        """The number of frames after padding."""
        return len(self.order)

    def first_frame(self, latent: int) -> int:
        """The number of the shot's frame with which latent frame ``latent`` begins."""
        return self.shot.frame_numbers[self.order[pixel_frames(latent) if latent else 0]]

    def last_index(self, latent: int) -> int:
        """The index, from 0, of the shot's frame with which latent frame ``latent`` ends."""
        return self.order[pixel_frames(latent + 1) - 1]

    def canvas_frame(self, index: int) -> CanvasFrame:
        """Frame ``index`` of the shot, counted from 0."""
        if index in self._kept:
            self._kept.move_to_end(index)
            return self._kept[index]
        made = self._make(self.shot.frame(self.shot.frame_numbers[index]))
        self._kept[index] = made
        if len(self._kept) > _FRAMES_KEPT:
            self._kept.popitem(last=False)
        return made

    def video(self, start: int, stop: int) -> torch.Tensor:
        """The picture of padded frames, (1, 3, f, H, W) in 0..1."""
        frames = [self.canvas_frame(index).code for index in self.order[start:stop]]
        return torch.from_numpy(np.stack(frames)).permute(3, 0, 1, 2)[None]

    def removal(self, start: int, stop: int) -> torch.Tensor:
        """The removal mask of padded frames, (1, 1, f, H, W)."""
        frames = [self.canvas_frame(index).removal for index in self.order[start:stop]]
        return torch.from_numpy(np.stack(frames))[None, None]

    def noise(self, start: int, stop: int) -> torch.Tensor:
        """Standard normal noise for padded frames, (1, 3, f, H, W)."""
        return condition_noise(self._seed, start, stop, *self.canvas)

    def stays(self, index: int) -> BoolArray:
        """The pixels that stay, (H, W) on the canvas: False where the matte of what is removed lies."""
        kept: BoolArray = self.canvas_frame(index).removal <= REMOVED_ABOVE
        return kept

    def to_scene(self, index: int, code: Float32Array) -> Float32Array:
        """Turn the model's codes (H, W, 3) for frame ``index`` into a scene-linear picture of the shot.

        Where the plate is affected but not removed, its negative light is carried around the model.
        """
        clean = self.resampler.from_canvas(self._light(index, code))
        carried = self._carried(index)
        return np.asarray(clean if carried is None else clean + carried, np.float32)

    def on_canvas(self, index: int, code: Float32Array) -> Float32Array:
        """The picture of :meth:`to_scene`, but on the canvas, (h, w, 3)."""
        clean = self._light(index, code)
        carried = self._carried(index)
        return np.asarray(clean if carried is None else clean + self.resampler.to_canvas(carried), np.float32)

    def _light(self, index: int, code: Float32Array) -> Float32Array:
        held = self.picture.justified(code, self.canvas_frame(index).code, self.stays(index))
        return self.picture.decode(held)

    def _carried(self, index: int) -> Float32Array | None:
        frame = self.shot.frame(self.shot.frame_numbers[index])
        _, carry = self.picture.encode(frame.plate)
        return self.picture.carried(carry * (1 - frame.remove[..., None])) if carry.any() else None

    def _make(self, frame: ShotFrame) -> CanvasFrame:
        if self._settings.fit == "squash":
            code, _ = self.picture.encode(frame.plate)
            if self._settings.eight_bit:
                code = np.asarray(np.rint(code * 255) / 255, np.float32)
            code = _area(code, self.canvas)
        else:
            code, _ = self.picture.encode(self.resampler.to_canvas(frame.plate))
        return CanvasFrame(np.ascontiguousarray(code, np.float32), self._removal(frame.quadmask))

    def _removal(self, quadmask: Uint8Array) -> Float32Array:
        if self._settings.mask_sampling == "area":
            return removal_mask(_area(quadmask.astype(np.float32), self.canvas))
        # The roles are resampled one by one, since averaged levels would draw a ring of "affected" around all
        # that is removed.
        remove, affected = (self.resampler.to_canvas(role) for role in roles_from_levels(quadmask))
        return removal_mask(quadmask_from_roles(remove, affected))


def _area(picture: Float32Array, canvas: tuple[int, int]) -> Float32Array:
    """Resize (H, W[, C]) to the canvas as published VOID does, by area averaging."""
    planes = torch.from_numpy(np.ascontiguousarray(picture, np.float32))
    planes = planes.permute(2, 0, 1) if planes.ndim == 3 else planes[None]
    sized = F.interpolate(planes[None], size=canvas, mode="area")[0]
    sized = sized.permute(1, 2, 0) if picture.ndim == 3 else sized[0]
    return np.ascontiguousarray(sized.numpy(), np.float32)
