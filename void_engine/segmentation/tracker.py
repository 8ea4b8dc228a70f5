"""Follows objects through a shot with SAM 2.1 (Ravi et al. 2024) or the tracker of SAM 3, in the classes of
transformers.

Each object has an inference session of its own, so that its matte does not depend on which other objects are
asked for. All sessions look at the same frame at a time and share what the image encoder saw in it. An object
is followed forwards from its first prompt to the end, then backwards from there to the beginning; further
prompts refine it wherever they are. Memory does not grow with the shot: frames are read on demand, and what
the model will not look at again is dropped.
"""

from __future__ import annotations

import json
import sys
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from void_engine.arrays import BoolArray, Float32Array, Uint8Array
from void_engine.engines.interface import Monitor
from void_engine.segmentation.errors import SegmentationError
from void_engine.segmentation.pictures import IMAGENET_MEAN, IMAGENET_STD, model_pixels
from void_engine.segmentation.subjects import Subject

Pictures = Callable[[int], Uint8Array]
"""Gives the picture (H, W, 3) of a frame, counted from 0, as display bytes."""
_HIDDEN = 0.02
"""Probabilities below this are 0 in a matte, and above 1 minus this they are 1."""
_BOX_CORNERS = (2, 3)
"""The labels of a box's corners among the points."""


@dataclass(frozen=True, slots=True)
class PackedLogits:
    """The logits of a mask as the model gives them, at its small size."""

    shape: tuple[int, int]
    data: bytes

    @classmethod
    def of(cls, logits: Float32Array) -> PackedLogits:
        rows, columns = logits.shape
        return cls((rows, columns), zlib.compress(logits.astype(np.float16).tobytes(), 1))

    def logits(self) -> Float32Array:
        found = np.frombuffer(zlib.decompress(self.data), np.float16).reshape(self.shape)
        return found.astype(np.float32)


@dataclass(frozen=True, slots=True)
class _Family:
    """The classes of a family of models, and how it is shown pictures."""

    model: str
    session: str
    mean: tuple[float, float, float]
    std: tuple[float, float, float]


_SAM2 = _Family("Sam2VideoModel", "Sam2VideoInferenceSession", IMAGENET_MEAN, IMAGENET_STD)
_SAM3 = _Family("Sam3TrackerVideoModel", "Sam3TrackerVideoInferenceSession", (0.5, 0.5, 0.5), (0.5, 0.5, 0.5))


class _FramesOnDemand:
    """The frames of a session, each made when the model asks for it."""

    def __init__(self, pictures: Pictures, count: int, size: int, family: _Family) -> None:
        self._pictures = pictures
        self._count = count
        self._size = size
        self._family = family

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, index: int) -> torch.Tensor:
        return model_pixels(self._pictures(index), self._size, self._family.mean, self._family.std)


class VideoTracker:
    """A loaded video model of SAM."""

    def __init__(self, model: Any, device: torch.device) -> None:
        self._model = model
        self._family = _SAM3 if type(model).__name__ == _SAM3.model else _SAM2
        self._device = device
        config = model.config
        self._size = int(config.image_size)
        self._reach = max(int(config.num_maskmem), int(config.max_object_pointers_in_encoder)) + 1
        """How many frames back the model looks."""

    @classmethod
    def load(cls, folder: Path, device: torch.device) -> VideoTracker:
        """Load a model folder; of a whole SAM 3 its tracker. Nothing is fetched, and no code of it is run."""
        import transformers

        kind = str(json.loads((folder / "config.json").read_text("utf-8"))["model_type"])
        family = _SAM3 if kind.startswith("sam3") else _SAM2
        model: Any = getattr(transformers, family.model).from_pretrained(
            folder, local_files_only=True, use_safetensors=True, dtype=torch.float32
        )
        return cls(model.eval().to(device), device)

    def follow(
        self,
        pictures: Pictures,
        count: int,
        size: tuple[int, int],
        subjects: Sequence[Subject],
        monitor: Monitor,
    ) -> list[list[PackedLogits | None]]:
        """Follow subjects through a shot.

        Args:
            pictures: the frames.
            count: how many there are.
            size: height and width of the pictures.
            subjects: whom to follow; one without any prompt is nowhere.
            monitor: is told how far it is, and may stop it.

        Returns:
            For each subject and frame the logits of its mask; None where it is nowhere.

        Raises:
            RemovalCancelled: when the monitor asked for a stop.
        """
        found: list[list[PackedLogits | None]] = [[None] * count for _ in subjects]
        sessions: dict[int, Any] = {}
        frames = _FramesOnDemand(pictures, count, self._size, self._family)
        prompts = [frame for subject in subjects for frame in subject.frames]
        total, step = len(set(prompts)) + 2 * count, 0

        def done(frame: int) -> None:
            nonlocal step
            step += 1
            monitor.progress("segment", min(step, total), total, frame)

        with torch.inference_mode():
            for index, subject in enumerate(subjects):
                if subject.frames:
                    sessions[index] = self._session(frames, size)
            shared = [session.cache for session in sessions.values()][:1]
            for session in sessions.values():
                session.cache = shared[0]
            for frame in sorted(set(prompts)):
                for index, session in sessions.items():
                    if frame in subjects[index].frames:
                        self._prompt(session, subjects[index], frame, size)
                        self._run(session, frame, reverse=False)
                done(frame)
            for direction, order in ((False, range(count)), (True, range(count - 1, -1, -1))):
                for frame in order:
                    for index, session in sessions.items():
                        start = subjects[index].frames[0]
                        if (frame > start) if direction else (frame < start):
                            continue
                        if direction and start == 0:
                            continue
                        logits = self._run(session, frame, reverse=direction)
                        found[index][frame] = PackedLogits.of(logits)
                        self._forget(session, frame, start, reverse=direction)
                    done(frame)
        monitor.progress("segment", total, total)
        return found

    def _session(self, frames: _FramesOnDemand, size: tuple[int, int]) -> Any:
        # The class of a model's sessions stands beside it.
        session: Any = getattr(sys.modules[type(self._model).__module__], self._family.session)(
            video_height=size[0],
            video_width=size[1],
            inference_device=self._device,
            inference_state_device=self._device,
            dtype=torch.float32,
        )
        session.processed_frames = frames
        session.obj_id_to_idx(1)
        return session

    def _prompt(self, session: Any, subject: Subject, frame: int, size: tuple[int, int]) -> None:
        clicks = [click for click in subject.clicks if click.frame == frame]
        boxes = [box for box in subject.bounds if box.frame == frame]
        if len(boxes) > 1:
            raise SegmentationError(f"{subject.name}: two boxes on one frame; keep one")
        session.obj_with_new_inputs = [1]
        if not clicks and not boxes:
            session.add_mask_inputs(0, frame, mask_prompt(subject.masks[frame], self._size))
            return
        places = [corner for box in boxes for corner in ((box.left, box.top), (box.right, box.bottom))]
        labels = [*_BOX_CORNERS] if boxes else []
        places += [(click.x, click.y) for click in clicks]
        labels += [int(click.inside) for click in clicks]
        scale = torch.tensor([self._size / size[1], self._size / size[0]])
        # The model counts positions from the middle of its first pixel.
        at = torch.tensor(places, dtype=torch.float32) * scale - 0.5
        session.add_point_inputs(
            0,
            frame,
            {
                "point_coords": at[None, None],
                "point_labels": torch.tensor(labels, dtype=torch.int32)[None, None],
            },
        )

    def _run(self, session: Any, frame: int, *, reverse: bool) -> Float32Array:
        output = self._model(inference_session=session, frame_idx=frame, reverse=reverse)
        return np.asarray(output.pred_masks[0, 0].float().cpu().numpy(), np.float32)

    def _forget(self, session: Any, frame: int, start: int, *, reverse: bool) -> None:
        """Drop what the model does not look at again."""
        kept = session.output_dict_per_obj[0]
        for outputs in kept.values():
            for output in outputs.values():
                output.pop("high_res_masks", None)
        tracked = kept["non_cond_frame_outputs"]
        for other in list(tracked):
            # The first frames after the start are what the way back looks at.
            is_near = abs(other - frame) <= self._reach
            if not is_near and (reverse or other - start > self._reach):
                del tracked[other]


def mask_prompt(mask: BoolArray, size: int) -> torch.Tensor:
    """A mask (H, W) as the model takes it as a prompt: (1, 1, size, size) of 0 and 1."""
    full = torch.from_numpy(np.ascontiguousarray(mask)).float()[None, None]
    small = functional.interpolate(
        full, size=(size, size), mode="bilinear", align_corners=False, antialias=True
    )
    return (small >= 0.5).float()


def soft_matte(logits: Float32Array, size: tuple[int, int]) -> Float32Array:
    """The matte (H, W) of a picture of the size ``size`` (height, width) from a mask's logits.

    Logits are enlarged linearly, as the published processors do before they cut at 0; here the probability
    stays, so that the edge is soft. What is nearly 0 or 1 is exactly that.
    """
    large = functional.interpolate(
        torch.from_numpy(np.ascontiguousarray(logits))[None, None],
        size=size,
        mode="bilinear",
        align_corners=False,
    )[0, 0]
    stretched = (torch.sigmoid(large) - _HIDDEN) / (1 - 2 * _HIDDEN)
    return np.asarray(stretched.clamp(0, 1).numpy(), np.float32)
