"""The tree of layers, shapes and strokes in the ``curves`` of a roto node.

Read off Foundry's NDK guide ("Roto serialisation format") and public scripts::

    {layer NAME {f FLAGS} {t ...} {a ...} children...}
    {curvegroup NAME FLAGS bezier {{cc {f FLAGS} {px ...}} {cc ...}} {t ...} {a ...}}
    {cubiccurve NAME FLAGS catmullrom {cc ...} ...}

``cubiccurve`` is a paint stroke. The second ``cc`` of a group is its feather, ``idem`` says that it is the
first one again.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from void_protocol.roto_attributes import DEFAULTS, UNION_MODES, blend_mode_name, is_known_lifetime
from void_server.roto_files.animation import KeyedTrack, Track
from void_server.roto_files.baking import Pair, Spline, SplinePoint
from void_server.roto_files.errors import NotCarried
from void_server.roto_files.model import CurveKind, RotoCurve
from void_server.roto_files.nuke_numbers import animated, component, number
from void_server.roto_files.tcl import MAX_DEPTH, Tree
from void_server.roto_files.transform import IDENTITY_16, Transform

_OPEN_FLAG = 1 << 5
_RELATIVE_TANGENTS_FLAG = 1 << 13
_STANDARD_TENSION = 1.0
_LAYER_ATTRIBUTES = ("opc", "vis", "ltt", "ltn", "ltm")
"""What a layer does to the shapes in it, beside its transform."""
_TRACKER = re.compile(r"pt(?:[1-4][xy]|ex\d\d|of[1-4][xy]|err|refset)?")
"""Attributes of a layer that the planar tracker fills: its corners, their offsets, its matrix, its error."""
_UNTRACKED = dict.fromkeys(("pt2x", "pt3x", "pt3y", "pt4y"), 5.0) | {f"ptex{at}{at}": 1.0 for at in range(4)}
"""What some of them are, other than 0, where nothing was tracked."""
_FEATHER_ATTRIBUTES = {"fx": 0.0, "fy": 0.0}
_PARTS = frozenset({"f", "t", "tx", "a", "cc"})
"""How the lists begin that follow an element's name."""
_WORDS = {
    "vis": "visibility", "opc": "opacity", "bm": "blend mode", "inv": "inversion", "fo": "feather",
    "fx": "feather", "fy": "feather", "ff": "falloff", "ft": "feather type", "ltt": "lifetime",
    "ltn": "lifetime", "ltm": "lifetime", "mbo": "motion blur", "a": "alpha",
}  # fmt: skip


@dataclass(frozen=True)
class _Layer:
    """What a layer hands down."""

    path: str
    transforms: tuple[Transform, ...] = ()
    attributes: tuple[dict[str, Track], ...] = ()
    refusals: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()


def read_curves(tree: list[Tree], views: ViewChoice) -> list[RotoCurve]:
    """Return every curve of the value of a ``curves`` knob, in its order.

    Args:
        tree: the value, as lists.
        views: the view that is asked for.
    """
    return [curve for head in _heads(tree, 0) for curve in _element(head, _Layer(""), views)]


@dataclass(frozen=True)
class ViewChoice:
    """The stereo view whose shapes are wanted."""

    name: str = "main"
    number: int = 1
    """Its place among the script's views, from 1."""
    count: int = 1


def _heads(tree: list[Tree], depth: int) -> Iterator[list[Tree]]:
    """Yield the outermost elements, however many braces are about them."""
    for item in tree:
        if isinstance(item, list) and item:
            if item[0] in ("layer", "curvegroup", "cubiccurve"):
                yield item
            elif depth < MAX_DEPTH:
                yield from _heads(item, depth + 1)


def _element(item: list[Tree], parent: _Layer, views: ViewChoice) -> Iterator[RotoCurve]:
    name = _name(item)
    path = f"{parent.path}/{name}" if parent.path else name
    if item[0] == "layer":
        layer = _layer(item, path, parent)
        for child in item[2:]:
            if isinstance(child, list) and child and child[0] in ("layer", "curvegroup", "cubiccurve"):
                yield from _element(child, layer, views)
    elif item[0] == "cubiccurve":
        points, keys = _counts(_part(item, "cc"), per_point=1)
        yield RotoCurve(name, path, "stroke", points, keys, ("a paint stroke has no area",))
    else:
        yield _shape(item, name, path, parent, views)


def _name(item: list[Tree]) -> str:
    """Return an element's name, which stands in braces where it has spaces."""
    written = item[1] if len(item) > 1 else ""
    if isinstance(written, str):
        return written or "unnamed"
    words = [word for word in written if isinstance(word, str)]
    is_name = len(words) == len(written) and words and words[0] not in _PARTS
    return " ".join(words) if is_name else "unnamed"


def _layer(item: list[Tree], path: str, parent: _Layer) -> _Layer:
    refusals, remarks = list(parent.refusals), list(parent.remarks)
    word = f"the layer {path}"
    transform = Transform()
    try:
        transform = _transform(item)
    except NotCarried as problem:
        refusals.append(f"the transform of {word} has {problem}")
    attributes, problems = _attributes(item, (*_LAYER_ATTRIBUTES, "fo", "fx", "fy", "mbo"))
    refusals += [f"the {_WORDS[name]} of {word} has {problem}" for name, problem in problems.items()]
    if _is_tracked(item):
        refusals.append(f"{word} is tracked by the planar tracker")
    if any(not _is_constant(attributes.get(name, 0.0), 0.0) for name in _FEATHER_ATTRIBUTES):
        remarks.append(f"the feather of {word} is not carried")
    if not _is_constant(attributes.get("mbo", 0.0), 0.0):
        remarks.append(f"the motion blur of {word} is not carried")
    remarks += _doubts(transform, word)
    return _Layer(
        path,
        (*parent.transforms, transform),
        (*parent.attributes, attributes),
        tuple(dict.fromkeys(refusals)),
        tuple(dict.fromkeys(remarks)),
    )


def _shape(item: list[Tree], name: str, path: str, parent: _Layer, views: ViewChoice) -> RotoCurve:
    written = next((word for word in item[3:5] if isinstance(word, str)), "bezier")
    curves = next((part for part in item[3:] if isinstance(part, list) and part and _is_cc(part[0])), [])
    outline = curves[0] if curves and isinstance(curves[0], list) else []
    is_bspline = written == "bspline"
    points, keys = _counts(outline, per_point=1 if is_bspline else 3)
    kind: CurveKind = "bspline" if is_bspline else "bezier"
    refusals, remarks = list(parent.refusals), list(parent.remarks)
    if written not in ("bezier", "bspline"):
        refusals.append(f"it is a curve of the kind '{written[:40]}'")
    flags = _flags(outline)
    if flags & _OPEN_FLAG:
        kind = "open"
        refusals.append("an open spline has no area")
    elif points < 2:
        refusals.append("it has fewer than two points")
    if not flags & _RELATIVE_TANGENTS_FLAG:
        refusals.append("its handles are not relative to its points")
    made: tuple[SplinePoint, ...] = ()
    transform = Transform()
    try:
        made = _bspline_points(curves) if is_bspline else _bezier_points(curves)
    except NotCarried as problem:
        refusals.append(f"its points have {problem}")
    if any(_has_unsure_keys(track) for point in made for track in point.tracks):
        remarks.append("some of its keys have no slopes and are joined straight, which could not be verified")
    try:
        transform = _transform(item)
    except NotCarried as problem:
        refusals.append(f"its transform has {problem}")
    attributes, problems = _attributes(item, tuple(DEFAULTS))
    refusals += [f"its {_WORDS[name_]} has {problem}" for name_, problem in problems.items()]
    refusals += _refused_attributes(attributes) + _other_views(item, views)
    remarks += _remarks(attributes) + _doubts(transform, "it")
    spline = Spline(
        path, made, attributes, (*parent.transforms, transform), parent.attributes, is_bspline=is_bspline
    )
    return RotoCurve(
        name, path, kind, points, keys, tuple(dict.fromkeys(refusals)), tuple(dict.fromkeys(remarks)),
        None if refusals else spline,
    )  # fmt: skip


def _refused_attributes(attributes: dict[str, Track]) -> list[str]:
    words = []
    mode = attributes.get("bm", 0.0)
    if not isinstance(mode, float):
        words.append("its blend mode is animated")
    elif int(mode) not in UNION_MODES:
        words.append(f"its blend mode is '{blend_mode_name(int(mode))}'")
    lifetime = attributes.get("ltt", 0.0)
    if isinstance(lifetime, float) and not is_known_lifetime(int(lifetime)):
        words.append("its lifetime is of a kind that is not known")
    if _is_constant(attributes.get("a", 1.0), 0.0):
        words.append("its alpha is 0: it cuts a hole into the shapes below it")
    return words


def _remarks(attributes: dict[str, Track]) -> list[str]:
    words = []
    if not _is_constant(attributes.get("mbo", 0.0), 0.0):
        words.append("its motion blur is not carried")
    if not _is_constant(attributes.get("ft", 0.0), 0.0):
        words.append("its feather type is not carried")
    alpha = attributes.get("a", 1.0)
    if not _is_constant(alpha, 1.0) and not _is_constant(alpha, 0.0):
        words.append("its alpha is not carried")
    return words


def _doubts(transform: Transform, word: str) -> list[str]:
    """What the public facts do not settle."""
    turned = replace(transform, extra=Transform().extra, pivot=Transform().pivot) != Transform()
    words = []
    if transform.skew != 0.0:
        words.append(f"the skew of {word} is read as a shear before the turn, which could not be verified")
    if transform.has_extra and turned:
        words.append(f"the matrix of {word} acts after the rest of it, which could not be verified")
    return words


def _has_unsure_keys(track: Track) -> bool:
    """Return whether two keys without slopes have frames between them, and other values."""
    if isinstance(track, float) or len(track.times) < 2:
        return False
    bare = (track.right_reaches[:-1] == 0.0) & (track.left_reaches[1:] == 0.0)
    apart = (np.diff(track.times) > 1.0) & (np.diff(track.values) != 0.0)
    return bool((bare & apart).any())


def _is_constant(track: Track, value: float) -> bool:
    if isinstance(track, KeyedTrack):
        return bool((track.values == value).all())
    return track == value


# --- parts
# ---------------------------------------------------------------------------------------------------


def _part(item: list[Tree], *heads: str) -> list[Tree]:
    """Return the first list of ``item`` that begins with one of ``heads``, or an empty one."""
    return next((part for part in item if isinstance(part, list) and part and part[0] in heads), [])


def _is_cc(part: Tree) -> bool:
    return isinstance(part, list) and bool(part) and part[0] == "cc"


def _flags(curve: list[Tree]) -> int:
    part = _part(curve, "f")
    try:
        return int(number(part[1])) if len(part) > 1 else _RELATIVE_TANGENTS_FLAG
    except NotCarried:
        return _RELATIVE_TANGENTS_FLAG


def _counts(curve: list[Tree], per_point: int) -> tuple[int, int]:
    """Return how many points a curve has and at how many times they have keys, without reading them."""
    times, entries = _entries(curve)
    total = 0
    for entry in entries:
        if isinstance(entry, list) and len(entry) == 3 and entry[0] == "x" and isinstance(entry[2], list):
            count = entry[1] if isinstance(entry[1], str) else ""
            total += int(count) if count.isdecimal() and len(count) < 7 else 1
        else:
            total += 1
    return total // per_point, len(times or ())


def _entries(curve: list[Tree]) -> tuple[list[Tree] | None, list[Tree]]:
    """Return the times of a curve's keys, as they are written, and its entries."""
    part = _part(curve, "p", "px")
    if not part:
        return None, []
    if part[0] == "p":
        return None, part[1:]
    times = part[1] if len(part) > 1 else []
    return (times if isinstance(times, list) else [times]), part[2:]


def _pairs(curve: list[Tree]) -> list[Pair]:
    written, entries = _entries(curve)
    times = None if written is None else [number(time) for time in written]
    pairs: list[Pair] = []
    for entry in entries:
        if not isinstance(entry, list):
            raise NotCarried("a point that cannot be understood")
        if len(entry) == 3 and entry[0] == "x" and isinstance(entry[2], list):
            count = number(entry[1])
            if not 0 <= count <= 100_000:
                raise NotCarried("too many points")
            pairs += [_pair(entry[2], times)] * int(count)
        else:
            pairs.append(_pair(entry, times))
    return pairs


def _pair(entry: list[Tree], times: list[float] | None) -> Pair:
    """Return x and y; what is left out is 0, and a third number, the pressure, does not matter. Attributes of
    the point, which come before them, are those of an open spline's width or of a B-spline's tension."""
    if _has_attributes(entry):
        entry = entry[1:]
    x, y = (component(entry[place], times) if place < len(entry) else 0.0 for place in (0, 1))
    return x, y


def _bezier_points(curves: list[Tree]) -> tuple[SplinePoint, ...]:
    outline, feather = _outline_and_feather(curves)
    centers = _pairs(outline)
    if len(centers) % 3:
        raise NotCarried("handles that do not fit them")
    triples = [centers[at : at + 3] for at in range(0, len(centers), 3)]
    if feather is None:
        return tuple(SplinePoint(center, left, right) for left, center, right in triples)
    outer = _pairs(feather)
    if not outer:
        return tuple(SplinePoint(center, left, right) for left, center, right in triples)
    if len(outer) != len(centers):
        raise NotCarried("a feather with another number of points")
    return tuple(
        SplinePoint(center, left, right, outer[3 * at + 1], outer[3 * at], outer[3 * at + 2])
        for at, (left, center, right) in enumerate(triples)
    )


def _bspline_points(curves: list[Tree]) -> tuple[SplinePoint, ...]:
    outline, feather = _outline_and_feather(curves)
    return tuple(
        SplinePoint(center, feather=offset)
        for center, offset in zip(_bspline(outline), _feather_of_bspline(outline, feather), strict=True)
    )


def _feather_of_bspline(outline: list[Tree], feather: list[Tree] | None) -> list[Pair]:
    count = len(_entries(outline)[1])
    offsets: list[Pair] = [] if feather is None else _bspline(feather)
    if not offsets:
        return [(0.0, 0.0)] * count
    if len(offsets) != count:
        raise NotCarried("a feather with another number of points")
    return offsets


def _bspline(curve: list[Tree]) -> list[Pair]:
    """Return the points of a B-spline, each of which may have attributes before its place."""
    written, entries = _entries(curve)
    times = None if written is None else [number(time) for time in written]
    pairs: list[Pair] = []
    for entry in entries:
        if not isinstance(entry, list):
            raise NotCarried("a point that cannot be understood")
        if _has_attributes(entry) and isinstance(entry[0], list):
            for at in range(1, len(entry[0]) - 1, 2):
                if entry[0][at] == "t" and not _is_constant(animated(entry[0][at + 1]), _STANDARD_TENSION):
                    raise NotCarried("a tension of their own, whose curve is not public")
        pairs.append(_pair(entry, times))
    return pairs


def _has_attributes(entry: list[Tree]) -> bool:
    return bool(entry) and isinstance(entry[0], list) and entry[0][:1] == ["a"]


def _outline_and_feather(curves: list[Tree]) -> tuple[list[Tree], list[Tree] | None]:
    if not curves or not isinstance(curves[0], list):
        raise NotCarried("no curve")
    second = curves[1] if len(curves) > 1 else None
    return curves[0], second if isinstance(second, list) else None


def _transform(item: list[Tree]) -> Transform:
    """Return the transform of ``t``, or of ``tx``, whose numbers have one key at the time that comes
    first."""
    part = _part(item, "t", "tx")
    if not part:
        return Transform()
    values = part[1:]
    times = None
    if part[0] == "tx" and values:
        written = values[0]
        times = [number(time) for time in (written if isinstance(written, list) else [written])]
        values = values[1:]
    tracks = [component(value, times) for value in values]
    fill = (0.0,) * 9 + (1.0,) * 3 + (0.0,) * 7 + Transform().extra
    tracks += fill[len(tracks) :]
    if len(tracks) != len(fill):
        raise NotCarried("more numbers than are known")
    # The three numbers of each part are those of three dimensions; a shape uses two, and turns about the
    # third. Of the seven after the scale only the first is known, the skew.
    unknown = {6: 0.0, 7: 0.0} | dict.fromkeys(range(13, 19), 0.0)
    if any(not _is_constant(tracks[place], value) for place, value in unknown.items()):
        raise NotCarried("turns or skews of a third dimension")
    extra = tuple(tracks[19:])
    if all(_is_constant(track, value) for track, value in zip(extra, IDENTITY_16, strict=True)):
        extra = IDENTITY_16
    return Transform(
        pivot=(tracks[0], tracks[1]),
        move=(tracks[3], tracks[4]),
        turn=tracks[8],
        scale=(tracks[9], tracks[10]),
        skew=tracks[12],
        extra=extra,
    )


def _attributes(item: list[Tree], names: tuple[str, ...]) -> tuple[dict[str, Track], dict[str, NotCarried]]:
    """Return the attributes of these names, and what is wrong with those that are not plain numbers."""
    part = _part(item, "a")
    found: dict[str, Track] = {}
    problems: dict[str, NotCarried] = {}
    for at in range(1, len(part) - 1, 2):
        name = part[at]
        if isinstance(name, str) and name in names:
            try:
                found[name] = animated(part[at + 1])
            except NotCarried as problem:
                problems[name] = problem
    return found, problems


def _is_tracked(item: list[Tree]) -> bool:
    """Return whether the planar tracker moves a layer. Nuke writes the tracker's attributes for layers that
    it never touched too: all 0, or with the corners of a small square and the identity."""
    part = _part(item, "a")
    names = tuple(name for name in part[1::2] if isinstance(name, str) and _TRACKER.fullmatch(name))
    found, problems = _attributes(item, names)
    untouched = {name: (0.0, _UNTRACKED.get(name, 0.0)) for name in names}
    return bool(problems) or any(
        not any(_is_constant(track, value) for value in untouched[name]) for name, track in found.items()
    )


def _other_views(item: list[Tree], views: ViewChoice) -> list[str]:
    """Return a refusal when the shape is drawn for other views only. ``nv`` counts the views that it is drawn
    for, ``view1`` and so on are their places among the script's; ``view1`` is 1 where it is not written."""
    part = _part(item, "a")
    names = [name for name in part[1::2] if isinstance(name, str) and re.fullmatch(r"view\d{1,4}", name)]
    found, _ = _attributes(item, (*names, "nv"))
    if not found:
        return []
    places = {int(place) for name in names if isinstance(place := found.get(name), float)}
    if "view1" not in found:
        places.add(1)
    return [] if views.number in places else [f"it is drawn for other views than {views.name}"]
