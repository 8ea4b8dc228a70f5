"""Fuzzes the reading of EXR files. ``python -m tests.fuzz.exr``"""

from __future__ import annotations

import os
import tempfile
from functools import cache
from pathlib import Path

import numpy as np
import OpenImageIO as oiio  # noqa: N813

from tests.fuzz.driver import explained, main
from void_engine.errors import PlateError
from void_engine.geometry import Box
from void_engine.plates.exr.file import COMPRESSIONS, read_frame, read_header, write_frame
from void_engine.plates.frame.frame import Frame
from void_engine.plates.frame.picture import resolve_picture
from void_engine.plates.storage.policy import Policy, set_policy

_PIXELS = 1 << 22
_BYTES = 1 << 26


@cache
def _folder() -> Path:
    memory = Path("/dev/shm")
    return Path(tempfile.mkdtemp(prefix="void-fuzz-", dir=memory if memory.is_dir() else None))


def seeds() -> list[bytes]:
    """A small file of every compression, with windows of all kinds; tiles; several parts."""
    chance = np.random.default_rng(1)
    files = []
    for compression in COMPRESSIONS:
        pixels = chance.normal(0.2, 0.3, (11, 13, 4)).astype(np.float16)
        frame = Frame.from_pixels(
            1, "RGBA", pixels, display_size=(16, 12), data_window=Box(2, -1, 15, 10), compression=compression
        )
        write_frame(frame, _folder() / "seed.exr", compression, overwrite=True)
        files.append((_folder() / "seed.exr").read_bytes())
    files += [_tiled(), _two_parts(), _two_eyes()]
    return files


def _tiled() -> bytes:
    spec = oiio.ImageSpec(40, 24, 3, "half")
    spec.tile_width = spec.tile_height = 16
    return _written(_folder() / "tiled.exr", [spec])


def _two_parts() -> bytes:
    specs = [oiio.ImageSpec(9, 7, 3, "half"), oiio.ImageSpec(9, 7, 1, "float")]
    specs[1].channelnames = ("Z",)
    for index, spec in enumerate(specs):
        spec.attribute("oiio:subimagename", f"part{index}")
    return _written(_folder() / "parts.exr", specs)


def _two_eyes() -> bytes:
    specs = [
        oiio.ImageSpec(9, 7, 3, "half"),
        oiio.ImageSpec(9, 7, 3, "half"),
        oiio.ImageSpec(9, 7, 1, "half"),
    ]
    specs[2].channelnames = ("Z",)
    for spec, name in zip(specs, ("rgba_left", "rgba_right", "depth_right"), strict=True):
        spec.attribute("oiio:subimagename", name)
        spec.attribute("view", name.rpartition("_")[2])
    return _written(_folder() / "eyes.exr", specs)


def _written(path: Path, specs: list[oiio.ImageSpec]) -> bytes:
    output = oiio.ImageOutput.create("openexr")
    opened = output.open(str(path), tuple(specs)) if len(specs) > 1 else output.open(str(path), specs[0])
    assert opened, output.geterror()
    for index, spec in enumerate(specs):
        if index:
            assert output.open(str(path), spec, "AppendSubimage"), output.geterror()
        kind = np.float32 if str(spec.format) == "float" else np.float16
        assert output.write_image(np.ones((spec.height, spec.width, spec.nchannels), kind))
    output.close()
    return path.read_bytes()


def target(data: bytes) -> None:
    """Any file gives a frame of the size that its header says, or a PlateError that names it."""
    path = _folder() / f"case-{os.getpid()}.exr"
    path.write_bytes(data)
    try:
        header = read_header(path, 7)
    except PlateError as error:
        explained(error, "frame 7")
        header = None
    try:
        frame = read_frame(path, 7)
    except PlateError as error:
        explained(error, "frame 7")
        return
    assert header is not None
    assert frame.header.channel_names == header.channel_names
    assert frame.data_window == header.data_window
    for block in frame.blocks:
        assert block.pixels.shape[:2] == frame.data_window.shape
    assert frame.size_bytes <= _BYTES
    assert isinstance(frame.metadata, dict)
    for view in ("main", "right"):
        try:
            picture = resolve_picture(header, view)
        except PlateError as error:
            explained(error, "frame 7")
        else:
            assert set(picture.rgb) <= set(frame.channel_names)
    _written_back(frame)


def _written_back(frame: Frame) -> None:
    """A frame that could be read is written back with its channels, or it is said why not."""
    path = _folder() / f"back-{os.getpid()}.exr"
    try:
        write_frame(frame, path, overwrite=True)
    except PlateError as error:
        explained(error, "frame 7")
    else:
        assert set(read_header(path, 7).channel_names) == set(frame.channel_names)


def restrict() -> None:
    """Limits that keep single runs short."""
    set_policy(Policy(frame_pixels=_PIXELS, frame_bytes=_BYTES))


if __name__ == "__main__":
    restrict()
    main(target, seeds(), "exr")
