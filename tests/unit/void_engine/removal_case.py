"""A small shot on disk for tests of the removal."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tests.unit.void_engine.roto.bezier import without_feather
from void_engine.arrays import Float32Array
from void_engine.engines.interface import CleanFrame, EngineRequest, Monitor, ShotSource
from void_engine.errors import RemovalCancelled
from void_engine.geometry import Box
from void_engine.mattes import MatteFiles, ShotMattes
from void_engine.plates.exr.file import write_frame
from void_engine.plates.frame.frame import Frame
from void_engine.plates.sequence.pattern import FramePattern
from void_engine.plates.sequence.sequence import PlateSequence
from void_engine.removal_request import OutputRequest, RemovalRequest
from void_engine.roto.shapes import ShapeAtFrame
from void_engine.shares import Shares

WIDTH, HEIGHT = 96, 64
FIRST, LAST = 1001, 1004


def square(x0: float, y0: float, x1: float, y1: float, **attributes: Any) -> ShapeAtFrame:
    corners = [[x0, y0], [x1, y0], [x1, y1], [x0, y1]]
    return ShapeAtFrame("square", without_feather(corners), **attributes)


def plate_pixels(number: int, width: int = WIDTH, height: int = HEIGHT) -> NDArray[np.float16]:
    """The pixels of a frame: noise with highlights and negatives, so that any changed bit is seen."""
    random = np.random.default_rng(number)
    pixels = random.normal(0.3, 0.5, (height, width, 3))
    pixels[::7, ::5] *= 40.0
    return pixels.astype(np.float16)


def write_plate(folder: Path, *, window: Box | None = None, first: int = FIRST, last: int = LAST) -> str:
    """Write frames of WIDTH x HEIGHT, with the data window ``window`` if given, and return their pattern."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(first, last + 1):
        box = window or Box.from_size(WIDTH, HEIGHT)
        frame = Frame.from_pixels(
            number,
            ("R", "G", "B"),
            plate_pixels(number, box.width, box.height),
            display_size=(WIDTH, HEIGHT),
            data_window=box,
        )
        write_frame(frame, folder / f"plate.{number}.exr")
    return str(folder / "plate.%04d.exr")


def write_matte(folder: Path, values: Float32Array, numbers: Iterator[int] | range | None = None) -> str:
    """Write the same matte in channel A of every frame, and return the pattern."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in numbers or range(FIRST, LAST + 1):
        frame = Frame.from_pixels(number, ("A",), values[..., None].astype(np.float32))
        write_frame(frame, folder / f"matte.{number}.exr")
    return str(folder / "matte.%04d.exr")


@dataclass
class RecordingMonitor:
    """A monitor that records all reports, and stops the removal at a given frame."""

    cancel_at: int | None = None
    stages: list[tuple[str, int, int]] = field(default_factory=list)
    done: list[int] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    shares: list[Shares] = field(default_factory=list)
    previews: list[tuple[int, tuple[int, ...]]] = field(default_factory=list)

    def progress(self, stage: str, step: int, steps: int, frame: int | None = None) -> None:
        self.stages.append((stage, step, steps))
        if self.cancel_at is not None and frame == self.cancel_at:
            raise RemovalCancelled("enough")

    def preview(self, frame: int, picture: Float32Array) -> None:
        self.previews.append((frame, picture.shape))

    def log(self, message: str) -> None:
        self.lines.append(message)

    def check_cancelled(self) -> None:
        pass

    def composed(self, shares: Shares) -> None:
        self.shares.append(shares)

    def waiting(self, obstacle: str) -> None:
        self.lines.append(f"waiting: {obstacle}")

    def frame_done(self, number: int, path: Path) -> None:
        assert path.is_file()
        self.done.append(number)


@dataclass
class PaintingEngine:
    """An engine that answers with one colour everywhere, so that it shows what came through the merge."""

    colour: tuple[float, float, float] = (5.0, -0.25, 0.125)
    full: bool = False
    asked: list[int] = field(default_factory=list)
    name: str = "painting"
    region_aspect: tuple[int, int] | None = None
    record: dict[str, str | int | float] = field(default_factory=lambda: {"void/paint": "wet"})

    @property
    def wants_full_frame(self) -> bool:
        return self.full

    def remove(self, shot: ShotSource, request: EngineRequest, monitor: Monitor) -> Iterator[CleanFrame]:
        for number in shot.frame_numbers:
            if request.wants(number):
                self.asked.append(number)
                picture = np.empty((shot.height, shot.width, 3), np.float32)
                picture[:] = self.colour
                confidence = np.full((shot.height, shot.width), 0.5, np.float32)
                monitor.progress("paint", number - FIRST, 4, number)
                yield CleanFrame(number, picture, confidence)


def make_request(
    files: ExitStack,
    plate: str,
    output: Path,
    *,
    shapes: dict[str, Any] | None = None,
    mattes: list[tuple[str, str, str, bool]] | None = None,
    scale: float = 1.0,
    layers: frozenset[str] = frozenset({"matte"}),
    last: int = LAST,
    **others: Any,
) -> RemovalRequest:
    def sequence(pattern: str) -> PlateSequence:
        return files.enter_context(PlateSequence(pattern, FIRST, last, scale=scale))

    rendered = [
        MatteFiles(role, sequence(pattern), channel, inverted)  # type: ignore[arg-type]
        for role, pattern, channel, inverted in mattes or []
    ]
    others.setdefault("match_seam", False)
    others.setdefault("fingerprint", "f1")
    return RemovalRequest(
        plates=sequence(plate),
        mattes=ShotMattes(shapes or {}, rendered, scale),  # type: ignore[arg-type]
        output=OutputRequest(
            FramePattern.parse(str(output / "result.%04d.exr")), layers=layers, metadata={"void/seed": "7"}
        ),
        engine=EngineRequest(),
        job_id="job1",
        **others,
    )
