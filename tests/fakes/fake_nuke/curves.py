# ruff: noqa: N803, N815
# The names are those of Nuke's own module.
"""Roto curves as they were measured to behave: y up, offsets, separate transforms, views by name, smooth
keys."""

from __future__ import annotations

import copy
import math
from bisect import bisect_right
from collections.abc import Iterator
from typing import Any, Generic, TypeVar

from tests.fakes.fake_nuke.curve_text import element_text, tree_text
from tests.fakes.fake_nuke.knobs import Knob
from tests.fakes.fake_nuke.state import STATE

Tracks = TypeVar("Tracks")

_DEFAULTS = {
    "vis": 1.0, "opc": 1.0, "bm": 0.0, "inv": 0.0, "fo": 1.0, "fx": 0.0, "fy": 0.0, "ff": 1.0, "ft": 0.0,
    "ltt": 0.0, "ltn": 1.0, "ltm": 1.0, "mbo": 0.0, "a": 1.0, "ro": 1.0, "go": 1.0, "bo": 1.0,
}  # fmt: skip


class FlagType:
    eOpenFlag = 5
    eVisibleFlag = 1


class CVec3:
    __slots__ = ("x", "y", "z")

    def __init__(self, x: float = 0.0, y: float = 0.0, z: float = 0.0) -> None:
        self.x, self.y, self.z = x, y, z

    def __getitem__(self, index: int) -> float:
        return (self.x, self.y, self.z)[index]

    def __len__(self) -> int:
        return 3


class Track:
    """A number over time: constant, or with keys and a smooth curve through them."""

    __slots__ = ("constant", "times", "values")

    def __init__(self, constant: float = 0.0) -> None:
        self.constant = constant
        self.times: list[float] = []
        self.values: list[float] = []

    def key(self, time: float, value: float) -> None:
        index = bisect_right(self.times, time)
        if index and self.times[index - 1] == time:
            self.values[index - 1] = value
        else:
            self.times.insert(index, time)
            self.values.insert(index, value)

    def at(self, time: float) -> float:
        times, values = self.times, self.values
        if not times:
            return self.constant
        if time <= times[0]:
            return values[0]
        if time >= times[-1]:
            return values[-1]
        index = bisect_right(times, time) - 1
        t0, t1 = times[index], times[index + 1]
        u = (time - t0) / (t1 - t0)
        m0, m1 = self.slopes(index)[1] * (t1 - t0), self.slopes(index + 1)[0] * (t1 - t0)
        v0, v1 = values[index], values[index + 1]
        return (
            (2 * u**3 - 3 * u**2 + 1) * v0 + (u**3 - 2 * u**2 + u) * m0
            + (3 * u**2 - 2 * u**3) * v1 + (u**3 - u**2) * m1
        )  # fmt: skip

    def slopes(self, index: int) -> tuple[float, float]:
        """The slopes on the left of a key and on its right, as thousands of keys in public scripts have them:
        those of Catmull and Rom, level at a peak and at most three times as steep as either side, which is
        Nuke's *smooth*; a natural end on the inner side of the ends, and level beyond them."""
        last = len(self.times) - 1
        if not last:
            return 0.0, 0.0
        if index == 0:
            return 0.0, self._end(0, 1)
        if index == last:
            return self._end(last - 1, last - 1), 0.0
        return (self._inner(index),) * 2

    def _rise(self, index: int) -> float:
        return (self.values[index + 1] - self.values[index]) / (self.times[index + 1] - self.times[index])

    def _inner(self, index: int) -> float:
        before, after = self._rise(index - 1), self._rise(index)
        if before * after <= 0.0:
            return 0.0
        chord = (self.values[index + 1] - self.values[index - 1]) / (
            self.times[index + 1] - self.times[index - 1]
        )
        limit = 3.0 * min(abs(before), abs(after))
        return max(-limit, min(limit, chord))

    def _end(self, span: int, neighbour: int) -> float:
        """The slope at an end of the curve, whose span begins at the key ``span``."""
        if len(self.times) == 2:
            return self._rise(0)
        return (3.0 * self._rise(span) - self._inner(neighbour)) / 2.0


def _view(view: Any) -> None:
    if view not in STATE.views:
        raise TypeError(f"view {view!r}: a view is a name, one of {STATE.views}")


class _Views(Generic[Tracks]):
    """What is animated, for all views; a key for one view by name gives that view tracks of its own."""

    def __init__(self, tracks: Tracks) -> None:
        self._all = tracks
        self._own: dict[str, Tracks] = {}

    def of(self, view: str) -> Tracks:
        return self._own.get(view, self._all)

    def keyed(self, view: str) -> Tracks:
        STATE.require_main()
        if view == "main":
            return self._all
        _view(view)
        return self._own.setdefault(view, copy.deepcopy(self._all))


class AnimControlPoint:
    def __init__(self, x: float = 0.0, y: float = 0.0) -> None:
        self._tracks = _Views((Track(x), Track(y)))

    @property
    def _x(self) -> Track:
        return self._tracks.of("main")[0]

    @property
    def _y(self) -> Track:
        return self._tracks.of("main")[1]

    def getPosition(self, time: float, view: str = "main") -> CVec3:
        x, y = self._tracks.of(view)
        return CVec3(x.at(time), y.at(time), 0.0)

    def addPositionKey(self, time: float, position: Any, view: str = "main") -> None:
        for track, value in zip(self._tracks.keyed(view), position, strict=False):
            track.key(time, value)


class ShapeControlPoint:
    def __init__(self, *args: Any) -> None:
        self.center = AnimControlPoint()
        self.leftTangent = AnimControlPoint()
        self.rightTangent = AnimControlPoint()
        self.featherCenter = AnimControlPoint()
        self.featherLeftTangent = AnimControlPoint()
        self.featherRightTangent = AnimControlPoint()


class CMatrix4:
    def __init__(self, values: list[float]) -> None:
        self._values = values

    def __getitem__(self, index: int) -> float:
        return self._values[index]

    def __len__(self) -> int:
        return 16


class CTransform:
    def __init__(self, matrix: list[float]) -> None:
        self._matrix = matrix

    def getMatrix(self) -> CMatrix4:
        return CMatrix4(self._matrix)

    def isDefault(self) -> bool:
        return False  # Nuke says so even of an untouched transform


class AnimCTransform:
    """Translation, rotation (degrees) and scale about a pivot, and an extra matrix after them."""

    def __init__(self) -> None:
        self._tracks = _Views(
            {
                name: (Track(value), Track(value))
                for name, value in (("translation", 0.0), ("scale", 1.0), ("pivot", 0.0), ("rotation", 0.0))
            }
        )
        self._extra: list[float] | None = None

    def _key(self, name: str, time: float, x: float, y: float, view: str) -> None:
        for track, value in zip(self._tracks.keyed(view)[name], (x, y), strict=True):
            track.key(time, value)

    def addTranslationKey(self, time: float, x: float, y: float, pressure: float, view: str = "main") -> None:
        self._key("translation", time, x, y, view)

    def addRotationKey(self, time: float, x: float, y: float, pressure: float, view: str = "main") -> None:
        self._key("rotation", time, pressure, pressure, view)

    def addScaleKey(self, time: float, x: float, y: float, pressure: float, view: str = "main") -> None:
        self._key("scale", time, x, y, view)

    def addPivotPointKey(self, time: float, x: float, y: float, pressure: float, view: str = "main") -> None:
        self._key("pivot", time, x, y, view)

    def set_extra(self, matrix: list[float]) -> None:
        """Set what a corner pin or a planar track leaves in the extra matrix. Only the fake has this
        method."""
        self._extra = list(matrix)

    def isDefault(self) -> bool:
        return False

    def evaluate(self, time: float, view: str = "main") -> CTransform:
        (tx, ty), (sx, sy), (px, py), (angle, _) = (
            tuple(track.at(time) for track in self._tracks.of(view)[name])
            for name in ("translation", "scale", "pivot", "rotation")
        )
        c, s = math.cos(math.radians(angle)), math.sin(math.radians(angle))
        a, b, d, e = c * sx, -s * sy, s * sx, c * sy
        x = px + tx - a * px - b * py
        y = py + ty - d * px - e * py
        matrix = [a, b, 0.0, x, d, e, 0.0, y, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0]
        return CTransform(matrix if self._extra is None else _product(self._extra, matrix))


def _product(a: list[float], b: list[float]) -> list[float]:
    return [
        sum(a[4 * row + k] * b[4 * k + column] for k in range(4)) for row in range(4) for column in range(4)
    ]


class AnimAttributes:
    defaults = _DEFAULTS

    def __init__(self) -> None:
        self._tracks = {name: _Views(Track(value)) for name, value in _DEFAULTS.items()}

    def __contains__(self, name: object) -> bool:
        return name in self._tracks

    def getValue(self, time: float, indexOrName: str, view: str) -> float:
        _view(view)
        return self._track(indexOrName).of(view).at(time)

    def set(self, time: float, attributeIndexOrName: str, value: float, view: str = "main") -> None:
        track = self._track(attributeIndexOrName).keyed(view)
        track.times, track.values, track.constant = [], [], float(value)

    def add(self, name: str, value: float) -> None:
        STATE.require_main()
        self._tracks[name] = _Views(Track(value))

    def addKey(self, time: float, name: str, value: float, view: str = "main") -> None:
        self._track(name).keyed(view).key(time, float(value))

    def _track(self, name: str) -> _Views[Track]:
        if name not in self._tracks:
            raise ValueError(f"no attribute {name!r}")
        return self._tracks[name]


class Element:
    def __init__(self, curves: Any = None) -> None:
        self.name = type(self).__name__ + "1"
        self.locked = False
        self._attributes = AnimAttributes()
        self._transform = AnimCTransform()
        self._flags: set[int] = set()

    def getAttributes(self) -> AnimAttributes:
        return self._attributes

    def getTransform(self) -> AnimCTransform:
        return self._transform

    def getVisible(self, time: float) -> bool:
        return self._attributes._track("vis").of("main").at(time) != 0.0

    def setVisible(self, time: float, value: bool) -> None:
        self._attributes.set(time, "vis", float(value))

    def getFlag(self, flag: int) -> bool:
        return flag in self._flags

    def setFlag(self, flag: int, value: bool) -> None:
        self._flags.add(flag) if value else self._flags.discard(flag)

    def serialise(self) -> str:
        return element_text(self)


class _Sequence(Element):
    def __init__(self, curves: Any = None) -> None:
        super().__init__(curves)
        self._items: list[Any] = []

    def append(self, item: Any) -> None:
        STATE.require_main()
        self._items.append(item)

    def remove(self, index: int) -> None:
        STATE.require_main()
        del self._items[index]

    def __iter__(self) -> Iterator[Any]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)

    def __getitem__(self, index: int) -> Any:
        return self._items[index]


class Layer(_Sequence):
    def append(self, item: Any) -> None:
        """Add a copy of an element; the one that was handed in goes stale. Source: public tools, which fetch
        the element anew from its layer."""
        super().append(copy.deepcopy(item))
        item.__class__ = StaleHandle


class StaleHandle(Element):
    """What is left of an element once it was appended."""

    def __getattribute__(self, name: str) -> Any:
        if name.startswith("__"):
            return super().__getattribute__(name)
        raise RuntimeError("this handle went stale when the element was appended; fetch it from its layer")


class Shape(_Sequence):
    def __init__(self, curves: Any = None) -> None:
        super().__init__(curves)
        self.curve_kind = "bezier"
        """The word for the kind of curve in a script; only the fake has this attribute."""
        self.is_open = False
        """Whether the curves in the shape are open; only the fake has this attribute. Nuke keeps this flag
        at the shape's inner curves, where ``getFlag`` does not look."""

    def append(self, item: Any) -> None:
        """Add a control point, or the place of one."""
        if not isinstance(item, ShapeControlPoint):
            place, item = item, ShapeControlPoint()
            item.center = AnimControlPoint(place[0], place[1])
        super().append(item)


class Stroke(_Sequence):
    brush_size_px = 10.0

    def append(self, item: Any) -> None:
        """Add a control point, or the place of one."""
        super().append(item if isinstance(item, AnimControlPoint) else AnimControlPoint(item[0], item[1]))


_texts: dict[str, Layer] = {}
"""The curves that each text stands for, so that a text that comes back needs no reader here."""


class CurveKnob(Knob):
    """The curve knob of a Roto node."""

    def __init__(self, name: str) -> None:
        super().__init__(name, "", None)
        self.rootLayer = Layer()
        self.rootLayer.name = "Root"

    def changed(self) -> None:
        STATE.require_main()

    def toScript(self, quote: bool = True, context: Any = None) -> str:
        text = f"AddMode 0 0 1 0 {{{tree_text(self.rootLayer)}}}"
        _texts[text] = copy.deepcopy(self.rootLayer)
        return text

    def fromScript(self, script: str) -> None:
        before = self.rootLayer
        STATE.record(lambda: setattr(self, "rootLayer", before))
        self.rootLayer = copy.deepcopy(_texts[script])
