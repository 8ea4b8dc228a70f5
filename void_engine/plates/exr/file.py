"""Reads EXR files into frames and writes frames as EXR files, through OpenImageIO.

Pixels are read and written in the file's own data types, so nothing is converted on the way. A written file
appears under its final name only when it is complete.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from itertools import groupby
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np
import OpenImageIO as oiio  # noqa: N813 - its documentation has this name
from numpy.typing import NDArray

from void_engine.errors import MissingFrameError, OutputError, OutputExistsError, PlateError, RefusedFileError
from void_engine.geometry import Box, union_of
from void_engine.plates.exr.encoding import TYPE_NAMES, fitting_compression, write_pixels
from void_engine.plates.exr.header_limits import PartOutline, check_header
from void_engine.plates.exr.multipart import Part, merge_parts, part_of
from void_engine.plates.exr.refusals import refuse_by_header, unreadable
from void_engine.plates.file_kinds import kind_of
from void_engine.plates.frame.frame import Frame, PixelBlock
from void_engine.plates.frame.header import FrameHeader, PixelType
from void_engine.plates.storage.access import confirm, library_path, opened
from void_engine.plates.storage.output_folder import OutputFolder, output_folder, put_in_place
from void_engine.plates.storage.policy import MOST_PARTS, check_size, current_policy
from void_engine.plates.storage.waiting import error_code, read_obstacle, require_room, write_obstacle

LOSSLESS_COMPRESSIONS = ("none", "rle", "zips", "zip", "piz")
"""Compressions that keep every bit of the pixels."""
LOSSY_COMPRESSIONS = ("pxr24", "b44", "b44a", "dwaa", "dwab")
"""Compressions that change pixels: pxr24 rounds only float channels; the others round half channels too."""
COMPRESSIONS = LOSSLESS_COMPRESSIONS + LOSSY_COMPRESSIONS
"""All compressions that can be written."""

_ATTEMPTS = 3
"""How often a frame is written when a library does not say why it could not: whoever had filled the volume
may have made room before anybody could look."""
_ATTEMPTS_S = 0.2
_ADDED = ("textureformat", "ResolutionUnit", "colorInteropID")
"""Attributes that OpenImageIO gives files which have none of the name."""
_MAGIC = b"\x76\x2f\x31\x01"


def read_header(path: Path | str, number: int) -> FrameHeader:
    """Read windows, channels and metadata of a frame's file, and no pixels.

    Raises:
        MissingFrameError: when there is no such file.
        PlateError: when the file is not a readable EXR; the message names file, frame and remedy.
    """
    path = Path(path)
    with _opened(path, number) as file:
        return merge_parts(_parts(file, path, number), path, number).header


def check_end(path: Path | str, number: int) -> None:
    """Read the last scan line of a file's last part, which is written last, to find out whether the file was
    cut short.

    Raises:
        PlateError: when the line cannot be read.
    """
    path = Path(path)
    with _opened(path, number) as (source, _):
        part = max(1, source.spec().get_int_attribute("oiio:subimages", 1)) - 1
        if not source.seek_subimage(part, 0):
            raise unreadable(path, number, source.geterror())
        spec = source.spec()
        last = spec.y + spec.height
        pixels = source.read_scanlines(part, 0, last - 1, last, 0, 0, spec.nchannels, "float")
        reason = source.geterror()
        if pixels is None or reason:
            raise unreadable(path, number, reason)


def read_frame(path: Path | str, number: int, lines: tuple[int, int] | None = None) -> Frame:
    """Read a frame with all its channels, each in its own data type.

    Tiled files become scan lines. A multi-part file becomes one flat set of channels (see
    :mod:`void_engine.plates.exr.multipart`), which are written back as parts.

    Args:
        path, number: the file and its frame.
        lines: the first line that is wanted and the one after the last, from the top of the display window:
            the frame's data window then reaches no farther, and it is no frame to be written. None for all.

    Raises:
        MissingFrameError: when there is no such file.
        PlateError: when the file is no EXR, or is empty, truncated, corrupt, deep or luma-chroma.
    """
    path = Path(path)
    with _opened(path, number, keep=True) as file:
        source = file.source
        merged = merge_parts(_parts(file, path, number), path, number)
        header = merged.header if lines is None else _only_lines(merged.header, lines)
        blocks: list[PixelBlock] = []
        for part in merged.parts:
            first = 0
            window = part.data_window.intersection(header.data_window)
            for dtype, run in groupby(part.channels, key=lambda channel: channel.dtype):
                names = tuple(channel.name for channel in run)
                pixels = _read_channels(source, part, first, names, dtype, window, path, number)
                blocks.append(PixelBlock(names, _placed(pixels, window, header.data_window)))
                first += len(names)
    return Frame(header, tuple(blocks))


def _only_lines(header: FrameHeader, lines: tuple[int, int]) -> FrameHeader:
    """The header of a frame of which only these lines are read."""
    all_lines = header.data_window
    wanted = Box(all_lines.x0, lines[0], all_lines.x1, lines[1])
    return replace(header, data_window=wanted.intersection(all_lines), parts=())


def write_frame(
    frame: Frame, path: Path | str, compression: str | None = None, *, overwrite: bool = False
) -> None:
    """Write a frame as a scan-line EXR with all its channels and metadata, synced to the disk.

    Args:
        frame: the frame to write.
        path: the file's final name.
        compression: one of :data:`COMPRESSIONS`. None takes the plate's own where it is lossless and zip
            where it is not, since a lossy one would change pixels that nobody meant to touch. Frames with
            very large values are written with zip in place of a lossy one that would make infinity of them.
        overwrite: whether an existing file is replaced; otherwise it is an error.

    Raises:
        OutputExistsError: when the file exists.
        OutputError: when the file cannot be written; nothing is left behind then.
    """
    path = Path(path)
    compression = _own_compression(frame, compression)
    for attempt in range(_ATTEMPTS):
        try:
            with output_folder(path.parent) as folder:
                _refuse_existing(folder, path, overwrite)
                _write_new(frame, folder, path, compression, overwrite)
                return
        except _UnexplainedError as failure:
            if attempt + 1 == _ATTEMPTS:
                raise cannot_write(frame, path, failure.error, "") from failure.error
            time.sleep(_ATTEMPTS_S)
        except OSError as error:
            raise cannot_write(frame, path, error, write_obstacle(path, error)) from error


def try_to_write(frame: Frame, path: Path, compression: str | None = None, count: int = 1) -> str:
    """Write a frame as :func:`write_frame` does, but never give it its name; only the folder is left.

    Args:
        frame, path, compression: see :func:`write_frame`.
        count: how many such frames there must be room for.

    Returns:
        What the artist should know of how the frame would be written; mostly empty.

    Raises:
        OutputError: when it could not be written, or when there is no room for so many.
    """
    used = _own_compression(frame, compression)
    try:
        with output_folder(path.parent) as folder, folder.new_file(path.name) as file:
            began = time.monotonic()
            try:
                write_pixels(frame, folder, file, used)
                require_room(folder, file.size, count)
            except OSError as error:
                raise cannot_write(frame, path, error, write_obstacle(path, error, folder, began)) from error
    except OSError as error:
        raise cannot_write(frame, path, error, write_obstacle(path, error)) from error
    if compression is None or used == compression:
        return ""
    return (
        f"frame {frame.number} has values beyond 32768, of which {compression} would make infinity: such "
        f"frames are written with {used}"
    )


def _own_compression(frame: Frame, compression: str | None) -> str:
    if compression is None:
        own = frame.header.compression
        return own if own in LOSSLESS_COMPRESSIONS else "zip"
    if compression not in COMPRESSIONS:
        raise PlateError(f"EXR has no compression '{compression}'; choose one of {', '.join(COMPRESSIONS)}")
    return fitting_compression(frame, compression)


class _UnexplainedError(Exception):
    """A library could not write a file and did not say why, and by now nothing stands in the way."""

    def __init__(self, error: OSError) -> None:
        super().__init__(str(error))
        self.error = error


def _write_new(frame: Frame, folder: OutputFolder, path: Path, compression: str, overwrite: bool) -> None:
    began = time.monotonic()
    with folder.new_file(path.name) as file:
        try:
            write_pixels(frame, folder, file, compression)
            room = current_policy().room
            if room is not None:
                room.take(file.size, f"frame {frame.number}")
            _refuse_existing(folder, path, overwrite)
            put_in_place(file, folder, path.name)
        except OSError as error:
            # What has been written still lies there, as the search for the reason needs.
            obstacle = write_obstacle(path, error, folder, began)
            if not obstacle and not error_code(error):
                raise _UnexplainedError(error) from error
            raise cannot_write(frame, path, error, obstacle) from error


def cannot_write(frame: Frame, path: Path, error: OSError, obstacle: str) -> OutputError:
    """The error for a frame that could not be written, with what stands in the way where that is known."""
    return OutputError(
        f"frame {frame.number} cannot be written to {path}: {error.strerror or error}; check the folder, "
        "its permissions and the free space",
        obstacle=obstacle,
    )


def remove_temporaries(paths: Iterable[Path]) -> None:
    """Delete the temporary files that a killed process has left of writing these ``paths``, but none that a
    living one is writing, here or on another machine."""
    by_folder: dict[Path, set[str]] = {}
    for path in paths:
        by_folder.setdefault(path.parent, set()).add(path.name)
    for folder, names in by_folder.items():
        with suppress(OSError), output_folder(folder, make=False) as opened_folder:
            opened_folder.remove_abandoned(names)


def _refuse_existing(folder: OutputFolder, path: Path, overwrite: bool) -> None:
    if not overwrite and folder.exists(path.name):
        raise OutputExistsError(
            f"{path} exists already and is not overwritten; choose another version or name"
        )


# --- reading


class _OpenFile(NamedTuple):
    """A file that OpenImageIO has open, and what the headers of its parts say."""

    source: oiio.ImageInput
    outline: list[PartOutline]


@contextmanager
def _opened(path: Path, number: int, *, keep: bool = False) -> Iterator[_OpenFile]:
    with ExitStack() as held:
        file = _open_file(path, number, held)
        described = f"frame {number} ({path})"
        outline = check_header(file, described, keep=keep)
        refuse_by_header(outline, described)
        try:
            source = oiio.ImageInput.open(library_path(file, path))
            if source is None:
                raise unreadable(path, number, oiio.geterror())
            held.callback(source.close)
            confirm(file, path, number)
            yield _OpenFile(source, outline)
        except UnicodeDecodeError as error:  # A name in the file or in OpenImageIO's message is not UTF-8.
            raise unreadable(path, number, error.object.decode(errors="replace")) from error


def _open_file(path: Path, number: int, held: ExitStack) -> BinaryIO:
    """Open the file until ``held`` is closed, and distinguish failures that OpenImageIO reports alike."""
    if kind_of(path) in ("picture", "movie"):
        raise RefusedFileError(
            f"frame {number} ({path}) is no EXR; make EXR of it with 'void ingest' (--matte for a matte), or "
            "the job with 'void new', which does so"
        )
    if kind_of(path) != "exr":
        raise RefusedFileError(
            f"frame {number} ({path}) is not named as an EXR file; give it the ending .exr"
        )
    try:
        file = held.enter_context(opened(path, number))
        magic = file.read(len(_MAGIC))
    except FileNotFoundError as error:
        raise MissingFrameError(
            f"frame {number} is missing: there is no file {path}", obstacle=f"waiting for frame {number}"
        ) from error
    except OSError as error:
        reason = "it is a folder" if path.is_dir() else error.strerror
        raise PlateError(
            f"frame {number} ({path}) cannot be opened: {reason}",
            obstacle=read_obstacle(path, number, error),
        ) from error
    if not magic:
        raise PlateError(f"frame {number} ({path}) is empty (0 bytes); render or copy it again")
    if magic != _MAGIC and not _MAGIC.startswith(magic):
        raise PlateError(
            f"frame {number} ({path}) is not an EXR file; convert it to scene-linear EXR first "
            "(a movie with 'void ingest')"
        )
    return file


def _parts(file: _OpenFile, path: Path, number: int) -> list[Part]:
    source, outline = file
    parts = []
    count = max(1, source.spec().get_int_attribute("oiio:subimages", 1))
    if count > MOST_PARTS:
        raise RefusedFileError(f"frame {number} ({path}) has {count} parts; at most {MOST_PARTS}")
    for index in range(count):
        if not source.seek_subimage(index, 0):
            raise unreadable(path, number, source.geterror())
        spec = source.spec()
        said = outline[index] if index < len(outline) else PartOutline()
        parts.append(part_of(_as_said(spec, said.attributes), index, path, number, said.kept))
    if all(part.is_deep for part in parts):
        raise PlateError(
            f"frame {number} ({path}) is a deep EXR; flatten it first (in Nuke with DeepToImage)"
        )
    _check_size(parts, path, number)
    return parts


def _as_said(spec: oiio.ImageSpec, said: Collection[bytes]) -> oiio.ImageSpec:
    """The description without what OpenImageIO adds to it of its own, and would write."""
    result = spec.copy()
    for name in _ADDED:
        # The kind of an environment map is kept by OpenImageIO in the name of a texture's format.
        if name.encode() not in said and not (name == "textureformat" and b"envmap" in said):
            result.erase_attribute(name)
    return result


def _check_size(parts: Sequence[Part], path: Path, number: int) -> None:
    """Check the frame's size from the headers: it has all channels over the box around all parts."""
    bytes_a_pixel = sum(channel.dtype.itemsize for part in parts for channel in part.channels)
    window = union_of(part.data_window for part in parts)
    check_size(window, parts[0].display_size, bytes_a_pixel, f"frame {number} ({path})")


def _read_channels(
    source: oiio.ImageInput,
    part: Part,
    first: int,
    names: Sequence[str],
    dtype: PixelType,
    window: Box,
    path: Path,
    number: int,
) -> NDArray[Any]:
    """The channels of a part over those lines of it that ``window`` has, which may be none."""
    end = first + len(names)
    if window.is_empty:
        return np.zeros((0, window.width, len(names)), dtype)
    own = part.data_window
    if window == own or part.spec.tile_width:
        pixels = source.read_image(part.index, 0, first, end, TYPE_NAMES[dtype])
        if pixels is not None and window != own:
            pixels = np.ascontiguousarray(pixels[window.slices(own)])
    else:
        top = part.spec.y + window.y0 - own.y0
        pixels = source.read_scanlines(
            part.index, 0, top, top + window.height, 0, first, end, TYPE_NAMES[dtype]
        )
    # From a damaged file, OpenImageIO may return what it could decode and only leave a message.
    reason = source.geterror()
    if pixels is None or reason:
        raise unreadable(path, number, reason)
    result: NDArray[Any] = pixels
    return result


def _placed(pixels: NDArray[Any], window: Box, wanted: Box) -> NDArray[Any]:
    """Extend pixels that cover ``window`` to the larger box ``wanted``, with 0 around them."""
    if window == wanted:
        return pixels
    result = np.zeros((*wanted.shape, pixels.shape[2]), pixels.dtype)
    result[window.slices(wanted)] = pixels
    return result
