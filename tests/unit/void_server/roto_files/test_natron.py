"""Shapes of Natron's projects, in the XML that Boost writes of its classes."""

from __future__ import annotations

import numpy as np
import pytest

from void_protocol.job import ShapeFrame
from void_server.roto_files.errors import RotoFileError
from void_server.roto_files.model import RotoCurve, RotoFile
from void_server.roto_files.readers import read_roto_bytes

Place = tuple[float, float]
SQUARE: tuple[Place, ...] = ((100.0, 100.0), (300.0, 100.0), (300.0, 250.0))


def curve(
    name: str, *keys: tuple[float, float], way: int = 1, slopes: tuple[float, float] = (0.0, 0.0)
) -> str:
    items = "".join(
        f"<item><Time>{time:.17e}</Time><Value>{value:.17e}</Value><InterpolationMethod>{way}</InterpolationMethod>"
        f"<LeftDerivative>{slopes[0]}</LeftDerivative><RightDerivative>{slopes[1]}</RightDerivative></item>"
        for time, value in keys
    )
    return (
        f"<{name}_animation><KeyFrameSet><count>{len(keys)}</count>{items}</KeyFrameSet></{name}_animation>"
    )


def point(
    tag: str, place: Place, left: Place = (0.0, 0.0), right: Place = (0.0, 0.0), animation: str = ""
) -> str:
    """A point with handles as offsets; ``animation`` is added to it."""
    numbers = ""
    for prefix, (dx, dy) in (("", (0.0, 0.0)), ("Left_", left), ("Right_", right)):
        numbers += f"<{prefix}X>{place[0] + dx}</{prefix}X><{prefix}Y>{place[1] + dy}</{prefix}Y>"
    return f"<{tag}>{numbers}{animation}</{tag}>"


def knob(name: str, *values: float, label: str = "", animated: bool = False) -> str:
    inside = "".join(
        f"<item><HasAnimation>{int(animated)}</HasAnimation><Value>{value}</Value></item>" for value in values
    )
    return f"<Item><Name>{name}</Name>{inside}<ChoiceLabel>{label}</ChoiceLabel></Item>"


def shape(*points: str, knobs: str = "", closed: int = 1, active: int = 1) -> str:
    head = f"<Name>ball</Name><Label>ball</Label><Activated>{active}</Activated><ParentLayer>L</ParentLayer>"
    return (
        f"<Item><RotoDrawableItemSerialization><RotoItemSerialization>{head}</RotoItemSerialization>{knobs}"
        f"</RotoDrawableItemSerialization><NumPoints>{len(points)}</NumPoints>{''.join(points)}"
        f"<Closed>{closed}</Closed><OpenBezier>0</OpenBezier></Item>"
    )


def both(place: Place, **more: str) -> str:
    return point("CP", place, **more) + point("FP", place, **more)


def read(item: str) -> RotoFile:
    text = (
        '<?xml version="1.0" encoding="UTF-8" standalone="yes" ?>\n<!DOCTYPE boost_serialization>\n'
        '<boost_serialization signature="serialization::archive" version="14"><Project><item>'
        "<Plugin_label>Roto one</Plugin_label><Plugin_script_name>Roto1</Plugin_script_name>"
        "<RotoContext><BaseLayer>"
        "<RotoItemSerialization><Name>L</Name><Activated>1</Activated></RotoItemSerialization>"
        "<NumChildren>1</NumChildren>"
        f"<Type>0</Type>{item}</BaseLayer></RotoContext></item></Project></boost_serialization>"
    )
    return read_roto_bytes(text.encode(), "s.ntp")


def one(item: str) -> RotoCurve:
    (node,) = read(item).nodes
    assert (node.name, node.class_name) == ("Roto1", "Roto")
    return node.curves[0]


def baked(found: RotoCurve, *frames: int) -> list[ShapeFrame]:
    assert found.carried, found.why
    assert found.geometry is not None
    return found.geometry.bake(frames or (1,), np.eye(3))


def test_places_handles_and_feather_are_offsets_in_a_job() -> None:
    first = point("CP", (100.0, 100.0), (-5.0, 3.0), (6.0, -2.0)) + point(
        "FP", (104.0, 97.0), (-5.0, 3.0), (6.0, -2.0)
    )
    found = one(shape(first, both(SQUARE[1]), both(SQUARE[2])))
    assert (found.path, found.points, found.keys) == ("L/ball", 3, 0)
    got = baked(found)[0].points[0]
    assert (got.x, got.y, got.left_x, got.left_y, got.right_x, got.right_y) == (100, 100, -5, 3, 6, -2)
    assert (got.feather_x, got.feather_y, got.feather_left_x, got.feather_right_y) == (4, -3, -5, -2)


@pytest.mark.parametrize(
    ("way", "slopes", "expected"),
    [
        (0, (9.0, 9.0), 0.0),
        (1, (9.0, 9.0), 50.0),
        (2, (0.0, 0.0), 50.0),
        (6, (0.0, 30.0), 87.5),
    ],
)
def test_keys_hold_run_straight_or_follow_their_derivatives(
    way: int, slopes: tuple[float, float], expected: float
) -> None:
    moving = "".join(
        curve(name, (1, 0.0), (11, 100.0), way=way, slopes=slopes) for name in ("X", "Left_X", "Right_X")
    )
    found = one(shape(both((0.0, 5.0), animation=moving), both(SQUARE[1]), both(SQUARE[2])))
    assert found.keys == 2
    places = [at.points[0].x for at in baked(found, 1, 6, 11, 20)]
    assert places == pytest.approx([0.0, expected, 100.0, 100.0], abs=1e-4)


def test_the_knobs_of_a_shape_arrive() -> None:
    knobs = (
        knob("opacity", 0.5) + knob("feather", 1.5) + knob("inverted", 1)
        + knob("lifeTime", 1, label="Single") + knob("lifeTimeFrame", 4)
        + knob("operator", 28, label="over") + knob("translate", 10, -20)
        + knob("scale", 2, 9) + knob("uniform", 1) + knob("center", 100, 100) + knob("rotate", 90)
    )  # fmt: skip
    frames = baked(one(shape(*(both(place) for place in SQUARE), knobs=knobs)), 3, 4)
    assert [at.visible for at in frames] == [False, True]
    at = frames[1]
    assert (at.opacity, at.feather_x_px, at.inverted) == (0.5, 1.5, True)
    assert (at.points[0].x, at.points[0].y) == pytest.approx((110.0, 80.0))
    assert (at.points[1].x, at.points[1].y) == pytest.approx((110.0, 480.0))


@pytest.mark.parametrize(
    ("item", "words"),
    [
        (shape(*(both(place) for place in SQUARE), closed=0), "open spline"),
        (shape(*(both(place) for place in SQUARE), active=0), "switched off"),
        (shape(both(SQUARE[0])), "fewer than two points"),
        (
            shape(*(both(place) for place in SQUARE), knobs=knob("opacity", 1, animated=True)),
            "animated opacity",
        ),
        (shape(*(both(place) for place in SQUARE), knobs=knob("operator", 3, label="minus")), "'minus'"),
        (shape(*(both(place) for place in SQUARE), knobs=knob("skewx", 0.5)), "a skew"),
        (shape(point("CP", SQUARE[0]), both(SQUARE[1])), "another number of points"),
        (shape(both((float("nan"), 0.0)), both(SQUARE[1])), "not finite"),
    ],
)
def test_what_cannot_be_carried_is_listed_with_its_reason(item: str, words: str) -> None:
    found = one(item)
    assert not found.carried
    assert words in found.why


def test_a_damaged_project_is_refused() -> None:
    with pytest.raises(RotoFileError, match=r"s\.ntp is no XML"):
        read_roto_bytes(b'<boost_serialization version="14"><a>', "s.ntp")
    with pytest.raises(RotoFileError, match="entities"):
        read_roto_bytes(b'<!DOCTYPE a [<!ENTITY b "c">]><boost_serialization/>', "s.ntp")
