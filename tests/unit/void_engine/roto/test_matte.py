from __future__ import annotations

import dataclasses
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.void_engine.roto.bezier import without_feather
from void_engine.errors import MatteError, SettingError
from void_engine.geometry import Box
from void_engine.roto.matte import bounds, rasterise
from void_engine.roto.shapes import BezierPoints, ShapeAtFrame

BOX = Box(-3, -2, 66, 60)
FRAME = Box.from_size(100, 80)


def _row(shape: ShapeAtFrame, y: int = 40) -> np.ndarray:
    """One row of a 100 x 80 frame."""
    return rasterise([shape], Box(0, y, 100, y + 1))[0]


def _centres(first: int, last: int) -> np.ndarray:
    return np.arange(first, last) + 0.5


# --- without feather


@pytest.mark.slow
@pytest.mark.parametrize("scale", [1.0, 0.5, 0.25])
def test_shapes_match_supersampling(any_points, supersampled, scale):
    """The mean is compared with 16 x 16 samples and single pixels with 64 x 64.

    A grid of 16 is itself off by up to 1/32 where an edge runs along its rows, and by 12/255 for a sliver
    between two of its columns.
    """
    box = BOX.scaled(scale)
    result = rasterise([ShapeAtFrame("a", any_points)], box, scale)
    coarse, fine = supersampled(any_points, box, scale), supersampled(any_points, box, scale, samples=64)
    assert np.abs(result - coarse).mean() < 1 / 255
    assert (np.abs(result - coarse) <= np.abs(coarse - fine) + 4 / 255).all()
    assert np.abs(result - fine).max() <= 4 / 255


def test_a_crop_of_the_matte_is_the_matte_of_the_crop(any_points):
    shapes = [
        ShapeAtFrame("a", any_points, feather_x_px=3, feather_y_px=2, falloff=1.5),
        ShapeAtFrame("b", any_points, opacity=0.6, inverted=True),
    ]
    for scale in (1.0, 0.37):
        whole = rasterise(shapes, BOX, scale)
        for crop in (Box(0, 0, 20, 20), Box(17, 5, 43, 6), Box(-3, 20, 5, 60)):
            assert np.array_equal(rasterise(shapes, crop, scale), whole[crop.slices(BOX)]), (scale, crop)


def test_outside_is_exactly_0_and_inside_exactly_1(ellipse):
    matte = rasterise([ShapeAtFrame("a", ellipse(50.3, 40.2, 20, 20, feather=9.7))], FRAME)
    distance = np.hypot(*(np.indices(FRAME.shape) + 0.5 - np.array([40.2, 50.3])[:, None, None]))
    assert (matte[distance > 31] == 0).all()
    assert (matte[distance < 19] == 1).all()


# --- feather


@pytest.mark.parametrize("kind", ["points", "uniform", "both"])
def test_both_kinds_of_feather_ramp_straight_and_add_up(rectangle, kind):
    own, uniform = {"points": (16, 0), "uniform": (0, 16), "both": (10, 6)}[kind]
    row = _row(
        ShapeAtFrame("a", rectangle(30, 20, 60, 60, feather=own), feather_x_px=uniform, feather_y_px=uniform)
    )
    ramp = (76 - _centres(60, 76)) / 16
    assert row[60:76] == pytest.approx(ramp, abs=1 / 255)
    assert row[14:30] == pytest.approx(ramp[::-1], abs=1 / 255)
    assert (row[30:60] == 1).all()
    assert (row[:14] == 0).all()
    assert (row[76:] == 0).all()


@pytest.mark.parametrize("kind", ["points", "uniform"])
def test_inward_feather_is_clear_at_the_shape_and_opaque_at_the_feather_contour(rectangle, kind):
    own, uniform = (-10, 0) if kind == "points" else (0, -10)
    row = _row(
        ShapeAtFrame("a", rectangle(30, 20, 60, 60, feather=own), feather_x_px=uniform, feather_y_px=uniform)
    )
    assert row[30:40] == pytest.approx((_centres(30, 40) - 30) / 10, abs=1 / 255)
    assert (row[40:50] == 1).all()
    assert (row[:30] == 0).all()
    assert (row[60:] == 0).all()


def test_feather_scales_with_the_proxy(rectangle):
    shape = ShapeAtFrame("a", rectangle(30, 20, 60, 60, feather=8), feather_x_px=8, feather_y_px=8)
    row = rasterise([shape], Box(0, 20, 50, 21), 0.5)[0]
    assert row[30:38] == pytest.approx((38 - _centres(30, 38)) / 8, abs=1 / 255)


def test_feather_along_x_only(rectangle):
    shape = ShapeAtFrame("a", rectangle(30, 20, 60, 60), feather_x_px=10)
    matte = rasterise([shape], FRAME)
    assert matte[40, 60:70] == pytest.approx((70 - _centres(60, 70)) / 10, abs=1.5 / 255)
    assert matte[:20].max() < 1.5 / 255
    assert matte[60:].max() < 1.5 / 255


def test_where_contours_cross_the_feather_goes_out_on_one_side_and_in_on_the_other(rectangle):
    own = rectangle(30, 20, 60, 60)
    # The whole feather contour is the shape moved right by 10.
    points = dataclasses.replace(own, feather_centers=np.tile([10.0, 0.0], (4, 1)))
    row = _row(ShapeAtFrame("a", points))
    assert row[60:70] == pytest.approx((70 - _centres(60, 70)) / 10, abs=1 / 255)
    assert row[30:40] == pytest.approx((_centres(30, 40) - 30) / 10, abs=1 / 255)
    assert (row[40:60] == 1).all()


@pytest.mark.parametrize("falloff", [0.5, 2.0, 3.0])
@pytest.mark.parametrize("kind", ["points", "uniform", "crossing"])
def test_falloff_bends_the_ramp_alike_outward_and_inward(rectangle, kind, falloff):
    own = rectangle(30, 20, 60, 60)
    if kind == "crossing":
        points = dataclasses.replace(own, feather_centers=np.tile([16.0, 0.0], (4, 1)))
        outward = inward = ShapeAtFrame("a", points, falloff=falloff)
    else:
        outward, inward = (
            ShapeAtFrame("a", rectangle(30, 20, 60, 60, feather=f), falloff=falloff)
            if kind == "points"
            else ShapeAtFrame("a", own, feather_x_px=f, feather_y_px=f, falloff=falloff)
            for f in (16.0, -14.0)
        )
    width = 16 if kind == "crossing" else 14
    # The antialiasing shows half a pixel beside a bend in the profile; the rest follows it.
    assert _row(outward)[61:75] == pytest.approx(((76 - _centres(61, 75)) / 16) ** falloff, abs=0.02)
    assert _row(inward)[31 : 29 + width] == pytest.approx(
        ((_centres(31, 29 + width) - 30) / width) ** falloff, abs=0.02
    )


def test_no_falloff_is_opaque_up_to_the_feather_contour(rectangle):
    for falloff in (0.0, -2.0):
        row = _row(ShapeAtFrame("a", rectangle(30, 20, 60, 60, feather=8), falloff=falloff))
        assert row[60:67] == pytest.approx(1)
        assert (row[68:] == 0).all()


@pytest.mark.parametrize(
    ("own", "uniform"), [(12, 0), (0, 12), (-8, 0), (0, -6), (5, 4), (10, -4), (0.3, 0), (0, 0.3), (60, 70)]
)
def test_feather_falls_steadily_from_the_middle_outward(ellipse, own, uniform):
    points = ellipse(50.5, 40.5, 20, 20, feather=own)
    for falloff in (1.0, 0.4, 2.5):
        row = _row(ShapeAtFrame("a", points, feather_x_px=uniform, feather_y_px=uniform, falloff=falloff))
        assert (np.diff(row[50:]) <= 0).all(), falloff
        assert (np.diff(row[:51]) >= 0).all(), falloff
        assert row[50] == 1


def test_a_wide_feather_shows_no_steps(ellipse):
    row = _row(ShapeAtFrame("a", ellipse(10, 40, 5, 5, feather=80)))
    assert np.abs(np.diff(row[17:90], n=2)).max() < 1 / 255


def test_a_shrinking_feather_may_use_up_the_shape(rectangle):
    matte = rasterise(
        [ShapeAtFrame("a", rectangle(30, 20, 60, 60), feather_x_px=-30, feather_y_px=-30)], FRAME
    )
    assert matte.max() == pytest.approx(0.5, abs=0.02)  # No pixel lies deeper than 15 of the 30 pixels.
    assert (matte[:, :30] == 0).all()


def test_a_feather_that_folds_over_itself_takes_the_more_opaque_layer(rectangle):
    # The shape has a notch whose two sides feather across each other.
    notch = np.array([[10, 10], [90, 10], [90, 70], [54, 70], [50, 30], [46, 70], [10, 70.0]])
    matte = rasterise([ShapeAtFrame("a", without_feather(notch), feather_x_px=12, feather_y_px=12)], FRAME)
    assert matte[69, 50] == pytest.approx(1 - 3.5 / 12, abs=0.05)
    assert matte.max() == 1


def test_a_feather_too_narrow_to_see_is_a_hard_edge(rectangle):
    hard = _row(ShapeAtFrame("a", rectangle(30.5, 20, 60, 60)))
    assert np.array_equal(_row(ShapeAtFrame("a", rectangle(30.5, 20, 60, 60, feather=0.001))), hard)


# --- attributes and combination


def test_opacity_scales_and_is_clamped(rectangle):
    points = rectangle(30.5, 20, 60, 60)
    row = _row(ShapeAtFrame("a", points, opacity=0.5))
    assert row[29:32].tolist() == [0, 0.25, 0.5]
    assert _row(ShapeAtFrame("a", points, opacity=7)).max() == 1
    assert not _row(ShapeAtFrame("a", points, opacity=-1)).any()


def test_an_inverted_shape_covers_the_rest_of_the_frame(rectangle):
    points = rectangle(30.5, 20, 60, 60)
    matte = rasterise([ShapeAtFrame("a", points, opacity=0.8, inverted=True)], FRAME)
    plain = rasterise([ShapeAtFrame("a", points)], FRAME)
    assert matte == pytest.approx(0.8 * (1 - plain))
    assert matte[0, 0] == np.float32(0.8)
    away = rasterise([ShapeAtFrame("a", points, inverted=True)], Box(500, 500, 510, 505))
    assert (away == 1).all()


def test_an_inverted_shape_without_area_covers_everything():
    assert (_row(ShapeAtFrame("a", without_feather([[3, 3]]), inverted=True)) == 1).all()


def test_invisible_shapes_are_not_drawn(rectangle):
    shape = ShapeAtFrame("a", rectangle(30, 20, 60, 60), visible=False)
    assert not rasterise([shape, dataclasses.replace(shape, inverted=True)], FRAME).any()
    assert bounds([shape], FRAME).is_empty


def test_shapes_combine_as_over_in_any_order(rectangle, ellipse):
    shapes = [
        ShapeAtFrame("a", rectangle(10, 10, 50, 50), opacity=0.5),
        ShapeAtFrame("b", rectangle(30, 30, 70, 70), opacity=0.5),
        ShapeAtFrame("c", ellipse(80, 40, 10, 10)),
    ]
    matte = rasterise(shapes, FRAME)
    assert matte[20, 20] == 0.5
    assert matte[40, 40] == 0.75
    assert matte[40, 80] == 1
    assert rasterise(shapes[::-1], FRAME) == pytest.approx(matte, abs=1e-6)


def test_opaque_shapes_stay_opaque_under_others(rectangle, ellipse):
    solid = ShapeAtFrame("a", rectangle(10, 10, 90, 70))
    soft = ShapeAtFrame("b", ellipse(50, 40, 10, 10, feather=15), opacity=0.3)
    for shapes in ([solid, soft], [soft, solid]):
        assert (rasterise(shapes, FRAME)[10:70, 10:90] == 1).all()


def test_no_shapes_give_an_empty_matte():
    matte = rasterise([], Box(-4, 2, 6, 9))
    assert matte.shape == (7, 10)
    assert matte.dtype == np.float32
    assert not matte.any()
    assert rasterise([], Box(5, 5, 5, 5)).shape == (0, 0)


# --- bounds


def test_bounds_hold_the_matte_and_little_more(any_points):
    shapes = [ShapeAtFrame("a", any_points, feather_x_px=4, feather_y_px=2)]
    around = Box(-300, -300, 300, 300)
    for scale in (1.0, 0.5):
        box = bounds(shapes, around, scale)
        rows, columns = np.nonzero(rasterise(shapes, around, scale))
        seen = Box(
            int(columns.min()) - 300, int(rows.min()) - 300, int(columns.max()) - 299, int(rows.max()) - 299
        )
        assert box.contains(seen)
        assert seen.grown(3).contains(box)


def test_bounds_stay_within_what_was_asked(rectangle):
    shape = ShapeAtFrame("a", rectangle(-50, 20, 30, 200))
    assert bounds([shape], FRAME) == Box(0, 19, 31, 80)
    assert bounds([shape, ShapeAtFrame("b", rectangle(500, 500, 600, 600))], FRAME) == Box(0, 19, 31, 80)
    assert bounds([dataclasses.replace(shape, inverted=True)], FRAME) == FRAME
    assert bounds([], FRAME).is_empty


# --- shapes of any kind that an artist or a broken script may send


@pytest.mark.parametrize("scale", [0.0, -1.0, float("nan"), float("inf")])
def test_a_scale_that_is_none_is_refused(scale):
    with pytest.raises(SettingError, match="proxy scale"):
        rasterise([], FRAME, scale)
    with pytest.raises(SettingError, match="proxy scale"):
        bounds([], FRAME, scale)


@pytest.mark.parametrize(
    "centers",
    [[], [[5, 5]], [[5, 5], [40, 40]], [[7, 7]] * 6, [[0, 0], [20, 20], [60, 60]]],
    ids=["nothing", "a point", "a line", "one point many times", "a straight triangle"],
)
@pytest.mark.parametrize("feather_px", [0.0, 5.0])
def test_shapes_without_area_cover_nothing(centers, feather_px):
    shape = ShapeAtFrame("a", without_feather(centers), feather_x_px=feather_px, feather_y_px=feather_px)
    assert not rasterise([shape], FRAME).any()


def test_a_shape_larger_than_any_picture_covers_it():
    far = [[-1e300, -1e300], [1e300, -1e300], [1e300, 1e300], [-1e300, 1e300]]
    shape = ShapeAtFrame("a", without_feather(far), feather_x_px=1e300, feather_y_px=1e300)
    assert (rasterise([shape], FRAME) == 1).all()
    assert bounds([shape], FRAME) == FRAME


@pytest.mark.parametrize("feather_px", [0.0, 6.0, -6.0])
def test_points_far_away_do_no_harm(feather_px):
    far = [[1e200, 80], [1e200, 1e5], [10, -8], [-1e-200, 1e5], [-1e7, 40], [1e5, 68.5]]
    points = without_feather(far, [[3, 5]] * 6, [[-1e9, 1e200]] * 6)
    shape = ShapeAtFrame("a", points, feather_x_px=feather_px, feather_y_px=feather_px, falloff=2)
    matte = rasterise([shape], BOX)
    assert np.isfinite(matte).all()
    assert matte.min() >= 0
    assert matte.max() <= 1


coordinate = st.one_of(
    st.integers(-20, 100).map(float), st.floats(-30, 110), st.sampled_from([40.0, -1e-200])
)
pair = st.tuples(coordinate, coordinate)
offset = st.one_of(st.just((0.0, 0.0)), st.tuples(st.floats(-40, 40), st.floats(-40, 40)))


@st.composite
def drawn_shapes(draw: st.DrawFn) -> ShapeAtFrame:
    count = draw(st.integers(0, 6))
    rows = [draw(st.lists(strategy, min_size=count, max_size=count)) for strategy in (pair, *[offset] * 5)]
    return ShapeAtFrame(
        "drawn",
        BezierPoints(*(np.array(row, dtype=np.float64).reshape(-1, 2) for row in rows)),
        opacity=draw(st.floats(0, 1)),
        feather_x_px=draw(st.sampled_from([0.0, 4.0, -4.0, 11.0])),
        feather_y_px=draw(st.sampled_from([0.0, 4.0, -4.0, 0.01])),
        falloff=draw(st.sampled_from([1.0, 0.0, 0.5, 3.0])),
        inverted=draw(st.booleans()),
    )


@pytest.mark.slow
@settings(max_examples=30, deadline=None)
@given(st.lists(drawn_shapes(), max_size=2), st.sampled_from([1.0, 0.5, 0.31]))
def test_any_shapes_give_a_matte_within_its_bounds_whatever_the_box(shapes, scale):
    box = Box(-10, -5, 70, 60)
    matte = rasterise(shapes, box, scale)
    assert np.isfinite(matte).all()
    assert matte.min() >= 0
    assert matte.max() <= 1
    seen = bounds(shapes, box, scale)
    outside = matte.copy()
    outside[seen.slices(box)] = 0
    assert not outside.any()
    crop = Box(10, 3, 31, 22)
    assert np.array_equal(rasterise(shapes, crop, scale), matte[crop.slices(box)])


# --- limits


@pytest.mark.parametrize(
    ("count", "feather_px", "coordinate"), [(300, 4000.0, 1e5), (10_000, 0.0, 1e5), (10_000, 4000.0, 1e7)]
)
def test_a_shape_that_would_take_minutes_is_refused_at_once(
    count: int, feather_px: float, coordinate: float
) -> None:
    chance = np.random.default_rng(count)
    centers, tangents = chance.uniform(-coordinate, coordinate, (2, count, 2))
    points = without_feather(centers, tangents, -tangents)
    shape = ShapeAtFrame("tangle", points, feather_x_px=feather_px, feather_y_px=feather_px)
    began = time.process_time()
    with pytest.raises(MatteError, match="'tangle' is too much to draw"):
        rasterise([shape], FRAME)
    assert time.process_time() - began < 10.0


def test_a_detailed_shape_is_drawn() -> None:
    angle = np.linspace(0, 2 * np.pi, 1000, endpoint=False)
    circle = np.column_stack((50 + 30 * np.cos(angle), 40 + 30 * np.sin(angle)))
    points = without_feather(circle)
    assert rasterise([ShapeAtFrame("a", points, feather_x_px=20, feather_y_px=20)], FRAME).max() == 1.0
