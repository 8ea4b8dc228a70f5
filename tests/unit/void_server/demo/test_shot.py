import hashlib
from pathlib import Path

import cv2
import numpy as np
import OpenImageIO as oiio  # noqa: N813
import pytest

from void_engine.plates.exr.file import read_frame
from void_protocol.job_check import check_job
from void_protocol.job_file import decode_job, format_job
from void_server.demo.shot import DemoRenderError, DemoShot, demo_job, render_demo_shot

WIDTH, HEIGHT, OVERSCAN = 192, 108, 4


@pytest.fixture(scope="module")
def shot(tmp_path_factory: pytest.TempPathFactory) -> DemoShot:
    return render(tmp_path_factory.mktemp("demo"))


def render(folder: Path, seed: int = 7) -> DemoShot:
    return render_demo_shot(
        folder, width=WIDTH, height=HEIGHT, frames=5, first_frame=1001, seed=seed, overscan_px=OVERSCAN
    )


def read(pattern: str, number: int):
    return read_frame(Path(pattern % number), number)


def drawn(shot: DemoShot, shape_index: int, number: int) -> np.ndarray:
    """The shape out to its feather points, over the data window, by evaluating its Beziers here."""
    points = np.array(shot.shapes[shape_index].frames[number - shot.first_frame].points)
    centre = points[:, 0:2] + points[:, 6:8]
    left, right = centre + points[:, 8:10], centre + points[:, 10:12]
    t = np.linspace(0, 1, 20)[:, None]
    outline = []
    for a in range(len(points)):
        b = (a + 1) % len(points)
        outline.append(
            (1 - t) ** 3 * centre[a]
            + 3 * (1 - t) ** 2 * t * right[a]
            + 3 * (1 - t) * t**2 * left[b]
            + t**3 * centre[b]
        )
    path = np.concatenate(outline)
    path[:, 1] = shot.height - path[:, 1]
    inside = np.zeros((HEIGHT + 2 * OVERSCAN, WIDTH + 2 * OVERSCAN), np.uint8)
    cv2.fillPoly(inside, [np.round((path + OVERSCAN - 0.5) * 16).astype(np.int32)], 1, shift=4)
    return inside > 0


def changed(shot: DemoShot, number: int) -> np.ndarray:
    plate, truth = read(shot.plate_pattern, number), read(shot.truth_pattern, number)
    return np.any([plate.native(c) != truth.native(c) for c in plate.channel_names], axis=0)


def nearer(shot: DemoShot, number: int) -> np.ndarray:
    """Where the ball is, by the depth channel."""
    return read(shot.plate_pattern, number).native("depth.Z") != read(shot.truth_pattern, number).native(
        "depth.Z"
    )


def test_files_are_what_a_show_delivers(shot: DemoShot) -> None:
    for pattern in (shot.plate_pattern, shot.truth_pattern):
        frame = read(pattern, 1002)
        assert frame.display_size == (WIDTH, HEIGHT)
        assert frame.data_window == frame.display_window.grown(OVERSCAN)
        assert {c: frame.native(c).dtype for c in frame.channel_names} == {
            "R": np.float16,
            "G": np.float16,
            "B": np.float16,
            "depth.Z": np.float32,
        }
        spec = oiio.ImageInput.open(pattern % 1002).spec()
        assert spec.getattribute("compression") == "zip"
        assert spec.getattribute("smpte:TimeCode", oiio.TypeTimeCode)[0] == 0x10142201
        assert spec.get_string_attribute("FramesPerSecond") == "24/1"
        assert spec.get_float_attribute("FNumber") == 4.0


def test_only_what_the_shapes_enclose_differs_from_the_truth(shot: DemoShot) -> None:
    for number in shot.frame_numbers:
        different = changed(shot, number)
        ball, shadow = drawn(shot, 0, number), drawn(shot, 1, number)
        assert not (different & ~(ball | shadow)).any(), number
        assert (different & ball).sum() > 0.5 * ball.sum() or number == shot.last_frame
        assert (different & shadow & ~ball).any() or number == shot.last_frame


def test_every_frame_has_something_to_remove(shot: DemoShot) -> None:
    for number in shot.frame_numbers:
        assert changed(shot, number).sum() > 60


def test_shapes_are_generous_by_a_pixel_or_two_and_no_more(shot: DemoShot) -> None:
    number = 1003
    near = nearer(shot, number)
    ball = drawn(shot, 0, number)
    assert not (near & ~ball).any()
    assert ball.sum() < 1.75 * near.sum()


def test_light_is_scene_linear_hdr_with_grain(shot: DemoShot) -> None:
    picture = read(shot.truth_pattern, 1003)
    values = picture.read_rgb(picture.data_window)
    assert 5.0 < values.max() < 21.0
    assert values.min() < 0.0
    assert 0.05 < np.median(values) < 0.4


def test_the_object_hides_real_parts_of_the_set_that_other_frames_show(shot: DemoShot) -> None:
    holes = [drawn(shot, 0, number) for number in shot.frame_numbers]
    assert not np.logical_and.reduce(holes).any()


def test_ball_is_nearer_than_what_is_behind_it(shot: DemoShot) -> None:
    plate, truth = read(shot.plate_pattern, 1002), read(shot.truth_pattern, 1002)
    ball = nearer(shot, 1002)
    assert ball.any()
    assert (plate.native("depth.Z")[ball] <= truth.native("depth.Z")[ball] + 0.1).all()


def test_the_same_seed_gives_the_same_bytes(shot: DemoShot, tmp_path: Path) -> None:
    again, other = render(tmp_path / "again"), render(tmp_path / "other", seed=8)

    def digest(pattern: str) -> str:
        return hashlib.sha256(Path(pattern % 1004).read_bytes()).hexdigest()

    assert digest(again.plate_pattern) == digest(shot.plate_pattern)
    assert again.shapes == shot.shapes
    assert digest(other.plate_pattern) != digest(shot.plate_pattern)


def test_grain_is_independent_from_frame_to_frame(shot: DemoShot) -> None:
    first, second = (
        read(shot.truth_pattern, n).read_rgb(read(shot.truth_pattern, n).data_window) for n in (1001, 1005)
    )
    fine = [x - cv2.GaussianBlur(x, (0, 0), 1.0) for x in (first, second)]
    dark = (first.max(axis=2) < 0.03) & (second.max(axis=2) < 0.03)
    assert dark.sum() > 100
    assert abs(np.corrcoef(fine[0][dark].ravel(), fine[1][dark].ravel())[0, 1]) < 0.3


def test_progress_is_told(tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    render_demo_shot(
        tmp_path,
        width=64,
        height=36,
        frames=2,
        overscan_px=0,
        on_frame=lambda done, total: told.append((done, total)),
    )
    assert told == [(1, 2), (2, 2)]


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ({"frames": 1}, "at least 2 frames"),
        ({"width": 40, "height": 24}, "40x24"),
        ({"width": 160, "height": 160}, "160x160"),
        ({"overscan_px": 60}, "overscan"),
    ],
)
def test_impossible_shots_are_refused(tmp_path: Path, sizes: dict[str, int], message: str) -> None:
    with pytest.raises(DemoRenderError, match=message):
        render_demo_shot(tmp_path, **sizes)
    assert not list(tmp_path.iterdir())


def test_job_is_valid_and_survives_its_json(shot: DemoShot) -> None:
    job = demo_job(shot, "/results/demo_{version}.%04d.exr", engine="propagation", version=3)
    check_job(job)
    assert decode_job(format_job(job)) == job
    assert [(shape.role, len(shape.frames)) for shape in job.shapes] == [("remove", 5), ("affected", 5)]
    assert job.output.versioned_pattern == "/results/demo_v003.%04d.exr"
    assert job.shot.format.width == WIDTH


def test_shapes_count_y_upwards(shot: DemoShot) -> None:
    point_ys = [point.y for point in demo_job(shot, "x.%04d.exr").shapes[0].frames[1].points]
    rows = np.flatnonzero(nearer(shot, 1002).any(axis=1))
    middle_from_below = HEIGHT - (rows.mean() + 0.5 - OVERSCAN)
    assert np.mean(point_ys) == pytest.approx(middle_from_below, abs=1.5)
