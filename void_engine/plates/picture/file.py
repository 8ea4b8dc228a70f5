"""Reads pictures other than EXR (DPX, TIFF, PNG, JPEG ...) through OpenImageIO, as code values.

No curve is applied here and alpha is not multiplied in: what code values mean is decided by whoever makes
light or a matte of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import OpenImageIO as oiio  # noqa: N813 - its documentation has this name
from numpy.typing import NDArray

from void_engine.arrays import Float32Array
from void_engine.errors import MissingFrameError, PlateError
from void_engine.geometry import Box
from void_engine.plates.file_kinds import kind_of
from void_engine.plates.frame.layers import find_rgb, listed
from void_engine.plates.frame.timecode import Timecode
from void_engine.plates.storage.policy import check_size

# OpenImageIO's names of the data types that are read as they are; whatever else there is becomes float.
_NATIVE = {"uint8": 8, "uint16": 16, "half": 16, "float": 32}
_FLOATING = ("half", "float", "double")
_UNASSOCIATED = ("png", "webp", "targa")
"""Formats whose alpha is by custom not multiplied into the colours; TIFF says it, others have it."""
_FASTEST_RATE = 1000.0
_LUMINANCE = (0.2126, 0.7152, 0.0722)


@dataclass(frozen=True, slots=True)
class PictureHeader:
    """What a picture's file declares."""

    number: int
    path: Path
    display_size: tuple[int, int]
    """``(width, height)``, after the turn that the file asks for."""
    data_window: Box
    """The pixels that are stored, in display coordinates."""
    channel_names: tuple[str, ...]
    data_type: str
    """``uint8``, ``uint16``, ``half`` or ``float``: the type in which the code values are read."""
    is_float: bool
    """Whether the file stores floating-point numbers, which by custom are linear light."""
    bits: int
    """How many bits of each code value the file stores."""
    pixel_aspect: float
    format_name: str
    """OpenImageIO's name of the file format, such as ``dpx``."""
    orientation: int
    """How the rows and columns lie, by EXIF's numbers; 1 is upright."""
    is_premultiplied: bool
    """Whether alpha is multiplied into the colours."""
    attributes: Mapping[str, object] = field(repr=False)

    @property
    def described(self) -> str:
        return f"frame {self.number} ({self.path})"

    @property
    def rate(self) -> Fraction | None:
        """Frames a second; None where the file does not say, or says nonsense."""
        for name in ("FramesPerSecond", "dpx:FrameRate", "dpx:TemporalFrameRate"):
            value = self.attributes.get(name)
            if isinstance(value, Fraction):
                value = float(value)
            if isinstance(value, float) and 1.0 <= value <= _FASTEST_RATE:
                # 23.976 and its like are whole rates times 1000/1001.
                whole = round(value * 1.001)
                dropped = Fraction(whole * 1000, 1001)
                return (
                    dropped
                    if abs(float(dropped) - value) < 0.004
                    else Fraction(value).limit_denominator(1001)
                )
        return None

    @property
    def timecode(self) -> Timecode | None:
        """The timecode; None where there is none, or midnight, which writers put where they know none."""
        text = str(self.attributes.get("dpx:TimeCode") or "")
        found = Timecode.parse(text)
        return None if found is None or found == Timecode(0, 0, 0, 0) else found

    @property
    def profile(self) -> str:
        """The name of the colour profile (ICC) that is embedded; empty where there is none."""
        if "ICCProfile" not in self.attributes:
            return ""
        return str(self.attributes.get("ICCProfile:profile_description") or "without a name")


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture: its header and its code values."""

    header: PictureHeader
    codes: NDArray[Any]
    """(H, W, C) over the data window, in the header's data type."""

    def colours(self) -> NDArray[Any]:
        """The code values of red, green and blue, (H, W, 3); grey stands for all three.

        Raises:
            PlateError: when the picture has no colours.
        """
        names = find_rgb(self.header.channel_names)
        if names is None:
            raise PlateError(
                f"{self.header.described} has no red, green and blue; its channels are "
                f"{listed(self.header.channel_names)}"
            )
        return self.codes[..., [self.header.channel_names.index(name) for name in names]]

    def levels(self, channel: str) -> Float32Array:
        """One channel as levels, (H, W) float32: 0 to 1 for whole numbers, and what is stored for others.

        ``luminance`` is a grey picture's only colour, or the three colours weighted as ITU-R BT.709 does.

        Raises:
            PlateError: when there is no such channel.
        """
        if channel in self.header.channel_names:
            return to_unit(self.codes[..., self.header.channel_names.index(channel)])
        if channel != LUMINANCE:
            raise PlateError(
                f"{self.header.described} has no channel '{channel}'; it has "
                f"{listed(self.header.channel_names)}"
            )
        colours = self.colours()
        if (colours == colours[..., :1]).all():
            return to_unit(colours[..., 0])
        return np.asarray(to_unit(colours) @ np.array(_LUMINANCE, np.float32), np.float32)


LUMINANCE = "luminance"
"""Names the brightness of a picture's colours where a channel is asked for."""


def to_unit(codes: NDArray[Any]) -> Float32Array:
    """Whole code values as float32 in 0..1; floating-point ones as they are."""
    if np.issubdtype(codes.dtype, np.floating):
        return codes.astype(np.float32)
    return np.asarray(codes / np.float32(np.iinfo(codes.dtype).max), np.float32)


def read_picture_header(path: Path, number: int) -> PictureHeader:
    """Read what a picture's file declares, and no pixels.

    Raises:
        MissingFrameError: when there is no such file.
        PlateError: when it cannot be read; the message names file and frame.
    """
    with _opened(path, number) as source:
        return _header(source, path, number)


def read_picture(path: Path, number: int) -> Picture:
    """Read a picture, turned upright.

    Raises:
        MissingFrameError: when there is no such file.
        PlateError: when it cannot be read; the message names file and frame.
    """
    with _opened(path, number) as source:
        header = _header(source, path, number)
        pixels = source.read_image(0, 0, 0, len(header.channel_names), header.data_type)
        reason = source.geterror()
        if pixels is None or reason:
            raise _unreadable(path, number, reason)
    return Picture(header, _upright(pixels, header.orientation))


@contextmanager
def _opened(path: Path, number: int) -> Iterator[oiio.ImageInput]:
    if kind_of(path) != "picture":
        raise PlateError(f"frame {number} ({path}) has no ending of a picture that can be read")
    try:
        if path.stat().st_size == 0:
            raise PlateError(f"frame {number} ({path}) is empty (0 bytes); render or copy it again")
    except FileNotFoundError as error:
        raise MissingFrameError(f"frame {number} is missing: there is no file {path}") from error
    except OSError as error:
        raise PlateError(f"frame {number} ({path}) cannot be opened: {error.strerror}") from error
    wanted = oiio.ImageSpec()
    # The colours are wanted as they are stored, not multiplied by alpha.
    wanted.attribute("oiio:UnassociatedAlpha", 1)
    source = oiio.ImageInput.open(str(path), wanted)
    if source is None:
        raise _unreadable(path, number, oiio.geterror())
    try:
        yield source
    finally:
        source.close()


def _unreadable(path: Path, number: int, reason: str) -> PlateError:
    first_line = reason.strip().splitlines()[0] if reason.strip() else "no reason was given"
    return PlateError(
        f"frame {number} ({path}) is damaged or is no such picture; copy it again ({first_line})"
    )


def _header(source: oiio.ImageInput, path: Path, number: int) -> PictureHeader:
    spec = source.spec()
    stored = str(spec.format)
    data_type = stored if stored in _NATIVE else "float"
    attributes: dict[str, object] = {}
    for attribute in spec.extra_attribs:
        with suppress(UnicodeDecodeError):
            attributes[attribute.name] = attribute.value
    window = Box.from_size(spec.width, spec.height).moved(spec.x - spec.full_x, spec.y - spec.full_y)
    size = (spec.full_width or spec.width, spec.full_height or spec.height)
    check_size(window, size, spec.nchannels * (_NATIVE[data_type] // 8), f"frame {number} ({path})")
    orientation = spec.get_int_attribute("Orientation", 1)
    if orientation not in range(2, 9):
        orientation = 1
    window, size = _turned(window, size, orientation)
    aspect = spec.get_float_attribute("PixelAspectRatio", 1.0)
    if not np.isfinite(aspect) or aspect <= 0:
        aspect = 1.0
    format_name = source.format_name()
    return PictureHeader(
        number=number,
        path=path,
        display_size=size,
        data_window=window,
        channel_names=tuple(spec.channelnames),
        data_type=data_type,
        is_float=stored in _FLOATING,
        bits=spec.get_int_attribute("oiio:BitsPerSample", _NATIVE[data_type]),
        pixel_aspect=1 / aspect if orientation >= _FIRST_ON_ITS_SIDE else aspect,
        format_name=format_name,
        orientation=orientation,
        is_premultiplied=format_name not in _UNASSOCIATED and not _says_unassociated(attributes),
        attributes=attributes,
    )


_FIRST_ON_ITS_SIDE = 5


def _says_unassociated(attributes: Mapping[str, object]) -> bool:
    return bool(attributes.get("tiff:UnassociatedAlpha") or attributes.get("oiio:UnassociatedAlpha"))


def _turned(window: Box, size: tuple[int, int], orientation: int) -> tuple[Box, tuple[int, int]]:
    """The data window and size of the picture after its turn."""
    width, height = size
    x0, y0, x1, y1 = window.x0, window.y0, window.x1, window.y1
    if orientation in (2, 3, 7, 8):
        x0, x1 = width - x1, width - x0
    if orientation in (3, 4, 6, 7):
        y0, y1 = height - y1, height - y0
    if orientation >= _FIRST_ON_ITS_SIDE:
        return Box(y0, x0, y1, x1), (height, width)
    return Box(x0, y0, x1, y1), size


def _upright(pixels: NDArray[Any], orientation: int) -> NDArray[Any]:
    """Flip and transpose the rows and columns as EXIF's orientation asks."""
    if orientation in (2, 3, 7, 8):
        pixels = pixels[:, ::-1]
    if orientation in (3, 4, 6, 7):
        pixels = pixels[::-1]
    if orientation >= _FIRST_ON_ITS_SIDE:
        pixels = pixels.transpose(1, 0, 2)
    return np.ascontiguousarray(pixels)
