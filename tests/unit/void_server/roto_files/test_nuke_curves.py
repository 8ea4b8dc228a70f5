"""Shapes read back from what the fake Nuke writes, frame by frame, and small texts in the form of public
scripts."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from tests.fakes.fake_nuke import curves
from tests.fakes.nuke_session import fresh_nuke, layer_in
from void_protocol.job import ShapeFrame
from void_server.roto_files.model import RotoCurve
from void_server.roto_files.nuke_script import read_nuke_script

FRAMES = range(995, 1031)
TOLERANCE_PX = 1e-4


def read(text: str, *, root: str = "", view: str | None = None) -> list[RotoCurve]:
    script = f"{root}\nRoto {{\n inputs 0\n curves {text}\n name Roto1\n}}\n"
    (node,) = read_nuke_script(script.encode(), "s.nk", view).nodes
    return list(node.curves)


def shape_text(
    points: str, *, after: str = "{t 0 0} {a}", layer: str = "{t 0 0} {a}", kind: str = "bezier"
) -> str:
    return (
        "{{{v x3f99999a} {f 0} {n {layer Root {f 0} "
        "" + layer + " {curvegroup s 512 " + kind + " {{cc {f 8192} " + points + "} idem} "
        + after + "}}}}}"
    )  # fmt: skip


SQUARE = "{p {} {} {} {} {100 0} {} {} {100 100} {} {} {0 100} {}}"


def one(text: str, **more: Any) -> RotoCurve:
    (curve,) = read(text, **more)
    return curve


def baked(curve: RotoCurve, *frames: int) -> list[ShapeFrame]:
    assert curve.carried, curve.why
    assert curve.geometry is not None
    return curve.geometry.bake(frames or (1,), np.eye(3))


def first_point(curve: RotoCurve, frame: int = 1) -> tuple[float, float]:
    point = baked(curve, frame)[0].points[0]
    return point.x, point.y


# --- the round trip through the fake Nuke
# ---------------------------------------------------------------------


def drawn(seed: int, kind: str = "bezier") -> Any:
    """A roto node of the fake with layers, shapes, keys, feather and transforms of every sort."""
    nuke = fresh_nuke()
    chance = np.random.default_rng(seed)
    roto = nuke.nodes.Roto(name="Roto1")
    arm = layer_in(roto["curves"].rootLayer, "an arm {left}")
    for index, keys in enumerate(([1001], [1000, 1007, 1012, 1025], [])):
        shape = curves.Shape()
        shape.name = f"ball{index}"
        shape.curve_kind = kind
        for _ in range(5):
            point = curves.ShapeControlPoint()
            members = (
                point.center, point.leftTangent, point.rightTangent,
                point.featherCenter, point.featherLeftTangent, point.featherRightTangent,
            )  # fmt: skip
            for member in members:
                size = 400.0 if member is point.center else 30.0
                if kind == "bspline" and member not in (point.center, point.featherCenter):
                    continue
                for key in keys:
                    member.addPositionKey(key, chance.uniform(-size, size, 2))
            shape.append(point)
        layer = arm if index else roto["curves"].rootLayer
        layer.append(shape)
        shape = layer[len(layer) - 1]
        move = shape.getTransform()
        move.addTranslationKey(1001, 3.5, -2.25, 0.0)
        move.addTranslationKey(1020, 40.0, 12.0, 0.0)
        move.addRotationKey(1001, 0.0, 0.0, 12.0)
        move.addScaleKey(1001, 1.5, 0.75, 1.0)
        move.addPivotPointKey(1001, 50.0, 40.0, 0.0)
        shape.getAttributes().addKey(1001, "opc", 0.25)
        shape.getAttributes().addKey(1013, "opc", 0.75)
    arm.getTransform().addRotationKey(1001, 0.0, 0.0, -20.0)
    arm.getTransform().addRotationKey(1011, 0.0, 0.0, 20.0)
    arm.getTransform().set_extra([1.01, 0.02, 0, 5, -0.01, 0.98, 0, -3, 0, 0, 1, 0, 1e-5, 2e-5, 0, 1])
    return roto


def matrix(transform: Any, frame: int) -> np.ndarray:
    return np.array(list(transform.evaluate(frame).getMatrix())).reshape(4, 4)


def moved(total: np.ndarray, x: float, y: float) -> tuple[float, float]:
    place = total @ (x, y, 0.0, 1.0)
    return place[0] / place[3], place[1] / place[3]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_every_point_is_where_the_host_has_it_at_every_frame(seed: int) -> None:
    roto = drawn(seed)
    root = roto["curves"].rootLayer
    found = {curve.name: curve for curve in read(roto["curves"].toScript())}
    arm = root[0]
    for layer, shape in [(None, root[1]), (arm, arm[0]), (arm, arm[1])]:
        at_frames = baked(found[shape.name], *FRAMES)
        for frame, at in zip(FRAMES, at_frames, strict=True):
            total = matrix(root.getTransform(), frame)
            if layer is not None:
                total = total @ matrix(layer.getTransform(), frame)
            total = total @ matrix(shape.getTransform(), frame)
            assert at.opacity == pytest.approx(shape.getAttributes().getValue(frame, "opc", "main"), abs=1e-6)
            for point, control in zip(at.points, shape, strict=True):
                c, left, feather, outer = (
                    member.getPosition(frame)
                    for member in (
                        control.center, control.leftTangent, control.featherCenter,
                        control.featherRightTangent
                    )
                )  # fmt: skip
                expected = [
                    (moved(total, c.x, c.y), (point.x, point.y)),
                    (
                        moved(total, c.x + left.x, c.y + left.y),
                        (point.x + point.left_x, point.y + point.left_y),
                    ),
                    (
                        moved(total, c.x + feather.x, c.y + feather.y),
                        (point.x + point.feather_x, point.y + point.feather_y),
                    ),
                    (
                        moved(total, c.x + feather.x + outer.x, c.y + feather.y + outer.y),
                        (
                            point.x + point.feather_x + point.feather_right_x,
                            point.y + point.feather_y + point.feather_right_y,
                        ),
                    ),
                ]
                for right, ours in expected:
                    assert math.dist(right, ours) < TOLERANCE_PX, (shape.name, frame)


def test_counts_of_points_and_keys_are_those_of_the_host() -> None:
    found = read(drawn(4)["curves"].toScript())
    assert [(curve.name, curve.path, curve.points, curve.keys) for curve in found] == [
        ("ball1", "Root/an arm {left}/ball1", 5, 4),
        ("ball2", "Root/an arm {left}/ball2", 5, 0),
        ("ball0", "Root/ball0", 5, 1),
    ]


def test_a_b_spline_is_the_curve_of_its_points() -> None:
    roto = drawn(5, "bspline")
    root = roto["curves"].rootLayer
    found = {curve.name: curve for curve in read(roto["curves"].toScript())}
    shape = root[1]
    assert found["ball0"].kind == "bspline"
    (at,) = baked(found["ball0"], 1001)
    total = matrix(root.getTransform(), 1001) @ matrix(shape.getTransform(), 1001)
    control = np.array([moved(total, p.x, p.y) for p in (point.center.getPosition(1001) for point in shape)])
    for index, (point, after) in enumerate(zip(at.points, [*at.points[1:], at.points[0]], strict=True)):
        p = control[[(index + step) % len(control) for step in (-1, 0, 1, 2)]]
        for u in (0.0, 0.3, 0.7):
            blend = [(1 - u) ** 3, 3 * u**3 - 6 * u**2 + 4, -3 * u**3 + 3 * u**2 + 3 * u + 1, u**3]
            ends = np.array(
                [
                    (point.x, point.y), (point.x + point.right_x, point.y + point.right_y),
                    (after.x + after.left_x, after.y + after.left_y), (after.x, after.y),
                ]
            )  # fmt: skip
            bezier = np.array([(1 - u) ** 3, 3 * u * (1 - u) ** 2, 3 * u**2 * (1 - u), u**3]) @ ends
            np.testing.assert_allclose(bezier, np.array(blend) @ p / 6.0, atol=TOLERANCE_PX)


# --- the forms of public scripts
# ------------------------------------------------------------------------------


def test_keys_are_level_with_a_dash_steep_with_slopes_and_straight_with_neither() -> None:
    keys = "{px {1 11} {0 0} {KEYS 0} {0 0} {0 0} {5 5} {0 0}}"
    level = one(shape_text(keys.replace("KEYS", "{{0 -} {100 -}}")))
    steep = one(shape_text(keys.replace("KEYS", "{{0 0 1 10 1} {100 10 1 0 1}}")))
    straight = one(shape_text(keys.replace("KEYS", "{0 100}")))
    assert [round(first_point(curve, 3)[0], 6) for curve in (level, steep, straight)] == [10.4, 20.0, 20.0]
    assert {curve.keys for curve in (level, steep, straight)} == {2}
    assert ["slopes" in curve.why for curve in (level, steep, straight)] == [False, False, True]
    assert one(shape_text(keys.replace("{1 11}", "{1 2}").replace("KEYS", "{0 100}"))).why == ""


def test_repeated_values_and_runs_of_keys() -> None:
    held = one(shape_text("{px {1 2 3 4} {0 0} {{{x 3 {x41200000 -}} 20} {{5 -}}} {0 0} {0 0} {9 9} {0 0}}"))
    assert [first_point(held, frame) for frame in (1, 3, 4, 9)] == [(10, 5), (10, 5), (20, 5), (20, 5)]
    run = one(shape_text(SQUARE, after="{t 0 0 0 {r {{{10 7 -} 5}}} {{1 2} {3}}} {a}"))
    assert first_point(run, 99) == (7.0, 2.0)


def test_hexadecimal_and_decimal_numbers_are_the_same() -> None:
    assert first_point(one(shape_text("{px x447a4000 {0 0} {x42c80000 -12.5} {0 0} {0 0} {1 1} {0 0}}"))) == (
        100,
        -12.5,
    )


def test_the_short_pivot_form_is_no_move() -> None:
    assert first_point(one(shape_text(SQUARE, after="{tx 1 50 50} {a}"))) == (0.0, 0.0)
    assert first_point(one(shape_text(SQUARE, after="{tx 1 0 0 0 {{5 -}} 7} {a}"))) == (5.0, 7.0)


def test_layers_hand_down_their_opacity_and_visibility() -> None:
    dim = one(shape_text(SQUARE, after="{t 0 0} {a opc x3f000000}", layer="{t 0 0} {a opc x3f000000}"))
    assert baked(dim)[0].opacity == 0.25
    hidden = one(shape_text(SQUARE, layer="{t 0 0} {a vis {{1 1 -} {5 0 -}}}"))
    assert [at.visible for at in baked(hidden, 1, 5)] == [True, False]
    brief = one(shape_text(SQUARE, layer="{t 0 0} {a ltt 3 ltn 5}"))
    assert [at.visible for at in baked(brief, 4, 5)] == [False, True]


def test_attributes_of_a_shape_arrive() -> None:
    text = "{t 0 0} {a inv 1 fx 3 fy -4 ff 2 ltt 4 ltn 10 ltm 12}"
    frames = baked(one(shape_text(SQUARE, after=text)), 9, 10, 12, 13)
    assert [at.visible for at in frames] == [False, True, True, False]
    assert (frames[1].inverted, frames[1].feather_x_px, frames[1].feather_y_px, frames[1].falloff) == (
        True,
        3,
        -4,
        2,
    )


def test_a_switched_off_feather_is_none() -> None:
    feathered = shape_text(SQUARE).replace(
        "idem", "{cc {f 8192} {p {} {5 5} {} {} {5 5} {} {} {5 5} {} {} {5 5} {}}}"
    )
    assert baked(one(feathered))[0].points[0].feather_x == 5.0
    assert baked(one(feathered.replace("{t 0 0} {a}}}", "{t 0 0} {a fo 0}}}")))[0].points[0].feather_x == 0.0


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (shape_text("{p {} {{=parent.x 12} 5} {} {} {3 3} {}}"), "expression (=parent.x)"),
        (shape_text(SQUARE, after="{t {=a 1} 0} {a}"), "its transform has an expression"),
        (shape_text(SQUARE, after="{t 0 0} {a opc {=b 1}}"), "its opacity has an expression"),
        (shape_text(SQUARE, layer="{t 0 0} {a opc {=parent.Opacity 1}}"), "the layer Root has an expression"),
        (shape_text(SQUARE, layer="{t 0 0} {a pt 1}"), "planar tracker"),
        (shape_text(SQUARE, after="{t 0 0} {a bm 12}"), "'minus'"),
        (shape_text(SQUARE, after="{t 0 0} {a a 0}"), "alpha is 0"),
        (shape_text(SQUARE).replace("{f 8192}", "{f 1056800}"), "open spline"),
        (shape_text("{p {} {1 1} {}}"), "fewer than two points"),
        (shape_text("{p {{a t {{1 2}}} 1 1} {5 5} {9 0}}", kind="bspline"), "tension"),
        (shape_text(SQUARE, kind="nurbs"), "'nurbs'"),
        (shape_text(SQUARE, after="{t 0 0 0 0 0 0 15} {a}"), "third dimension"),
        (shape_text("{px {1 2} {0 0} {{1 2 3} 0} {0 0}}"), "3 values for 2 keys"),
        (shape_text("{p {} {nan 0} {} {} {3 3} {}}"), "not finite"),
    ],
)  # fmt: skip
def test_what_cannot_be_carried_is_listed_with_its_reason(text: str, words: str) -> None:
    curve = one(text)
    assert not curve.carried
    assert words in curve.why


@pytest.mark.parametrize(
    ("attributes", "words"), [("mbo 1", "motion blur"), ("ft 1", "feather type"), ("a x3f000000", "alpha")]
)
def test_what_does_not_travel_with_a_shape_is_said(attributes: str, words: str) -> None:
    curve = one(shape_text(SQUARE, after=f"{{t 0 0}} {{a {attributes}}}"))
    assert curve.carried
    assert words in curve.why
    assert words in one(shape_text(SQUARE, layer="{t 0 0} {a fx 5 mbo 1}")).why or words != "motion blur"


UNTRACKED = (
    "pt1x 0 pt1y 0 pt2x {0} pt2y 0 pt3x {0} pt3y {0} pt4x 0 pt4y {0} ptex00 0 ptex01 0 ptof1x 0 pterr 0 "
    "ptrefset 0 ptmot x40800000 ptref 0"
)


@pytest.mark.parametrize(
    ("attributes", "is_tracked"),
    [
        (UNTRACKED.format(0), False),
        (UNTRACKED.format(5), False),
        (UNTRACKED.format(5) + " pt 0", False),
        (UNTRACKED.format(0).replace("pt1x 0", "pt1x 412.5"), True),
        (UNTRACKED.format(0).replace("pt1x 0", "pt1x {{1001 0 -} {1002 3 -}}"), True),
        (UNTRACKED.format(0).replace("ptex01 0", "ptex01 {{1001 0} {1002 x3dcccccd}}"), True),
        (UNTRACKED.format(0).replace("ptrefset 0", "ptrefset 1"), True),
        (UNTRACKED.format(0).replace("ptof1x 0", "ptof1x {=a 0}"), True),
    ],
)
def test_only_what_the_planar_tracker_has_touched_is_refused(attributes: str, is_tracked: bool) -> None:
    curve = one(shape_text(SQUARE, layer=f"{{t 0 0}} {{a {attributes}}}"))
    assert curve.carried is not is_tracked
    assert ("planar tracker" in curve.why) is is_tracked


@pytest.mark.parametrize(
    ("written", "name"),
    [("{my ball}", "my ball"), ('"my ball"', "my ball"), ("{мяч}", "мяч"), ("{}", "unnamed"), ("b", "b")],
)
def test_a_name_may_stand_in_braces(written: str, name: str) -> None:
    text = shape_text(SQUARE)
    assert text.count("curvegroup s ") == 1
    assert one(text.replace("curvegroup s ", f"curvegroup {written} ")).name == name


def test_strokes_are_listed_and_refused() -> None:
    stroke = "{cubiccurve b 512 catmullrom {cc {f 2080} {p {1 2 1} {3 4 1}}} {t 0} {a}}"
    curve = one("{{{v 1} {f 0} {n {layer Root {f 0} {t 0 0} {a} " + stroke + "}}}}")
    assert (curve.kind, curve.points, curve.carried) == ("stroke", 2, False)


def test_shapes_of_other_views_are_refused() -> None:
    root = 'Root {\n views "left #ff0000\nright #00ff00"\n}'
    right = shape_text(SQUARE, after="{t 0 0} {a nv 1 view1 2}")
    both = shape_text(SQUARE, after="{t 0 0} {a nv 2 view2 2}")
    assert one(right, root=root, view="right").carried
    assert "other views than left" in one(right, root=root).why
    assert one(both, root=root, view="left").carried
    assert one(both, root=root, view="right").carried


def test_shapes_of_old_scripts_are_listed_and_refused() -> None:
    old = '{AnimTree: "" {\n Node: {\n NodeName: "Bezier1" {\n CurveGroup: "" {\n NumOfPoints: 9\n}}}}}'
    curve = one(old)
    assert (curve.name, curve.points, curve.carried) == ("Bezier1", 3, False)
    (node,) = read_nuke_script(b"Bezier {\n inputs 0\n points {{\n{1 2}\n{3 4}\n}}\n name B\n}", "s.nk").nodes
    assert node.curves[0].points == 2
