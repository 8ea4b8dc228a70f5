"""Writes a frame's pixels and metadata into an open file, in one part or in the parts that its file had."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
import OpenImageIO as oiio  # noqa: N813 - its documentation has this name
from numpy.typing import NDArray

from void_engine.plates.exr.aces import CONTAINER_ATTRIBUTE, is_container
from void_engine.plates.exr.kept import put_back
from void_engine.plates.exr.native import write_uncompressed
from void_engine.plates.frame.frame import Frame, PixelBlock, channels_of
from void_engine.plates.frame.header import FLOAT, HALF, UINT, FrameHeader, PixelType
from void_engine.plates.frame.layers import split_name
from void_engine.plates.storage.access import with_own_name
from void_engine.plates.storage.output_folder import NewFile, OutputFolder

TYPE_NAMES: dict[PixelType, str] = {HALF: "half", FLOAT: "float", UINT: "uint"}
"""OpenImageIO's names of the data types of EXR."""

# These attributes describe the file that was read and not the picture, so they are not copied; the writer
# sets those that it needs.
_FILE_ATTRIBUTES = (
    "oiio:subimages",
    "oiio:ColorSpace",
    "oiio:RowsPerChunk",
    "openexr:chunkCount",
    "openexr:levelmode",
    "openexr:roundingmode",
    "openexr:lineOrder",
)
_WRITTEN_LINES = 256
"""How many lines are written at a time: whole blocks of every compression, up to dwab's."""
_LARGEST_LOSSY = 32768.0
_HALF_BITS = 0x7800
"""The bits of a half of this value; those of larger ones, of infinity and of NaN are larger."""
_DWA_COLOURS = frozenset({"r", "g", "b", "y", "ry", "by"})
"""The components that dwaa and dwab compress with loss, in lower case."""


def fitting_compression(frame: Frame, compression: str) -> str:
    """The compression that a frame is written with where ``compression`` is asked for.

    The blocks of dwaa, dwab, b44 and b44a round beyond the largest half and make infinity of finite values
    near it. A frame that has values beyond 32768, or that are not finite, is therefore written with zip.
    """
    if compression in ("dwaa", "dwab"):
        lossy = [name for name in frame.channel_names if split_name(name)[1].lower() in _DWA_COLOURS]
    elif compression in ("b44", "b44a"):
        lossy = [channel.name for channel in frame.header.channels if channel.dtype == HALF]
    else:
        return compression
    return "zip" if any(_is_beyond(frame.native(name)) for name in lossy) else compression


def _is_beyond(values: NDArray[Any]) -> bool:
    if values.dtype == HALF:
        return bool(((values.view(np.uint16) & 0x7FFF) > _HALF_BITS).any())
    if values.dtype == FLOAT:
        return not bool((np.abs(values) <= _LARGEST_LOSSY).all())
    return False


def write_pixels(frame: Frame, folder: OutputFolder, file: NewFile, compression: str) -> None:
    """Write a frame into a new file of ``folder``.

    Raises:
        OSError: when that fails.
    """
    frames = _by_part(frame)
    # From Python, OpenImageIO writes arrays of one data type only, and a conversion would spoil integers and
    # NaN payloads; nor can names be given to it that are not UTF-8. From file to file, however, it copies
    # every channel in its own type and under its own name.
    with ExitStack() as held:
        sources = [
            None if _is_array(part) else held.enter_context(_as_file(folder, file, part)) for part in frames
        ]
        specs = [
            _spec_of(part.header, compression, None if source is None else source.spec(), len(frames))
            for part, source in zip(frames, sources, strict=True)
        ]
        _write_parts(file, specs, [source or part for part, source in zip(frames, sources, strict=True)])
    put_back(file.library_path, [part.header.kept for part in frames])


def _write_parts(
    file: NewFile, specs: Sequence[oiio.ImageSpec], pictures: Sequence[Frame | oiio.ImageInput]
) -> None:
    target = oiio.ImageOutput.create("openexr")
    if target is None:
        raise OSError(oiio.geterror() or "this OpenImageIO cannot write EXR")
    written = target.open(file.library_path, list(specs) if len(specs) > 1 else specs[0])
    for place, picture in enumerate(pictures):
        if written and place:
            written = target.open(file.library_path, specs[place], "AppendSubimage")
        if written:
            written = (
                _write_lines(target, specs[place].y, picture)
                if isinstance(picture, Frame)
                else target.copy_image(picture)
            )
    reason = target.geterror()
    closed = target.close()
    if not (written and closed):
        reason = reason or target.geterror() or "OpenImageIO gave no reason"
        raise OSError(with_own_name(reason, file.path))


def _write_lines(target: oiio.ImageOutput, first: int, frame: Frame) -> bool:
    """Write the pixels of a frame, some lines at a time, because several blocks have to be put together for
    it; ``first`` is the number of the first line in the file."""
    height = frame.data_window.height
    for top in range(0, height, _WRITTEN_LINES):
        bottom = min(height, top + _WRITTEN_LINES)
        parts = [block.pixels[top:bottom] for block in frame.blocks]
        lines = parts[0] if len(parts) == 1 else np.concatenate(parts, axis=2)
        if not target.write_scanlines(first + top, first + bottom, 0, lines):
            return False
    return True


def _by_part(frame: Frame) -> list[Frame]:
    """The frame as one frame for each part that its file has, under the names of the part."""
    if len(frame.header.parts) < 2:
        return [frame]
    result = []
    for place, part in enumerate(frame.header.parts):
        names = {name: own for name, own in part.names.items() if name in frame.channel_names}
        rows, columns = part.data_window.slices(frame.data_window)
        blocks = []
        for block in frame.blocks:
            kept = [index for index, name in enumerate(block.names) if name in names]
            if kept:
                own = tuple(names[block.names[index]] for index in kept)
                pixels = np.ascontiguousarray(block.pixels[rows, columns][..., kept])
                blocks.append(PixelBlock(own, pixels))
        header = replace(
            frame.header,
            data_window=part.data_window,
            channels=channels_of(blocks),
            # What is added to a frame's metadata stands in its first part.
            attributes=part.attributes if place else frame.header.attributes,
            kept=part.kept,
            parts=(),
        )
        result.append(Frame(header, tuple(blocks)))
    return result


@contextmanager
def _as_file(folder: OutputFolder, file: NewFile, frame: Frame) -> Iterator[oiio.ImageInput]:
    """Write a frame uncompressed beside ``file``, and open it to be copied from."""
    with folder.new_file(file.final_name, ".raw.exr") as scratch:
        write_uncompressed(scratch.library_path, frame)
        source = oiio.ImageInput.open(scratch.library_path)
        if source is None:
            raise OSError(oiio.geterror())
        try:
            yield source
        finally:
            source.close()


def _is_array(frame: Frame) -> bool:
    """Whether OpenImageIO can be given the frame as one array, and its channels by their names."""
    one_type = len({block.pixels.dtype for block in frame.blocks}) == 1
    return one_type and all(_is_utf8(name) for name in frame.channel_names)


def _is_utf8(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _spec_of(
    header: FrameHeader, compression: str, source: oiio.ImageSpec | None, parts: int
) -> oiio.ImageSpec:
    """Make the description of one of ``parts`` parts. ``source`` is the one of the file that it is copied
    from, with its order of channels."""
    spec = header.attributes.copy()
    if source is not None:
        kept = spec.extra_attribs
        spec = source.copy()
        spec.extra_attribs = kept
    for name in _FILE_ATTRIBUTES:
        spec.erase_attribute(name)
    window, (origin_x, origin_y) = header.data_window, header.origin
    spec.x, spec.y = window.x0 + origin_x, window.y0 + origin_y
    spec.width, spec.height, spec.depth = window.width, window.height, 1
    spec.full_x, spec.full_y = origin_x, origin_y
    spec.full_width, spec.full_height = header.display_size
    spec.tile_width = spec.tile_height = spec.tile_depth = 0
    if source is None:
        spec.nchannels = len(header.channels)
        spec.channelnames = header.channel_names
        spec.channelformats = ()
        spec.set_format(TYPE_NAMES[header.channels[0].dtype])
    said = header.metadata
    if CONTAINER_ATTRIBUTE in said:
        if parts == 1 and is_container(header):
            compression = "none"
        else:
            spec.erase_attribute(CONTAINER_ATTRIBUTE)
    spec.attribute("compression", compression)
    spec.attribute("PixelAspectRatio", header.pixel_aspect)
    if "DateTime" not in said:
        # OpenImageIO would add the time of day, so that the same job would not give the same bytes.
        spec.attribute("DateTime", "")
    return spec
