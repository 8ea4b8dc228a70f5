"""Reads the roto shapes of Natron's projects (``.ntp``).

Their XML is what Boost writes of the classes in Natron's public source (``Engine/*Serialization.h`` of
Natron 2): a Bezier shape holds pairs of points, ``CP`` of the shape and ``FP`` of its feather, each with
places of its own and of both ends of its handles, in pixels with y up. Between keys runs a cubic Hermite
curve with the derivatives that the file has.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from xml.etree import ElementTree

import numpy as np

from void_protocol.roto_attributes import FROM_FRAME, ONE_FRAME, UP_TO_FRAME
from void_server.roto_files.animation import Floats, Key, KeyedTrack, Track, hold_until, keyed, sample
from void_server.roto_files.baking import Pair, Spline, SplinePoint
from void_server.roto_files.errors import NotCarried, RotoFileError
from void_server.roto_files.model import CurveKind, RotoCurve, RotoFile, RotoNode
from void_server.roto_files.transform import Transform

_CONSTANT, _LINEAR = 0, 1
_MAX_DEPTH = 200
_LIFETIMES = {"single": ONE_FRAME, "from start": UP_TO_FRAME, "to end": FROM_FRAME}
_UNION = frozenset({"over", "max", "screen", "plus", ""})


@dataclass(frozen=True)
class _Layer:
    path: str = ""
    refusals: tuple[str, ...] = ()
    depth: int = 0


def looks_like_natron(data: bytes) -> bool:
    """Return whether a file is Natron's."""
    return b"<boost_serialization" in data[:1024]


def read_natron(data: bytes, name: str) -> RotoFile:
    """Read a project.

    Raises:
        RotoFileError: when it is no XML that can be read.
    """
    # Boost declares an empty document type, and nothing in it.
    if b"<!ENTITY" in data or b"[" in data.partition(b"<!DOCTYPE")[2].partition(b">")[0]:
        raise RotoFileError(f"{name} declares entities, which no project does")
    try:
        root = ElementTree.fromstring(data)  # noqa: S314 - without entities there is nothing to expand
    except (ElementTree.ParseError, ValueError, LookupError) as error:
        raise RotoFileError(f"{name} is no XML that can be read: {error}") from error
    nodes = []
    for node in root.iter():
        for context in node.findall("RotoContext"):
            called = node.findtext("Plugin_script_name") or node.findtext("Plugin_label") or "Roto"
            base = context.find("BaseLayer")
            curves = [] if base is None else list(_children(base, _Layer(), name))
            nodes.append(RotoNode(called, "Roto", tuple(curves)))
    return RotoFile(name, "Natron project", tuple(nodes))


def _children(layer: ElementTree.Element, parent: _Layer, name: str) -> Iterator[RotoCurve]:
    if parent.depth > _MAX_DEPTH:
        raise RotoFileError(f"{name}: layers are nested deeper than {_MAX_DEPTH}")
    called, active = _item(layer)
    path = f"{parent.path}/{called}" if parent.path else called
    refusals = parent.refusals if active else (*parent.refusals, f"the layer {path} is switched off")
    here = _Layer(path, refusals, parent.depth + 1)
    for child in layer.findall("Item"):
        if child.find("NumPoints") is not None:
            yield _shape(child, here)
        elif child.find("NumChildren") is not None:
            yield from _children(child, here, name)
        elif child.find("RotoStrokeItemSerialization") is not None or child.find("BrushType") is not None:
            label, _ = _item(child)
            yield RotoCurve(label, f"{path}/{label}", "stroke", 0, 0, ("a paint stroke has no area",))


def _item(element: ElementTree.Element) -> tuple[str, bool]:
    """Return an item's name, and whether it is switched on."""
    found = next(element.iter("RotoItemSerialization"), None)
    if found is None:
        return "unnamed", True
    called = found.findtext("Label") or found.findtext("Name") or "unnamed"
    return called, found.findtext("Activated", "1").strip() != "0"


def _shape(item: ElementTree.Element, layer: _Layer) -> RotoCurve:
    label, active = _item(item)
    path = f"{layer.path}/{label}"
    inner, outer = item.findall("CP"), item.findall("FP")
    refusals, remarks = list(layer.refusals), []
    kind: CurveKind = "bezier"
    if item.findtext("OpenBezier", "0").strip() == "1" or item.findtext("Closed", "1").strip() == "0":
        kind = "open"
        refusals.append("an open spline has no area")
    elif len(inner) < 2:
        refusals.append("it has fewer than two points")
    if not active:
        refusals.append("it is switched off")
    geometry: Spline | None = None
    times: set[float] = set()
    try:
        if len(outer) != len(inner):
            raise NotCarried("a feather with another number of points")
        points = tuple(_point(*pair, times) for pair in zip(inner, outer, strict=True))
        knobs = _knobs(item)
        attributes = _attributes(knobs)
        if knobs.get("featherFallOff", [1.0])[0] != 1.0:
            remarks.append("its falloff is read as that of Nuke, which could not be verified")
        operator = _choice(item, "operator")
        if operator not in _UNION:
            refusals.append(f"its operator is '{operator}'")
        lifetime = _choice(item, "lifeTime")
        if lifetime in _LIFETIMES:
            frame = knobs.get("lifeTimeFrame", [0.0])[0]
            attributes |= {"ltt": float(_LIFETIMES[lifetime]), "ltn": frame, "ltm": frame}
        geometry = Spline(path, points, attributes, (_transform(knobs),))
    except NotCarried as problem:
        refusals.append(f"it has {problem}")
    return RotoCurve(
        label, path, kind, len(inner), len(times), tuple(dict.fromkeys(refusals)), tuple(remarks),
        None if refusals else geometry,
    )  # fmt: skip


# --- points -------------------------------------------------------------------------------------------------


def _point(inner: ElementTree.Element, outer: ElementTree.Element, times: set[float]) -> SplinePoint:
    center, left, right = (_pair(inner, prefix, times) for prefix in ("", "Left_", "Right_"))
    feather, feather_left, feather_right = (_pair(outer, prefix, times) for prefix in ("", "Left_", "Right_"))
    return SplinePoint(
        center,
        _difference(left, center),
        _difference(right, center),
        _difference(feather, center),
        _difference(feather_left, feather),
        _difference(feather_right, feather),
    )


def _pair(point: ElementTree.Element, prefix: str, times: set[float]) -> Pair:
    x, y = (_curve(point, f"{prefix}{axis}", times) for axis in "XY")
    return x, y


def _curve(point: ElementTree.Element, name: str, times: set[float]) -> Track:
    found = point.find(f"{name}_animation/KeyFrameSet")
    keys = [] if found is None else found.findall("item")
    if not keys:
        return _number(point.findtext(name, "0"))
    track = _keyed(keys)
    times |= {_number(key.findtext("Time", "")) for key in keys}
    return track


def _keyed(keys: list[ElementTree.Element]) -> Track:
    rows = sorted(
        (
            _number(key.findtext("Time", "")),
            _number(key.findtext("Value", "")),
            int(_number(key.findtext("InterpolationMethod", "1"))),
            _number(key.findtext("LeftDerivative", "0")),
            _number(key.findtext("RightDerivative", "0")),
        )
        for key in keys
    )
    made = []
    for at, (time, value, way, left, right) in enumerate(rows):
        before, after = rows[at - 1] if at else None, rows[at + 1] if at + 1 < len(rows) else None
        # Two linear keys are joined straight whatever their derivatives say.
        straight_in = before is None or (way == _LINEAR and before[2] == _LINEAR) or before[2] == _CONSTANT
        straight_out = after is None or (way == _LINEAR and after[2] == _LINEAR) or way == _CONSTANT
        made.append(
            Key(
                time, value, 0.0 if straight_in else left, 0.0 if straight_out else right,
                0.0 if straight_in else 1.0, 0.0 if straight_out else 1.0,
            )
        )  # fmt: skip
        if way == _CONSTANT and after is not None:
            made.append(hold_until(after[0], value))
    return keyed(made)


def _number(text: str) -> float:
    try:
        value = float(text.strip())
    except ValueError:
        raise NotCarried(f"no number ({text[:40]})") from None
    if not math.isfinite(value) or abs(value) > 1e9:
        raise NotCarried("a number that is not finite")
    return value


@dataclass(frozen=True, slots=True, eq=False)
class _Difference(KeyedTrack):
    """One track less another, neither of which need have the other's keys."""

    first: Track = 0.0
    second: Track = 0.0

    def at(self, frames: Floats) -> Floats:
        """Return the value at each of the frames."""
        result: Floats = sample(self.first, frames) - sample(self.second, frames)
        return result


def _difference(one: Pair, other: Pair) -> Pair:
    return _less(one[0], other[0]), _less(one[1], other[1])


def _less(first: Track, second: Track) -> Track:
    if isinstance(first, float) and isinstance(second, float):
        return first - second
    none = np.zeros(0)
    return _Difference(none, none, none, none, none, none, first, second)


# --- knobs --------------------------------------------------------------------------------------------------


def _knobs(item: ElementTree.Element) -> dict[str, list[float]]:
    """Return the knobs that matter with their numbers, one for each dimension.

    Raises:
        NotCarried: when one of them is animated or driven by an expression.
    """
    found: dict[str, list[float]] = {}
    wanted = ("opacity", "feather", "featherFallOff", "activated", "inverted", "lifeTimeFrame", *_NEUTRAL)
    for knob in _drawable(item).findall("Item"):
        called = knob.findtext("Name", "")
        if called not in wanted:
            continue
        numbers = []
        for dimension in knob.findall("item"):
            if dimension.findtext("HasAnimation", "0").strip() == "1":
                raise NotCarried(f"an animated {called}")
            if (dimension.findtext("Expression") or "").strip():
                raise NotCarried(f"an expression for its {called}")
            numbers.append(_number(dimension.findtext("Value", "0")))
        if numbers:
            found[called] = numbers
    return found


def _drawable(item: ElementTree.Element) -> ElementTree.Element:
    found = item.find("RotoDrawableItemSerialization")
    return item if found is None else found


def _choice(item: ElementTree.Element, called: str) -> str:
    """Return the word of a choice, which projects of older releases leave out."""
    for knob in _drawable(item).findall("Item"):
        if knob.findtext("Name") == called:
            return (knob.findtext("ChoiceLabel") or "").strip().lower()
    return ""


_NEUTRAL = {
    "translate": (0.0, 0.0), "rotate": (0.0,), "scale": (1.0, 1.0), "uniform": (0.0,), "skewx": (0.0,),
    "skewy": (0.0,), "center": (0.0, 0.0),
}  # fmt: skip
"""The knobs of a shape's transform, with their neutral values."""


def _transform(knobs: dict[str, list[float]]) -> Transform:
    values = {
        called: knobs[called] if len(knobs.get(called, ())) == len(neutral) else list(neutral)
        for called, neutral in _NEUTRAL.items()
    }
    if values["skewx"][0] or values["skewy"][0]:
        raise NotCarried("a skew")
    sx, sy = values["scale"]
    if values["uniform"][0]:
        sy = sx
    (px, py), (tx, ty) = values["center"], values["translate"]
    return Transform(pivot=(px, py), move=(tx, ty), turn=values["rotate"][0], scale=(sx, sy))


def _attributes(knobs: dict[str, list[float]]) -> dict[str, Track]:
    feather = knobs.get("feather", [0.0])[0]
    return {
        "opc": knobs.get("opacity", [1.0])[0],
        "fx": feather,
        "fy": feather,
        "ff": knobs.get("featherFallOff", [1.0])[0],
        "vis": knobs.get("activated", [1.0])[0],
        "inv": knobs.get("inverted", [0.0])[0],
    }
