"""The picture files of a review: each is made once, in the right size, and kept while what it shows is the
same."""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from void_engine.arrays import Float32Array
from void_server.review.catalogue import ReviewShot, ReviewVersion
from void_server.review.pictures import ShotPictures
from void_server.review.shown import (
    ReviewView,
    confidence_codes,
    fitted,
    jpeg,
    matte_codes,
    png,
    resized,
)

THUMBNAIL_WIDTH = 320
KINDS = ("plate", "result", "matte", "confidence")
"""The kinds of pictures: ``plate`` belongs to the shot, the others to a version."""


@dataclass(frozen=True)
class PictureKey:
    """Which picture is meant."""

    kind: str
    frame: int
    version: ReviewVersion | None = None
    """None for the plate."""

    def path(self, shot: ReviewShot) -> str:
        """Its file, relative to the page."""
        folder = self.kind if self.version is None else f"{self.version.key}/{self.kind}"
        return f"shots/{shot.key}/{folder}/{self.frame}.png"


class Gallery:
    """Makes the pictures of one shot below a page's folder. Several threads may use it."""

    def __init__(self, folder: Path, pictures: ShotPictures, view: ReviewView, widest: int) -> None:
        self._folder = folder
        self._pictures = pictures
        self._view = view
        shape = pictures.shot.job.shot.format
        self.size = fitted((shape.width, shape.height), shape.pixel_aspect, widest)

    @property
    def shot(self) -> ReviewShot:
        return self._pictures.shot

    def all_keys(self) -> list[PictureKey]:
        """All pictures that a page without a server needs, in the order in which people look at them."""
        shot = self.shot
        keys = [PictureKey("plate", frame) for frame in shot.job.shot.frame_numbers]
        for version in reversed(shot.versions):
            keys += [
                PictureKey(kind, frame, version)
                for frame in version.frames
                for kind in KINDS
                if kind != "plate"
            ]
        return keys

    def make(self, key: PictureKey) -> Path | None:
        """Make a picture unless it is there and newer than what it shows; None where there is none to show.

        Raises:
            PlateError: when the frame cannot be read.
            OSError: when the picture cannot be written.
        """
        path = self._folder / key.path(self.shot)
        if self._is_fresh(path, key):
            return path
        data = self.rendered(key)
        if data is None:
            return None
        self._keep(path, data, key)
        return path

    def rendered(self, key: PictureKey, exposure: float = 0.0, gamma: float = 1.0) -> bytes | None:
        """A picture as a PNG; None where there is none to show.

        Raises:
            PlateError: when the frame cannot be read.
        """
        version = key.version
        if version is None:
            return self._light(self._pictures.plate(key.frame), exposure, gamma)
        if key.kind == "result":
            return self._light(self._pictures.result(version, key.frame), exposure, gamma)
        matte = resized(self._pictures.matte(version, key.frame), self.size)
        if key.kind == "matte":
            return png(matte_codes(matte))
        confidence = self._pictures.confidence(version, key.frame)
        return None if confidence is None else png(confidence_codes(resized(confidence, self.size), matte))

    def thumbnail(self) -> str:
        """Make the picture that stands for the shot, and return its path relative to the page; empty where
        nothing can be read."""
        shot, numbers = self.shot, self.shot.job.shot.frame_numbers
        newest = next((version for version in reversed(shot.versions) if version.frames), None)
        frame = numbers[len(numbers) // 2] if newest is None else newest.frames[len(newest.frames) // 2]
        name = f"shots/{shot.key}/thumbnail.jpg"
        path = self._folder / name
        key = PictureKey("plate" if newest is None else "result", frame, newest)
        if not self._is_fresh(path, key):
            picture = self._pictures.plate(frame) if newest is None else self._pictures.result(newest, frame)
            shape = shot.job.shot.format
            size = fitted((shape.width, shape.height), shape.pixel_aspect, THUMBNAIL_WIDTH)
            self._keep(path, jpeg(self._view.shown(resized(picture, size))), key)
        return name

    def _light(self, picture: Float32Array, exposure: float, gamma: float) -> bytes:
        return png(self._view.shown(resized(picture, self.size), exposure, gamma))

    def _keep(self, path: Path, data: bytes, key: PictureKey) -> None:
        """Put a picture in place at once, with the time of what it shows. It can be made again, so it need
        not survive a power cut."""
        path.parent.mkdir(parents=True, exist_ok=True)
        shown_ns = self._shown_ns(key)
        temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
        try:
            temporary.write_bytes(data)
            if shown_ns is not None:
                os.utime(temporary, ns=(shown_ns, shown_ns))
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)

    def _is_fresh(self, path: Path, key: PictureKey) -> bool:
        """Whether a picture has the time of what it shows, so also one of an older version is made again."""
        try:
            return path.stat().st_mtime_ns == self._shown_ns(key)
        except OSError:
            return False

    def _shown_ns(self, key: PictureKey) -> int | None:
        try:
            return self._pictures.file(key.version, key.frame).stat().st_mtime_ns
        except OSError:
            return None
