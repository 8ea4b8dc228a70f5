"""Turns roto curves into shapes: it walks every layer and applies every transform, one frame at a time.

It works on the host's own curve objects as they were measured to behave, and imports nothing of the host. It
keeps no curve object from one call to the next, because the artist may delete it in between.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from void_nuke.errors import SelectionError
from void_nuke.host.curve_forms import CurveForm, bezier_points, curve_form
from void_nuke.host.host import ElementKind, RotoElement, RotoShapeInfo
from void_protocol.job import RotoPoint, ShapeFrame
from void_protocol.roto_attributes import (
    UNION_MODES,
    blend_mode_name,
    clamped_falloff,
    clamped_feather,
    clamped_opacity,
    is_alive,
    is_known_lifetime,
)

Affine = tuple[float, float, float, float, float, float]
"""The six numbers a, b, c, d, e, f of x' = a x + b y + c and y' = d x + e y + f."""
Projective = tuple[float, float, float, float, float, float, float, float, float]
"""The nine numbers of a 3 x 3 matrix, row by row."""
_IDENTITY: Projective = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0)


@dataclass(frozen=True)
class CurveTypes:
    """The host's classes of curve objects, which its adapter passes in."""

    layer: type[Any]
    shape: type[Any]
    stroke: type[Any]
    open_flag: Any


@dataclass(frozen=True)
class FoundElement:
    """An element that the walk has found; it must not be kept after the walk."""

    path: str
    kind: ElementKind
    curve: Any
    layers: tuple[Any, ...]
    """The layers that hold the element, from the root layer down."""
    form: CurveForm
    """The kind of a shape's curve."""


_NO_SHAPE = CurveForm()
Forms = dict[str, CurveForm]
"""By path, the forms of a roto node's shapes, kept because each costs the text of the shape."""


def walk(root: Any, types: CurveTypes, forms: Forms | None = None) -> Iterator[FoundElement]:
    """Yield every shape, open spline and stroke below ``root``, in the order of the host's list.

    Args:
        root: the node's root layer.
        types: the host's classes of curve objects.
        forms: forms that are known already; those of other shapes are added.
    """
    known = {} if forms is None else forms
    seen: dict[str, int] = {}
    for path, curve, layers in _descend(root, "Root", (root,), types.layer):
        is_shape = isinstance(curve, types.shape)
        if not is_shape and not isinstance(curve, types.stroke):
            continue  # trackers and other elements draw nothing
        seen[path] = seen.get(path, 0) + 1
        number = seen[path]
        unique = path if number == 1 else f"{path}#{number}"
        kind: ElementKind = "stroke"
        form = _NO_SHAPE
        if is_shape:
            form = known[unique] = known.get(unique) or curve_form(curve)
            kind = "open" if form.is_open or curve.getFlag(types.open_flag) else "shape"
        yield FoundElement(unique, kind, curve, layers, form)


def _descend(
    layer: Any, path: str, layers: tuple[Any, ...], layer_type: type[Any]
) -> Iterator[tuple[str, Any, tuple[Any, ...]]]:
    for child in layer:
        child_path = f"{path}/{child.name}"
        if isinstance(child, layer_type):
            yield from _descend(child, child_path, (*layers, child), layer_type)
        else:
            yield child_path, child, layers


def list_elements(
    root: Any, types: CurveTypes, frame: int, view: str, forms: Forms | None = None
) -> list[RotoElement]:
    """List what a roto node holds, as it is at ``frame``. ``forms`` is filled anew."""
    if forms is not None:
        forms.clear()
    return [
        RotoElement(
            path=found.path,
            name=str(found.curve.name),
            kind=found.kind,
            colour=_overlay_colour(found.curve, frame, view),
            is_visible=_is_visible(found, frame, view),
            not_carried=_not_carried(found, frame, view),
        )
        for found in walk(root, types, forms)
    ]


def bake_shapes(
    root: Any,
    types: CurveTypes,
    paths: Sequence[str],
    frame: int,
    view: str,
    *,
    views: Sequence[str] = (),
    forms: Forms | None = None,
) -> list[RotoShapeInfo]:
    """Bake the closed shapes of ``paths`` at ``frame``.

    Args:
        root: the node's root layer.
        types: the host's classes of curve objects.
        paths: as :func:`list_elements` names them.
        frame: the frame whose geometry is baked.
        view: the name of the stereo view.
        views: all views of the script, in its order; none where it has no other.
        forms: forms of the node's shapes that are known already; others are added.

    Raises:
        SelectionError: when a path is gone, or is no closed shape any more.
    """
    wanted = set(paths)
    found = {element.path: element for element in walk(root, types, forms) if element.path in wanted}
    when = (frame,) if len(views) < 2 else (frame, view)
    number = views.index(view) + 1 if view in views and len(views) > 1 else None
    matrices: dict[int, Projective] = {}
    baked: list[RotoShapeInfo] = []
    for path in paths:
        element = found.get(path)
        if element is None or element.kind != "shape":
            raise SelectionError(
                f"the closed shape {path} is not in the roto node any more; mark the shapes again"
            )
        baked.append(
            RotoShapeInfo(
                path, _bake(element, frame, view, when, matrices, number), _not_carried(element, frame, view)
            )
        )
    return baked


def _bake(
    found: FoundElement,
    frame: int,
    view: str,
    when: tuple[Any, ...],
    matrices: dict[int, Projective],
    view_number: int | None,
) -> ShapeFrame:
    attributes = found.curve.getAttributes()

    def value(name: str) -> float:
        return float(attributes.getValue(frame, name, view))

    has_feather = value("fo") != 0.0
    visible = _is_visible(found, frame, view) and _is_in_view(attributes, frame, view, view_number)
    points: list[RotoPoint] = []
    if visible:
        # Where there is but one view none is named: a call with unpacked arguments costs a third more.
        curve = found.curve if len(when) == 1 else (_PointInView(point, view) for point in found.curve)
        if found.form.is_bspline:
            curve = bezier_points(curve, frame)
        points = _points(curve, _matrix_of(found, frame, when, matrices), frame, has_feather)
    return ShapeFrame(
        frame=frame,
        points=points,
        opacity=clamped_opacity(value("opc") * _layers_opacity(found, frame, view)),
        feather_x_px=clamped_feather(value("fx")) if has_feather else 0.0,
        feather_y_px=clamped_feather(value("fy")) if has_feather else 0.0,
        falloff=clamped_falloff(value("ff")),
        inverted=value("inv") != 0.0,
        visible=visible and len(points) > 1,
    )


def _layers_opacity(found: FoundElement, frame: int, view: str) -> float:
    """Multiply the opacities of the layers that hold an element: each dims what is in it."""
    total = 1.0
    for layer in found.layers:
        total *= _attribute(layer, "opc", 1.0, frame, view)
    return total


def _attribute(element: Any, name: str, default: float, frame: int, view: str) -> float:
    attributes = element.getAttributes()
    return float(attributes.getValue(frame, name, view)) if name in attributes else default


def _is_in_view(attributes: Any, frame: int, view: str, number: int | None) -> bool:
    """Return whether a shape is drawn for the view of this number, from 1. ``nv`` counts the views that it is
    drawn for, ``view1`` and so on are their numbers."""
    if number is None or "nv" not in attributes:
        return True
    count = min(int(attributes.getValue(frame, "nv", view)), 100)
    names = [f"view{place}" for place in range(1, count + 1)]
    return number in {int(attributes.getValue(frame, name, view)) for name in names if name in attributes}


def _is_visible(found: FoundElement, frame: int, view: str) -> bool:
    """Return whether the element and all layers that hold it show at ``frame``."""
    if not found.curve.getVisible(frame) or not all(layer.getVisible(frame) for layer in found.layers):
        return False
    for element in (*found.layers, found.curve):
        kind, first, last = (_attribute(element, name, 0.0, frame, view) for name in ("ltt", "ltn", "ltm"))
        if not is_alive(int(kind), first, last, frame):
            return False
    return True


def _not_carried(found: FoundElement, frame: int, view: str) -> tuple[str, ...]:
    words: list[str] = []
    if found.kind == "stroke":
        words.append("a paint stroke")
    elif found.kind == "open":
        words.append("an open spline")
    elif found.form.has_tension:
        words.append("the tension of its B-spline")
    attributes = found.curve.getAttributes()
    mode = int(attributes.getValue(frame, "bm", view))
    if mode not in UNION_MODES:
        words.append(f"blend mode '{blend_mode_name(mode)}'")
    if found.kind == "shape":
        if attributes.getValue(frame, "ft", view):
            words.append("its feather type")
        if attributes.getValue(frame, "mbo", view):
            words.append("motion blur")
        if not is_known_lifetime(int(attributes.getValue(frame, "ltt", view))):
            words.append("its lifetime")
        if _attribute(found.curve, "a", 1.0, frame, view) != 1.0:
            words.append("its alpha")
        for name, what in (("fx", "feather"), ("fy", "feather"), ("mbo", "motion blur")):
            if any(_attribute(layer, name, 0.0, frame, view) for layer in found.layers):
                words.append(f"the {what} of its layer")
    return tuple(dict.fromkeys(words))


def _overlay_colour(curve: Any, frame: int, view: str) -> tuple[float, float, float]:
    attributes = curve.getAttributes()
    red, green, blue = (
        float(attributes.getValue(frame, name, view)) if name in attributes else 1.0
        for name in ("ro", "go", "bo")
    )
    return red, green, blue


def _matrix_of(
    found: FoundElement, frame: int, when: tuple[Any, ...], known: dict[int, Projective]
) -> Projective:
    """Multiply the element's own transform and, after it, its parents'. ``known`` keeps the layers'
    matrices."""
    total = _IDENTITY
    for layer in found.layers:
        key = id(layer)
        if key not in known:
            known[key] = _multiplied(total, _own_matrix(layer, when))
        total = known[key]
    return _multiplied(total, _own_matrix(found.curve, when))


def _own_matrix(element: Any, when: tuple[Any, ...]) -> Projective:
    matrix = element.getTransform().evaluate(*when).getMatrix()
    # The host's matrix has rows of four. z is always 0 here, so its row and column drop out.
    return (
        matrix[0], matrix[1], matrix[3],
        matrix[4], matrix[5], matrix[7],
        matrix[12], matrix[13], matrix[15],
    )  # fmt: skip


def _multiplied(after: Projective, before: Projective) -> Projective:
    if after == _IDENTITY:
        return before
    if before == _IDENTITY:
        return after
    a, b = after, before
    return tuple(  # type: ignore[return-value]  # there are nine by construction
        a[3 * row] * b[column] + a[3 * row + 1] * b[3 + column] + a[3 * row + 2] * b[6 + column]
        for row in range(3)
        for column in range(3)
    )


class _InView:
    """A control point's member that is asked for one named view."""

    def __init__(self, member: Any, view: str) -> None:
        self._member, self._view = member, view

    def getPosition(self, frame: int) -> Any:  # noqa: N802 - the host's name
        return self._member.getPosition(frame, self._view)


class _PointInView:
    """A control point whose members are asked for one named view."""

    def __init__(self, point: Any, view: str) -> None:
        self._point, self._view = point, view

    def __getattr__(self, name: str) -> _InView:
        return _InView(getattr(self._point, name), self._view)


def _points(shape: Iterable[Any], matrix: Projective, frame: int, has_feather: bool) -> list[RotoPoint]:
    """Read the control points. Most of an export's time goes here, so work that can be done outside is not
    here."""
    a, b, c, d, e, f, g, h, i = matrix
    if g or h or not i:
        return [_projected(point, matrix, frame, has_feather) for point in shape]
    if i != 1.0:
        a, b, c, d, e, f = a / i, b / i, c / i, d / i, e / i, f / i
    is_plain = (a, b, c, d, e, f) == (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
    points: list[RotoPoint] = []
    add, new = points.append, RotoPoint
    for point in shape:
        center = point.center.getPosition(frame)
        left = point.leftTangent.getPosition(frame)
        right = point.rightTangent.getPosition(frame)
        x, y, lx, ly, rx, ry = center.x, center.y, left.x, left.y, right.x, right.y
        if has_feather:
            feather = point.featherCenter.getPosition(frame)
            feather_left = point.featherLeftTangent.getPosition(frame)
            feather_right = point.featherRightTangent.getPosition(frame)
            fx, fy = feather.x, feather.y
            flx, fly, frx, fry = feather_left.x, feather_left.y, feather_right.x, feather_right.y
        else:
            fx = fy = 0.0
            flx, fly, frx, fry = lx, ly, rx, ry
        if is_plain:
            add(new(x, y, lx, ly, rx, ry, fx, fy, flx, fly, frx, fry))
        else:
            add(
                new(
                    a * x + b * y + c, d * x + e * y + f,
                    a * lx + b * ly, d * lx + e * ly,
                    a * rx + b * ry, d * rx + e * ry,
                    a * fx + b * fy, d * fx + e * fy,
                    a * flx + b * fly, d * flx + e * fly,
                    a * frx + b * fry, d * frx + e * fry,
                )
            )  # fmt: skip
    return points


def _projected(point: Any, matrix: Projective, frame: int, has_feather: bool) -> RotoPoint:
    """Transform a point under a perspective (a corner pin, a planar track) by moving the ends of its handles.
    A Bezier curve under a perspective is no Bezier curve any more; with handles as short as those of roto the
    difference is far below a pixel."""

    def at(position: Any, base: tuple[float, float]) -> tuple[float, float]:
        return base[0] + position.x, base[1] + position.y

    a, b, c, d, e, f, g, h, i = matrix

    def moved(place: tuple[float, float]) -> tuple[float, float]:
        x, y = place
        w = g * x + h * y + i
        if not w:
            raise SelectionError("a roto layer's perspective puts a point at infinity; change its corner pin")
        return (a * x + b * y + c) / w, (d * x + e * y + f) / w

    center = at(point.center.getPosition(frame), (0.0, 0.0))
    left = at(point.leftTangent.getPosition(frame), center)
    right = at(point.rightTangent.getPosition(frame), center)
    feather, feather_left, feather_right = center, left, right
    if has_feather:
        feather = at(point.featherCenter.getPosition(frame), center)
        feather_left = at(point.featherLeftTangent.getPosition(frame), feather)
        feather_right = at(point.featherRightTangent.getPosition(frame), feather)
    (x, y), (lx, ly), (rx, ry), (fx, fy), (flx, fly), (frx, fry) = map(
        moved, (center, left, right, feather, feather_left, feather_right)
    )
    return RotoPoint(
        x, y, lx - x, ly - y, rx - x, ry - y, fx - x, fy - y, flx - fx, fly - fy, frx - fx, fry - fy
    )


def keep_only(root: Any, types: CurveTypes, paths: Iterable[str]) -> None:
    """Remove every other element below ``root``, which must be a copy made for rendering.

    Raises:
        SelectionError: when one of ``paths`` is not there.
    """
    wanted = set(paths)
    elements = list(walk(root, types))
    missing = sorted(wanted - {element.path for element in elements})
    if missing:
        raise SelectionError(f"{', '.join(missing)}: not in the roto node any more; mark the shapes again")
    kept = [element.path in wanted for element in elements]
    _prune(root, types, iter(kept))


def _prune(layer: Any, types: CurveTypes, kept: Iterator[bool]) -> None:
    """Remove elements below ``layer``; ``kept`` answers for each one in the order of :func:`walk`."""
    doomed: list[int] = []
    for index in range(len(layer)):
        child = layer[index]
        if isinstance(child, types.layer):
            _prune(child, types, kept)
        elif isinstance(child, (types.shape, types.stroke)) and not next(kept):
            doomed.append(index)
    for index in reversed(doomed):
        layer.remove(index)
