"""Shots with a known truth for the bench of the verdict: an object over footage, good results and faults.

A clip is the truth. Part of a photograph is drawn over it through a matte; the good results have the clip's
own pixels where the matte is, or those with other grain. Each fault is injected into the truth.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import av
import cv2
import numpy as np
import skimage

from tests.bench.propagation_footage import linear
from void_engine.arrays import BoolArray, Float32Array, Uint8Array

_PHOTOS = ("coffee.png", "astronaut.png", "chelsea.png", "rocket.jpg")
_CROP = (300, 440)
_LONGEST_SIDE = 480


@dataclass(frozen=True)
class CheckShot:
    """A clip with an object over it. Pictures are (T, H, W, 3) scene-linear, mattes (T, H, W)."""

    name: str
    plate: Float32Array
    matte: Float32Array
    clean: Float32Array
    alpha: Float32Array
    """How far the object covers each pixel; the matte may be wider."""
    without_grain: Float32Array | None
    other_grain: Float32Array | None
    """The truth without the grain that was added, and with other grain; None where none was added."""
    seed: int

    def with_hole(self, pictures: Float32Array) -> Float32Array:
        """The plate with these pictures where the matte is."""
        return np.where(self.matte[..., None] > 0, pictures, self.plate).astype(np.float32)

    @property
    def good(self) -> Mapping[str, Float32Array]:
        """Results in which nothing is wrong, by name."""
        found = {"truth": self.with_hole(self.clean)}
        if self.other_grain is not None:
            found["other grain"] = self.with_hole(self.other_grain)
        return found


def read_clip(path: Path, start: int, count: int, rng: np.random.Generator) -> Float32Array:
    """Read frames of a movie, or of a folder of pictures: half of the time reduced, else a part of them."""
    frames: list[Uint8Array] = []
    if path.is_dir():
        files = sorted(file for file in path.iterdir() if file.name.startswith("plate"))
        for file in files[start : start + count]:
            picture = cv2.imread(str(file))
            assert picture is not None, file
            frames.append(np.asarray(picture, np.uint8))
    else:
        with av.open(str(path)) as container:
            for index, frame in enumerate(container.decode(video=0)):
                if index >= start:
                    frames.append(frame.to_ndarray(format="bgr24"))
                if len(frames) == count:
                    break
    height, width = frames[0].shape[:2]
    if rng.random() < 0.5:
        scale = min(1.0, _LONGEST_SIDE / max(height, width))
        size = (round(width * scale), round(height * scale))
        frames = [np.asarray(cv2.resize(one, size, interpolation=cv2.INTER_AREA), np.uint8) for one in frames]
    else:
        rows, columns = min(height, _CROP[0]), min(width, _CROP[1])
        top, left = int(rng.integers(0, height - rows + 1)), int(rng.integers(0, width - columns + 1))
        frames = [one[top : top + rows, left : left + columns] for one in frames]
    return linear(np.stack(frames))


def make_shot(name: str, path: Path, seed: int, count: int = 9) -> CheckShot:
    """Make a shot of a clip; the same name and seed give the same shot."""
    rng = np.random.default_rng([zlib.crc32(name.encode()), seed])
    clean = read_clip(path, int(rng.integers(0, 40)), count, rng)
    look = str(rng.choice(["plain", "plain", "grain", "grain", "dark", "hdr"]))
    if look == "dark":
        clean = clean * np.float32(rng.uniform(0.02, 0.1))
    if look == "hdr":
        clean = np.asarray(clean * 2 + np.maximum(clean - 0.6, 0) ** 2 * 40, np.float32)
    middle = np.float32(np.median(clean) + 1e-5)
    grain: Callable[[Float32Array], Float32Array] | None = None
    if look == "grain" or (look != "plain" and rng.random() < 0.5):
        grain = _grain(rng, float(rng.uniform(0.04, 0.15)), float(rng.uniform(0, 1)), middle)
    without = clean if grain else None
    other = grain(clean) if grain else None
    clean = grain(clean) if grain else clean
    alpha, things = _object(rng, clean.shape[:3], middle)
    if grain:
        things = grain(np.maximum(things, np.float32(0)))
    plate = np.where(alpha[..., None] > 0, clean * (1 - alpha[..., None]) + things * alpha[..., None], clean)
    matte = _widened(alpha, int(rng.choice([0, 0, 2, 4, 7])), float(rng.choice([0, 0, 1.0, 2.0])))
    return CheckShot(name, np.asarray(plate, np.float32), matte, clean, alpha, without, other, seed)


def _grain(
    rng: np.random.Generator, size: float, softness: float, middle: np.float32
) -> Callable[[Float32Array], Float32Array]:
    def grained(pictures: Float32Array) -> Float32Array:
        noise = rng.normal(0, 1, pictures.shape).astype(np.float32)
        if softness > 0.3:
            noise = blurred(noise, softness)
        noise /= noise.std()
        scale = np.sqrt(np.maximum(pictures, 0) * middle + 0.05 * middle**2)
        return np.asarray(pictures + noise * np.float32(size) * scale, np.float32)

    return grained


def _object(
    rng: np.random.Generator, shape: tuple[int, ...], middle: np.float32
) -> tuple[Float32Array, Float32Array]:
    """A part of a photograph through a soft blob that drifts, or stands still."""
    count, height, width = shape
    radius = min(float(rng.choice([12, 22, 40, 70, 110])), 0.4 * min(height, width))
    side = int(3.6 * radius) + 8
    turn = np.linspace(0, 2 * np.pi, 128, endpoint=False)
    reach = np.ones(128)
    for wave in range(2, 7):
        reach += rng.normal(0, 0.28 / wave) * np.cos(wave * turn + rng.uniform(0, 6.28))
    reach = np.clip(reach, 0.35, 1.7) * radius
    points = np.stack(
        [side / 2 + reach * np.cos(turn), side / 2 + reach * np.sin(turn) * rng.uniform(0.55, 1)], axis=1
    )
    blob = np.zeros((side, side), np.float32)
    cv2.fillPoly(blob, [points.astype(np.int32)], (1.0,))
    share = 0.0 if rng.random() < 0.25 else 0.25
    place = np.array([rng.uniform(share, 1 - share) * width, rng.uniform(share, 1 - share) * height])
    drift = rng.normal(0, 2.0, 2) if rng.random() < 0.7 else np.zeros(2)
    file = Path(skimage.__file__).parent / "data" / str(rng.choice(_PHOTOS))
    found = cv2.imread(str(file))
    assert found is not None, file
    photo = linear(np.asarray(found, np.uint8))
    scale = max(0.3, side / min(photo.shape[:2]) * rng.uniform(1, 2))
    photo = np.asarray(cv2.resize(photo, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.float32)
    photo = photo[:side, :side] * (middle * np.float32(rng.uniform(0.3, 2.5)) / (np.median(photo) + 1e-4))
    softness = float(rng.choice([0.5, 1.0, 1.0, 2.5]))
    alphas, things = [], []
    for step in range(count):
        x, y = place + drift * step - side / 2
        move = np.array([[1, 0, x], [0, 1, y]], np.float32)
        alpha = cv2.GaussianBlur(cv2.warpAffine(blob, move, (width, height)), (0, 0), softness)
        alphas.append(np.where(alpha < 0.004, 0, alpha))
        things.append(cv2.warpAffine(photo, move, (width, height), borderMode=cv2.BORDER_REPLICATE))
    return np.stack(alphas).astype(np.float32), np.stack(things).astype(np.float32)


def _widened(alpha: Float32Array, grow: int, softness: float) -> Float32Array:
    """A matte as an artist draws it: wider than the object by some pixels, and soft."""
    shape = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * grow + 1, 2 * grow + 1))
    mattes = []
    for one in alpha:
        matte = cv2.dilate(one, shape)
        if softness:
            matte = np.maximum(one, cv2.GaussianBlur(matte, (0, 0), softness))
        mattes.append(np.where(matte < 0.004, 0, np.clip(matte, 0, 1)))
    return np.stack(mattes).astype(np.float32)


def blurred(pictures: Float32Array, sigma: float) -> Float32Array:
    """Each picture blurred."""
    return np.stack([cv2.GaussianBlur(one, (0, 0), sigma) for one in pictures]).astype(np.float32)


def _depth(masks: BoolArray) -> Float32Array:
    return np.stack([cv2.distanceTransform(one.astype(np.uint8), cv2.DIST_L2, 5) for one in masks]).astype(
        np.float32
    )


def _outlined(shot: CheckShot, share: float, width: float) -> Float32Array:
    depth = _depth(shot.alpha > 0.02)
    band = ((depth > 0) & (depth <= width))[..., None]
    return np.where(band, shot.clean + np.float32(share) * (shot.plate - shot.clean), shot.clean)


def _dark_line(shot: CheckShot) -> Float32Array:
    depth = _depth(shot.matte > 0)
    return np.where(((depth > 0) & (depth <= 2))[..., None], shot.clean * np.float32(0.8), shot.clean)


def _flicker(shot: CheckShot, size: float) -> Float32Array:
    rng = np.random.default_rng([shot.seed, 3])
    count = len(shot.clean)
    gains = np.where(np.arange(count) % 2, 1 + size, 1 - size)
    if rng.random() < 0.5:
        gains = 1 + size * rng.choice([-1, 1, 0.5, -0.5, 0], count)
    return shot.clean * gains[:, None, None, None].astype(np.float32)


def _drifting(shot: CheckShot, most: tuple[float, float, float]) -> Float32Array:
    """Light that rises from the first frame to the last."""
    share = np.linspace(0, 1, len(shot.clean))[:, None] * np.array(most)
    return np.asarray(shot.clean * (1 + share[:, None, None, :]), np.float32)


def _shards(shot: CheckShot) -> Float32Array:
    """Triangles of displaced picture in every other frame."""
    rng = np.random.default_rng([shot.seed, 5])
    pictures = shot.clean.copy()
    for step in range(0, len(pictures), 2):
        rows, columns = np.where(shot.matte[step] > 0)
        if len(rows) < 20:
            continue
        reach = max(4.0, 0.3 * np.sqrt(len(rows)))
        for _ in range(4):
            at = rng.integers(len(rows))
            corners = np.array([columns[at], rows[at]]) + rng.uniform(-reach, reach, (3, 2))
            shard = np.zeros(shot.matte.shape[1:], np.uint8)
            cv2.fillPoly(shard, [corners.astype(np.int32)], (1,))
            other = shot.clean[(step + 3) % len(pictures)]
            moved = np.roll(other, tuple(rng.integers(-40, 40, 2)), (0, 1))
            pictures[step][shard > 0] = moved[shard > 0]
    return pictures


def _half(shot: CheckShot, pictures: Float32Array) -> Float32Array:
    """The fault in one half of the hole only."""
    mixed = shot.clean.copy()
    for step, matte in enumerate(shot.matte):
        columns = np.where((matte > 0).any(axis=0))[0]
        if columns.size:
            middle = int(columns.mean())
            mixed[step, :, middle:] = pictures[step, :, middle:]
    return mixed


def _one_channel(shot: CheckShot) -> Float32Array:
    pictures = shot.clean.copy()
    pictures[..., shot.seed % 3] *= np.float32(1.15)
    return pictures


def _missing_grain(shot: CheckShot) -> Float32Array:
    return blurred(shot.clean, 0.8) if shot.without_grain is None else shot.without_grain


FAULTS: Mapping[str, Callable[[CheckShot], Float32Array]] = {
    "outline, 60 % of the object in 3.5 px": lambda shot: _outlined(shot, 0.6, 3.5),
    "outline, all of it in 2.5 px": lambda shot: _outlined(shot, 1.0, 2.5),
    "outline, 30 % in 6 px": lambda shot: _outlined(shot, 0.3, 6.0),
    "dark line of 2 px, -20 %": _dark_line,
    "flicker of 5 %": lambda shot: _flicker(shot, 0.05),
    "flicker of 15 %": lambda shot: _flicker(shot, 0.15),
    "blur of 1.2 px": lambda shot: blurred(shot.clean, 1.2),
    "blur of 2.5 px": lambda shot: blurred(shot.clean, 2.5),
    "blur of 2.5 px in one half": lambda shot: _half(shot, blurred(shot.clean, 2.5)),
    "missing grain": _missing_grain,
    "seam, +8 % of light": lambda shot: shot.clean * np.float32(1.08),
    "exposure +25 %": lambda shot: shot.clean * np.float32(1.25),
    "exposure -30 %": lambda shot: shot.clean * np.float32(0.7),
    "exposure +25 % in one half": lambda shot: _half(shot, shot.clean * np.float32(1.25)),
    "one channel +15 %": _one_channel,
    "drift to +12 %": lambda shot: _drifting(shot, (0.12, 0.12, 0.12)),
    "drift to +12 % of red, -12 % of blue": lambda shot: _drifting(shot, (-0.12, 0.0, 0.12)),
    "one frame late": lambda shot: np.concatenate([shot.clean[:1], shot.clean[:-1]]),
    "one frame early": lambda shot: np.concatenate([shot.clean[1:], shot.clean[-1:]]),
    "shards in every other frame": _shards,
}
"""The faults by name: each gives pictures for the hole."""
EVERY_OTHER = "shards in every other frame"
