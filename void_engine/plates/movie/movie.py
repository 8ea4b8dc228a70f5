"""Decodes movies to code values: the colour tags of a file, and its frames as RGB or luma."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from void_engine.arrays import Float32Array, Uint8Array
from void_engine.colour.primaries import REC709_CHROMATICITIES
from void_engine.errors import PlateError, SettingError
from void_engine.plates.frame.timecode import Timecode

# These are codes of ITU-T H.273.
_UNSPECIFIED = (0, 2)
_MATRIX_BT709, _MATRIX_BT601 = 1, 6
# The shares of red and blue in luma are keyed by the H.273 code of the matrix coefficients.
_LUMA_WEIGHTS = {
    1: (0.2126, 0.0722),
    4: (0.30, 0.11),
    5: (0.299, 0.114),
    6: (0.299, 0.114),
    7: (0.212, 0.087),
    9: (0.2627, 0.0593),
}
_PRIMARIES: dict[int, tuple[float, ...]] = {
    1: REC709_CHROMATICITIES,
    5: (0.64, 0.33, 0.29, 0.60, 0.15, 0.06, 0.3127, 0.3290),
    6: (0.630, 0.340, 0.310, 0.595, 0.155, 0.070, 0.3127, 0.3290),
    7: (0.630, 0.340, 0.310, 0.595, 0.155, 0.070, 0.3127, 0.3290),
    9: (0.708, 0.292, 0.170, 0.797, 0.131, 0.046, 0.3127, 0.3290),
    11: (0.680, 0.320, 0.265, 0.690, 0.150, 0.060, 0.314, 0.351),
    12: (0.680, 0.320, 0.265, 0.690, 0.150, 0.060, 0.3127, 0.3290),
}
_FULL_RANGE = 2
# Without a tag, players take standard definition for BT.601 and everything larger for BT.709.
_SMALLEST_HD = (1280, 720)


@dataclass(frozen=True, slots=True)
class MovieFormat:
    """The properties that a movie's video stream declares."""

    width: int
    height: int
    """Height in pixels; width and height are those after the rotation that the file asks for."""
    pixel_aspect: float
    rate: Fraction
    """Frames a second."""
    frame_count: int
    """The number of frames by the file's header or its duration; 0 when unknown."""
    transfer_tag: int
    """Transfer characteristics by H.273 code; 2 is untagged."""
    primaries: tuple[float, ...]
    """CIE xy of red, green, blue and white."""
    timecode: Timecode | None


class Movie:
    """The first video stream of a movie, open for decoding; a context manager that closes it."""

    def __init__(self, path: Path) -> None:
        """Open the movie.

        Raises:
            SettingError: when PyAV is not installed.
            PlateError: when the file is missing, is no movie, or has no readable video stream.
        """
        self._av = _require_av()
        self.path = path
        if not path.is_file():
            raise PlateError(f"there is no movie {path}")
        try:
            self._container = self._av.open(str(path))
        except self._av.error.FFmpegError as error:
            raise PlateError(f"{path} is not a movie that can be read ({error.strerror})") from error
        if not self._container.streams.video:
            self._container.close()
            raise PlateError(f"{path} has no video stream")
        self._stream = self._container.streams.video[0]
        self._stream.thread_type = "AUTO"

    def __enter__(self) -> Movie:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._container.close()

    def frames(self) -> Iterator[Any]:
        """Yield the decoded frames in display order.

        Raises:
            PlateError: when the movie is damaged, cut short or interlaced, or its size changes.
        """
        index = packets = 0
        size: tuple[int, int] | None = None
        try:
            for packet in self._container.demux(self._stream):
                packets += packet.size > 0
                for frame in packet.decode():
                    if frame.is_corrupt or packet.is_corrupt:
                        raise PlateError(f"{self.path} is damaged at frame {index}; copy or encode it again")
                    if frame.interlaced_frame:
                        raise PlateError(f"{self.path} is interlaced; deinterlace it first")
                    if size is not None and (frame.width, frame.height) != size:
                        raise PlateError(f"{self.path} changes its size at frame {index}; split it there")
                    size = (frame.width, frame.height)
                    yield frame
                    index += 1
        except self._av.error.FFmpegError as error:
            raise PlateError(
                f"{self.path} is damaged at frame {index} ({error.strerror}); copy or encode it again"
            ) from error
        # Packets are counted, because an edit list may rightly show fewer frames than are stored.
        if packets < self._stream.frames:
            raise PlateError(
                f"{self.path} is cut short: it holds {packets} of {self._stream.frames} frames; copy it again"
            )
        if index == 0:
            raise PlateError(f"{self.path} has no frame that can be decoded")

    def describe(self, frame: Any) -> MovieFormat:
        """The stream's format, with the tags of its first decoded frame where the stream has none."""
        stream, codec = self._stream, self._stream.codec_context
        turned = _turns(frame) % 2 == 1
        width, height = (frame.height, frame.width) if turned else (frame.width, frame.height)
        aspect = float(stream.sample_aspect_ratio or 1)
        rate = Fraction(stream.average_rate or stream.guessed_rate or 24)
        count = stream.frames or (
            round(float(stream.duration * stream.time_base * rate)) if stream.duration else 0
        )
        text = stream.metadata.get("timecode") or self._container.metadata.get("timecode") or ""
        return MovieFormat(
            width=width,
            height=height,
            pixel_aspect=1 / aspect if turned else aspect,
            rate=rate,
            frame_count=count,
            transfer_tag=_tag(frame.color_trc, codec.color_trc),
            primaries=_PRIMARIES.get(
                _tag(frame.color_primaries, codec.color_primaries), REC709_CHROMATICITIES
            ),
            timecode=Timecode.parse(text),
        )

    def rgb(self, frame: Any) -> NDArray[np.uint16]:
        """The RGB code values of a frame, (H, W, 3) over the full 16 bits: 0 is black, 65535 white.

        Values beyond black and white at video levels are clipped, as a screen clips them.

        Raises:
            PlateError: when the frame's YUV matrix has no plain coefficients.
        """
        if frame.format.is_rgb:
            return _upright(_rgb16(frame), frame)
        bits = frame.format.components[0].bits
        is_full = self._is_full_range(frame)
        planes = self._yuv16(frame)
        matrix = _rgb_from_yuv(*self._luma_weights(frame), is_full, bits)
        # OpenCV saturates to 0..65535, which is the clip at black and white.
        return _upright(np.asarray(cv2.transform(cv2.merge(planes), matrix), np.uint16), frame)

    def _yuv16(self, frame: Any) -> list[NDArray[np.uint16]]:
        """Y, U and V at the size of luma, with the code values shifted to the top of 16 bits.

        libswscale could also convert to RGB in one step, but its white falls short by one part in 256.
        """
        name, bits = frame.format.name, frame.format.components[0].bits
        if len(frame.format.components) < 3:
            # libswscale stretches grey to 65535 instead of shifting it.
            stretched = frame.reformat(format="gray16le").to_ndarray()
            luma = np.rint(stretched * (_luma_codes(True, bits)[1] / 65535)).astype(np.uint16)
            neutral = np.full_like(luma, 0x8000)
            return [luma, neutral, neutral]
        if name == "yuvj444p":
            # It stretches the luma of this format too. Since nothing has to be resized, the planes are used.
            return [plane.astype(np.uint16) * np.uint16(256) for plane in _planes(frame, "u1")]
        # Naming one range on both sides asks for no conversion; the right one to name is the format's own.
        own_range = "JPEG" if name.startswith("yuvj") else "MPEG"
        quality = self._av.video.reformatter.Interpolation
        wide = frame.reformat(
            format="yuv444p16le",
            src_color_range=own_range,
            dst_color_range=own_range,
            interpolation=quality.BICUBIC | quality.ACCURATE_RND,
            threads=0,
        )
        return _planes(wide, "<u2")

    def luma(self, frame: Any) -> Uint8Array:
        """The luma code values of a frame, (H, W) over the full 8 bits: 0 is black, 255 white."""
        if frame.format.is_rgb:
            # Quadmask levels are grey, so green holds them as they are; a matrix would only round.
            return _upright(frame.reformat(format="rgb24").to_ndarray()[..., 1], frame)
        return _upright(np.asarray(self._levels(frame, 255), np.uint8), frame)

    def fine_luma(self, frame: Any) -> NDArray[np.uint16]:
        """As :meth:`luma`, over the full 16 bits, for mattes that have more than 256 levels."""
        if frame.format.is_rgb:
            return np.ascontiguousarray(self.rgb(frame)[..., 1])
        return _upright(np.asarray(self._levels(frame, 65535), np.uint16), frame)

    def _levels(self, frame: Any, most: int) -> NDArray[Any]:
        codes = self._yuv16(frame)[0]
        black, span = _luma_codes(self._is_full_range(frame), frame.format.components[0].bits)
        dtype = np.uint8 if most < 256 else np.uint16
        levels: NDArray[Any] = np.rint((np.arange(65536) - black) * (most / span)).clip(0, most).astype(dtype)
        return np.asarray(levels[codes])

    def alpha(self, frame: Any) -> NDArray[np.uint16] | None:
        """The alpha of a frame, (H, W) over the full 16 bits; None where the movie has none."""
        if not any(component.is_alpha for component in frame.format.components):
            return None
        bits = frame.format.components[-1].bits
        if bits <= 8:
            # libswscale's own conversion from 8 to 16 bits falls short of white.
            narrow = np.asarray(frame.reformat(format="rgba").to_ndarray())[..., 3]
            return _upright(narrow.astype(np.uint16) * np.uint16(257), frame)
        return _upright(np.asarray(frame.reformat(format="rgba64le").to_ndarray())[..., 3], frame)

    def _is_full_range(self, frame: Any) -> bool:
        """Whether the frame uses the full code range: YUV only when tagged so; RGB and untagged grey do."""
        name = frame.format.name
        if frame.format.is_rgb or name.startswith("yuvj"):
            return True
        tag = int(frame.color_range) or int(self._stream.codec_context.color_range)
        return tag == _FULL_RANGE or (tag == 0 and name.startswith("gray"))

    def _luma_weights(self, frame: Any) -> tuple[float, float]:
        """The shares of red and blue in luma."""
        tag = _tag(frame.colorspace, self._stream.codec_context.colorspace)
        if tag in _UNSPECIFIED:
            is_hd = frame.width >= _SMALLEST_HD[0] or frame.height >= _SMALLEST_HD[1]
            tag = _MATRIX_BT709 if is_hd else _MATRIX_BT601
        if tag not in _LUMA_WEIGHTS:
            raise PlateError(
                f"{self.path} has the YUV matrix of H.273 code {tag}; convert it to EXR elsewhere"
            )
        return _LUMA_WEIGHTS[tag]


def _rgb_from_yuv(red: float, blue: float, is_full: bool, bits: int) -> Float32Array:
    """The (3, 4) matrix from Y, U, V at the top of 16 bits to RGB over 0..65535 (ITU-T H.273, 8.3).

    Args:
        red, blue: the shares of red and blue in luma.
        is_full: whether the code values use the full range.
        bits: depth of the code values before they were shifted; it decides what white is at full range.
    """
    black, luma_span = _luma_codes(is_full, bits)
    chroma_span = luma_span if is_full else 224 * 256.0
    green = 1 - red - blue
    from_u = np.array([0, -2 * blue * (1 - blue) / green, 2 * (1 - blue)]) / chroma_span
    from_v = np.array([2 * (1 - red), -2 * red * (1 - red) / green, 0]) / chroma_span
    from_y = np.ones(3) / luma_span
    offset = -black * from_y - 0x8000 * (from_u + from_v)
    return (np.stack([from_y, from_u, from_v, offset], axis=1) * 65535).astype(np.float32)


def _luma_codes(is_full: bool, bits: int) -> tuple[float, float]:
    """Black, and the span from black to white, as luma code values shifted to the top of 16 bits."""
    return (0.0, float(((1 << bits) - 1) << (16 - bits))) if is_full else (16 * 256.0, 219 * 256.0)


def _require_av() -> Any:
    try:
        import av
        import av.video.reformatter
    except ImportError as error:
        raise SettingError(
            "movies need PyAV, which is not installed; install the extra: pip install 'void-nuke[movies]'"
        ) from error
    return av


def _tag(*values: Any) -> int:
    """The first of these H.273 codes that is specified; 2 (unspecified) when none is."""
    return next((int(value) for value in values if value is not None and int(value) not in _UNSPECIFIED), 2)


def _planes(frame: Any, dtype: str) -> list[NDArray[Any]]:
    """The Y, U and V planes of a planar frame, without the padding of their lines."""
    return [
        np.frombuffer(plane, dtype).reshape(plane.height, -1)[:, : plane.width] for plane in frame.planes[:3]
    ]


def _rgb16(frame: Any) -> NDArray[np.uint16]:
    """The pixels of an RGB frame of any depth as (H, W, 3) over the full 16 bits."""
    if max(component.bits for component in frame.format.components) <= 8:
        # libswscale's own conversion from 8 to 16 bits falls short of white.
        return np.asarray(frame.reformat(format="rgb24").to_ndarray(), np.uint16) * np.uint16(257)
    return np.asarray(frame.reformat(format="rgb48le").to_ndarray())


def _turns(frame: Any) -> int:
    """The quarter turns, counter-clockwise, by which the file asks to be rotated."""
    return round((frame.rotation or 0) / 90) % 4


def _upright(pixels: NDArray[Any], frame: Any) -> NDArray[Any]:
    turns = _turns(frame)
    return np.ascontiguousarray(np.rot90(pixels, turns)) if turns else pixels
