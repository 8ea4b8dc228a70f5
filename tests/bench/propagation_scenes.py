"""The cases of the propagation bench: real footage, a composited occluder, and the truth beneath it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

from tests.bench import propagation_footage as footage
from tests.bench.shots.scene import Scene
from void_engine.arrays import Float32Array, Float64Array


@dataclass(frozen=True, slots=True)
class Case:
    """A case on one piece of footage; ``make`` takes (width, height, frames)."""

    name: str
    footage: str
    make: Callable[[int, int, int], Scene]
    frames: int = 30
    width: int = 0
    """The width of the case when it is about size; 0 for that of the run."""

    @property
    def held_out(self) -> bool:
        return self.footage in footage.HELD_OUT


# --- cameras: each gives the homography from frame pixels to the still's, around the still's centre


def _camera(shape: tuple[int, ...], width: int, height: int, zoom: float) -> Float64Array:
    """The homography from frame to still pixels; the frame is centred and as large as fits, over ``zoom``."""
    scale = min(shape[1] / width, shape[0] / height) / zoom
    return np.array(
        [
            [scale, 0, shape[1] / 2 - scale * width / 2],
            [0, scale, shape[0] / 2 - scale * height / 2],
            [0, 0, 1.0],
        ]
    )


def _walk(frames: int, size: float, smooth: float, seed: int) -> Float64Array:
    """A smooth random walk around 0, of about the given size."""
    generator = np.random.default_rng(seed)
    noise = generator.normal(0, 1, frames + 60)
    kernel = np.exp(-0.5 * (np.arange(-30, 31) / smooth) ** 2)
    path = np.convolve(noise, kernel / np.sqrt((kernel**2).sum()), "same")[30 : 30 + frames]
    return path * size


def _shots(
    still: Float32Array, width: int, height: int, moves: list[Float64Array], zoom: float
) -> Float32Array:
    base = _camera(still.shape, width, height, zoom)
    # The still is prefiltered to the frame's resolution, so that the truth does not alias.
    factor = base[0, 0]
    if factor > 1.3:
        still = cv2.GaussianBlur(still, (0, 0), 0.45 * factor)
    frames_seen = [
        cv2.warpPerspective(
            still,
            base @ move,
            (width, height),
            flags=cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_REFLECT_101,
        )
        for move in moves
    ]
    # Every camera has noise, and without it any sub-pixel blur would look like an error.
    return grain(np.maximum(np.stack(frames_seen), 0).astype(np.float32), 0.004, 11)


def _move(
    width: int, height: int, dx: float, dy: float, roll: float = 0, zoom: float = 1, tilt: float = 0
) -> Float64Array:
    centre = np.array([[1, 0, width / 2], [0, 1, height / 2], [0, 0, 1.0]])
    turn = np.array([[np.cos(roll), -np.sin(roll), 0], [np.sin(roll), np.cos(roll), 0], [0, 0, 1.0]]) / zoom
    turn[2] = [tilt / width, 0, 1]
    return centre @ turn @ np.linalg.inv(centre) @ np.array([[1, 0, dx], [0, 1, dy], [0, 0, 1.0]])


def handheld(name: str, width: int, height: int, frames: int, seed: int = 1) -> Float32Array:
    walks = [_walk(frames, s * width, 4.0, seed + i) for i, s in enumerate((0.012, 0.008))]
    drift = np.linspace(-0.04, 0.04, frames) * width
    rolls, tilts = _walk(frames, 0.004, 5.0, seed + 7), _walk(frames, 0.008, 6.0, seed + 8)
    moves = [
        _move(width, height, walks[0][t] + drift[t], walks[1][t], rolls[t], 1, tilts[t])
        for t in range(frames)
    ]
    return _shots(footage.still(name, 2 * width), width, height, moves, 1.3)


def pan(name: str, width: int, height: int, frames: int, total: float) -> Float32Array:
    travel = np.linspace(-total / 2, total / 2, frames) * width
    return _shots(
        footage.still(name, 3 * width),
        width,
        height,
        [_move(width, height, d, 0.02 * d) for d in travel],
        1.0 + total,
    )


def shake(name: str, width: int, height: int, frames: int) -> Float32Array:
    dx, dy = _walk(frames, 0.045 * width, 1.3, 3), _walk(frames, 0.035 * width, 1.3, 4)
    roll, zoom = _walk(frames, 0.05, 2.0, 5), np.exp(_walk(frames, 0.05, 3.0, 6))
    moves = [_move(width, height, dx[t], dy[t], roll[t], zoom[t]) for t in range(frames)]
    return _shots(footage.still(name, 2 * width), width, height, moves, 1.45)


def locked(
    name: str, width: int, height: int, frames: int, start: int, centre: tuple[float, float], zoom: float
) -> Float32Array:
    """Frames of a video as they are, cropped around ``centre`` (fractions of width and height)."""
    clip = footage.video(name, start, frames, 1920)
    rows, columns = clip.shape[1:3]
    crop_width = min(columns, rows * width / height) / zoom
    crop_height = crop_width * height / width
    left = min(max(0, centre[0] * columns - crop_width / 2), columns - crop_width)
    top = min(max(0, centre[1] * rows - crop_height / 2), rows - crop_height)
    cut = clip[:, int(top) : int(top + crop_height), int(left) : int(left + crop_width)]
    kind = cv2.INTER_AREA if crop_width > width else cv2.INTER_CUBIC
    return footage.linear(np.stack([cv2.resize(f, (width, height), interpolation=kind) for f in cut]))


def parallax(width: int, height: int, frames: int) -> Float32Array:
    """The motorcycle with its measured depth under a camera that moves sideways."""
    picture, depth = footage.still("motorcycle"), footage.disparity()
    rows, columns = depth.shape
    scale = min(columns / width, rows / height) / 1.15
    out = []
    x, y = np.meshgrid(np.arange(columns, dtype=np.float32), np.arange(rows, dtype=np.float32))
    for t in range(frames):
        shift = (t / max(frames - 1, 1) - 0.5) * 1.6
        # Where the moved camera's pixel comes from is found by fixed-point iteration (backward mapping).
        from_x = x.copy()
        for _ in range(6):
            from_x = x + shift * (
                cv2.remap(depth, from_x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101) - 40
            )
        moved = cv2.remap(picture, from_x, y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT_101)
        base = _camera(depth.shape, width, height, 1.15)
        if scale > 1.3:
            moved = cv2.GaussianBlur(moved, (0, 0), 0.45 * scale)
        out.append(
            cv2.warpPerspective(moved, base, (width, height), flags=cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP)
        )
    return np.maximum(np.stack(out), 0).astype(np.float32)


def fence(name: str, width: int, height: int, frames: int) -> Float32Array:
    """A picture that pans behind a nearer fence which moves faster."""
    behind = pan(name, width, height, frames, 0.18)
    pitch = width / 9
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    texture = footage.still("astronaut").mean(axis=2)
    for t in range(frames):
        travel = -(t / max(frames - 1, 1)) * 0.42 * width
        phase = (x - travel) % pitch
        bar = np.clip(4.5 - np.abs(phase - pitch / 2) + 0.5, 0, 1)
        rail = np.clip(4.0 - np.abs((y - 0.3 * height) % (0.4 * height) - 8), 0, 1)
        cover = np.maximum(bar, rail)[..., None]
        grain = texture[(y.astype(int) * 2) % 512, (x - travel).astype(int) % 512]
        behind[t] = behind[t] * (1 - cover) + cover * (0.04 + 0.25 * grain[..., None])
    return behind


# --- occluders


def _texture(width: int, height: int) -> Float32Array:
    picture = cv2.resize(footage.still("coffee"), (width, height), interpolation=cv2.INTER_AREA)
    return np.asarray(picture * np.array([0.9, 0.35, 0.3], np.float32) + 0.02, np.float32)


def person(
    width: int, height: int, frames: int, *, size: float = 0.3, blur: float = 1.0, travel: float = 0.7
) -> Float32Array:
    """The matte of a walking figure, (T, H, W): head, body and swinging limbs."""
    mattes = []
    tall = size * 2.0 * height
    big = 4
    for t in range(frames):
        canvas = np.zeros((height * big, width * big), np.uint8)
        u = t / max(frames - 1, 1)
        cx, top = (
            (0.5 + travel * (u - 0.5)) * width,
            0.54 * height - tall / 2 + 0.01 * height * np.sin(t * 0.9),
        )
        swing = np.sin(t * 0.7) * 0.12 * tall

        def at(x: float, y: float) -> tuple[int, int]:
            return int(x * big), int(y * big)

        cv2.ellipse(canvas, at(cx, top + 0.09 * tall), at(0.065 * tall, 0.09 * tall), 0, 0, 360, 255, -1)
        cv2.ellipse(canvas, at(cx, top + 0.37 * tall), at(0.12 * tall, 0.21 * tall), 0, 0, 360, 255, -1)
        for sign in (-1, 1):
            thick = int(0.075 * tall * big)
            cv2.line(canvas, at(cx, top + 0.55 * tall), at(cx + sign * swing, top + tall), 255, thick)
            cv2.line(
                canvas,
                at(cx, top + 0.25 * tall),
                at(cx - sign * swing * 1.2, top + 0.55 * tall),
                255,
                thick // 2,
            )
        matte = cv2.resize(canvas, (width, height), interpolation=cv2.INTER_AREA).astype(np.float32) / 255
        if blur > 1:
            matte = cv2.blur(matte, (round(blur), 1))
            matte = cv2.GaussianBlur(matte, (0, 0), 1.2)
        matte[matte < 0.004] = 0
        mattes.append(np.clip(matte, 0, 1))
    return np.stack(mattes)


def logo(width: int, height: int, frames: int, *, size: float = 0.16) -> Float32Array:
    canvas = np.zeros((height, width), np.uint8)
    centre = (int(0.6 * width), int(0.55 * height))
    cv2.circle(canvas, centre, int(size * height), 255, -1, cv2.LINE_AA)
    font = cv2.FONT_HERSHEY_SIMPLEX
    cv2.putText(
        canvas,
        "VOID",
        (centre[0] - int(0.3 * width), centre[1]),
        font,
        height / 180,
        255,
        int(height / 40),
        cv2.LINE_AA,
    )
    return np.repeat(canvas[None].astype(np.float32) / 255, frames, axis=0)


def blob(width: int, height: int, frames: int) -> Float32Array:
    """A wobbling ellipse over 30% of the frame that hardly moves: most of it never leaves what it hides."""
    mattes = []
    for t in range(frames):
        canvas = np.zeros((height, width), np.uint8)
        u = t / max(frames - 1, 1) - 0.5
        centre = (int((0.5 + 0.12 * u) * width * 16), int((0.55 + 0.01 * np.sin(t)) * height * 16))
        axes = (int(0.27 * width * 16), int(0.355 * height * 16))
        cv2.ellipse(canvas, centre, axes, 4 * np.sin(0.4 * t), 0, 360, 255, -1, cv2.LINE_AA, 4)
        mattes.append(canvas.astype(np.float32) / 255)
    return np.stack(mattes)


def wires(width: int, height: int, frames: int) -> Float32Array:
    mattes = []
    for t in range(frames):
        canvas = np.zeros((height * 4, width * 4), np.uint8)
        for index, (left, right) in enumerate(((0.12, 0.3), (0.25, 0.22), (0.45, 0.55))):
            x = np.linspace(0, 1, 60)
            sag = 0.05 + 0.012 * np.sin(0.5 * t + index)
            y = left + (right - left) * x + sag * 4 * x * (1 - x) * (1 + 0.05 * np.cos(0.8 * t + 9 * x))
            points = np.stack([x * width * 4, y * height * 4], axis=1).astype(np.int32)
            cv2.polylines(canvas, [points], False, 255, round(width / 672 * 3.2 * 4))
        mattes.append(
            cv2.resize(canvas, (width, height), interpolation=cv2.INTER_AREA).astype(np.float32) / 255
        )
    return np.stack(mattes)


def over(truth: Float32Array, matte: Float32Array) -> Scene:
    """Composite an occluder, textured and moving with its matte, over the truth."""
    _, height, width = matte.shape
    texture = _texture(width, height)
    plate = np.empty_like(truth)
    for t in range(len(truth)):
        moved = np.roll(texture, (t * 2, t * 5), (0, 1))
        plate[t] = truth[t] * (1 - matte[t][..., None]) + moved * matte[t][..., None]
    return Scene(plate, matte, truth)


# --- what happens to the light


def grain(picture: Float32Array, amount: float, seed: int = 0) -> Float32Array:
    """Add film grain: slightly soft, stronger in the mid-tones, and different in each channel."""
    generator = np.random.default_rng(seed)
    out = picture.copy()
    for frame in out:
        noise = np.asarray(
            cv2.GaussianBlur(generator.normal(0, 1, frame.shape).astype(np.float32), (0, 0), 0.7)
        )
        noise /= noise.std()
        frame += amount * np.sqrt(np.maximum(frame, 0) + 0.02) * noise * np.array([1.0, 0.8, 1.3], np.float32)
    return out


def ramp(picture: Float32Array) -> Float32Array:
    """Apply an exposure ramp of two stops and a flickering practical light on the left."""
    frames, height, width = picture.shape[:3]
    x, y = np.meshgrid(np.linspace(0, 1, width), np.linspace(0, 1, height))
    lamp = np.exp(-((x - 0.35) ** 2 + (y - 0.4) ** 2) / 0.06)[..., None]
    flicker = np.random.default_rng(4).uniform(-0.25, 0.35, frames)
    stops = np.linspace(-1, 1, frames)
    return np.stack(
        [picture[t] * (2 ** stops[t]) * (1 + lamp * (0.3 + flicker[t])) for t in range(frames)]
    ).astype(np.float32)


def night(picture: Float32Array) -> Float32Array:
    """Darken the picture, and turn its brightest parts into lamps of up to 20."""
    bright = np.percentile(picture.max(axis=3), 97)
    level = np.clip((picture.max(axis=3, keepdims=True) - bright * 0.8) / max(1.0 - bright * 0.8, 0.05), 0, 1)
    return grain(0.12 * picture + 20.0 * level**2 * picture, 0.006, 5)


# --- the table


def _cases() -> list[Case]:
    t, h = "tuned", "held-out"
    del t, h
    cases: list[Case] = []

    def add(
        name: str,
        first: str,
        make: Callable[[str], Callable[[int, int, int], Scene]],
        second: str,
        **more: int,
    ) -> None:
        cases.append(Case(name, first, make(first), **more))
        cases.append(Case(name, second, make(second), **more))

    where = {"bunny": (0, (0.85, 0.6), 2.0), "bikes": (125, (0.5, 0.5), 1.0), "ball": (20, (0.35, 0.35), 1.6),
             "carphone": (0, (0.4, 0.5), 1.0), "ducky": (0, (0.2, 0.5), 1.6)}  # fmt: skip

    def still_video(n: str, w: int, hgt: int, f: int) -> Float32Array:
        return locked(n, w, hgt, f, *where[n])

    add(
        "tripod",
        "bunny",
        lambda n: lambda w, hgt, f: over(still_video(n, w, hgt, f), person(w, hgt, f)),
        "ball",
    )
    add(
        "tripod, live",
        "bikes",
        lambda n: lambda w, hgt, f: over(still_video(n, w, hgt, f), person(w, hgt, f)),
        "carphone",
    )
    add(
        "soft matte",
        "bunny",
        lambda n: lambda w, hgt, f: over(pan(n, w, hgt, f, 0.08), person(w, hgt, f, blur=w / 28)),
        "ducky",
    )
    add(
        "fast pan, logo",
        "bunny",
        lambda n: lambda w, hgt, f: over(pan(n, w, hgt, f, 1.0), logo(w, hgt, f)),
        "ball",
    )
    add(
        "handheld",
        "bunny",
        lambda n: lambda w, hgt, f: over(handheld(n, w, hgt, f), person(w, hgt, f)),
        "ducky",
    )
    add(
        "wires",
        "bikes",
        lambda n: lambda w, hgt, f: over(still_video(n, w, hgt, f), wires(w, hgt, f)),
        "carphone",
    )
    add(
        "never revealed",
        "bunny",
        lambda n: lambda w, hgt, f: over(still_video(n, w, hgt, f), logo(w, hgt, f)),
        "ball",
    )
    add(
        "ramp and flicker",
        "bunny",
        lambda n: lambda w, hgt, f: over(ramp(handheld(n, w, hgt, f)), person(w, hgt, f)),
        "ducky",
    )
    add(
        "slow pan, grain",
        "coffee",
        lambda n: lambda w, hgt, f: over(grain(pan(n, w, hgt, f, 0.15), 0.02), person(w, hgt, f)),
        "rocket",
    )
    add(
        "night",
        "astronaut",
        lambda n: lambda w, hgt, f: over(night(handheld(n, w, hgt, f)), person(w, hgt, f)),
        "hubble",
    )
    add(
        "120 frames",
        "bunny",
        lambda n: (
            lambda w, hgt, f: over(grain(handheld(n, w, hgt, f, 21), 0.006), person(w, hgt, f, travel=0.5))
        ),
        "ball",
        frames=120,
    )
    add(
        "30% matte",
        "bunny",
        lambda n: lambda w, hgt, f: over(handheld(n, w, hgt, f, 5), blob(w, hgt, f)),
        "chelsea",
    )
    cases.append(
        Case("parallax", "motorcycle", lambda w, hgt, f: over(parallax(w, hgt, f), person(w, hgt, f)))
    )
    add(
        "fence", "coffee", lambda n: lambda w, hgt, f: over(fence(n, w, hgt, f), person(w, hgt, f)), "chelsea"
    )
    add(
        "shake, roll, zoom",
        "astronaut",
        lambda n: lambda w, hgt, f: over(shake(n, w, hgt, f), person(w, hgt, f)),
        "rocket",
    )
    add(
        "1920x1080",
        "bunny",
        lambda n: lambda w, hgt, f: over(handheld(n, w, hgt, f, 9), person(w, hgt, f)),
        "ball",
        frames=12,
        width=1920,
    )
    return cases


CASES = _cases()
