"""The frames of a sequence of pictures as plates or mattes: of EXR files, which are light already, and of
others, whose code values become light or levels."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from void_engine.arrays import Float32Array
from void_engine.colour.primaries import REC709_CHROMATICITIES
from void_engine.errors import MatteError, MissingFrameError, PlateError, SettingError
from void_engine.geometry import Box
from void_engine.plates.exr.file import read_frame
from void_engine.plates.file_kinds import kind_of
from void_engine.plates.frame.frame import HALF_MAX, Frame
from void_engine.plates.frame.header import (
    FRAME_RATE_ATTRIBUTE,
    HALF,
    TIMECODE_ATTRIBUTE,
    FrameHeader,
    MetadataValue,
)
from void_engine.plates.ingest.light import AUTO, Light, light_of
from void_engine.plates.ingest.mattes import (
    MATTE_CHANNEL,
    check_shape,
    choose_channel,
    matte_frame,
    quadmask_frame,
    scaled_levels,
)
from void_engine.plates.ingest.request import Ingest
from void_engine.plates.ingest.transfer import transfer_of_picture
from void_engine.plates.picture.file import (
    LUMINANCE,
    Picture,
    PictureHeader,
    read_picture,
    read_picture_header,
)
from void_engine.plates.sequence.pattern import FramePattern, compact_frames
from void_engine.plates.sequence.typed import numbers_of

_BITS = {HALF: 10}


@dataclass(frozen=True)
class Numbering:
    """The files of a sequence that are wanted, and the numbers that they are written as."""

    pattern: FramePattern
    numbers: tuple[int, ...]
    """The files' own numbers, in order."""
    offset: int
    """What is added to a file's number to get the frame that it becomes."""

    @classmethod
    def of(cls, wanted: Ingest) -> Numbering:
        """Find the files.

        Raises:
            MissingFrameError: when a frame that is wanted has no file.
        """
        pattern = FramePattern.parse(wanted.source)
        if pattern.is_still:
            number = 1 if wanted.first is None else wanted.first
            return cls(pattern, (number,), 0)
        there = numbers_of(pattern)
        numbers = [number for number in there if wanted.wants(number)]
        first, last = wanted.frames or (there[0], there[-1])
        missing = sorted(set(range(first, last + 1)) - set(there))
        if missing:
            raise MissingFrameError(
                f"{pattern}: missing frames {compact_frames(missing)}; render "
                "or copy them, or name a range that is whole with --frames"
            )
        return cls(pattern, tuple(numbers), 0 if wanted.first is None else wanted.first - numbers[0])


@dataclass
class _Files:
    """The files that are wanted, of which a source makes frames."""

    numbering: Numbering
    wanted: Ingest

    @property
    def count(self) -> int:
        """How many frames there are."""
        return len(self.numbering.numbers)


class ExrSource(_Files):
    """EXR files in another size, space or numbering, or as mattes of one channel."""

    def frames(self, remark: Callable[[str], None]) -> Iterator[Frame]:
        """Make the frames, as a :class:`~void_engine.plates.ingest.request.Source` does."""
        if self.wanted.purpose == "quadmask":
            raise MatteError(
                f"{self.wanted.source} is EXR; a quadmask of EXR is used as it is ('void new --quadmask')"
            )
        light = None
        if self.wanted.purpose == "plate" and self.wanted.colour != AUTO:
            light = light_of(self.wanted.colour, lambda: "linear", None)
            remark(f"{self.wanted.source} is read by the {light.described}")
        for own in self.numbering.numbers:
            frame = read_frame(self.numbering.pattern.path(own), own).numbered(own + self.numbering.offset)
            if self.wanted.purpose == "matte":
                yield self._matte(frame)
            else:
                yield frame if light is None else _converted(frame, light)

    def _matte(self, frame: Frame) -> Frame:
        channel = self.wanted.channel or MATTE_CHANNEL
        size = self.wanted.size or frame.display_size
        aspect = self.wanted.pixel_aspect or frame.pixel_aspect
        check_shape(frame.display_size, frame.pixel_aspect, size, aspect)
        levels = scaled_levels(frame.plane(channel, frame.display_window), size)
        return matte_frame(frame.number, levels, _BITS.get(frame.native(channel).dtype, 32), aspect)


def _converted(frame: Frame, light: Light) -> Frame:
    """The frame with its main colours turned into light; other channels stay as they are."""
    names = frame.rgb_names()
    colours = np.stack([frame.native(name) for name in names], axis=2)
    lit = light.of(colours).astype(np.float32)
    # Whatever is not a number stays what it is, since it stands for nothing that could be converted.
    known = np.asarray(np.isfinite(lit).all(axis=2), np.bool_)
    changed = frame.with_rgb(lit, frame.data_window, known)
    return replace(changed, header=_without_chromaticities(changed)).with_metadata(light.metadata)


def _without_chromaticities(frame: Frame) -> FrameHeader:
    attributes = frame.header.attributes.copy()
    attributes.erase_attribute("chromaticities")
    return replace(frame.header, attributes=attributes)


class PictureSource(_Files):
    """DPX, TIFF, PNG, JPEG and other pictures."""

    def frames(self, remark: Callable[[str], None]) -> Iterator[Frame]:
        """Make the frames, as a :class:`~void_engine.plates.ingest.request.Source` does."""
        own = self.numbering.numbers[0]
        first = read_picture_header(self.numbering.pattern.path(own), own)
        make = self._maker(first, remark)
        for own in self.numbering.numbers:
            picture = read_picture(self.numbering.pattern.path(own), own)
            _require_alike(first, picture.header)
            number = own + self.numbering.offset
            yield make(picture, number).with_metadata(_metadata(picture.header))

    def _maker(self, header: PictureHeader, remark: Callable[[str], None]) -> Callable[[Picture, int], Frame]:
        if self.wanted.purpose == "quadmask":
            return lambda picture, number: quadmask_frame(
                number,
                np.rint(_whole(picture, picture.levels(LUMINANCE)) * 255).clip(0, 255).astype(np.uint8),
                header.pixel_aspect,
            )
        if self.wanted.purpose == "matte":
            return self._matte_maker(header, remark)
        light = light_of(self.wanted.colour, lambda: transfer_of_picture(header), _primaries(header))
        remark(f"{self.wanted.source} is read by the {light.described}")
        if header.profile and self.wanted.colour == AUTO and "srgb" not in header.profile.lower():
            remark(
                f"the colour profile '{header.profile}' of the files is not applied; name their colour space "
                "with --colour-space"
            )
        return lambda picture, number: plate_frame(picture, number, light)

    def _matte_maker(
        self, header: PictureHeader, remark: Callable[[str], None]
    ) -> Callable[[Picture, int], Frame]:
        channel = self.wanted.channel
        if channel is None:
            channel, told = choose_channel(header.channel_names, self._samples())
            if told:
                remark(f"{self.wanted.source}: {told}")
        aspect = self.wanted.pixel_aspect or header.pixel_aspect
        size = self.wanted.size or header.display_size
        check_shape(header.display_size, header.pixel_aspect, size, aspect)

        def make(picture: Picture, number: int) -> Frame:
            levels = _whole(picture, picture.levels(channel))
            return matte_frame(number, scaled_levels(levels, size), header.bits, aspect)

        return make

    def _samples(self) -> Iterator[Picture]:
        numbers = self.numbering.numbers
        for own in dict.fromkeys((numbers[0], numbers[len(numbers) // 2], numbers[-1])):
            yield read_picture(self.numbering.pattern.path(own), own)


def plate_frame(picture: Picture, number: int, light: Light) -> Frame:
    """The picture as scene-linear light, with its alpha multiplied in, as EXR has it."""
    header = picture.header
    pixels = light.of(picture.colours())
    names: tuple[str, ...] = ("R", "G", "B")
    if "A" in header.channel_names:
        alpha = picture.levels("A")
        if not header.is_premultiplied:
            pixels = _multiplied(pixels, alpha)
        pixels = np.concatenate([pixels, alpha.astype(pixels.dtype)[..., None]], axis=2)
        names = (*names, "A")
    frame = Frame.from_pixels(
        number,
        names,
        pixels,
        display_size=header.display_size,
        data_window=header.data_window,
        pixel_aspect=header.pixel_aspect,
    )
    return frame.with_metadata(light.metadata)


def _multiplied(pixels: NDArray[Any], alpha: Float32Array) -> NDArray[Any]:
    if (alpha == 1).all():
        return pixels
    product = pixels.astype(np.float32) * alpha[..., None]
    return product if pixels.dtype != HALF else np.clip(product, -HALF_MAX, HALF_MAX).astype(HALF)


def is_light(header: PictureHeader) -> bool:
    """Whether a picture's values are known to be scene-linear light, so that nothing is lost when they become
    EXR."""
    try:
        return header.is_float and transfer_of_picture(header) == "linear"
    except SettingError:  # Its header does not tell.
        return False


def _primaries(header: PictureHeader) -> tuple[float, ...] | None:
    """Rec.709 where the file says so or is a picture for screens; None where nothing tells."""
    said = str(header.attributes.get("oiio:ColorSpace", ""))
    return None if header.is_float and "rec709" not in said else REC709_CHROMATICITIES


def _whole(picture: Picture, levels: Float32Array) -> Float32Array:
    """Levels over the whole display window, 0 where the file stores none."""
    shown = Box.from_size(*picture.header.display_size)
    window = picture.header.data_window
    if window == shown:
        return levels
    whole = np.zeros(shown.shape, np.float32)
    inside = window.intersection(shown)
    if not inside.is_empty:
        whole[inside.slices(shown)] = levels[inside.slices(window)]
    return whole


def _require_alike(first: PictureHeader, other: PictureHeader) -> None:
    for what, ours, theirs in (
        ("a size of", first.display_size, other.display_size),
        ("the channels", first.channel_names, other.channel_names),
        ("values of type", first.data_type, other.data_type),
    ):
        if ours != theirs:
            raise PlateError(
                f"{other.described} has {what} {_words(theirs)}, but frame {first.number} has {_words(ours)}"
                "; all files of a sequence must agree"
            )


def _words(value: object) -> str:
    if isinstance(value, tuple):
        return "x".join(map(str, value)) if isinstance(value[0], int) else ", ".join(value)
    return str(value)


def _metadata(header: PictureHeader) -> dict[str, MetadataValue]:
    values: dict[str, MetadataValue] = {"void/source_file": header.path.name}
    if header.rate is not None:
        values[FRAME_RATE_ATTRIBUTE] = header.rate
    if header.timecode is not None:
        values[TIMECODE_ATTRIBUTE] = header.timecode
    return values


def source_of(wanted: Ingest) -> ExrSource | PictureSource:
    """The files of a sequence or a single picture.

    Raises:
        MissingFrameError: when a frame that is wanted has no file.
    """
    numbering = Numbering.of(wanted)
    return (
        ExrSource(numbering, wanted) if kind_of(wanted.source) == "exr" else PictureSource(numbering, wanted)
    )
