from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import OpenImageIO as oiio  # noqa: N813
import pytest
from numpy.typing import NDArray

from void_engine.geometry import Box
from void_engine.plates.exr.file import write_frame
from void_engine.plates.frame.frame import Frame

WriteFile = Callable[..., Path]


@pytest.fixture
def all_half_patterns() -> NDArray[np.float16]:
    """An array (128, 128, 4) that holds each of the 65,536 half values once, NaN and infinities included."""
    return np.arange(65536, dtype=np.uint16).reshape(128, 128, 4).view(np.float16)


@pytest.fixture
def write_with_library(tmp_path: Path) -> WriteFile:
    """Write an EXR of one data type with OpenImageIO alone, not with the code under test."""

    def write(
        name: str,
        pixels: NDArray[Any],
        channels: Sequence[str],
        *,
        data: Box | None = None,
        display: Box | None = None,
        tile: int = 0,
        **attributes: object,
    ) -> Path:
        height, width, count = pixels.shape
        spec = oiio.ImageSpec(width, height, count, str(oiio.TypeDesc(_type_name(pixels))))
        spec.channelnames = tuple(channels)
        if data is not None:
            spec.x, spec.y = data.x0, data.y0
        if display is not None:
            spec.full_x, spec.full_y = display.x0, display.y0
            spec.full_width, spec.full_height = display.width, display.height
        spec.tile_width = spec.tile_height = tile
        for key, value in attributes.items():
            spec.attribute(key, value)
        path = tmp_path / name
        target = oiio.ImageOutput.create("openexr")
        assert target.open(str(path), spec), target.geterror()
        assert target.write_image(np.ascontiguousarray(pixels)), target.geterror()
        target.close()
        return path

    return write


def _type_name(pixels: NDArray[Any]) -> str:
    return {"float16": "half", "float32": "float", "uint32": "uint"}[pixels.dtype.name]


def wait_until(reached: Callable[[], bool]) -> None:
    """Wait until ``reached`` returns true; fail after ten seconds."""
    deadline = time.monotonic() + 10
    while not reached():
        assert time.monotonic() < deadline, "never came"
        time.sleep(0.002)


def value_of(frame: Frame) -> float:
    """The value that a plate of :func:`write_plate` is filled with."""
    return float(frame.native("R")[0, 0])


@pytest.fixture
def write_plate(tmp_path: Path) -> Callable[..., list[Path]]:
    """Write small plates ``plate.%04d.exr``; frame n is filled with the value n."""

    def write(
        first: int, last: int, *, skip: Sequence[int] = (), size: tuple[int, int] = (8, 4)
    ) -> list[Path]:
        paths = []
        for number in range(first, last + 1):
            if number not in skip:
                pixels = np.full((size[1], size[0], 3), number, np.float16)
                paths.append(tmp_path / f"plate.{number:04d}.exr")
                write_frame(Frame.from_pixels(number, "RGB", pixels), paths[-1])
        return paths

    return write
