"""State that the parts of a shot share when several machines make it: the camera track and the key frames.

Everything else that a clean frame depends on is read from the plate. So a part that has these two comes out
as in a run over the whole shot: from the same sources through the same homographies, with the same texture.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from void_engine.errors import PlateError
from void_engine.geometry import Box
from void_engine.propagation.archive import write_archive
from void_engine.propagation.fill.key_frames import SynthesisedPixels
from void_engine.propagation.motion.track import ShotTrack

_TRACK, _RIM = "track.npz", "rim.npz"


@dataclass(frozen=True)
class SharedState:
    """A folder with a shot's track, the key frames that parts begin with, and those that parts have made."""

    folder: Path

    @property
    def is_prepared(self) -> bool:
        """Whether the track, which is written last, is there."""
        return (self.folder / _TRACK).is_file()

    def save_track(self, track: ShotTrack, rim_px: int = 0) -> None:
        """Write the track, and how far the object reaches beyond its matte.

        It must be written after all starts, because it marks the folder as prepared.
        """
        write_archive(self.folder / _RIM, {"rim_px": np.int64(rim_px)})
        track.save(self.folder / _TRACK)

    @property
    def rim_px(self) -> int:
        """How far, in pixels, the object reaches beyond its matte.

        Raises:
            PlateError: when the file is missing or damaged.
        """
        path = self.folder / _RIM
        try:
            with np.load(path, allow_pickle=False) as kept:
                return int(kept["rim_px"])
        except (OSError, ValueError, KeyError) as error:
            raise PlateError(
                f"{path}: the prepared rim of the mattes cannot be read ({error}); run the preparation again"
            ) from error

    def track(self) -> ShotTrack:
        """Read the track.

        Raises:
            PlateError: when the file is missing or damaged.
        """
        path = self.folder / _TRACK
        try:
            return ShotTrack.load(path)
        except (OSError, ValueError, KeyError) as error:
            raise PlateError(
                f"{path}: the prepared camera track cannot be read ({error}); run the preparation again"
            ) from error

    def keep_start(self, start: int, keys: Iterable[SynthesisedPixels]) -> None:
        """Write the key frames that the part from frame ``start`` begins with, oldest first."""
        _write(self._start(start), list(keys))

    def keep_key(self, start: int, pixels: SynthesisedPixels) -> None:
        """Write a key frame that the part from frame ``start`` has made, so that the part can resume."""
        _write(self._made(start) / f"{pixels.number}.npz", [pixels])

    def keys(self, start: int, before: int) -> list[SynthesisedPixels]:
        """The key frames that the part from frame ``start`` has before frame ``before``, oldest first."""
        found = _read(self._start(start)) if self._start(start).is_file() else []
        made = [_read(path)[0] for path in self._made(start).glob("[!.]*.npz")]
        made = [pixels for pixels in made if start <= pixels.number < before]
        return found + sorted(made, key=lambda pixels: pixels.number)

    def _start(self, start: int) -> Path:
        return self.folder / f"start_{start}.npz"

    def _made(self, start: int) -> Path:
        return self.folder / f"part_{start}"


def _write(path: Path, keys: list[SynthesisedPixels]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    arrays: dict[str, Any] = {"count": np.int64(len(keys))}
    for index, key in enumerate(keys):
        box = key.area
        arrays[f"where_{index}"] = np.array([key.number, box.x0, box.y0, box.x1, box.y1], np.int64)
        arrays[f"hole_{index}"] = np.packbits(key.hole)
        arrays[f"values_{index}"] = key.values
    write_archive(path, arrays, compressed=True)


def _read(path: Path) -> list[SynthesisedPixels]:
    found = []
    try:
        with np.load(path, allow_pickle=False) as kept:
            for index in range(int(kept["count"])):
                number, *corners = (int(value) for value in kept[f"where_{index}"])
                area = Box(*corners)
                count = area.width * area.height
                hole = np.unpackbits(kept[f"hole_{index}"], count=count).reshape(area.shape).astype(bool)
                found.append(SynthesisedPixels(number, area, hole, kept[f"values_{index}"]))
    except (OSError, ValueError, KeyError) as error:
        raise PlateError(f"{path}: the key frames in it cannot be read ({error}); delete it") from error
    return found
