"""A model folder of random weights, a small shot and a monitor for the tests of this folder."""

from __future__ import annotations

from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from void_engine.arrays import Float32Array
from void_engine.engines.interface import ShotFrame
from void_engine.errors import RemovalCancelled
from void_engine.quadmask import build_quadmask


@pytest.fixture(scope="module", autouse=True)
def quick_collection(only_new_garbage_is_collected: None) -> None:
    """All tests of this folder collect no garbage of other ones."""


class SmallShot:
    """A textured, panning, HDR picture with a matte that moves over it."""

    pixel_aspect = 1.0

    def __init__(self, frames: int = 9, height: int = 32, width: int = 48, first: int = 1001) -> None:
        self.frame_numbers = range(first, first + frames)
        self.height, self.width = height, width
        draw = np.random.default_rng(7)
        y, x = np.mgrid[:height, :width]
        wave = np.sin(x / 5.0) * np.cos(y / 4.0)
        base = 0.2 + 0.15 * wave[..., None] + 0.03 * draw.normal(size=(height, width, 3))
        base[2:5, 3:7] = 12.0
        base[8:10, 8:10] = -0.2
        self.base = base.astype(np.float32)
        self.asked: list[int] = []

    def mattes(self, index: int) -> tuple[Float32Array, Float32Array]:
        remove = np.zeros((self.height, self.width), np.float32)
        remove[self.height // 3 : 2 * self.height // 3, 14 + index % 8 : 26 + index % 8] = 1
        affected = np.zeros_like(remove)
        affected[2 * self.height // 3 : 2 * self.height // 3 + 4, 14 + index % 8 : 26 + index % 8] = 1
        return remove, affected

    def plate(self, index: int) -> Float32Array:
        return np.roll(self.base, index, axis=1)

    def frame(self, number: int) -> ShotFrame:
        if number not in self.frame_numbers:
            raise KeyError(number)
        self.asked.append(number)
        index = number - self.frame_numbers[0]
        remove, affected = self.mattes(index)
        quadmask = build_quadmask(remove, affected, is_first_frame=index == 0)
        return ShotFrame(number, self.plate(index), remove, affected, np.maximum(remove, affected), quadmask)

    def anchor(self, number: int) -> Float32Array | None:
        return None


@dataclass
class Recorder:
    """A monitor that records all reports, and that can ask for a stop."""

    stages: list[str] = field(default_factory=list)
    steps: list[tuple[str, int, int]] = field(default_factory=list)
    frames: dict[str, list[int]] = field(default_factory=dict)
    lines: list[str] = field(default_factory=list)
    previews: list[tuple[int, Any]] = field(default_factory=list)
    checks: int = 0
    stop_in: str | None = None
    stop_after_checks: int = 0

    def progress(self, stage: str, step: int, steps: int, frame: int | None = None) -> None:
        if not self.stages or self.stages[-1] != stage:
            self.stages.append(stage)
        self.steps.append((stage, step, steps))
        if frame is not None:
            self.frames.setdefault(stage, []).append(frame)

    def preview(self, frame: int, picture: Float32Array) -> None:
        self.previews.append((frame, picture))

    def log(self, message: str) -> None:
        self.lines.append(message)

    def check_cancelled(self) -> None:
        if self.stop_in is not None and self.stages and self.stages[-1] == self.stop_in:
            self.checks += 1
            if self.checks > self.stop_after_checks:
                raise RemovalCancelled


@pytest.fixture
def shot() -> SmallShot:
    return SmallShot()


@pytest.fixture
def make_shot() -> type[SmallShot]:
    return SmallShot


@pytest.fixture
def monitor() -> Recorder:
    return Recorder()


@pytest.fixture
def make_monitor() -> type[Recorder]:
    return Recorder


@pytest.fixture(scope="session")
def tiny_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model folder of random weights, which tests share and must not write to."""
    from void_engine.diffusion.model.tiny import make_tiny

    return make_tiny(tmp_path_factory.mktemp("models") / "tiny").root


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> None:
    """Use one thread, because tiny models on several threads mostly wait for each other."""
    if find_spec("torch") is not None:
        import torch

        torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def own_caches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VOID_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("VOID_MODELS", raising=False)
    monkeypatch.delenv("OCIO", raising=False)
