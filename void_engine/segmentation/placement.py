"""On which device a model runs, and that several models are never in its memory at once."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import torch
from transformers.utils import logging

from void_engine.diffusion.device import free_bytes, pick_device
from void_engine.engines.interface import Monitor
from void_engine.segmentation.errors import SegmentationError
from void_engine.segmentation.model_folders import ModelRole, weight_bytes

_Model = TypeVar("_Model")
_ROOM = 1.3
"""Memory that a loaded model needs, in the size of its weights."""
_WORK_BYTES = {"tracker": 3 << 30, "finder": 4 << 30, "reasoner": 6 << 30}
"""Memory beside the weights while a model works, in bytes."""
_held: list[str] = []


@contextmanager
def only_model(
    role: ModelRole,
    folder: Path,
    load: Callable[[Path, torch.device], _Model],
    monitor: Monitor,
    device: str = "auto",
) -> Iterator[_Model]:
    """Load a model for as long as the context lasts, and give its memory back afterwards.

    What the context gives is a weak proxy of the model: a name that still holds it after the context does not
    keep the model in memory, where the next one needs the room.

    Where the device has no room for it, it runs on the CPU, and the log says so.

    Raises:
        SegmentationError: when another model is loaded in this process, or this one cannot be loaded.
    """
    if _held:
        raise SegmentationError(f"the {_held[0]} is loaded; the {role.word} has to wait until it is done")
    monitor.check_cancelled()
    wanted = pick_device(device)
    _give_back(wanted)
    place = place_for(role, folder, wanted, monitor)
    monitor.log(f"{role.word}: {folder.name} on {place}")
    progress: Any = logging
    progress.disable_progress_bar()  # Its lines would run through those of our own progress.
    _held.append(role.word)
    model: Any = None
    try:
        try:
            model = load(folder, place)
        except (OSError, ValueError, RuntimeError, KeyError) as error:
            raise SegmentationError(f"{folder} cannot be loaded: {error}") from error
        proxy: Any = weakref.proxy(model)
        yield proxy
    finally:
        del model
        _held.clear()
        _give_back(place)


def _give_back(device: torch.device) -> None:
    """Give memory that nothing uses any more back to the device."""
    gc.collect()
    if device.type == "cuda":
        torch.cuda.empty_cache()


def place_for(role: ModelRole, folder: Path, wanted: torch.device, monitor: Monitor) -> torch.device:
    """The device for a model: the one that is wanted, or the CPU where it has no room."""
    free = free_bytes(wanted)
    needed = int(_ROOM * weight_bytes(folder)) + _WORK_BYTES[role.word]
    if free is None or free >= needed:
        return wanted
    gib = 1 << 30
    monitor.log(
        f"{folder.name} needs about {needed / gib:.1f} GiB and {wanted} has {free / gib:.1f} GiB free; "
        "it runs on the CPU, which takes longer"
    )
    return torch.device("cpu")
