"""Shots in which an object changes what is around it, with known truth: drawn at random over real footage.

The object casts a shadow, is mirrored, throws light, pushes, carries or hits a thing, or does nothing of the
kind; strangers may walk beside it in the plate and in the truth alike. The truth is where the shot with the
object and the one without differ outside the object's matte. The same seed over the same movies draws the
same shot.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from tests.bench.shots import movies, occluders
from tests.bench.shots.scene import compressed, grained
from tests.bench.shots.sprites import Placed, draw_sprite, over, place
from void_engine.arrays import BoolArray, Float32Array, Float64Array, Uint8Array

KINDS = (
    "soft shadow", "hard shadow", "thin shadow", "contact", "mirror", "glossy", "bounce",
    "pushed", "carried", "hit", "shadow and mirror", "none",
)  # fmt: skip
"""What the object does; "none" are shots to count false alarms on."""
AIRBORNE_KINDS = ("soft shadow", "hard shadow", "mirror", "glossy", "shadow and mirror", "none")
"""What an object does that does not touch the ground."""
_VISIBLE = 6.0 / 255.0
"""A difference above this, in display values, is part of the truth."""
_MARGIN = 0.1


@dataclass(frozen=True, slots=True)
class EffectShot:
    """A shot with an object and the truth about what it affects."""

    plate: Float32Array
    """(T, H, W, 3) scene-linear."""
    remove: Float32Array
    """(T, H, W) in 0..1: the object's matte as an artist drew it."""
    truth: BoolArray
    """(T, H, W): where the picture would be another without the object, outside of ``remove``."""
    energy: Float32Array
    """(T, H, W): by how much it would be, in display values; 0 outside of ``truth``."""
    kind: str
    what: str
    camera: Float64Array
    """(T, 3, 3): from the pixels of the first frame to those of each."""
    feet: Float64Array
    """(T, 2): where the object stands, x and y in pixels."""
    way: str
    """How the camera moves: ``filmed``, ``still`` and ``moved`` (by a virtual hand), ``locked``."""


@dataclass(frozen=True, slots=True)
class _World:
    clean: Float32Array
    """(T, H, W, 3) scene-linear, without object and things."""
    camera: Float64Array
    """(T, 3, 3): from the pixels of the first frame to those of each."""
    words: str


def draw(
    seed: int,
    choice: Sequence[movies.Movie],
    *,
    kind: str | None = None,
    width: int = 384,
    height: int = 216,
    frames: int = 32,
    airborne: bool = False,
) -> EffectShot:
    """Draw one shot.

    Args:
        seed: of all that is left to chance.
        choice: the movies to draw over.
        kind: one of :data:`KINDS`, or with ``airborne`` of :data:`AIRBORNE_KINDS`; None draws it too.
        width, height, frames: of the shot.
        airborne: the object bounces or hovers over the ground instead of standing on it.

    Raises:
        MovieMissingError: when a movie that is drawn is not here.
    """
    generator = np.random.default_rng([seed, 7])
    kind = kind or str(generator.choice(AIRBORNE_KINDS if airborne else KINDS))
    world = _world(choice, width, height, frames, generator)
    thing = draw_sprite(choice, generator)
    path, size, gait = _path(width, height, frames, generator, kind)
    lift = np.zeros(frames)
    if airborne:
        lift, how = _lift(path, size, np.random.default_rng([seed, 11]))
        gait = f"{gait} {how}"
    placed = [
        place(thing, t, (height, width), float(x), float(y - up), float(s))
        for t, ((x, y), s, up) in enumerate(zip(path, size, lift, strict=True))
    ]
    without, beside = _strangers(world.clean, choice, path, size, generator)
    truth, plate, word = _affect(kind, world, without, placed, path, size, choice, generator)
    plate = np.stack([over(plate[t], placed[t]) for t in range(frames)])
    alpha = np.stack([each.alpha for each in placed])
    matte, drawn = _matte(alpha, generator)
    seen = matte > 0
    changed = np.abs(_display(plate) - _display(truth)).max(axis=-1)
    # What the matte does not hide of a sloppily cut object is the matte's fault and no effect.
    changed[seen | (alpha > 0.004)] = 0
    plate, film = _film(plate, generator)
    words = [kind, word, world.words, thing.name, gait, beside, drawn, film]
    mask = changed > _VISIBLE
    return EffectShot(
        plate.astype(np.float32), matte, mask, np.where(mask, changed, 0).astype(np.float32), kind,
        ", ".join(each for each in words if each), world.camera, path, world.words.split()[-1],
    )  # fmt: skip


def _display(light: Float32Array) -> Float32Array:
    return movies.coded(light).astype(np.float32) / np.float32(255)


def _world(
    choice: Sequence[movies.Movie], width: int, height: int, frames: int, generator: np.random.Generator
) -> _World:
    movie = choice[int(generator.integers(len(choice)))]
    available = movies.length(movie)
    way = str(generator.choice(["filmed", "still", "locked", "moved"], p=[0.35, 0.25, 0.25, 0.15]))
    zoom = float(generator.uniform(1.0, 1.5))
    centre = (float(generator.uniform(0.3, 0.7)), float(generator.uniform(0.3, 0.8)))
    count = min(frames, available) if way in ("filmed", "moved") else 1
    start = int(generator.integers(0, max(1, available - count + 1)))
    clip = movies.frames(movie, start, count, 1, 960)
    wide, high = round(width * (1 + 2 * _MARGIN)), round(height * (1 + 2 * _MARGIN))
    if way in ("filmed", "locked"):
        wide, high = width, height
    cut = movies.window(clip, wide, high, centre, zoom)
    cut = np.concatenate([cut, np.repeat(cut[-1:], frames - len(cut), axis=0)])
    camera = np.repeat(np.eye(3)[None], frames, axis=0)
    if way in ("still", "moved"):
        smooth, amount = float(generator.choice([1.0, 3.0, 8.0])), float(generator.uniform(0.004, 0.03))
        kernel = np.exp(-0.5 * (np.arange(-30, 31) / smooth) ** 2)
        kernel /= np.sqrt((kernel**2).sum())
        steps = generator.normal(0, 1, (3, frames + 60))
        walks = np.stack([np.convolve(step, kernel, "same")[30:-30] for step in steps]) * amount
        walks = np.clip(walks, -0.9 * _MARGIN, 0.9 * _MARGIN)
        pictures = []
        for t, picture in enumerate(cut):
            angle = 0.3 * walks[2, t]
            turn = np.array(
                [[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]]
            )
            middle = np.array([[1, 0, -width / 2], [0, 1, -height / 2], [0, 0, 1.0]])
            there = np.array(
                [[1, 0, wide / 2 + walks[0, t] * width], [0, 1, high / 2 + walks[1, t] * height], [0, 0, 1.0]]
            )
            to_cut = there @ turn @ middle
            camera[t] = to_cut
            seen = cv2.warpPerspective(
                picture, to_cut, (width, height), flags=cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP,
                borderMode=cv2.BORDER_REFLECT,
            )  # fmt: skip
            pictures.append(np.asarray(seen, np.uint8))
        cut = np.stack(pictures)
        camera = np.stack([np.linalg.inv(each) @ camera[0] for each in camera])
    elif way == "filmed":
        camera = _measured_camera(cut)
    light = movies.linear(cut)
    if way in ("still", "locked"):
        noise = generator.normal(0, 1, light.shape).astype(np.float32)
        light = light + noise * np.float32(0.008) * np.sqrt(np.maximum(light, 0) + 1e-3)
    return _World(np.maximum(light, 0).astype(np.float32), camera, f"{movie.name} {start} {way}")


def _measured_camera(clip: Uint8Array) -> Float64Array:
    """The camera of a real movie, well enough to set a thing down in it."""
    found = [np.eye(3)]
    greys = [np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY), np.uint8) for picture in clip]
    for first, second in itertools.pairwise(greys):
        points = cv2.goodFeaturesToTrack(first, 300, 0.005, 6)
        step = np.eye(3)
        if points is not None and len(points) > 20:
            there, status, _ = cv2.calcOpticalFlowPyrLK(first, second, points, np.array([]))
            good = status.reshape(-1) == 1
            if good.sum() > 20:
                affine, _ = cv2.estimateAffinePartial2D(points[good], there[good])
                if affine is not None:
                    step[:2] = affine
                    if np.abs(affine - np.eye(2, 3)).max() < 0.15:
                        step = np.eye(3)
        found.append(step @ found[-1])
    return np.stack(found)


def _path(
    width: int, height: int, frames: int, generator: np.random.Generator, kind: str
) -> tuple[Float64Array, Float64Array, str]:
    """The feet of the object (T, 2) in pixels, and its height (T,)."""
    way = str(generator.choice(["crosses", "crosses", "enters", "leaves", "there and back", "stays"]))
    if kind in ("pushed", "carried", "hit"):
        way = str(generator.choice(["crosses", "enters", "there and back"]))
    u = np.linspace(0, 1, frames)
    left, right = generator.uniform(0.1, 0.3), generator.uniform(0.65, 0.9)
    if way == "enters":
        left = -0.25
    elif way == "leaves":
        right = 1.25
    x = left + (right - left) * (u if generator.random() < 0.6 else u * u * (3 - 2 * u))
    if way == "there and back":
        x = left + (right - left) * np.sin(np.pi * u)
    elif way == "stays":
        x = 0.5 + generator.uniform(-0.15, 0.15) + 0.02 * np.sin(6 * u)
    if generator.random() < 0.5:
        x = 1 - x
    tall = generator.uniform(0.22, 0.5) * height
    foot = generator.uniform(0.55, 0.85) * height
    slope = generator.uniform(-0.12, 0.12) * height
    bob = generator.uniform(0, 0.01) * height * np.sin(np.arange(frames) * 0.9)
    size = tall * (1 + generator.uniform(-0.15, 0.15) * u)
    return np.stack([x * width, foot + slope * u + bob], axis=1), size, way


def _lift(path: Float64Array, size: Float64Array, generator: np.random.Generator) -> tuple[Float64Array, str]:
    """How far above the ground an airborne object is, (T,) in pixels; it stays below the upper edge."""
    u = np.linspace(0, 1, len(path))
    room = np.maximum(0.3 * size, path[:, 1] - 0.8 * size)
    high = np.minimum(size * float(generator.uniform(0.4, 1.6)), room)
    if generator.random() < 0.6:
        bounces, phase = float(generator.uniform(1.0, 3.5)), float(generator.uniform(0, 1))
        return high * (1 - (2 * ((u * bounces + phase) % 1) - 1) ** 2), "bounces"
    return high * (1 + 0.1 * np.sin(9 * u)) / 1.1, "hovers"


def _strangers(
    clean: Float32Array,
    choice: Sequence[movies.Movie],
    path: Float64Array,
    size: Float64Array,
    generator: np.random.Generator,
) -> tuple[Float32Array, str]:
    if generator.random() < 0.6:
        return clean, ""
    frames, height, width = clean.shape[:3]
    thing = draw_sprite(choice, generator)
    way = str(generator.choice(["passes", "beside", "against"]))
    u = np.linspace(0, 1, frames)
    if way == "beside":
        x = path[:, 0] + size * generator.uniform(0.8, 1.6) * generator.choice([-1, 1])
        x = x + 0.1 * width * np.sin(3 * u + generator.uniform(0, 6))
    else:
        x = (1 - u if path[-1, 0] > path[0, 0] else u) * width * 1.2 - 0.1 * width
        if way == "passes":
            x = generator.uniform(-0.2, 1.2) * width + (u - 0.5) * generator.uniform(-0.8, 0.8) * width
    y = path[:, 1] + generator.uniform(-0.25, 0.2) * size
    tall = size * generator.uniform(0.7, 1.2)
    out = []
    for t, frame in enumerate(clean):
        placed = place(thing, t + 5, (height, width), float(x[t]), float(y[t]), float(tall[t]))
        lay = np.array([[1, 0.3, -0.3 * y[t]], [0, 0.15, 0.85 * y[t]]])
        dark = cv2.GaussianBlur(cv2.warpAffine(placed.alpha, lay, (width, height)), (0, 0), 2)
        out.append(over(frame * (1 - 0.35 * dark[..., None]), placed))
    return np.stack(out), f"stranger {way}"


def shadow_of(
    alpha: Float32Array, foot: tuple[float, float], lean: float, length: float, blur: float
) -> Float32Array:
    """The share of light, (H, W), that a standing thing takes from the ground: its outline laid down."""
    move = np.array([[1.0, lean, -lean * foot[1]], [0.0, -length, foot[1] * (1 + length)]])
    laid = cv2.warpAffine(alpha, move, (alpha.shape[1], alpha.shape[0]), flags=cv2.INTER_LINEAR)
    return np.asarray(cv2.GaussianBlur(laid, (0, 0), blur), np.float32)


def _affect(
    kind: str,
    world: _World,
    without: Float32Array,
    placed: list[Placed],
    path: Float64Array,
    size: Float64Array,
    choice: Sequence[movies.Movie],
    generator: np.random.Generator,
) -> tuple[Float32Array, Float32Array, str]:
    if kind in ("pushed", "carried", "hit"):
        return _moved(kind, world, without, path, size, choice, generator)
    make: dict[str, Callable[[], tuple[Float32Array, str]]] = {
        "soft shadow": lambda: _shaded(without, placed, path, generator, (2.5, 6.0)),
        "hard shadow": lambda: _shaded(without, placed, path, generator, (0.5, 1.2)),
        "thin shadow": lambda: _shaded(without, placed, path, generator, (0.5, 1.5), thin=True),
        "contact": lambda: _contact(without, path, size, generator),
        "mirror": lambda: _mirrored(without, placed, path, size, generator, glossy=False),
        "glossy": lambda: _mirrored(without, placed, path, size, generator, glossy=True),
        "bounce": lambda: _lit(without, placed, size, generator),
        "none": lambda: (without, ""),
    }
    if kind == "shadow and mirror":
        shaded, first = _shaded(without, placed, path, generator, (1.0, 4.0))
        both, second = _mirrored(shaded, placed, path, size, generator, glossy=True)
        return without, both, f"{first}, {second}"
    plate, word = make[kind]()
    return without, plate, word


def _shaded(
    light: Float32Array,
    placed: list[Placed],
    path: Float64Array,
    generator: np.random.Generator,
    blurs: tuple[float, float],
    *,
    thin: bool = False,
) -> tuple[Float32Array, str]:
    lean, length = float(generator.uniform(-1.5, 1.5)), float(generator.uniform(0.15, 0.6))
    if thin:
        lean, length = float(generator.choice([-1, 1]) * generator.uniform(1.2, 2.2)), 0.12
    if generator.random() < 0.35:
        length = -length
    blur, strength = float(generator.uniform(*blurs)), float(generator.uniform(0.2, 0.65))
    tint = strength * np.array([1.0, 0.96, 0.88], np.float32)
    out = []
    for t, frame in enumerate(light):
        foot = (float(path[t, 0]), float(path[t, 1]) - 1)
        thrown = shadow_of(placed[t].alpha, foot, lean, length, blur)
        out.append(frame * (1 - tint * thrown[..., None]))
    return np.stack(out).astype(np.float32), f"strength {strength:.2f} blur {blur:.1f}"


def _contact(
    light: Float32Array, path: Float64Array, size: Float64Array, generator: np.random.Generator
) -> tuple[Float32Array, str]:
    strength, wide = float(generator.uniform(0.25, 0.6)), float(generator.uniform(0.25, 0.5))
    rows, columns = light.shape[1:3]
    y, x = np.mgrid[:rows, :columns]
    out = []
    for t, frame in enumerate(light):
        across = wide * size[t]
        near = ((x - path[t, 0]) / across) ** 2 + ((y - path[t, 1]) / (0.35 * across)) ** 2
        out.append(frame * (1 - strength * np.exp(-near)[..., None]))
    return np.stack(out).astype(np.float32), f"strength {strength:.2f}"


def _mirrored(
    light: Float32Array,
    placed: list[Placed],
    path: Float64Array,
    size: Float64Array,
    generator: np.random.Generator,
    *,
    glossy: bool,
) -> tuple[Float32Array, str]:
    strength = float(generator.uniform(0.12, 0.35) if glossy else generator.uniform(0.35, 0.8))
    blur, ripple = float(generator.uniform(1.5, 4)) if glossy else 0.6, 0.0
    if not glossy and generator.random() < 0.5:
        ripple = float(generator.uniform(0.5, 3))
    reach = float(generator.uniform(0.6, 1.5))
    rows, columns = light.shape[1:3]
    y, x = np.mgrid[:rows, :columns].astype(np.float32)
    out = []
    for t, frame in enumerate(light):
        foot = np.float32(path[t, 1])
        wave = ripple * np.sin(0.9 * y + 0.8 * t) if ripple else np.float32(0)
        map_x, map_y = (x + wave).astype(np.float32), (2 * foot - y).astype(np.float32)
        alpha = cv2.remap(placed[t].alpha, map_x, map_y, cv2.INTER_LINEAR, borderValue=0)
        seen = cv2.remap(placed[t].picture, map_x, map_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
        fade = np.clip(1 - (y - foot) / (reach * size[t]), 0, 1) * (y > foot)
        alpha = cv2.GaussianBlur(alpha * fade.astype(np.float32), (0, 0), blur)[..., None] * strength
        out.append(frame * (1 - alpha) + cv2.GaussianBlur(seen, (0, 0), blur) * alpha)
    return np.stack(out).astype(np.float32), f"strength {strength:.2f} blur {blur:.1f} ripple {ripple:.1f}"


def _lit(
    light: Float32Array, placed: list[Placed], size: Float64Array, generator: np.random.Generator
) -> tuple[Float32Array, str]:
    strength = float(generator.uniform(0.3, 1.0))
    colour = generator.uniform(0.2, 1.0, 3).astype(np.float32)
    colour /= colour.max()
    out = []
    for t, frame in enumerate(light):
        glow = cv2.GaussianBlur(placed[t].alpha, (0, 0), max(2.0, 0.25 * float(size[t])))
        out.append(frame * (1 + strength * colour * glow[..., None]))
    return np.stack(out).astype(np.float32), f"strength {strength:.2f}"


def _moved(
    kind: str,
    world: _World,
    without: Float32Array,
    path: Float64Array,
    size: Float64Array,
    choice: Sequence[movies.Movie],
    generator: np.random.Generator,
) -> tuple[Float32Array, Float32Array, str]:
    frames, rows, columns = without.shape[:3]
    thing = draw_sprite(choice, generator, still=True)
    meet = int(generator.integers(frames // 5, 3 * frames // 5))
    ahead = float(np.sign(path[min(meet + 1, frames - 1), 0] - path[meet, 0]) or 1.0)
    tall = float(size[meet]) * float(generator.uniform(0.35, 0.8))
    spot = path[meet] + np.array([ahead * (0.25 * size[meet] + 0.35 * tall), 0.02 * rows])
    home = np.linalg.inv(world.camera[meet]) @ np.array([*spot, 1.0])
    truth, plate = [], []
    held = spot - path[meet]
    velocity = 1.6 * (path[min(meet + 1, frames - 1)] - path[max(0, meet - 1)]) / 2
    for t in range(frames):
        there = world.camera[t] @ home
        there = there[:2] / there[2]
        at_home = place(thing, 0, (rows, columns), float(there[0]), float(there[1]), tall)
        truth.append(over(without[t], at_home))
        if t <= meet:
            plate.append(truth[-1])
            continue
        if kind == "hit":
            since = t - meet
            now = there + velocity * since * np.exp(-0.04 * since)
        else:
            raised = np.array([0, -0.25 * size[t] * min(1.0, (t - meet) / 4)]) if kind == "carried" else 0
            now = path[t] + held + raised
        plate.append(over(without[t], place(thing, 0, (rows, columns), float(now[0]), float(now[1]), tall)))
    return np.stack(truth), np.stack(plate), f"from frame {meet}"


def _matte(alpha: Float32Array, generator: np.random.Generator) -> tuple[Float32Array, str]:
    kind = generator.random()
    if kind < 0.6:
        grown = [cv2.dilate((each > 0.004).astype(np.float32), np.ones((5, 5), np.uint8)) for each in alpha]
        return np.asarray(np.stack(grown), np.float32), ""
    if kind < 0.8:
        return np.where(alpha > 0.004, np.maximum(alpha, 0.02), 0).astype(np.float32), "soft matte"
    pixels = float(generator.uniform(1.5, 4))
    return occluders.sloppy(alpha, pixels, int(generator.integers(1000))), f"sloppy {pixels:.0f} px"


def _film(plate: Float32Array, generator: np.random.Generator) -> tuple[Float32Array, str]:
    kind = generator.random()
    if kind < 0.4:
        return plate, ""
    if kind < 0.7:
        amount = float(generator.uniform(0.005, 0.025))
        return grained(plate, amount, int(generator.integers(1000))), f"grain {amount:.3f}"
    quality = int(generator.integers(20, 34))
    return compressed(plate, quality), f"H.264 at {quality}"
