"""The pictures of a shot as scene-linear arrays: plate, result, and what the mattes and the engine say."""

from __future__ import annotations

import math
from contextlib import ExitStack
from pathlib import Path

import numpy as np

from void_engine.arrays import Float32Array
from void_engine.errors import EngineError, PlateError
from void_engine.geometry import Box
from void_engine.plates.frame.frame import Frame
from void_engine.plates.frame.header import FRAME_RATE_ATTRIBUTE
from void_engine.plates.frame.picture import resolve_picture
from void_engine.plates.ingest.mattes import MATTE_CHANNEL
from void_engine.plates.sequence.sequence import PlateSequence
from void_protocol.job import RemovalJob
from void_protocol.task import Propose
from void_server.mattes.pictures import tinted, without_task
from void_server.review.catalogue import ReviewShot, ReviewVersion
from void_server.translate import shot_mattes

USUAL_FPS = 24.0
"""The rate of a plate that tells none."""


class ShotPictures:
    """Reads pictures of one shot. It is used as a context, by several threads.

    Pictures cover the format at full size; those of a proxy are of its own size.
    """

    def __init__(self, shot: ReviewShot) -> None:
        self.shot = shot
        self._files = ExitStack()
        self._plates = self._sequence(shot.job, shot.job.shot.plate)
        self._results = {
            version.key: self._sequence(version.job, version.pattern) for version in shot.versions
        }
        self._mattes = {
            version.key: shot_mattes(without_task(version.job), self._files) for version in shot.versions
        }

    def __enter__(self) -> ShotPictures:
        return self

    def __exit__(self, *_: object) -> None:
        self._files.close()

    def _sequence(self, job: RemovalJob, pattern: str) -> PlateSequence:
        numbers = job.shot.frame_numbers
        return self._files.enter_context(
            PlateSequence(pattern, numbers[0], numbers[-1], read_ahead=0, cache_bytes=0)
        )

    def plate(self, number: int) -> Float32Array:
        """The plate of a frame, (H, W, 3).

        Raises:
            PlateError: when it cannot be read.
        """
        return self._rgb(self.shot.job, self._plates.frame(number))

    def result(self, version: ReviewVersion, number: int) -> Float32Array:
        """A frame of a result, (H, W, 3); of a proposal the plate, tinted by kind, of other mattes the plate.

        Raises:
            PlateError: when it cannot be read.
        """
        if not version.job.is_removal:
            frame, plate = self._results[version.key].frame(number), self.plate(number)
            is_proposal = isinstance(version.job.task, Propose)
            return tinted(plate, frame, _window(frame)) if is_proposal else plate
        return self._rgb(version.job, self._results[version.key].frame(number))

    def matte(self, version: ReviewVersion, number: int) -> Float32Array:
        """How far each pixel was replaced, (H, W) in 0..1: the result's own layer, else the job's mattes.

        Raises:
            PlateError: when it cannot be read.
        """
        layer = self._layer(version, number, "matte")
        if layer is not None:
            return layer
        if not version.job.is_removal:
            frame = self._results[version.key].frame(number)
            return np.clip(frame.plane(MATTE_CHANNEL, _window(frame)), 0.0, 1.0)
        roles = self._mattes[version.key].at(number, _format(version.job))
        return np.maximum(roles.remove, roles.affected)

    def confidence(self, version: ReviewVersion, number: int) -> Float32Array | None:
        """How sure the engine is of each pixel, (H, W) in 0..1; None where the result does not tell.

        Raises:
            PlateError: when it cannot be read.
        """
        return self._layer(version, number, "confidence") if version.job.is_removal else None

    def file(self, version: ReviewVersion | None, number: int) -> Path:
        """The file of a result's frame, or of the plate's."""
        return (self._plates if version is None else self._results[version.key]).pattern.path(number)

    def fps(self) -> float:
        """The plate's frames per second, as its first frame tells them."""
        try:
            told = self._plates.frame(self.shot.job.shot.first_frame).metadata.get(FRAME_RATE_ATTRIBUTE)
        except EngineError:
            return USUAL_FPS
        if isinstance(told, tuple) and len(told) == 2 and told[1]:
            told = float(told[0]) / float(told[1])
        return float(told) if isinstance(told, (int, float)) and 1.0 <= told <= 240.0 else USUAL_FPS

    def _layer(self, version: ReviewVersion, number: int, layer: str) -> Float32Array | None:
        try:
            frame = self._results[version.key].frame(number)
        except PlateError:
            if number in version.frames:
                raise
            return None
        plate = self._plates.frame(number)
        picture = resolve_picture(plate.header, version.job.shot.view, version.job.shot.layer)
        name = f"{picture.added(layer)}.A"
        if name not in frame.channel_names:
            return None
        return np.clip(np.nan_to_num(frame.plane(name, _window(frame))), 0.0, 1.0)

    def _rgb(self, job: RemovalJob, frame: Frame) -> Float32Array:
        picture = resolve_picture(frame.header, job.shot.view, job.shot.layer)
        return frame.read_channels(picture.rgb, _window(frame))


def _window(frame: Frame) -> Box:
    width, height = frame.display_size
    return Box.from_size(width, height)


def _format(job: RemovalJob) -> Box:
    shape, scale = job.shot.format, job.settings.proxy_scale
    return Box.from_size(math.ceil(shape.width * scale), math.ceil(shape.height * scale))
