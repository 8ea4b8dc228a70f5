"""Reads shape files of Silhouette (``.fxs``), which Mocha writes too.

Their XML follows a published exporter of Nuke shapes to Silhouette and a published account of an archive of
finished Silhouette roto, whose shapes were drawn again so and laid over the delivered mattes: coordinates
start in the middle of the picture, y down, and are parted by its height on both axes; layers have 4 x 4
matrices for row vectors; keys are joined by ``linear``, ``hold`` or ``catmullrom``; a B-spline is uniform
and cubic. A Bezier point is its place and the ends of its incoming and its outgoing handle.
"""

from __future__ import annotations

import math
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from xml.etree import ElementTree

import numpy as np

from void_server.roto_files.animation import Floats, Key, Track, hold_until, keyed, sample
from void_server.roto_files.baking import Pair, Placing, Spline, SplinePoint
from void_server.roto_files.errors import NotCarried, RotoFileError
from void_server.roto_files.model import CurveKind, RotoCurve, RotoFile, RotoNode
from void_server.roto_files.transform import IDENTITY_16

_NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
_GROUP = re.compile(rf"\(\s*({_NUMBER})\s*,\s*({_NUMBER})")
_NUMBERS = re.compile(_NUMBER)
_ELEMENTS = frozenset({"Layer", "Object", "Shape"})
_PLANE = np.array([0, 1, 3])
_MAX_DEPTH = 200
_KINDS: dict[str, CurveKind] = {"bezier": "bezier", "bspline": "bspline"}


@dataclass(frozen=True)
class _Picture:
    width: int
    height: int
    pixel_aspect: float
    start: float
    """The frame that the file calls 0."""

    def x(self, value: float) -> float:
        return value * self.height / self.pixel_aspect + self.width / 2.0

    def y(self, value: float) -> float:
        return self.height / 2.0 - value * self.height

    @property
    def to_pixels(self) -> Floats:
        """What brings a place of the file onto the picture, float64 of shape (3, 3)."""
        across = self.height / self.pixel_aspect
        return np.array(
            [[across, 0.0, self.width / 2.0], [0.0, -float(self.height), self.height / 2.0], [0.0, 0.0, 1.0]]
        )


@dataclass(frozen=True)
class _Matrix:
    """The animated matrix of a layer."""

    numbers: tuple[Track, ...]
    to_pixels: Floats

    def matrices(self, frames: Floats) -> Floats:
        """Return the matrix at each frame in pixels, float64 of shape (frames, 3, 3)."""
        whole = np.stack([sample(track, frames) for track in self.numbers], axis=1).reshape(-1, 4, 4)
        # The file's matrices are for row vectors, and z is always 0.
        plane = whole[:, _PLANE][:, :, _PLANE].transpose(0, 2, 1)
        result: Floats = self.to_pixels @ plane @ np.linalg.inv(self.to_pixels)
        return result


@dataclass(frozen=True)
class _Layer:
    path: str = ""
    placing: tuple[Placing, ...] = ()
    attributes: tuple[dict[str, Track], ...] = ()
    refusals: tuple[str, ...] = ()
    depth: int = 0


def looks_like_silhouette(data: bytes) -> bool:
    """Return whether a file is Silhouette's."""
    head = data[:4096].lstrip(b"\xef\xbb\xbf \t\r\n")
    return (head.startswith(b"<") and b"Silhouette" in head) or data[4:6] in (b"x\x01", b"x\x9c", b"x\xda")


def read_silhouette(data: bytes, name: str) -> RotoFile:
    """Read a shape file.

    Raises:
        RotoFileError: when it is a project, no XML, or says no size.
    """
    if data[4:6] in (b"x\x01", b"x\x9c", b"x\xda"):
        try:
            data = zlib.decompressobj().decompress(data[4:], 4096)
        except zlib.error as error:
            raise RotoFileError(f"{name} is no file of shapes that is known: {error}") from error
    if b"Silhouette Project" in data[:4096]:
        raise RotoFileError(f"{name} is a Silhouette project; export its shapes from Silhouette (.fxs)")
    if b"<!DOCTYPE" in data or b"<!ENTITY" in data:
        raise RotoFileError(f"{name} declares entities, which no shape file does")
    try:
        root = ElementTree.fromstring(data)  # noqa: S314 - without entities there is nothing to expand
    except (ElementTree.ParseError, ValueError, LookupError) as error:
        raise RotoFileError(f"{name} is no XML that can be read: {error}") from error
    picture = _picture(root, name)
    curves = tuple(curve for child in root for curve in _element(child, _Layer(), picture, name))
    node = RotoNode(root.get("label") or "Silhouette", "Silhouette", curves)
    return RotoFile(name, "Silhouette shape file", (node,), width=picture.width, height=picture.height)


def _picture(root: ElementTree.Element, name: str) -> _Picture:
    if root.tag != "Silhouette":
        raise RotoFileError(f"{name} is no Silhouette shape file: it begins with <{root.tag[:40]}>")
    try:
        width, height = int(root.get("width", "")), int(root.get("height", ""))
        aspect = float(root.get("pixelAspect", "1"))
        start = float(root.get("sessionStartFrame", "1"))
    except ValueError:
        raise RotoFileError(f"{name}: its width, height or first frame is no number") from None
    if not (0 < width <= 65_536 and 0 < height <= 65_536 and 0.0 < aspect <= 16.0 and abs(start) < 1e8):
        raise RotoFileError(f"{name}: {width}x{height} with pixel aspect {aspect} is no picture")
    return _Picture(width, height, aspect, start)


def _element(item: ElementTree.Element, layer: _Layer, picture: _Picture, name: str) -> Iterator[RotoCurve]:
    if item.tag not in _ELEMENTS:
        return
    if layer.depth > _MAX_DEPTH:
        raise RotoFileError(f"{name}: layers are nested deeper than {_MAX_DEPTH}")
    kind = item.get("type") or item.tag
    label = item.get("label") or kind
    path = f"{layer.path}/{label}" if layer.path else label
    if kind == "Shape":
        yield _shape(item, label, path, layer, picture)
        return
    below = _descended(item, path, layer, picture)
    objects = _property(item, "objects")
    for child in objects if objects is not None else item:
        yield from _element(child, below, picture, name)


def _descended(item: ElementTree.Element, path: str, layer: _Layer, picture: _Picture) -> _Layer:
    refusals = list(layer.refusals)
    word = f"the layer {path}"
    attributes: dict[str, Track] = {}
    placing = layer.placing
    try:
        attributes["opc"] = _scaled(_values(item, "opacity", picture, 100.0), 0.01)
        placing = (*placing, *_matrix(item, picture))
    except NotCarried as problem:
        refusals.append(f"{word} has {problem}")
    if item.get("hidden", "").lower() == "true":
        refusals.append(f"{word} is hidden")
    if _word(item, "invert") == "true":
        refusals.append(f"{word} is inverted")
    if _word(item, "mode") not in ("", "add", "max"):
        refusals.append(f"{word} has the mode '{_word(item, 'mode')}'")
    return _Layer(path, placing, (*layer.attributes, attributes), tuple(refusals), layer.depth + 1)


def _shape(item: ElementTree.Element, label: str, path: str, layer: _Layer, picture: _Picture) -> RotoCurve:
    written = item.get("shape_type", "Bezier")
    kind: CurveKind = _KINDS.get(written.lower(), "bezier")
    keys = _path_keys(item)
    points = len(keys[0][2]) if keys else 0
    refusals, remarks = list(layer.refusals), []
    if written.lower() not in _KINDS:
        refusals.append(f"it is a curve of the kind '{written[:40]}'")
    if any(closed == "false" for *_, closed in keys):
        kind = "open"
        refusals.append("an open spline has no area")
    elif points < 2:
        refusals.append("it has fewer than two points")
    if item.get("hidden", "").lower() == "true":
        refusals.append("it is hidden")
    if _word(item, "mode") not in ("", "add", "max"):
        refusals.append(f"its mode is '{_word(item, 'mode')}'")
    if _word(item, "motionBlur") == "true":
        remarks.append("its motion blur is not carried")
    remarks += [f"its {one} is not carried" for one in _softness(item)]
    if any(interp == "catmullrom" for _, interp, *_ in keys):
        remarks.append("its keys are joined by Catmull-Rom curves, whose ends could not be verified")
    geometry: Spline | None = None
    try:
        attributes = {
            "opc": _scaled(_values(item, "opacity", picture, 100.0), 0.01),
            "inv": 1.0 if _word(item, "invert") == "true" else 0.0,
        }
        made = _points(keys, kind == "bspline", picture)
        placing = (*layer.placing, *_matrix(item, picture))
        geometry = Spline(path, made, attributes, placing, layer.attributes, is_bspline=kind == "bspline")
    except NotCarried as problem:
        refusals.append(f"it has {problem}")
    times = len({time for time, *_ in keys})
    return RotoCurve(
        label, path, kind, points, times, tuple(dict.fromkeys(refusals)), tuple(remarks),
        None if refusals else geometry,
    )  # fmt: skip


# --- parts
# ---------------------------------------------------------------------------------------------------


def _property(item: ElementTree.Element, name: str) -> ElementTree.Element | None:
    properties = item.find("Properties")
    found = (one for one in (item if properties is None else properties) if one.get("id") == name)
    return next((one for one in found if one.tag == "Property"), None)


def _word(item: ElementTree.Element, name: str) -> str:
    found = _property(item, name)
    return "" if found is None else (found.findtext("Value") or "").strip().lower()


def _softness(item: ElementTree.Element) -> list[str]:
    """Return the properties that soften an edge and are not 0."""
    properties = item.find("Properties")
    names = [] if properties is None else [one.get("id", "") for one in properties]
    soft = [name for name in names if re.search("blur|feather", name, re.IGNORECASE) and name != "motionBlur"]
    return [name[:40] for name in soft if _word(item, name) not in ("", "0", "0.0", "0.000000", "false")]


def _keys(item: ElementTree.Element, name: str) -> list[tuple[float, str, ElementTree.Element]]:
    """Return time, interpolation and element of each key of a property, in order of time."""
    found = _property(item, name)
    if found is None:
        return []
    keys = []
    for key in found.findall("Key"):
        try:
            time = float(key.get("frame", ""))
        except ValueError:
            continue
        if math.isfinite(time):
            keys.append((time, key.get("interp", "linear").lower(), key))
    return sorted(keys, key=lambda key: key[0])


def _values(item: ElementTree.Element, name: str, picture: _Picture, default: float) -> Track:
    """Return a number that may have keys."""
    keys = _keys(item, name)
    if not keys:
        word = _word(item, name)
        return _number(word) if word else default
    return _joined([(time + picture.start, interp, _number(key.text or "")) for time, interp, key in keys])


def _number(text: str) -> float:
    try:
        value = float(text.strip())
    except ValueError:
        raise NotCarried(f"no number ({text[:40]})") from None
    if not math.isfinite(value):
        raise NotCarried("a number that is not finite")
    return value


def _scaled(track: Track, factor: float) -> Track:
    if isinstance(track, float):
        return track * factor
    keys = zip(
        track.times, track.values * factor, track.left_slopes * factor, track.right_slopes * factor,
        track.left_reaches, track.right_reaches, strict=True,
    )  # fmt: skip
    return keyed([Key(*map(float, key)) for key in keys])


def _joined(keys: list[tuple[float, str, float]]) -> Track:
    """Return a track of times, the ways to the next key, and values."""
    made: list[Key] = []
    for at, (time, interp, value) in enumerate(keys):
        before = keys[at - 1] if at else None
        after = keys[at + 1] if at + 1 < len(keys) else None
        curved_in = before is not None and before[1] == "catmullrom"
        curved_out = after is not None and interp == "catmullrom"
        slope = 0.0
        if curved_in or curved_out:
            first, last = before or keys[at], after or keys[at]
            slope = (last[2] - first[2]) / (last[0] - first[0]) if last[0] > first[0] else 0.0
        made.append(
            Key(
                time, value, slope if curved_in else 0.0, slope if curved_out else 0.0,
                1.0 if curved_in else 0.0, 1.0 if curved_out else 0.0,
            )
        )  # fmt: skip
        if interp == "hold" and after is not None:
            made.append(hold_until(after[0], value))
    return keyed(made)


def _matrix(item: ElementTree.Element, picture: _Picture) -> Iterator[Placing]:
    keys = _keys(item, "transform.matrix")
    texts = [(time + picture.start, interp, key.text or "") for time, interp, key in keys]
    if not texts and (word := _word(item, "transform.matrix")):
        texts = [(picture.start, "linear", word)]
    if not texts:
        return
    rows = [[_number(part) for part in _NUMBERS.findall(text)] for *_, text in texts]
    if any(len(row) != 16 for row in rows):
        raise NotCarried("a matrix that is not of 16 numbers")
    ways = [(time, interp) for time, interp, _ in texts]
    tracks = tuple(
        _joined([(*way, row[place]) for way, row in zip(ways, rows, strict=True)]) for place in range(16)
    )
    if tracks != IDENTITY_16:
        yield _Matrix(tracks, picture.to_pixels)


def _path_keys(item: ElementTree.Element) -> list[tuple[float, str, list[str], str]]:
    """Return time, interpolation, the texts of the points and whether the path is closed, of each key."""
    found = []
    for time, interp, key in _keys(item, "path"):
        path = key.find("Path")
        if path is not None:
            texts = [point.text or "" for point in path.findall("Point")]
            found.append((time, interp, texts, path.get("closed", "True").lower()))
    still = _property(item, "path")
    path = None if found or still is None else still.find("Value/Path")
    if path is not None:
        texts = [point.text or "" for point in path.findall("Point")]
        found.append((0.0, "linear", texts, path.get("closed", "True").lower()))
    return found


def _points(
    keys: list[tuple[float, str, list[str], str]], is_bspline: bool, picture: _Picture
) -> tuple[SplinePoint, ...]:
    count = len(keys[0][2]) if keys else 0
    if any(len(texts) != count for *_, texts, _ in keys):
        raise NotCarried("another number of points at some of its keys")
    places = 1 if is_bspline else 3
    columns: list[list[list[tuple[float, float]]]] = []
    for *_, texts, _ in keys:
        columns.append([_place_groups(text, places, picture) for text in texts])
    times = [(time + picture.start, interp) for time, interp, *_ in keys]

    def track(point: int, group: int, axis: int) -> Track:
        return _joined(
            [
                (time, interp, column[point][group][axis])
                for (time, interp), column in zip(times, columns, strict=True)
            ]
        )

    def pair(point: int, group: int) -> Pair:
        return track(point, group, 0), track(point, group, 1)

    if is_bspline:
        return tuple(SplinePoint(pair(point, 0)) for point in range(count))
    return tuple(SplinePoint(pair(point, 0), pair(point, 1), pair(point, 2)) for point in range(count))


def _place_groups(text: str, places: int, picture: _Picture) -> list[tuple[float, float]]:
    """Return a point's place in pixels, and its handles as offsets from it; a point without handles has
    none."""
    groups = [(picture.x(float(x)), picture.y(float(y))) for x, y in _GROUP.findall(text)[:places]]
    if not groups:
        raise NotCarried(f"a point that cannot be understood ({text[:40]})")
    if not all(math.isfinite(number) and abs(number) < 1e9 for place in groups for number in place):
        raise NotCarried("a point at infinity")
    x, y = groups[0]
    offsets = [(hx - x, hy - y) for hx, hy in groups[1:]]
    return [(x, y), *offsets, *[(0.0, 0.0)] * (places - len(groups))]
