from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from void_engine.errors import MatteError, SettingError
from void_engine.geometry import Box
from void_engine.region import (
    ASPECT_TOLERANCE,
    CANVAS_MULTIPLE,
    SMALLEST_SIDE_PX,
    TRAINED_ASPECT,
    TRAINED_TOKENS,
    Region,
    RegionMode,
    plan_canvas,
    plan_region,
)

HD = Box.from_size(1920, 1080)


def squash(region: Region, pixel_aspect: float = 1.0) -> float:
    """The logarithm of how much the canvas squashes the picture."""
    shown = region.box.width * pixel_aspect / region.box.height
    return abs(math.log(shown * region.canvas[0] / region.canvas[1]))


@pytest.mark.parametrize(
    ("width", "height", "pixel_aspect", "canvas"),
    [
        (1920, 1080, 1.0, (384, 672)),
        (3840, 2160, 1.0, (384, 672)),
        (672, 384, 1.0, (384, 672)),
        (1080, 1920, 1.0, (672, 384)),
        (1998, 1080, 1.0, (368, 688)),
        (4096, 1716, 1.0, (320, 768)),
        (1828, 1556, 2.0, (320, 752)),
        (1440, 1080, 1.0, (432, 576)),
        (1000, 1000, 1.0, (496, 496)),
    ],
)
def test_canvas_of_a_format(width: int, height: int, pixel_aspect: float, canvas: tuple[int, int]) -> None:
    assert plan_canvas(width, height, pixel_aspect) == canvas


@given(st.floats(0.3, 3.4))
def test_canvas_is_near_in_aspect_and_large(aspect: float) -> None:
    rows, columns = plan_canvas(aspect * 1000, 1000)
    tokens = rows * columns // CANVAS_MULTIPLE**2
    assert rows % CANVAS_MULTIPLE == columns % CANVAS_MULTIPLE == 0
    assert 0.9 * TRAINED_TOKENS <= tokens <= TRAINED_TOKENS
    assert abs(math.log(columns / rows / aspect)) <= ASPECT_TOLERANCE


@pytest.mark.parametrize(("tokens", "canvas"), [(1, (16, 16)), (2, (16, 32)), (6, (32, 48)), (8, (32, 64))])
def test_few_tokens_show_the_picture_as_large_as_they_can(tokens: int, canvas: tuple[int, int]) -> None:
    assert plan_canvas(1600, 1000, max_tokens=tokens) == canvas


def test_absurd_aspects_still_have_a_canvas() -> None:
    assert plan_canvas(1e6, 1, max_tokens=6) == (16, 96)
    assert plan_canvas(1, 1e6, max_tokens=6) == (96, 16)


@pytest.mark.parametrize("bad", [(0, 10, 1.0, 5), (10, -1, 1.0, 5), (10, 10, 0.0, 5), (10, 10, 1.0, 0)])
def test_impossible_canvas(bad: tuple[int, int, float, int]) -> None:
    with pytest.raises(SettingError, match="canvas"):
        plan_canvas(*bad)


def boxes_within(frame: Box) -> st.SearchStrategy[Box]:
    def box(x: tuple[int, int], y: tuple[int, int]) -> Box:
        return Box(min(x), min(y), max(x) + 1, max(y) + 1)

    columns, rows = st.integers(frame.x0, frame.x1 - 1), st.integers(frame.y0, frame.y1 - 1)
    return st.builds(box, st.tuples(columns, columns), st.tuples(rows, rows))


FRAMES = [
    HD,
    Box.from_size(3840, 2160),
    Box.from_size(1080, 1920),
    Box(-64, -32, 2048, 858),
    Box.from_size(320, 180),
    Box.from_size(90, 70),
]


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_region_for_the_model(data: st.DataObject) -> None:
    frame = data.draw(st.sampled_from(FRAMES))
    pixel_aspect = data.draw(st.sampled_from([1.0, 2.0, 0.5]))
    mattes = data.draw(boxes_within(frame))
    region = plan_region(mattes, frame, pixel_aspect, aspect=TRAINED_ASPECT)
    assert region.box.contains(mattes)
    rounding = 1.0 / min(region.box.width, region.box.height)
    assert squash(region, pixel_aspect) <= ASPECT_TOLERANCE + rounding
    # Padding beyond the frame is at most what the aspect needs; the frame is never left on both axes.
    leaves = region.box.width > frame.width, region.box.height > frame.height
    assert not all(leaves)
    if not any(leaves):
        assert frame.contains(region.box)
    # A side that is longer than the frame's stands over by as much on both ends.
    left, right = frame.x0 - region.box.x0, region.box.x1 - frame.x1
    below, above = frame.y0 - region.box.y0, region.box.y1 - frame.y1
    assert not leaves[0] or abs(right - left) <= 1
    assert not leaves[1] or abs(above - below) <= 1
    assert max(region.box.width / frame.width, region.box.height / frame.height) < 1.05
    context = min(32, max(0, min(mattes.x0 - frame.x0, frame.x1 - mattes.x1)))
    assert region.box.x0 <= mattes.x0 - context
    assert region.box.x1 >= mattes.x1 + context


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_region_at_the_plates_own_size(data: st.DataObject) -> None:
    frame = data.draw(st.sampled_from(FRAMES))
    mattes = data.draw(boxes_within(frame))
    region = plan_region(mattes, frame)
    assert frame.contains(region.box)
    assert region.box.contains(mattes)
    assert region.canvas == region.box.shape
    assert region.box.width >= min(SMALLEST_SIDE_PX, frame.width)
    assert region.box.height >= min(SMALLEST_SIDE_PX, frame.height)
    wanted = mattes.grown(max(32, math.ceil(0.25 * max(mattes.width, mattes.height))))
    inside = wanted.intersection(frame)
    assert region.box.contains(inside)
    assert region.box.width == max(inside.width, min(SMALLEST_SIDE_PX, frame.width))
    assert region.box.height == max(inside.height, min(SMALLEST_SIDE_PX, frame.height))


def test_a_small_object_is_shown_at_the_plates_own_resolution() -> None:
    region = plan_region(Box(900, 500, 1000, 600), HD, aspect=TRAINED_ASPECT)
    assert region.canvas == (384, 672)
    assert region.box.shape == (384, 672)
    assert (region.box.x0 + region.box.x1, region.box.y0 + region.box.y1) == (1900, 1100)


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_a_region_for_the_model_is_no_larger_than_it_has_to_be(data: st.DataObject) -> None:
    """One of its sides is the one that the mattes with their margin, or the canvas, need."""
    pixel_aspect = data.draw(st.sampled_from([1.0, 2.0, 0.5]))
    mattes = data.draw(boxes_within(HD))
    region = plan_region(mattes, HD, pixel_aspect, aspect=TRAINED_ASPECT)
    margin = max(32, math.ceil(0.25 * max(mattes.width, mattes.height)))
    wanted = mattes.grown(margin).intersection(HD)
    needed = max(wanted.width, 672 / pixel_aspect), max(wanted.height, 384)
    # A canvas of another shape than the wanted one costs some more, where the frame is too small for it.
    if region.canvas == (384, 672):
        larger = region.box.width / needed[0], region.box.height / needed[1]
        assert min(larger) <= 1 + 1 / min(needed)
    assert region.box.width <= HD.width or region.box.height <= HD.height


def test_a_matte_that_misses_the_box_and_one_that_does_not() -> None:
    """What of the mattes lies in the artist's box is what counts."""
    box = Box(500, 200, 900, 500)
    inside, outside = Box(600, 300, 700, 400), Box(1000, 300, 1100, 400)
    touching = Box(900, 300, 1000, 400)
    by_box = {"mode": RegionMode.BOX, "box": box}
    assert plan_region([inside, inside], HD, **by_box).box == box
    assert plan_region(Box(899, 499, 1000, 600), HD, **by_box).box == box
    for missed in (outside, touching, Box(600, 500, 700, 600), Box(0, 0, 500, 200)):
        with pytest.raises(MatteError, match="outside the chosen region"):
            plan_region(missed, HD, **by_box)
    with pytest.raises(MatteError, match="outside the frame"):
        plan_region(Box(1920, 0, 2000, 10), HD)


def test_a_frame_is_padded_sideways_too() -> None:
    tall = Box.from_size(1080, 1920)
    padded = plan_region(Box(0, 0, 9, 9), tall, mode=RegionMode.FRAME, aspect=TRAINED_ASPECT, max_tokens=6)
    assert padded == Region(Box(-100, 0, 1180, 1920), (48, 32))
    # On a frame that begins elsewhere the padding stays even on both sides.
    moved = Box(50, 70, 1130, 1990)
    padded = plan_region(
        Box(60, 80, 69, 89), moved, mode=RegionMode.FRAME, aspect=TRAINED_ASPECT, max_tokens=6
    )
    assert padded.box == Box(-50, 70, 1230, 1990)


def test_the_margin_follows_the_longer_side_whichever_it_is() -> None:
    wide, high = Box(800, 400, 1000, 420), Box(800, 400, 820, 600)
    for mattes in (wide, high):
        wanted = mattes.grown(50)
        assert plan_region(mattes, HD).box.contains(wanted)
        assert plan_region(mattes, HD).box.shape == (
            max(wanted.height, SMALLEST_SIDE_PX),
            max(wanted.width, SMALLEST_SIDE_PX),
        )


def test_the_smallest_box_of_an_artist() -> None:
    mattes = Box(0, 0, 50, 50)
    least = Box(0, 0, 16, 16)
    assert plan_region(mattes, HD, mode=RegionMode.BOX, box=least) == Region(least, (16, 16))
    for small in (Box(0, 0, 15, 16), Box(0, 0, 16, 15)):
        with pytest.raises(SettingError, match="each side needs 16 pixels"):
            plan_region(mattes, HD, mode=RegionMode.BOX, box=small)


def test_the_least_settings_are_good() -> None:
    mattes = Box(800, 400, 1000, 600)
    assert plan_region(mattes, HD, margin=0.0, minimum_margin_px=0).box == mattes
    assert (
        plan_region(mattes, HD, aspect=(1, 1)).box.width == plan_region(mattes, HD, aspect=(1, 1)).box.height
    )
    with pytest.raises(SettingError, match="the model's aspect"):
        plan_region(mattes, HD, aspect=(4, 0))
    with pytest.raises(SettingError, match="pixel aspect is -1"):
        plan_region(mattes, HD, -1.0)


def test_region_is_shifted_at_the_frames_corner() -> None:
    assert plan_region(Box(0, 0, 10, 10), HD, aspect=TRAINED_ASPECT).box == Box(0, 0, 672, 384)
    assert plan_region(Box(1910, 1070, 1920, 1080), HD, aspect=TRAINED_ASPECT).box == Box(
        1248, 696, 1920, 1080
    )


def test_many_boxes_make_one_region() -> None:
    boxes = [Box(100, 100, 120, 120), Box(0, 0, 0, 0), Box(600, 300, 640, 330)]
    assert plan_region(boxes, HD) == plan_region(Box(100, 100, 640, 330), HD)


def test_margin_and_minimum() -> None:
    mattes = Box(800, 400, 1000, 500)
    assert plan_region(mattes, HD, margin=0.5).box == mattes.grown(100)
    assert plan_region(mattes, HD, margin=0.0, minimum_margin_px=20).box == mattes.grown(20)


def test_anamorphic_pixels_are_undone() -> None:
    frame = Box.from_size(1828, 1556)
    region = plan_region(Box(900, 700, 960, 760), frame, 2.0, aspect=TRAINED_ASPECT)
    assert region.canvas == (384, 672)
    assert region.box.shape == (384, 336)


def test_whole_frame() -> None:
    tall = Box(0, 0, 100, 1080)
    assert plan_region(tall, HD, mode=RegionMode.FRAME) == Region(HD, (1080, 1920))
    assert plan_region(tall, HD, mode=RegionMode.FRAME, aspect=TRAINED_ASPECT) == Region(HD, (384, 672))
    # Six tokens leave only coarse aspects, so the frame is padded evenly rather than squashed.
    padded = plan_region(tall, HD, mode=RegionMode.FRAME, aspect=TRAINED_ASPECT, max_tokens=6)
    assert padded.canvas == (32, 48)
    assert padded.box == Box(0, -100, 1920, 1180)


def test_explicit_box() -> None:
    mattes, box = Box(600, 300, 700, 400), Box(500, 200, 900, 500)
    assert plan_region(mattes, HD, mode=RegionMode.BOX, box=box) == Region(box, (300, 400))
    fitted = plan_region(mattes, HD, mode=RegionMode.BOX, box=box, aspect=TRAINED_ASPECT)
    assert fitted.box.contains(box)
    assert squash(fitted) <= ASPECT_TOLERANCE + 1 / 300


@pytest.mark.parametrize(
    ("box", "message"),
    [
        (None, "no box was given"),
        (Box(0, 0, 8, 100), "too small"),
        (Box(5, 5, 5, 5), "too small"),
        (Box(1900, 0, 2000, 100), "outside the frame"),
    ],
)
def test_bad_explicit_box(box: Box | None, message: str) -> None:
    with pytest.raises(SettingError, match=message):
        plan_region(Box(0, 0, 50, 50), HD, mode=RegionMode.BOX, box=box)


def test_a_box_needs_the_box_mode() -> None:
    with pytest.raises(SettingError, match="mattes"):
        plan_region(Box(0, 0, 50, 50), HD, box=HD)


@pytest.mark.parametrize("mode", list(RegionMode))
def test_nothing_to_remove(mode: RegionMode) -> None:
    box = Box(0, 0, 100, 100) if mode is RegionMode.BOX else None
    with pytest.raises(MatteError, match="empty on every frame"):
        plan_region([], HD, mode=mode, box=box)
    with pytest.raises(MatteError, match="outside the"):
        plan_region(Box(2000, 0, 2100, 100), HD, mode=mode, box=box)


def test_mattes_that_leave_the_frame_are_cut() -> None:
    assert plan_region(Box(1800, 500, 3000, 600), HD).box.x1 == 1920


@pytest.mark.parametrize(
    ("frame", "settings_", "message"),
    [
        (Box(0, 0, 0, 0), {}, "empty"),
        (HD, {"pixel_aspect": 0.0}, "pixel aspect"),
        (HD, {"pixel_aspect": math.nan}, "pixel aspect"),
        (HD, {"margin": -0.1}, "margin"),
        (HD, {"margin": math.inf}, "margin"),
        (HD, {"minimum_margin_px": -1}, "margin"),
        (HD, {"aspect": (0, 4)}, "model's aspect"),
    ],
)
def test_bad_settings(frame: Box, settings_: dict[str, float], message: str) -> None:
    with pytest.raises(SettingError, match=message):
        plan_region(Box(0, 0, 50, 50), frame, **settings_)
