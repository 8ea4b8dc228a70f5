"""Baked shapes, judged by the matte that they draw beside the one that the fake Nuke renders by itself."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from tests.fakes.fake_nuke import curves
from tests.fakes.fake_nuke.picture import evaluate
from tests.fakes.nuke_session import fresh_nuke, layer_in, polygon
from void_engine.geometry import Box
from void_nuke.errors import SelectionError
from void_nuke.host.roto_export import CurveTypes, Forms, bake_shapes, keep_only, list_elements, walk
from void_protocol.job import Format, Output, RemovalJob, RotoShape, Shot
from void_server.translate import shot_mattes

TYPES = CurveTypes(curves.Layer, curves.Shape, curves.Stroke, curves.FlagType.eOpenFlag)
WIDTH, HEIGHT = 96, 64
LEAF = [(20.0, 12.0), (50.0, 10.0), (60.0, 40.0), (30.0, 50.0)]


@pytest.fixture
def nuke() -> ModuleType:
    return fresh_nuke(width=WIDTH, height=HEIGHT)


@pytest.fixture
def roto(nuke: ModuleType) -> Any:
    return nuke.nodes.Roto(name="Roto1")


def layered(roto: Any) -> tuple[Any, Any]:
    """A feathered, curved shape in a layer."""
    layer = layer_in(roto["curves"].rootLayer, "arm")
    shape = polygon("leaf", LEAF, layer)
    for index, point in enumerate(shape):
        point.leftTangent.addPositionKey(1, (-4.0, 3.0 - index))
        point.rightTangent.addPositionKey(1, (4.0, index - 3.0))
        point.featherCenter.addPositionKey(1, (2.0 * (index % 2), 3.0))
        point.featherLeftTangent.addPositionKey(1, (-4.0, 2.0))
        point.featherRightTangent.addPositionKey(1, (4.0, -2.0))
    return shape, layer


def moving(shape: Any, layer: Any) -> None:
    shape.getTransform().addTranslationKey(1, 0.0, 0.0, 0.0)
    shape.getTransform().addTranslationKey(10, 9.0, -4.0, 0.0)
    shape[0].center.addPositionKey(1, LEAF[0])
    shape[0].center.addPositionKey(5, (12.0, 20.0))
    shape[0].center.addPositionKey(10, LEAF[0])


def turned(shape: Any, layer: Any) -> None:
    layer.getTransform().addPivotPointKey(1, 40.0, 30.0, 0.0)
    layer.getTransform().addRotationKey(1, 0.0, 0.0, 30.0)
    shape.getTransform().addScaleKey(1, 0.8, 1.2, 1.0)


def _set(**attributes: float) -> Callable[[Any, Any], None]:
    def change(shape: Any, layer: Any) -> None:
        for name, value in attributes.items():
            shape.getAttributes().set(1, name, value)

    return change


def animated_opacity(shape: Any, layer: Any) -> None:
    shape.getAttributes().addKey(1, "opc", 0.2)
    shape.getAttributes().addKey(10, "opc", 1.0)


def hidden_layer(shape: Any, layer: Any) -> None:
    layer.setVisible(1, False)


def dim_layers(shape: Any, layer: Any) -> None:
    layer.getAttributes().addKey(1, "opc", 0.4)
    layer.getAttributes().addKey(10, "opc", 0.8)
    shape.getAttributes().set(1, "opc", 0.5)


def short_lived_layer(shape: Any, layer: Any) -> None:
    layer.getAttributes().set(1, "ltt", 3.0)
    layer.getAttributes().set(1, "ltn", 5.0)


CHANGES = {
    "layer from frame": short_lived_layer,
    "dim layers": dim_layers,
    "as drawn": lambda shape, layer: None,
    "moving": moving,
    "turned": turned,
    "uniform feather": _set(fx=5.0, fy=3.0, ff=2.0),
    "feather off": _set(fo=0.0, fx=5.0, fy=3.0),
    "inverted": _set(inv=1.0),
    "opacity": animated_opacity,
    "hidden": _set(vis=0.0),
    "hidden layer": hidden_layer,
    "up to frame": _set(ltt=1.0, ltm=4.0),
    "one frame": _set(ltt=2.0, ltn=5.0),
    "from frame": _set(ltt=3.0, ltn=5.0),
    "frame range": _set(ltt=4.0, ltn=2.0, ltm=5.0),
}


@pytest.mark.parametrize("name", CHANGES)
def test_the_engine_draws_what_the_host_draws(roto: Any, name: str) -> None:
    CHANGES[name](*layered(roto))
    for frame in (1, 5, 6, 10):
        assert_drawn_alike(roto, name, frame)


def assert_drawn_alike(roto: Any, name: str, frame: int) -> None:
    rendered = evaluate(roto, frame, 1.0).planes["rgba.alpha"]
    (baked,) = bake_shapes(roto["curves"].rootLayer, TYPES, ["Root/arm/leaf"], frame, "main")
    shape = RotoShape(name="leaf", role="remove", frames=[baked.at])
    job = RemovalJob(
        shot=Shot(
            name="t",
            plate="p.%d.exr",
            first_frame=frame,
            last_frame=frame,
            format=Format(width=WIDTH, height=HEIGHT),
        ),
        shapes=[shape],
        output=Output(pattern="o.%d.exr"),
    )
    with ExitStack() as files:
        drawn = shot_mattes(job, files).at(frame, Box(0, 0, WIDTH, HEIGHT)).remove
    np.testing.assert_allclose(drawn, rendered, atol=2e-3, err_msg=f"frame {frame}")
    if "hidden" not in name and "frame" not in name:
        assert rendered.max() > 0.1


def test_a_corner_pin_moves_the_points(roto: Any) -> None:
    _, layer = layered(roto)
    matrix = [1.0, 0, 0, 0, 0, 1.0, 0, 0, 0, 0, 1, 0, 0.004, 0.002, 0, 1]
    layer.getTransform().set_extra([float(value) for value in matrix])
    (baked,) = bake_shapes(roto["curves"].rootLayer, TYPES, ["Root/arm/leaf"], 1, "main")
    for point, (x, y) in zip(baked.at.points, LEAF, strict=True):
        w = 0.004 * x + 0.002 * y + 1
        assert (point.x, point.y) == pytest.approx((x / w, y / w))


def test_a_corner_pin_moves_the_ends_of_handles_and_feathers(roto: Any) -> None:
    _, layer = layered(roto)
    layer.getTransform().set_extra([1.0, 0.0, 0, 0, 0, 1.0, 0, 0, 0, 0, 1.0, 0, 0.004, 0.002, 0, 1.0])
    (baked,) = bake_shapes(roto["curves"].rootLayer, TYPES, ["Root/arm/leaf"], 1, "main")

    def pinned(x: float, y: float) -> tuple[float, float]:
        w = 0.004 * x + 0.002 * y + 1
        return x / w, y / w

    for index, (point, (x, y)) in enumerate(zip(baked.at.points, LEAF, strict=True)):
        fx, fy = x + 2.0 * (index % 2), y + 3.0
        feather = point.x + point.feather_x, point.y + point.feather_y
        assert (point.x + point.left_x, point.y + point.left_y) == pytest.approx(pinned(x - 4, y + 3 - index))
        assert (point.x + point.right_x, point.y + point.right_y) == pytest.approx(
            pinned(x + 4, y + index - 3)
        )
        assert feather == pytest.approx(pinned(fx, fy))
        assert (feather[0] + point.feather_left_x, feather[1] + point.feather_left_y) == pytest.approx(
            pinned(fx - 4, fy + 2)
        )
        assert (feather[0] + point.feather_right_x, feather[1] + point.feather_right_y) == pytest.approx(
            pinned(fx + 4, fy - 2)
        )


def test_shapes_among_strokes_are_kept_and_what_is_not_named_goes(roto: Any) -> None:
    root = roto["curves"].rootLayer
    for name in ("a", "paint", "b", "c"):
        if name == "paint":
            stroke = curves.Stroke()
            stroke.name = name
            root.append(stroke)
        else:
            polygon(name, LEAF, root)
    keep_only(root, TYPES, ["Root/b", "Root/a"])
    assert [child.name for child in root] == ["a", "b"]


def test_names_of_one_path_are_kept_apart(roto: Any) -> None:
    root = roto["curves"].rootLayer
    for _ in range(3):
        polygon("same", LEAF, root)
    paths = [found.path for found in walk(root, TYPES)]
    assert paths == ["Root/same", "Root/same#2", "Root/same#3"]
    second = root[1]
    keep_only(root, TYPES, ["Root/same#2"])
    assert list(root) == [second]


def test_what_cannot_be_carried_is_said(roto: Any) -> None:
    root = roto["curves"].rootLayer
    shape = polygon("blurred", LEAF, root)
    for name, value in (("mbo", 1.0), ("ft", 1.0), ("bm", 2.0)):
        shape.getAttributes().set(1, name, value)
    stroke = curves.Stroke()
    stroke.name = "paint"
    root.append(stroke)
    for name in ("max", "plus"):
        polygon(name, LEAF, root).getAttributes().set(1, "bm", {"max": 1, "plus": 7}[name])
    said = {element.path: element.not_carried for element in list_elements(root, TYPES, 1, "main")}
    assert said == {
        "Root/blurred": ("blend mode 'multiply'", "its feather type", "motion blur"),
        "Root/paint": ("a paint stroke",),
        "Root/max": (),
        "Root/plus": (),
    }


def test_a_shape_that_is_gone(roto: Any) -> None:
    with pytest.raises(SelectionError, match="Root/leaf"):
        bake_shapes(roto["curves"].rootLayer, TYPES, ["Root/leaf"], 1, "main")
    with pytest.raises(SelectionError, match="Root/leaf"):
        keep_only(roto["curves"].rootLayer, TYPES, ["Root/leaf"])


def test_other_views_ask_by_name(nuke: ModuleType, roto: Any) -> None:
    layered(roto)
    from tests.fakes.fake_nuke.state import STATE

    STATE.views = ["left", "right"]
    (baked,) = bake_shapes(
        roto["curves"].rootLayer, TYPES, ["Root/arm/leaf"], 1, "right", views=("left", "right")
    )
    assert len(baked.at.points) == len(LEAF)
    with pytest.raises(TypeError, match="main"):
        bake_shapes(roto["curves"].rootLayer, TYPES, ["Root/arm/leaf"], 1, "main", views=("left", "right"))


def test_each_view_has_its_own_points_transforms_and_attributes(nuke: ModuleType, roto: Any) -> None:
    shape, layer = layered(roto)
    from tests.fakes.fake_nuke.state import STATE

    STATE.views = ["left", "right"]
    for index, point in enumerate(shape):
        point.center.addPositionKey(1, (LEAF[index][0] + 7.0, LEAF[index][1]), "right")
        point.leftTangent.addPositionKey(1, (-9.0, 0.0), "right")
        point.rightTangent.addPositionKey(1, (8.0, 1.0), "right")
        point.featherCenter.addPositionKey(1, (1.0, 2.0), "right")
        point.featherLeftTangent.addPositionKey(1, (-5.0, 5.0), "right")
        point.featherRightTangent.addPositionKey(1, (6.0, -6.0), "right")
    shape.getTransform().addTranslationKey(1, 0.0, 2.0, 0.0, "right")
    layer.getTransform().addTranslationKey(1, 3.0, 0.0, 0.0, "left")
    shape.getAttributes().set(1, "opc", 0.25, "right")
    shape.getAttributes().set(1, "fx", 4.0, "left")
    layer.getAttributes().set(1, "opc", 0.5, "left")
    root = roto["curves"].rootLayer
    left, right = (
        bake_shapes(root, TYPES, ["Root/arm/leaf"], 1, view, views=STATE.views)[0].at for view in STATE.views
    )
    assert [(point.x, point.y) for point in left.points] == [(x + 3.0, y) for x, y in LEAF]
    assert [(point.x, point.y) for point in right.points] == [(x + 7.0, y + 2.0) for x, y in LEAF]
    assert (left.points[1].left_x, left.points[1].feather_x) == (-4.0, 2.0)
    own = right.points[1]
    assert (own.left_x, own.left_y, own.right_x, own.right_y) == (-9.0, 0.0, 8.0, 1.0)
    assert (own.feather_x, own.feather_y) == (1.0, 2.0)
    assert (own.feather_left_x, own.feather_left_y) == (-5.0, 5.0)
    assert (own.feather_right_x, own.feather_right_y) == (6.0, -6.0)
    assert (left.opacity, right.opacity) == (0.5, 0.25)
    assert (left.feather_x_px, right.feather_x_px) == (4.0, 0.0)


def test_lifetimes_of_a_view_are_its_own(nuke: ModuleType, roto: Any) -> None:
    shape, _ = layered(roto)
    from tests.fakes.fake_nuke.state import STATE

    STATE.views = ["left", "right"]
    for name, value in (("ltt", 4.0), ("ltn", 3.0), ("ltm", 5.0)):
        shape.getAttributes().set(1, name, value, "right")
    root = roto["curves"].rootLayer
    shown = {
        view: [
            frame
            for frame in range(1, 8)
            if bake_shapes(root, TYPES, ["Root/arm/leaf"], frame, view, views=STATE.views)[0].at.visible
        ]
        for view in STATE.views
    }
    assert shown == {"left": [1, 2, 3, 4, 5, 6, 7], "right": [3, 4, 5]}


@pytest.mark.parametrize(
    ("kind", "shown"),
    [
        (0.0, [1, 2, 3, 4, 5, 6, 7]),
        (1.0, [1, 2, 3, 4, 5]),  # up to the last, that included
        (2.0, [3]),
        (3.0, [3, 4, 5, 6, 7]),
        (4.0, [3, 4, 5]),
        (5.0, [1, 2, 3, 4, 5, 6, 7]),  # one that nobody knows shows always, and is said
    ],
)
@pytest.mark.parametrize("whose", ["shape", "layer"])
def test_a_lifetime_counts_its_first_and_its_last_frame(
    roto: Any, kind: float, shown: list[int], whose: str
) -> None:
    shape, layer = layered(roto)
    attributes = (shape if whose == "shape" else layer).getAttributes()
    for name, value in (("ltt", kind), ("ltn", 3.0), ("ltm", 5.0)):
        attributes.set(1, name, value)
    root = roto["curves"].rootLayer
    baked = {frame: bake_shapes(root, TYPES, ["Root/arm/leaf"], frame, "main")[0] for frame in range(1, 8)}
    assert [frame for frame, each in baked.items() if each.at.visible] == shown
    assert all(bool(each.at.points) == each.at.visible for each in baked.values())
    said = "its lifetime" in baked[1].not_carried
    assert said == (kind == 5.0 and whose == "shape")


@pytest.mark.parametrize(("count", "shows"), [(0, False), (1, False), (2, True)])
def test_a_shape_of_less_than_two_points_draws_nothing(roto: Any, count: int, shows: bool) -> None:
    polygon("rest", LEAF[:count], roto["curves"].rootLayer)
    (baked,) = bake_shapes(roto["curves"].rootLayer, TYPES, ["Root/rest"], 1, "main")
    assert (len(baked.at.points), baked.at.visible) == (count, shows)


@pytest.mark.parametrize(
    ("name", "value", "field", "carried"),
    [
        ("opc", 1.5, "opacity", 1.0),
        ("opc", -0.5, "opacity", 0.0),
        ("opc", 0.3, "opacity", 0.3),
        ("ff", -2.0, "falloff", 0.0),
        ("ff", 101.0, "falloff", 100.0),
        ("ff", 99.0, "falloff", 99.0),
        ("fx", 5000.0, "feather_x_px", 4096.0),
        ("fx", -5000.0, "feather_x_px", -4096.0),
        ("fy", -12.0, "feather_y_px", -12.0),
        ("fy", 4097.0, "feather_y_px", 4096.0),
        ("inv", 1.0, "inverted", True),
        ("inv", 0.0, "inverted", False),
    ],
)
def test_what_is_beyond_the_limits_of_a_job_is_clamped(
    roto: Any, name: str, value: float, field: str, carried: float
) -> None:
    shape, _ = layered(roto)
    shape.getAttributes().set(1, name, value)
    (baked,) = bake_shapes(roto["curves"].rootLayer, TYPES, ["Root/arm/leaf"], 1, "main")
    assert getattr(baked.at, field) == carried


def test_shapes_of_another_view_do_not_show(nuke: ModuleType, roto: Any) -> None:
    shape, _ = layered(roto)
    from tests.fakes.fake_nuke.state import STATE

    STATE.views = ["left", "right"]
    for name, value in (("nv", 1.0), ("view1", 2.0)):
        shape.getAttributes().add(name, value)
    root = roto["curves"].rootLayer
    shown = [
        bake_shapes(root, TYPES, ["Root/arm/leaf"], 1, view, views=STATE.views)[0].at.visible
        for view in STATE.views
    ]
    assert shown == [False, True]
    shape.getAttributes().add("nv", 2.0)
    shape.getAttributes().add("view2", 1.0)
    assert [
        bake_shapes(root, TYPES, ["Root/arm/leaf"], 1, view, views=STATE.views)[0].at.visible
        for view in STATE.views
    ] == [True, True]
    shape.getAttributes().add("nv", 0.0)  # drawn for none
    assert not bake_shapes(root, TYPES, ["Root/arm/leaf"], 1, "left", views=STATE.views)[0].at.visible


def test_a_b_spline_is_baked_as_the_bezier_spline_that_it_is(roto: Any) -> None:
    shape, _ = layered(roto)
    shape.curve_kind = "bspline"
    (baked,) = bake_shapes(roto["curves"].rootLayer, TYPES, ["Root/arm/leaf"], 1, "main")
    before, here, after = LEAF[3], LEAF[0], LEAF[1]
    point = baked.at.points[0]
    assert (point.x, point.y) == pytest.approx(
        tuple((a + 4 * b + c) / 6 for a, b, c in zip(before, here, after, strict=True))
    )
    assert (point.right_x, point.left_y) == pytest.approx(
        ((after[0] - before[0]) / 6, -(after[1] - before[1]) / 6)
    )
    assert baked.not_carried == ()


def test_an_open_spline_is_known_by_its_inner_curves(roto: Any) -> None:
    shape, _ = layered(roto)
    shape.is_open = True
    assert not shape.getFlag(TYPES.open_flag)
    (element,) = list_elements(roto["curves"].rootLayer, TYPES, 1, "main")
    assert (element.kind, element.can_bake) == ("open", False)


def test_what_a_layer_adds_is_said(roto: Any) -> None:
    shape, layer = layered(roto)
    layer.getAttributes().set(1, "fx", 3.0)
    layer.getAttributes().set(1, "mbo", 1.0)
    shape.getAttributes().set(1, "a", 0.0)
    (element,) = list_elements(roto["curves"].rootLayer, TYPES, 1, "main")
    assert element.not_carried == ("its alpha", "the feather of its layer", "the motion blur of its layer")


def test_a_form_is_read_once(roto: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    layered(roto)
    root = roto["curves"].rootLayer
    forms: Forms = {}
    list_elements(root, TYPES, 1, "main", forms)
    monkeypatch.setattr(curves.Shape, "serialise", lambda self: pytest.fail("asked again"))
    bake_shapes(root, TYPES, ["Root/arm/leaf"], 1, "main", forms=forms)
