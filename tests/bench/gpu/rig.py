"""What every measurement needs: the device, the size of the models, the clock, and the form of a result."""

from __future__ import annotations

import gc
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from tests.bench.engine import Shot
from tests.bench.gpu.random_models import configs_of
from void_engine.diffusion.engine import VoidEngine
from void_engine.diffusion.framing import latent_frames
from void_engine.diffusion.memory_plan import ModelNeeds, measure_needs
from void_engine.diffusion.model.folder import ModelFolder
from void_engine.diffusion.model.live_memory import peak_bytes
from void_engine.diffusion.model.tiny import ModelSize
from void_engine.engines.interface import EngineRequest
from void_engine.propagation.in_memory import SilentMonitor

GIB, MIB = 2**30, 2**20
PROMPT = "A lime falls on the table."


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table."""

    what: str
    figure: str
    aim: str = ""
    ok: bool | None = None
    """Whether the aim is met; None where there is none, or where this device cannot tell."""


@dataclass(frozen=True, slots=True)
class Scale:
    """How large everything is: the real model on a GPU, or the tiny one."""

    size: ModelSize
    canvas: tuple[int, int]
    """Height and width in pixels."""
    window: int
    """Frames of a temporal window."""
    overlap: int
    steps: int
    """Denoising steps where several are compared."""
    lengths: tuple[int, ...]
    """Lengths of shots over which memory must be flat."""
    removals: int
    """How many removals are made in a row."""
    times: int
    """How often a short piece of work is measured."""


class Recorder(SilentMonitor):
    """A monitor that keeps the log and shows nothing."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def log(self, message: str) -> None:
        self.lines.append(message)


@dataclass(frozen=True, slots=True)
class Rig:
    """The device, the models and the room of one run of the bench."""

    device: torch.device
    scale: Scale
    folder: ModelFolder
    """A model folder whose configurations are of the scale's size."""
    tiny: ModelFolder
    """A model folder of the tiny model, for what many runs are needed for."""
    work: Path
    """An empty folder for whatever is written."""

    @property
    def on_gpu(self) -> bool:
        return self.device.type == "cuda"

    @property
    def dtype(self) -> torch.dtype:
        """The type of the speed measurements: bfloat16, on a CPU float32."""
        return torch.bfloat16 if self.on_gpu else torch.float32

    @property
    def latents(self) -> int:
        """The latent frames of a window."""
        return latent_frames(self.scale.window)

    def needs(self, dtype: torch.dtype | None = None, frames: int | None = None) -> ModelNeeds:
        """What the planner says that a run of one window needs."""
        return measure_needs(
            self.folder, self.scale.canvas, frames or self.scale.window, self.latents, dtype or self.dtype
        )

    def synchronise(self) -> None:
        if self.on_gpu:
            torch.cuda.synchronize(self.device)

    def seconds(self, work: Callable[[], Any], times: int | None = None) -> float:
        """The shortest time of a piece of work, after a first run that does not count."""
        taken = []
        with torch.inference_mode():
            for _ in range(1 + (times or self.scale.times)):
                self.synchronise()
                begun = time.perf_counter()
                work()
                self.synchronise()
                taken.append(time.perf_counter() - begun)
        return min(taken[1:])

    def clear(self) -> None:
        gc.collect()
        if self.on_gpu:
            torch.cuda.empty_cache()

    def peak(self, work: Callable[[], Any]) -> int:
        """The most bytes of the device at one time; on a CPU those of live tensors made by the work."""
        if not self.on_gpu:
            return peak_bytes(work)
        self.clear()
        torch.cuda.reset_peak_memory_stats(self.device)
        work()
        self.synchronise()
        return torch.cuda.max_memory_reserved(self.device)

    def inputs(self, dtype: torch.dtype, seed: int = 1) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Random latents, condition and text of one window, on the device."""
        draw = torch.Generator().manual_seed(seed)
        rows, columns = (side // 8 for side in self.scale.canvas)
        text = configs_of(self.scale.size)["transformer"]
        shapes = (
            (1, self.latents, 16, rows, columns),
            (1, self.latents, 32, rows, columns),
            (1, text["max_text_seq_length"], text["text_embed_dim"]),
        )
        latents, condition, words = (
            torch.randn(shape, generator=draw).to(self.device, dtype) for shape in shapes
        )
        return latents, condition, words

    def removal(
        self, engine: VoidEngine, frames: int, canvas: tuple[int, int] | None = None, **options: Any
    ) -> Recorder:
        """Make one removal, throw its frames away, and give back what the engine logged."""
        height, width = canvas or self.scale.canvas
        request = EngineRequest(
            prompt=PROMPT,
            options={
                "device": str(self.device),
                "checkpoint_every": 0,
                "preview_every": 0,
                "steps": 1,
                "max_tokens": (height // 16) * (width // 16),
                "window_frames": self.scale.window,
                "overlap_frames": self.scale.overlap,
                **options,
            },
        )
        monitor = Recorder()
        for _ in engine.remove(Shot(frames, height, width), request, monitor):
            pass
        return monitor


Section = Callable[[Rig], Iterator[Row]]
"""One part of the table."""


def resident_bytes() -> int | None:
    """The memory of this process; None where the system does not tell it."""
    if not sys.platform.startswith("linux"):
        return None
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * 4096


def gib(count: float) -> str:
    """A number of bytes as people read it."""
    return f"{count / GIB:.2f} GiB" if count >= GIB / 10 else f"{count / MIB:.2f} MiB"


def clock(seconds: float) -> str:
    """A time as people read it."""
    return f"{seconds:.2f} s" if seconds >= 1 else f"{1000 * seconds:.1f} ms"
