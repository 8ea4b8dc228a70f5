from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import OpenImageIO as oiio  # noqa: N813
import pytest

from void_engine.errors import OutputError
from void_engine.geometry import Box
from void_engine.plates.exr.file import read_frame
from void_engine.plates.exr.intermediate import write_intermediate
from void_engine.plates.exr.native import write_uncompressed
from void_engine.plates.frame.frame import Frame
from void_engine.plates.frame.header import FRAME_RATE_ATTRIBUTE


@pytest.mark.parametrize("name", ["Z", "x" * 31, "x" * 32, "a.layer.with.a.name.of.quite.some.length.Z"])
def test_the_library_reads_what_is_written(tmp_path: Path, name: str) -> None:
    half = np.random.default_rng(2).integers(0, 65536, (5, 7, 2), dtype=np.uint16).view(np.float16)
    frame = Frame.from_pixels(1, ("R", "G"), half, data_window=Box(-2, 3, 5, 8), display_size=(20, 10))
    depth = np.arange(35, dtype=np.float32).reshape(5, 7) / 3
    frame = frame.with_layer("", {name: depth}, dtype=np.dtype(np.float32))
    write_uncompressed(tmp_path / "a.exr", frame)

    source = oiio.ImageInput.open(str(tmp_path / "a.exr"))
    assert source is not None, oiio.geterror()
    spec = source.spec()
    assert (spec.x, spec.y, spec.width, spec.height) == (-2, 3, 7, 5)
    assert (spec.full_x, spec.full_y, spec.full_width, spec.full_height) == (0, 0, 20, 10)
    assert set(spec.channelnames) == {"R", "G", name}
    where = spec.channelindex(name)
    np.testing.assert_array_equal(source.read_image(0, 0, where, where + 1, "float")[..., 0], depth)
    green = spec.channelindex("G")
    read = source.read_image(0, 0, green, green + 1, "half")[..., 0]
    np.testing.assert_array_equal(read.view(np.uint16), half[..., 1].view(np.uint16))
    source.close()


def test_an_intermediate_keeps_pixel_aspect_and_rate_and_is_whole(tmp_path: Path) -> None:
    pixels = np.random.default_rng(3).random((5, 7, 3)).astype(np.float16)
    frame = Frame.from_pixels(1, ("R", "G", "B"), pixels, pixel_aspect=2.0)
    for rate in (Fraction(24000, 1001), None):
        write_intermediate(frame, tmp_path / "plate.0001.exr", rate)
        back = read_frame(tmp_path / "plate.0001.exr", 1)
        assert np.array_equal(back.read_rgb(back.display_window), pixels.astype(np.float32))
        assert back.pixel_aspect == 2.0
        assert back.metadata.get(FRAME_RATE_ATTRIBUTE) == (rate and (24000, 1001))
    assert [path.name for path in tmp_path.iterdir()] == ["plate.0001.exr"]
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="frame 1 cannot be written"):
        write_intermediate(frame, tmp_path / "file" / "plate.0001.exr")
