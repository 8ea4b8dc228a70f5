"""Silhouette's shape files, written here the way that a published exporter writes them."""

from __future__ import annotations

import math
import zlib

import numpy as np
import pytest

from void_protocol.job import ShapeFrame
from void_server.roto_files.errors import RotoFileError
from void_server.roto_files.model import RotoCurve, RotoFile
from void_server.roto_files.readers import read_roto_bytes

WIDTH, HEIGHT, ASPECT = 2000, 1000, 1.0
START = 1001


def at(x: float, y: float) -> str:
    """A place in pixels, y up, in the file's own coordinates."""
    return f"({(x - WIDTH / 2) / HEIGHT * ASPECT:.9f},{(HEIGHT / 2 - y) / HEIGHT:.9f})"


def key(frame: int, *points: str, interp: str = "linear", kind: str = "Bezier", closed: str = "True") -> str:
    inside = "".join(f"<Point>{point}</Point>" for point in points)
    path = f'<Path closed="{closed}" type="{kind}">{inside}</Path>'
    return f'<Key frame="{frame}" interp="{interp}">{path}</Key>'


def shape(*keys: str, kind: str = "Bezier", more: str = "", hidden: str = "False") -> str:
    return (
        f'<Object type="Shape" label="ball" shape_type="{kind}" hidden="{hidden}"><Properties>{more}'
        f'<Property id="path">{"".join(keys)}</Property></Properties></Object>'
    )


def layer(inside: str, more: str = "", hidden: str = "False") -> str:
    return (
        f'<Layer type="Layer" label="arm" hidden="{hidden}"><Properties>{more}'
        f'<Property id="objects" constant="True">{inside}</Property></Properties></Layer>'
    )


def value(name: str, text: str) -> str:
    return f'<Property id="{name}" constant="True"><Value>{text}</Value></Property>'


def read(inside: str) -> RotoFile:
    text = (
        "<!-- Silhouette Shape File -->\n"
        f'<Silhouette width="{WIDTH}" height="{HEIGHT}" sessionStartFrame="{START}">{inside}</Silhouette>'
    )
    return read_roto_bytes(text.encode(), "s.fxs")


def one(inside: str) -> RotoCurve:
    (curve,) = read(inside).nodes[0].curves
    return curve


def baked(curve: RotoCurve, *frames: int) -> list[ShapeFrame]:
    assert curve.carried, curve.why
    assert curve.geometry is not None
    return curve.geometry.bake(frames or (START,), np.eye(3))


def corner(x: float, y: float) -> str:
    return f"{at(x, y)},{at(x, y)},{at(x, y)}"


CORNERS = tuple(corner(x, y) for x, y in ((100, 200), (300, 200), (300, 500)))


def test_points_and_handles_are_pixels_with_y_up() -> None:
    curve = one(layer(shape(key(0, f"{at(100, 200)},{at(90, 190)},{at(120, 230)}", *CORNERS[1:]))))
    assert (curve.path, curve.points, curve.keys) == ("arm/ball", 3, 1)
    point = baked(curve)[0].points[0]
    numbers = (point.x, point.y, point.left_x, point.left_y, point.right_x, point.right_y)
    assert numbers == pytest.approx((100, 200, -10, -10, 20, 30), abs=1e-4)


@pytest.mark.parametrize(("interp", "half"), [("linear", 150.0), ("hold", 100.0)])
def test_keys_are_joined_straight_or_hold(interp: str, half: float) -> None:
    moved = (corner(200, 200), *CORNERS[1:])
    curve = one(shape(key(0, *CORNERS, interp=interp), key(10, *moved)))
    frames = baked(curve, START - 5, START + 5, START + 10)
    assert [frame.points[0].x for frame in frames] == pytest.approx([100.0, half, 200.0], abs=1e-4)


def test_catmull_rom_keys_run_smoothly_and_are_remarked() -> None:
    moved = [(corner(100 + 40 * step, 200), *CORNERS[1:]) for step in range(4)]
    keys = [key(4 * step, *corners, interp="catmullrom") for step, corners in enumerate(moved)]
    curve = one(shape(*keys))
    assert baked(curve, START + 6)[0].points[0].x == pytest.approx(160.0, abs=1e-4)
    assert "Catmull-Rom" in curve.why


def test_a_b_spline_becomes_the_bezier_spline_that_it_is() -> None:
    control = [(100, 100), (400, 100), (400, 400), (100, 400)]
    curve = one(shape(key(0, *(at(*place) for place in control), kind="Bspline"), kind="Bspline"))
    point = baked(curve)[0].points[1]
    assert (curve.kind, point.x, point.y) == ("bspline", pytest.approx(350.0), pytest.approx(150.0))
    assert (point.right_x, point.right_y) == pytest.approx((50.0, 50.0))


def test_layers_move_their_shapes_with_row_vectors_outermost_last() -> None:
    # Turn by 90 degrees about the middle, then move by a tenth of the height to the right and down.
    turn = "(0,1,0,0,-1,0,0,0,0,0,1,0,0,0,0,1)"
    move = "(1,0,0,0,0,1,0,0,0,0,1,0,0.1,0.1,0,1)"
    turned = f'<Property id="transform.matrix"><Key frame="0">{turn}</Key></Property>'
    inner = layer(shape(key(0, *CORNERS)), turned)
    nested = inner.replace("<Layer", "<Object").replace("</Layer", "</Object")
    outer = layer(nested, f'<Property id="transform.matrix"><Key frame="0">{move}</Key></Property>')
    point = baked(one(outer))[0].points[0]
    # (100, 200) lies 900 left of the middle and 300 below it; turned clockwise by the file's axes it is 300
    # left, 900 up.
    assert (point.x, point.y) == pytest.approx((1000 - 300 + 100, 500 + 900 - 100), abs=1e-3)


def test_opacities_multiply_and_animate() -> None:
    fade = '<Property id="opacity"><Key frame="0" interp="hold">0</Key><Key frame="2">100</Key></Property>'
    curve = one(layer(shape(key(0, *CORNERS), more=fade), value("opacity", "50")))
    assert [frame.opacity for frame in baked(curve, START, START + 1, START + 2)] == [0.0, 0.0, 0.5]


@pytest.mark.parametrize(
    ("inside", "words"),
    [
        (shape(key(0, *CORNERS, closed="False")), "open spline"),
        (shape(key(0, *CORNERS), kind="Xspline"), "Xspline"),
        (shape(key(0, *CORNERS), hidden="True"), "it is hidden"),
        (layer(shape(key(0, *CORNERS)), hidden="True"), "layer arm is hidden"),
        (shape(key(0, *CORNERS), more=value("mode", "Subtract")), "'subtract'"),
        (layer(shape(key(0, *CORNERS)), value("invert", "true")), "layer arm is inverted"),
        (shape(key(0, *CORNERS), key(5, *CORNERS[1:])), "another number of points"),
        (shape(key(0, "nonsense", *CORNERS[1:])), "cannot be understood"),
        (shape(), "fewer than two points"),
    ],
)
def test_what_cannot_be_carried_is_listed_with_its_reason(inside: str, words: str) -> None:
    curve = one(inside)
    assert not curve.carried
    assert words in curve.why


def test_softness_and_motion_blur_are_said() -> None:
    curve = one(shape(key(0, *CORNERS), more=value("motionBlur", "true") + value("blur", "2.5")))
    assert curve.carried
    assert curve.why == "its motion blur is not carried; its blur is not carried"


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"<!-- Silhouette Project File --><Project/>", "project"),
        (math.trunc(9e3).to_bytes(4, "big") + zlib.compress(b"<!-- Silhouette Project File -->"), "project"),
        (b'<!DOCTYPE x [<!ENTITY a "b">]><Silhouette/>', "entities"),
        (b"<Silhouette width='2000'", "no XML"),
        (b"<Silhouette width='0' height='9'/>", "no picture"),
        (b"<Other>Silhouette</Other>", "<Other>"),
    ],
)
def test_what_is_no_shape_file_is_refused(data: bytes, words: str) -> None:
    with pytest.raises(RotoFileError, match=words):
        read_roto_bytes(data, "s.fxs")
