"""A scene of the bench, and how one is composited: an occluder, its shadow, grain and compression."""

from __future__ import annotations

import fractions
import io
from dataclasses import dataclass, field

import av
import cv2
import numpy as np

from tests.bench.shots import movies
from void_engine.arrays import BoolArray, Float32Array, Uint8Array
from void_engine.engines.interface import ShotFrame


@dataclass(frozen=True, slots=True)
class Scene:
    """A scene in scene-linear float32: plate and truth (T, H, W, 3), mattes (T, H, W) in 0..1."""

    plate: Float32Array
    matte: Float32Array
    """The matte that the engine is given; it need not be what the object covers."""
    truth: Float32Array
    affected: Float32Array | None = None
    spoilt: BoolArray | None = None
    """Where the plate differs from the truth, when that is more than matte and affected region hold."""
    region: BoolArray = field(init=False)
    """Where the answer is measured: all that is replaced, and all that ought to be."""

    def __post_init__(self) -> None:
        region = self.matte > 0
        if self.affected is not None:
            region = region | (self.affected > 0)
        if self.spoilt is not None:
            region = region | self.spoilt
        object.__setattr__(self, "region", region)

    @property
    def replaced(self) -> Float32Array:
        """(T, H, W), 1 where the engine's answer is used."""
        used = self.matte > 0
        return (used if self.affected is None else used | (self.affected > 0)).astype(np.float32)


class SceneShot:
    """A scene as an engine sees it; see :class:`~void_engine.engines.interface.ShotSource`."""

    pixel_aspect = 1.0

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._replaced = scene.replaced

    @property
    def frame_numbers(self) -> range:
        return range(len(self._scene.plate))

    @property
    def height(self) -> int:
        return int(self._scene.plate.shape[1])

    @property
    def width(self) -> int:
        return int(self._scene.plate.shape[2])

    def frame(self, number: int) -> ShotFrame:
        matte = self._scene.matte[number]
        affected = np.zeros_like(matte) if self._scene.affected is None else self._scene.affected[number]
        object_, touched = matte >= 0.5, affected >= 0.5
        quadmask = np.where(object_, np.where(touched, 63, 0), np.where(touched, 127, 255)).astype(np.uint8)
        return ShotFrame(number, self._scene.plate[number], matte, affected, self._replaced[number], quadmask)

    def anchor(self, number: int) -> Float32Array | None:
        return None


def over(
    truth: Float32Array,
    coverage: Float32Array,
    paint: Float32Array,
    *,
    matte: Float32Array | None = None,
    shadow: Float32Array | None = None,
    affected: Float32Array | None = None,
) -> Scene:
    """Put an object of ``paint`` (T, H, W, 3) over the truth, darkened first by ``shadow`` (T, H, W) in 0..1.

    ``matte`` is what the artist drew; by default the coverage itself.
    """
    behind = truth if shadow is None else truth * (1 - shadow[..., None])
    plate = behind * (1 - coverage[..., None]) + paint * coverage[..., None]
    drawn = coverage if matte is None else matte
    return Scene(
        plate.astype(np.float32), drawn, truth, affected, coverage > 0.02 if matte is not None else None
    )


def soft_shadow(coverage: Float32Array, strength: float, blur: float, dx: int, dy: int) -> Float32Array:
    """The shadow that an object throws beside itself, (T, H, W): how much light it takes."""
    rows, columns = coverage.shape[1:3]
    move = np.array([[1, 0, dx], [0, 1, dy]], np.float32)
    thrown = [cv2.GaussianBlur(cv2.warpAffine(m, move, (columns, rows)), (0, 0), blur) for m in coverage]
    return np.asarray(np.stack(thrown) * np.float32(strength), np.float32)


def blocks(shadow: Float32Array, cells: int = 8) -> Float32Array:
    """The affected region that VOID's grid makes of a shadow: whole blocks, ``cells`` on the shorter side."""
    rows, columns = shadow.shape[1:3]
    side = max(2, min(rows, columns) // cells)
    found = np.zeros_like(shadow)
    for t in range(len(shadow)):
        for top in range(0, rows, side):
            for left in range(0, columns, side):
                if (shadow[t, top : top + side, left : left + side] > 0.012).any():
                    found[t, top : top + side, left : left + side] = 1
    return found


def grained(light: Float32Array, amount: float, seed: int) -> Float32Array:
    """Add film grain: slightly soft, stronger in the mid-tones, different in each channel and frame."""
    generator = np.random.default_rng(seed)
    out = light.copy()
    for frame in out:
        noise = np.asarray(
            cv2.GaussianBlur(generator.normal(0, 1, frame.shape).astype(np.float32), (0, 0), 0.7)
        )
        noise *= amount / noise.std()
        frame += np.sqrt(np.maximum(frame, 0) + 0.02) * noise * np.array([1.0, 0.8, 1.3], np.float32)
    return out


def with_grain(scene: Scene, amount: float, seed: int = 3) -> Scene:
    """The same grain on plate and truth."""
    difference = grained(scene.truth, amount, seed) - scene.truth
    return Scene(
        scene.plate + difference, scene.matte, scene.truth + difference, scene.affected, scene.spoilt
    )


def compressed(light: Float32Array, quality: int) -> Float32Array:
    """What is left after H.264 at the rate factor ``quality`` (0..51, higher is worse), 8 bits, 4:2:0."""
    return movies.linear(_h264(movies.coded(light), quality))


def with_compression(scene: Scene, quality: int) -> Scene:
    """Compress plate and truth each by itself, as if the object had never been there."""
    return Scene(
        compressed(scene.plate, quality),
        scene.matte,
        compressed(scene.truth, quality),
        scene.affected,
        scene.spoilt,
    )


def _h264(pictures: Uint8Array, quality: int) -> Uint8Array:
    buffer = io.BytesIO()
    rows, columns = pictures.shape[1] // 2 * 2, pictures.shape[2] // 2 * 2
    with av.open(buffer, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=fractions.Fraction(24))
        stream.width, stream.height, stream.pix_fmt = columns, rows, "yuv420p"
        stream.options = {"crf": str(quality), "threads": "1", "preset": "fast"}
        for picture in pictures:
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture[:rows, :columns]), format="bgr24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    buffer.seek(0)
    out = pictures.copy()
    with av.open(buffer) as container:
        for t, frame in enumerate(container.decode(video=0)):
            out[t, :rows, :columns] = frame.to_ndarray(format="bgr24")
    return out
