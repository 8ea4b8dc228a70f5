"""Good results pass, and each kind of fault is told, on a panned scene with grain and a moving object."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import pytest

from void_engine.errors import MatteError, PlateError
from void_engine.quality import judge
from void_engine.quality.thresholds import FLAGS

FRAMES, ROWS, COLUMNS = 6, 132, 180


@dataclass(frozen=True)
class Scene:
    plate: np.ndarray
    matte: np.ndarray
    clean: np.ndarray
    without_grain: np.ndarray
    regrained: np.ndarray

    def with_hole(self, picture: np.ndarray) -> np.ndarray:
        return np.where(self.matte[..., None] > 0, picture, self.plate).astype(np.float32)


def _field(rng: np.random.Generator, rows: int, columns: int) -> np.ndarray:
    picture = np.zeros((rows, columns, 3), np.float32)
    for sigma in (0.8, 1.6, 3.2, 6.4, 12.8, 25.6):
        layer = cv2.GaussianBlur(rng.normal(size=picture.shape).astype(np.float32), (0, 0), sigma)
        picture += layer / layer.std() * np.float32(0.12 * sigma**0.5)
    return np.float32(0.18) * np.exp(0.4 * picture)


def _scene(seed: int = 1, light: float = 1.0) -> Scene:
    rng = np.random.default_rng(seed)
    wide = _field(rng, ROWS + 20, COLUMNS + 60)
    without = np.stack([wide[3 + t : 3 + t + ROWS, 6 * t : 6 * t + COLUMNS] for t in range(FRAMES)])

    def grain() -> np.ndarray:
        return rng.normal(size=without.shape).astype(np.float32) * np.float32(0.06) * np.sqrt(0.18 * without)

    clean, other = without + grain(), without + grain()
    matte = np.zeros(without.shape[:3], np.float32)
    for t in range(FRAMES):
        cv2.ellipse(matte[t], (90 + 2 * t, 70), (30, 24), 15.0, 0, 360, 1.0, -1)
        matte[t] = cv2.GaussianBlur(matte[t], (0, 0), 1.0)
    matte[matte < 0.01] = 0.0
    thing = np.float32([0.5, 0.06, 0.03])
    plate = np.where(matte[..., None] > 0, clean * (1 - matte[..., None]) + thing * matte[..., None], clean)
    scale = np.float32(light)
    return Scene(plate * scale, matte, clean * scale, without * scale, other * scale)


@pytest.fixture(scope="module")
def scene() -> Scene:
    return _scene()


def _blurred(pictures: np.ndarray, sigma: float) -> np.ndarray:
    return np.stack([cv2.GaussianBlur(one, (0, 0), sigma) for one in pictures])


def _outlined(scene: Scene) -> np.ndarray:
    band = np.stack(
        [one - cv2.erode(one, np.ones((7, 7), np.uint8)) for one in (scene.matte > 0.02).astype(np.uint8)]
    )
    return np.where(band[..., None] > 0, scene.plate, scene.clean)


def _shards(scene: Scene) -> np.ndarray:
    pictures = scene.clean.copy()
    for t in range(0, FRAMES, 2):
        for x, y in ((78, 62), (96, 72), (100, 60)):
            part = np.zeros((ROWS, COLUMNS), np.uint8)
            cv2.fillPoly(part, [np.array([[x, y], [x + 22, y + 6], [x + 4, y + 17]])], 1)
            pictures[t][part > 0] = np.roll(scene.clean[t], (31, 55), (0, 1))[part > 0]
    return pictures


_ALTERNATING = np.where(np.arange(FRAMES) % 2, 1.08, 0.93).astype(np.float32)[:, None, None, None]
FAULTS = {
    "outline": (_outlined, {"outline"}),
    "flicker": (lambda s: s.clean * _ALTERNATING, {"flicker"}),
    "blur": (lambda s: _blurred(s.clean, 2.0), {"soft"}),
    "missing grain": (lambda s: s.without_grain, {"grain", "soft"}),
    "light": (lambda s: s.clean * np.float32(1.3), {"seam", "colour"}),
    "one channel": (lambda s: s.clean * np.float32([1.0, 1.0, 1.3]), {"seam", "colour"}),
    "a frame late": (lambda s: np.concatenate([s.clean[:1], s.clean[:-1]]), {"jump", "seam"}),
    "shards": (_shards, {"jump", "flicker"}),
}


@pytest.mark.slow
@pytest.mark.parametrize("light", [0.02, 1.0, 40.0])
def test_the_truth_is_good_in_any_light_with_its_own_grain_or_other(light: float) -> None:
    scene = _scene(2, light)
    for picture in (scene.clean, scene.regrained):
        assert [frame.flags for frame in judge(scene.plate, scene.matte, scene.with_hole(picture))] == [
            frozenset()
        ] * FRAMES


@pytest.mark.slow
@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_told_in_most_frames_by_a_word_that_fits(scene: Scene, fault: str) -> None:
    make, words = FAULTS[fault]
    verdicts = judge(scene.plate, scene.matte, scene.with_hole(make(scene)))
    faulty = verdicts[::2] if fault == "shards" else verdicts[1:]
    assert sum(bool(frame.flags & words) for frame in faulty) >= 0.75 * len(faulty), [
        sorted(frame.flags) for frame in verdicts
    ]
    assert all(frame.flags <= set(FLAGS) for frame in verdicts)


@pytest.mark.parametrize("seed", [1, 3, 4])
@pytest.mark.parametrize(("share", "part"), [(0.3, "half"), (0.25, "all")])
def test_a_faint_outline_that_stays_is_told_also_along_one_half_of_the_edge(
    seed: int, share: float, part: str
) -> None:
    scene = _scene(seed)
    depth = np.stack(
        [cv2.distanceTransform((one > 0.02).astype(np.uint8), cv2.DIST_L2, 5) for one in scene.matte]
    )
    band = (depth > 0) & (depth <= 6)
    if part == "half":
        band[:, :, COLUMNS // 2 :] = False
    left = scene.clean + np.float32(share) * (scene.plate - scene.clean)
    verdicts = judge(scene.plate, scene.matte, scene.with_hole(np.where(band[..., None], left, scene.clean)))
    assert sum("outline" in one.flags for one in verdicts) >= FRAMES - 1, [
        sorted(one.flags) for one in verdicts
    ]


def test_a_fault_of_one_frame_is_told_there_only(scene: Scene) -> None:
    pictures = scene.clean.copy()
    pictures[3] *= np.float32(1.5)
    verdicts = judge(scene.plate, scene.matte, scene.with_hole(pictures))
    assert verdicts[3].status == "red"
    assert verdicts[0].status != "red"
    assert verdicts[5].status != "red"


def test_light_that_drifts_is_told_before_it_is_a_step(scene: Scene) -> None:
    rising = scene.clean * (1 + np.linspace(0, 0.07, FRAMES, dtype=np.float32))[:, None, None, None]
    verdicts = judge(scene.plate, scene.matte, scene.with_hole(rising))
    assert [one.flags & {"colour"} for one in verdicts] == [{"colour"}] * FRAMES
    once = scene.clean.copy()
    once[2] *= np.float32(1.07)
    verdicts = judge(scene.plate, scene.matte, scene.with_hole(once))
    assert not any(one.severity.get("colour", 0.0) > 1.0 for one in verdicts)


@pytest.mark.parametrize("at", [0, FRAMES - 1])
def test_shards_in_the_first_or_last_frame_are_told_there(scene: Scene, at: int) -> None:
    pictures = scene.clean.copy()
    pictures[at] = np.where(
        np.arange(COLUMNS)[:, None] % 24 < 9, np.roll(scene.clean[at], 31, 0), scene.clean[at]
    )
    verdicts = judge(scene.plate, scene.matte, scene.with_hole(pictures))
    assert "jump" in verdicts[at].flags
    assert not verdicts[FRAMES // 2].flags


def test_one_touched_pixel_outside_is_named(scene: Scene) -> None:
    result = scene.with_hole(scene.clean)
    result[2, 11, 17, 1] = np.nextafter(result[2, 11, 17, 1], np.float32(9))
    verdicts = judge(scene.plate, scene.matte, result)
    assert [sorted(frame.flags) for frame in verdicts] == [[], [], ["outside"], [], [], []]
    assert verdicts[2].outside.first == (17, 11)
    assert verdicts[2].outside.count == 1


@pytest.mark.parametrize("value", [np.nan, np.inf, -0.5])
def test_values_that_are_no_light_are_told(scene: Scene, value: float) -> None:
    result = scene.with_hole(scene.clean)
    result[4, 68:71, 96:99] = value
    verdicts = judge(scene.plate, scene.matte, result)
    assert [sorted(frame.flags) for frame in verdicts][4] == ["invalid"]
    assert "invalid" not in verdicts[3].flags


def test_confidence_tells_what_is_invented(scene: Scene) -> None:
    confidence = np.where(np.arange(COLUMNS) < 95, np.float32(0.1), np.float32(1.0))
    confidence = np.broadcast_to(confidence, scene.matte.shape).astype(np.float32)
    frame = judge(scene.plate, scene.matte, scene.with_hole(scene.clean), confidence)[0]
    assert frame.invented == pytest.approx(0.58, abs=0.08)
    assert frame.status == "amber"


def test_a_step_at_the_border_of_a_shadow_is_a_step() -> None:
    scene = _scene(4)
    matte = scene.matte.copy()
    for t in range(FRAMES):
        cv2.rectangle(matte[t], (70 + 2 * t, 90), (150 + 2 * t, 120), 0.5, -1)
    matte = np.maximum(matte, scene.matte)
    good = np.where(matte[..., None] > 0, scene.clean, scene.plate)
    plate = np.where((matte == 0.5)[..., None], scene.plate * np.float32(0.6), scene.plate)
    brighter = np.where((matte == 0.5)[..., None], good * np.float32(1.35), good)
    assert not any(frame.flags for frame in judge(plate, matte, good))
    assert all("step" in frame.flags for frame in judge(plate, matte, brighter)[1:-1])


@pytest.mark.parametrize("shape", [(1, 1, 1), (1, 8, 8), (2, 5, 7), (2, 33, 47), (3, 24, 100), (1, 200, 9)])
@pytest.mark.parametrize("matte", ["empty", "full", "left half", "corner"])
def test_no_shape_is_too_small(shape: tuple[int, int, int], matte: str) -> None:
    rng = np.random.default_rng(3)
    plate = rng.normal(0.2, 0.3, (*shape, 3)).astype(np.float32)
    plate[:, 0, 0] = np.nan
    mask = np.zeros(shape, np.float32)
    where = {
        "empty": np.s_[:0],
        "full": np.s_[:],
        "left half": np.s_[:, :, : shape[2] // 2],
        "corner": np.s_[:, :1, :1],
    }
    mask[where[matte]] = 1.0
    verdicts = judge(plate, mask, plate.copy())
    assert [frame.frame for frame in verdicts] == list(range(shape[0]))
    assert not any("outside" in frame.flags for frame in verdicts)


def test_no_frames_have_no_verdicts() -> None:
    nothing = np.zeros((0, 4, 4, 3), np.float32)
    assert judge(nothing, nothing[..., 0], nothing) == []


def test_wrong_shapes_are_refused_by_name(scene: Scene) -> None:
    with pytest.raises(PlateError, match="The result must be"):
        judge(scene.plate, scene.matte, scene.plate[:3])
    with pytest.raises(MatteError, match="The matte must be"):
        judge(scene.plate, scene.matte[:, 1:], scene.plate)
    with pytest.raises(PlateError, match="The plate must be"):
        judge(scene.plate[0], scene.matte, scene.plate)
