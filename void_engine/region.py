"""The region of interest: which part of the plate an engine sees, and at what size.

A model that works at a small, fixed size would lose a wire in a 4K plate. So the mattes of the whole shot
decide one box, constant over the shot, and the box decides the *canvas*: the picture that the model works on.
:mod:`void_engine.resampling` takes pictures to the canvas and back.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

from void_engine.errors import MatteError, SettingError
from void_engine.geometry import Box, union_of

TRAINED_SIZE = (384, 672)
"""Height and width of the pictures that VOID was trained on."""
TRAINED_ASPECT = (TRAINED_SIZE[1], TRAINED_SIZE[0])
"""Width and height of the trained pictures, in the order in which a region states its aspect."""
CANVAS_MULTIPLE = 16
"""Sides of a canvas are multiples of this: 8 from the video autoencoder, 2 from the denoiser's patches."""
TRAINED_TOKENS = (TRAINED_SIZE[0] // CANVAS_MULTIPLE) * (TRAINED_SIZE[1] // CANVAS_MULTIPLE)
"""How many of the denoiser's patches a picture of the trained size has; no canvas has more by default."""

ASPECT_TOLERANCE = 0.02
"""How far a canvas' aspect may be off the picture's to get sides in multiples of 16, as a fraction. 16:9 on
672x384 needs 1.6%."""

SMALLEST_SIDE_PX = 128
"""The least side of a region, unless the frame itself is smaller: motion cannot be estimated from less."""
_SMALLEST_EXPLICIT_SIDE_PX = 16
"""The least side of a box that the artist gives."""


class RegionMode(Enum):
    """How the region is chosen."""

    MATTES = "mattes"
    """A box around the mattes with a margin of context."""
    FRAME = "frame"
    """The whole frame."""
    BOX = "box"
    """A box that the artist gave."""


@dataclass(frozen=True, slots=True)
class Region:
    """The part of every frame of a shot that an engine sees, and the size at which a model works on it."""

    box: Box
    """The region in display coordinates. It may reach outside the frame, where
    :func:`void_engine.resampling.crop` repeats the picture's edge."""
    canvas: tuple[int, int]
    """Height and width of the picture that the model works on; those of the box for an engine that works at
    the plate's own size."""


def plan_region(
    bounds: Box | Iterable[Box],
    frame: Box,
    pixel_aspect: float = 1.0,
    *,
    mode: RegionMode = RegionMode.MATTES,
    box: Box | None = None,
    margin: float = 0.25,
    minimum_margin_px: int = 32,
    aspect: tuple[int, int] | None = None,
    max_tokens: int = TRAINED_TOKENS,
) -> Region:
    """Plan the region of a shot.

    A margin of context is kept around the mattes, and the box is widened to the model's aspect. A box that
    would leave the frame is shifted into it; where the model's aspect does not fit into the frame, the canvas
    takes the aspect of what fits. A box smaller than the canvas is extended as far as the frame allows before
    it would have to be enlarged.

    Args:
        bounds: one or more boxes, in display coordinates, around the mattes of all frames of the shot.
        frame: the pixels that the plates have: the display window or more.
        pixel_aspect: width of a pixel over its height.
        mode: how the region is chosen.
        box: the artist's box, with :attr:`RegionMode.BOX` only.
        margin: context on each side as a fraction of the mattes' longer side.
        minimum_margin_px: the least context on each side, in pixels.
        aspect: width and height that the model prefers (in square pixels), such as :data:`TRAINED_ASPECT`.
            None for an engine that works at the plate's own size: then the canvas is as large as the box.
        max_tokens: the most patches of 16 x 16 pixels that a canvas may have.

    Raises:
        MatteError: when there are no mattes, or all of them lie outside the frame or the artist's box.
        SettingError: for a setting out of range, or a box that is too small or outside the frame.
    """
    _check_settings(frame, pixel_aspect, margin, minimum_margin_px, aspect)
    wanted_box = _checked_box(mode, box, frame)
    around = union_of([bounds] if isinstance(bounds, Box) else bounds)
    if around.is_empty:
        raise MatteError("the mattes are empty on every frame of the shot; draw what is to be removed")
    seen = around.intersection(wanted_box)
    if seen.is_empty:
        where = "the chosen region" if mode is RegionMode.BOX else "the frame"
        raise MatteError(f"the mattes lie outside {where}: they cover {around}, it covers {wanted_box}")
    if mode is not RegionMode.MATTES:
        if aspect is None:
            return Region(wanted_box, wanted_box.shape)
        return _fitted(wanted_box, frame, pixel_aspect, max_tokens)

    context = max(minimum_margin_px, math.ceil(margin * max(seen.width, seen.height)))
    wanted = seen.grown(context).intersection(frame)
    if aspect is None:
        plain = _resized(wanted, SMALLEST_SIDE_PX, SMALLEST_SIDE_PX, frame)
        return Region(plain, plain.shape)
    rows, columns = plan_canvas(aspect[0], aspect[1], 1.0, max_tokens)
    width = max(wanted.width, columns / pixel_aspect)
    height = max(wanted.height, float(rows))
    # The model's aspect in pixels of the plate, which need not be square, so that both sides compare.
    ratio = columns / rows / pixel_aspect
    width, height = max(width, height * ratio), max(height, width / ratio)
    if width <= frame.width + 0.5 and height <= frame.height + 0.5:
        return Region(_resized(wanted, round(width), round(height), frame), (rows, columns))
    return _fitted(
        _resized(wanted, math.ceil(width), math.ceil(height), frame), frame, pixel_aspect, max_tokens
    )


def plan_canvas(
    width: float,
    height: float,
    pixel_aspect: float = 1.0,
    max_tokens: int = TRAINED_TOKENS,
    multiple: int = CANVAS_MULTIPLE,
) -> tuple[int, int]:
    """Choose height and width of the canvas for a picture, within the tokens that the model was trained with.

    The choice is the largest canvas whose aspect is within :data:`ASPECT_TOLERANCE` of the picture's (in
    square pixels); where there is none, it is the canvas that shows the picture largest. By default 16:9
    gives (384, 672).

    Args:
        width, height: size of the picture, in its own pixels.
        pixel_aspect: width of a pixel over its height.
        max_tokens: the most blocks of ``multiple`` x ``multiple`` pixels that the canvas may have.
        multiple: both sides of the canvas are multiples of this many pixels.

    Raises:
        SettingError: when a size, the pixel aspect or the number of tokens is not positive.
    """
    if not (width > 0 and height > 0 and pixel_aspect > 0 and max_tokens >= 1 and multiple >= 1):
        raise SettingError(
            f"no canvas of at most {max_tokens} blocks of {multiple} px can be planned for "
            f"{width} x {height} pixels of aspect {pixel_aspect}"
        )
    aspect = width * pixel_aspect / height
    candidates: list[tuple[bool, float, float, int, int]] = []
    for rows in range(1, max_tokens + 1):
        for wanted in (math.floor(rows * aspect), math.ceil(rows * aspect)):
            columns = min(max(1, wanted), max_tokens // rows)
            misfit = abs(math.log(columns / rows / aspect))
            fits = misfit <= ASPECT_TOLERANCE
            # A canvas of another aspect is padded around the picture, which leaves the picture fewer tokens.
            shown = rows * columns * (1.0 if fits else math.exp(-misfit))
            candidates.append((fits, shown, -misfit, rows, columns))
    *_, rows, columns = max(candidates)
    return rows * multiple, columns * multiple


def _fitted(box: Box, frame: Box, pixel_aspect: float, max_tokens: int) -> Region:
    """The region that shows at least ``box`` on a canvas of nearly its aspect."""
    canvas = plan_canvas(box.width, box.height, pixel_aspect, max_tokens)
    ratio = canvas[1] / canvas[0] / pixel_aspect
    misfit = math.log(box.width / box.height / ratio)
    if abs(misfit) <= ASPECT_TOLERANCE and _cannot_grow(box, frame, too_narrow=misfit < 0):
        return Region(box, canvas)
    width = max(box.width, round(box.height * ratio))
    height = max(box.height, round(box.width / ratio))
    return Region(_resized(box, width, height, frame, may_leave=True), canvas)


def _cannot_grow(box: Box, frame: Box, *, too_narrow: bool) -> bool:
    return box.width >= frame.width if too_narrow else box.height >= frame.height


def _resized(box: Box, width: int, height: int, frame: Box, *, may_leave: bool = False) -> Box:
    """Grow ``box`` about its centre to at least this size and shift it into the frame.

    A side longer than the frame's is cut to the frame or, with ``may_leave``, centred on it.
    """
    x0, x1 = _grown_span(box.x0, box.x1, width, frame.x0, frame.x1, may_leave)
    y0, y1 = _grown_span(box.y0, box.y1, height, frame.y0, frame.y1, may_leave)
    return Box(x0, y0, x1, y1)


def _grown_span(start: int, end: int, length: int, low: int, high: int, may_leave: bool) -> tuple[int, int]:
    length = max(length, end - start)
    if length > high - low:
        if not may_leave:
            return low, high
        first = (low + high - length) // 2
        return first, first + length
    first = min(max((start + end - length) // 2, low), high - length)
    return first, first + length


def _checked_box(mode: RegionMode, box: Box | None, frame: Box) -> Box:
    if mode is not RegionMode.BOX:
        if box is not None:
            raise SettingError(f"a region box was given, but the region is chosen by {mode.value!r}")
        return frame
    if box is None:
        raise SettingError("the region is to be a box, but no box was given")
    if min(box.width, box.height) < _SMALLEST_EXPLICIT_SIDE_PX:
        raise SettingError(
            f"the region {box} is too small; each side needs {_SMALLEST_EXPLICIT_SIDE_PX} pixels"
        )
    if not frame.contains(box):
        raise SettingError(f"the region {box} reaches outside the frame {frame}; keep it inside")
    return box


def _check_settings(
    frame: Box, pixel_aspect: float, margin: float, minimum_margin_px: int, aspect: tuple[int, int] | None
) -> None:
    if frame.is_empty:
        raise SettingError(f"the frame {frame} is empty")
    if not (math.isfinite(pixel_aspect) and pixel_aspect > 0):
        raise SettingError(f"pixel aspect is {pixel_aspect}; it must be above 0")
    if not (math.isfinite(margin) and margin >= 0 and minimum_margin_px >= 0):
        raise SettingError(
            f"the region's margin is {margin} and {minimum_margin_px} px; neither may be negative"
        )
    if aspect is not None and min(aspect) <= 0:
        raise SettingError(f"the model's aspect is {aspect}; both numbers must be above 0")
