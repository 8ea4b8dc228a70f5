"""Contact sheets: some frames of a removal side by side, in one picture for people to judge.

Pictures come in scene-linear and are shown through sRGB with a logarithmic shoulder, so that a highlight of
20 still has its shape. Frames are read one at a time and only thumbnails are kept, so memory does not grow
with the size of the plates.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from void_engine import opencv
from void_engine.arrays import Float32Array, Uint8Array
from void_engine.colour.curve import ShoulderCurve
from void_engine.errors import OutputError
from void_engine.quadmask import overlay

ReadPicture = Callable[[int], Float32Array]
"""Takes a frame number and gives that frame's picture, (H, W, 3) scene-linear RGB."""
ReadQuadmask = Callable[[int], Uint8Array]
"""Takes a frame number and gives that frame's quadmask, (H, W)."""

_BACKGROUND = (26, 26, 28)
_TEXT = (226, 226, 222)
_QUIET_TEXT = (150, 150, 148)
_MARGIN_PX = 20
_GAP_PX = 10
_FONT = cv2.FONT_HERSHEY_SIMPLEX
_LETTER_SCALE_PER_PX = 1.0 / 30.0
"""OpenCV's font scale for one pixel of line height."""


@dataclass(frozen=True, slots=True)
class SheetView:
    """The display transform of the sheet: an exposure, then the shoulder curve up to a ceiling."""

    exposure_stops: float = 0.0
    ceiling: float = 20.0
    """The scene-linear value that, after the exposure, is shown as full white; at least 1."""

    def show(self, picture: Float32Array) -> Float32Array:
        """Turn (H, W, 3) scene-linear into display-referred 0..1; negative values and NaN become black."""
        light = np.nan_to_num(picture * np.float32(2.0**self.exposure_stops), nan=0.0, neginf=0.0)
        shown = ShoulderCurve.reaching(self.ceiling).encode(np.clip(light, 0.0, self.ceiling))
        return np.clip(shown, 0.0, 1.0)


@dataclass(frozen=True, slots=True)
class Column:
    """One column of the sheet: a title, and the picture that it shows of a frame."""

    title: str
    show: Callable[[int, SheetView], Float32Array]
    """Takes a frame number and the view, and gives (H, W, 3) display-referred RGB in 0..1."""


def picture_column(title: str, read: ReadPicture) -> Column:
    """A column of the pictures as they are."""
    return Column(title, lambda frame, view: view.show(read(frame)))


def overlay_column(title: str, read: ReadPicture, read_quadmask: ReadQuadmask) -> Column:
    """A column of the pictures, tinted by their quadmasks."""
    return Column(title, lambda frame, view: overlay(view.show(read(frame)), read_quadmask(frame), 0.55))


def difference_column(title: str, read: ReadPicture, read_other: ReadPicture, gain: float = 4.0) -> Column:
    """A column of the absolute difference of two display-referred pictures, times ``gain``."""

    def show(frame: int, view: SheetView) -> Float32Array:
        distance = np.abs(view.show(read(frame)) - view.show(read_other(frame)))
        return np.asarray(np.clip(distance * np.float32(gain), 0.0, 1.0), dtype=np.float32)

    return Column(title, show)


def contact_sheet(
    columns: Sequence[Column],
    frames: Sequence[int],
    *,
    title: str = "",
    notes: Sequence[str] = (),
    pixel_aspect: float = 1.0,
    picture_width: int = 480,
    view: SheetView | None = None,
) -> Uint8Array:
    """Lay out the sheet: one row for each frame, one column for each way to look at it.

    Args:
        columns: the columns from left to right.
        frames: the frame numbers of the rows, from top to bottom.
        title: a line at the top; empty for none.
        notes: lines of text below the pictures, such as measurements.
        pixel_aspect: width of a pixel over its height; pictures are shown in their true proportions.
        picture_width: width in pixels of each picture on the sheet.
        view: the display transform; None for the default :class:`SheetView`.

    Returns:
        (H, W, 3) uint8 RGB.

    Raises:
        ValueError: when there are no columns or frames, or the width is below 16.
    """
    if not columns or not frames or picture_width < 16:
        raise ValueError("a contact sheet needs columns, frames and pictures at least 16 pixels wide")
    view = view or SheetView()
    line = max(11, round(picture_width / 22))
    rows = [_row(columns, frame, view, picture_width, pixel_aspect) for frame in frames]
    for row, frame in zip(rows, frames, strict=True):
        _label(row, str(frame), line)
    parts: list[Uint8Array] = []
    width = rows[0].shape[1]
    if title:
        parts.append(_text_line([(0, title)], width, round(line * 1.5), _TEXT))
    starts = [(index * (picture_width + _GAP_PX), column.title) for index, column in enumerate(columns)]
    parts.append(_text_line(starts, width, line, _QUIET_TEXT))
    for row in rows:
        parts += [row, _blank(_GAP_PX, width)]
    parts += [_text_line([(0, note)], width, line, _QUIET_TEXT) for note in notes]
    body = np.concatenate(parts, axis=0)
    height = body.shape[0]
    sheet = _blank(height + 2 * _MARGIN_PX, width + 2 * _MARGIN_PX)
    sheet[_MARGIN_PX : _MARGIN_PX + height, _MARGIN_PX : _MARGIN_PX + width] = body
    return sheet


PICTURE_ENDINGS = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".webp")
"""The endings of the files that a sheet can be saved as."""
_JPEG_QUALITY = 92


def save_picture(path: Path, picture: Uint8Array) -> None:
    """Write (H, W, 3) uint8 RGB as the picture that the name's ending says, one of :data:`PICTURE_ENDINGS`.

    Raises:
        OutputError: for another ending, or when the file cannot be written.
    """
    ending = path.suffix.lower()
    if ending not in PICTURE_ENDINGS:
        raise OutputError(
            f"{path}: a sheet is saved as {', '.join(PICTURE_ENDINGS)}; choose one of these endings"
        )
    # On Windows, cv2.imwrite cannot open paths with letters outside the system's code page.
    bgr = cv2.cvtColor(picture, cv2.COLOR_RGB2BGR)
    # OpenCV complains on the terminal of an option that a kind of file does not have.
    options = [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY] if ending in (".jpg", ".jpeg") else []
    _, data = cv2.imencode(ending, bgr, options)
    try:
        path.write_bytes(data.tobytes())
    except OSError as error:
        raise OutputError(f"{path}: the picture cannot be written ({error.strerror})") from error


def _thumbnail(shown: Float32Array, width: int, pixel_aspect: float) -> Uint8Array:
    rows, columns = shown.shape[:2]
    height = max(1, round(width * rows / (columns * pixel_aspect)))
    shrinks = width <= columns
    small = opencv.resize(shown, (height, width), opencv.AREA if shrinks else opencv.CUBIC)
    return np.asarray(np.clip(small, 0.0, 1.0) * 255.0 + 0.5, dtype=np.uint8)


def _row(
    columns: Sequence[Column], frame: int, view: SheetView, picture_width: int, pixel_aspect: float
) -> Uint8Array:
    pictures = [_thumbnail(column.show(frame, view), picture_width, pixel_aspect) for column in columns]
    spaced = [pictures[0]]
    for picture in pictures[1:]:
        spaced += [_blank(pictures[0].shape[0], _GAP_PX), _fitted(picture, pictures[0].shape[0])]
    return np.concatenate(spaced, axis=1)


def _fitted(picture: Uint8Array, height: int) -> Uint8Array:
    """Cut or pad ``picture`` at its bottom: a column may show a picture of another format than the first."""
    fitted = _blank(height, picture.shape[1])
    rows = min(height, picture.shape[0])
    fitted[:rows] = picture[:rows]
    return fitted


def _blank(height: int, width: int) -> Uint8Array:
    return np.full((height, width, 3), _BACKGROUND, dtype=np.uint8)


def _text_line(
    items: Sequence[tuple[int, str]], width: int, line: int, colour: tuple[int, int, int]
) -> Uint8Array:
    """Draw a line of texts, each at its distance in pixels from the left."""
    picture = _blank(round(line * 1.7), width)
    for left, text in items:
        _write(picture, text, left, round(line * 1.05), line, colour)
    return picture


def _label(row: Uint8Array, text: str, line: int) -> None:
    """Write a text into the lower left corner of ``row``, on dark ground so that any picture lets it read."""
    (text_width, _), _ = cv2.getTextSize(text, _FONT, line * _LETTER_SCALE_PER_PX, 1)
    top = row.shape[0] - round(line * 1.5)
    ground = row[top:, : text_width + line]
    ground[:] = np.asarray(ground * 0.35, dtype=np.uint8)
    _write(row, text, line // 2, row.shape[0] - round(line * 0.42), line, _TEXT)


def _write(
    picture: Uint8Array, text: str, left: int, baseline: int, line: int, colour: tuple[int, int, int]
) -> None:
    cv2.putText(picture, text, (left, baseline), _FONT, line * _LETTER_SCALE_PER_PX, colour, 1, cv2.LINE_AA)
