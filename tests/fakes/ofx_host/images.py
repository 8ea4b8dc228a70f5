"""Clips and the images that a plug-in fetches of them: in any depth, row order and padding, with guards
around.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from tests.fakes.ofx_host import names
from tests.fakes.ofx_host.properties import PropertySet

Box = tuple[int, int, int, int]
_DTYPES: dict[str, Any] = {
    names.BYTE: np.uint8,
    names.SHORT: np.uint16,
    names.HALF: np.float16,
    names.FLOAT: np.float32,
}
_FULL = {names.BYTE: 255.0, names.SHORT: 65535.0}
_GUARD = 64
_FILL = 0xA5


@dataclass
class Source:
    """What an upstream node gives: `frame(time)` is rows bottom-up x columns x channels, float32, or None
    where there is none.

    `box` is the region of definition in pixels at full scale, `frames` the first and the last frame.
    """

    frame: Callable[[float], np.ndarray | None]
    box: Box
    frames: tuple[float, float]
    components: str = names.RGBA
    pixel_aspect: float = 1.0
    path: str = ""


def to_depth(pixels: np.ndarray, depth: str) -> np.ndarray:
    """Return float pixels in a clip's depth."""
    if depth in _FULL:
        return np.rint(np.clip(pixels, 0, 1) * _FULL[depth]).astype(_DTYPES[depth])
    with np.errstate(over="ignore"):
        return pixels.astype(_DTYPES[depth])


def from_depth(pixels: np.ndarray, depth: str) -> np.ndarray:
    """Return float pixels of a clip's depth."""
    return pixels.astype(np.float32) / np.float32(_FULL.get(depth, 1.0))


def to_components(pixels: np.ndarray, components: str) -> np.ndarray:
    """Return pixels with other channels, as hosts map clips: added alpha is 1, alpha alone becomes its own
    channel.
    """
    have, want = pixels.shape[2], names.CHANNELS[components]
    if have == want:
        return pixels
    if want == 1:
        return pixels[..., 3:4] if have == 4 else np.ones_like(pixels[..., :1])
    if have == 1:
        rgb = np.zeros((*pixels.shape[:2], 3), pixels.dtype)
        return rgb if want == 3 else np.concatenate([rgb, pixels], axis=2)
    if want == 3:
        return pixels[..., :3]
    return np.concatenate([pixels, np.ones_like(pixels[..., :1])], axis=2)


class Clip:
    """One clip of an instance; `source` is None while nothing is connected."""

    def __init__(self, instance: Any, name: str, descriptor: PropertySet) -> None:
        self.instance = instance
        self.name = name
        self.descriptor = descriptor
        self.is_output = name == "Output"
        self.source: Source | None = None
        self.components = names.RGBA
        self.depth = names.FLOAT
        self.pixel_aspect = 1.0
        self.premultiplication = names.PREMULTIPLIED
        self.out: dict[float, np.ndarray] = {}
        values = {name: list(values) for name, values in descriptor.values.items() if name in names.CLIP}
        self.properties = PropertySet(
            descriptor.running, f"clip {name}", names.CLIP, {**values, "OfxPropType": "OfxTypeClip"}
        )
        self.update()

    @property
    def temporal(self) -> bool:
        """Whether the plug-in said that it fetches other frames of this clip."""
        return bool(self.descriptor.get("OfxImageEffectPropTemporalClipAccess", 0))

    @property
    def supported(self) -> list[str]:
        """Return the components that the plug-in takes here."""
        return self.descriptor.all("OfxImageEffectPropSupportedComponents")

    def given(self) -> Source | None:
        """Return what is seen through this clip: what is connected, or black where the host connects that."""
        if self.source is None and self.instance.profile.unconnected_are_black and not self.is_output:
            box = self.instance.project_box
            black = np.zeros((box[3] - box[1], box[2] - box[0], 4), np.float32)
            return Source(lambda _time: black, box, self.instance.frame_range())
        return self.source

    def update(self) -> None:
        """Say in the properties what is so now."""
        profile = self.instance.profile
        source = self.given()
        first, last = source.frames if source else self.instance.frame_range()
        put = self.properties.put
        put("OfxImageClipPropConnected", int(source is not None or self.is_output))
        put("OfxImageEffectPropComponents", self.components if source or self.is_output else names.NONE)
        put("OfxImageEffectPropPixelDepth", self.depth)
        put("OfxImageClipPropUnmappedComponents", source.components if source else names.NONE)
        put("OfxImageClipPropUnmappedPixelDepth", profile.depths[0])
        put("OfxImageEffectPropPreMultiplication", self.premultiplication)
        put("OfxImagePropPixelAspectRatio", source.pixel_aspect if source else self.pixel_aspect)
        put("OfxImageEffectPropFrameRange", [float(first), float(last)])
        put("OfxImageEffectPropUnmappedFrameRange", [float(first), float(last)])
        put("OfxImageEffectPropFrameRate", 24.0)
        put("OfxImageEffectPropUnmappedFrameRate", 24.0)
        put("OfxImageClipPropFieldOrder", "OfxFieldNone")
        put("OfxImageClipPropContinuousSamples", 0)
        if profile.names_source_files and source and source.path:
            put("OfxImageEffectPropSrcFilePath", source.path)

    def pixels(self, time: float) -> np.ndarray | None:
        """Return the frame of what is connected, after the host's habit for frames that are not there."""
        source = self.given()
        if source is None:
            return None
        first, last = source.frames
        habit = self.instance.profile.after_range
        if not first <= time <= last:
            if habit == "fail":
                return None
            if habit == "black":
                box = source.box
                return np.zeros((box[3] - box[1], box[2] - box[0], 4), np.float32)
        return source.frame(min(max(time, first), last))


class Image:
    """Memory that is lent to the plug-in: `take` makes one of a frame, `blank` one to render into."""

    def __init__(
        self, clip: Clip, time: float, box: Box, whole: Box, scale: float, pixels: np.ndarray | None
    ) -> None:
        self.clip = clip
        self.time = time
        self.box = box
        profile = clip.instance.profile
        self.depth, self.components = clip.depth, clip.components
        dtype, channels = np.dtype(_DTYPES[self.depth]), names.CHANNELS[self.components]
        width, height = box[2] - box[0], box[3] - box[1]
        line = width * channels * dtype.itemsize
        stride = -(-(line + profile.padding) // dtype.itemsize) * dtype.itemsize
        # The first row starts at a multiple of 16, as every allocator gives it.
        raw = np.full(stride * height + 2 * _GUARD + 16, _FILL, np.uint8)
        start = -raw.ctypes.data % 16
        self.raw = raw[start : start + stride * height + 2 * _GUARD]
        rows = self.raw[_GUARD : _GUARD + stride * height].reshape(height, stride)
        if profile.rows_down:
            rows = rows[::-1]
        self.rows = rows
        self.view = np.lib.stride_tricks.as_strided(
            rows[:, : dtype.itemsize].view(dtype) if height else rows.view(dtype),
            shape=(height, width, channels),
            strides=(rows.strides[0], channels * dtype.itemsize, dtype.itemsize),
        )
        if pixels is not None:
            self.view[...] = to_depth(to_components(pixels, self.components), self.depth)
        self.before = zlib.crc32(self.raw)
        self.original = self.view.copy()
        first_row = self.raw.ctypes.data + _GUARD + (stride * (height - 1) if profile.rows_down else 0)
        instance = clip.instance
        self.properties = PropertySet(
            clip.properties.running,
            f"image of {clip.name}",
            names.IMAGE,
            {
                "OfxPropType": "OfxTypeImage",
                "OfxImageEffectPropComponents": self.components,
                "OfxImageEffectPropPixelDepth": self.depth,
                "OfxImageEffectPropPreMultiplication": clip.premultiplication,
                "OfxImageEffectPropRenderScale": [scale, scale],
                "OfxImagePropPixelAspectRatio": clip.properties.get("OfxImagePropPixelAspectRatio"),
                "OfxImagePropData": first_row,
                "OfxImagePropBounds": list(box),
                "OfxImagePropRegionOfDefinition": list(whole),
                "OfxImagePropRowBytes": -stride if profile.rows_down else stride,
                "OfxImagePropField": "OfxFieldNone",
                "OfxImagePropUniqueIdentifier": f"{clip.name}:{time}:{self.before}",
            },
        )
        if profile.names_source_files and clip.source and clip.source.path:
            self.properties.put("OfxImageEffectPropSrcFilePath", clip.source.path)
            self.properties.put("OfxImageEffectPropSrcFrame", int(time))
        self.handle = instance.host.handles.new(self.properties)
        self.released = False

    def release(self) -> None:
        """Take the memory back, and look whether anything was written where nothing may be."""
        fault = self.clip.properties.running.fault
        if self.clip.is_output:
            action = self.clip.properties.running.current()
            window = action.window if action and action.window else self.box
            inside = np.zeros(self.view.shape[:2], bool)
            inside[
                window[1] - self.box[1] : window[3] - self.box[1],
                window[0] - self.box[0] : window[2] - self.box[0],
            ] = True
            if action and action.field_of_rows is not None:
                inside[(1 - action.field_of_rows - self.box[1]) % 2 :: 2] = False
            now, then = self.view.view(np.uint8), self.original.view(np.uint8)
            if (now != then).any(axis=2)[~inside].any():
                fault("wrote outside the window", f"output at {self.time:g}")
            self.result = self.view.copy()
            self.view[...] = self.original
            if zlib.crc32(self.raw) != self.before:
                fault("wrote outside the image", f"output at {self.time:g}")
            self.view[...] = self.result
        elif zlib.crc32(self.raw) != self.before:
            fault("wrote into an input", f"{self.clip.name} at {self.time:g}")
        self.clip.instance.host.handles.drop(self.handle)
        self.released = True


def scaled_box(box: Box, scale: float) -> Box:
    """Return the pixels that a box covers at a render scale."""
    return (
        int(np.floor(box[0] * scale)),
        int(np.floor(box[1] * scale)),
        int(np.ceil(box[2] * scale)),
        int(np.ceil(box[3] * scale)),
    )


def scaled(pixels: np.ndarray, box: Box, scale: float) -> np.ndarray:
    """Return every n-th pixel, as the simplest proxies are."""
    if scale == 1:
        return pixels
    small = scaled_box(box, scale)
    rows = np.clip(
        np.round(np.arange(small[1], small[3]) / scale).astype(int) - box[1], 0, pixels.shape[0] - 1
    )
    columns = np.clip(
        np.round(np.arange(small[0], small[2]) / scale).astype(int) - box[0], 0, pixels.shape[1] - 1
    )
    return pixels[rows][:, columns]


def overlap(one: Box, other: Box) -> Box:
    """Return what two boxes share; empty ones have no width."""
    x1, y1 = max(one[0], other[0]), max(one[1], other[1])
    return x1, y1, max(x1, min(one[2], other[2])), max(y1, min(one[3], other[3]))
