# The names are those of Nuke's own module.
"""Computes the picture of a Roto node: its shapes and strokes, drawn one over the other into the alpha."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from tests.fakes.fake_nuke.curves import Layer, Shape, Stroke, _product
from tests.fakes.fake_nuke.planes import Picture, Plane
from tests.fakes.fake_nuke.state import STATE
from void_engine.geometry import Box
from void_engine.roto.matte import rasterise
from void_engine.roto.shapes import BezierPoints, ShapeAtFrame

OUTSIDE_PX = 48
"""How far the fake draws beyond the format where nothing clips the matte."""


def _window(node: Any, ground: Picture, scale: float) -> tuple[int, int, int, int]:
    """Return x, y, width and height of what the node draws, as ``cliptype`` bounds it: 43 of 100 nodes in
    public scripts clip at nothing."""
    clip = node["cliptype"].value()
    whole = (0, 0, ground.format.width(), ground.format.height())
    if clip == "format":
        return whole
    if clip == "none":
        margin = round(OUTSIDE_PX * scale)
        return -margin, -margin, whole[2] + 2 * margin, whole[3] + 2 * margin
    return ground.x, ground.y, ground.size[1], ground.size[0]


def roto_picture(
    node: Any, ground: Picture, weight: Picture | None, frame: int, scale: float, height: int
) -> Picture:
    """Draw the curves of a Roto node over ``ground``, as far as the alpha of ``weight`` (its mask input) lets
    them; ``height`` is that of the format at full size."""
    x, y, width, height_px = _window(node, ground, scale)
    # The rasteriser's rows count downwards from the top of the format.
    top = ground.format.height() - (y + height_px)
    box = Box(x, top, x + width, top + height_px)
    matte = ground.plane("rgba.alpha", x, y, width, height_px)
    if node["replace"].value():
        matte = np.zeros_like(matte)
    samples = [frame]
    if node["motionblur_mode"].value() == "global":
        count = max(1, round(4 * node["global_motionblur"].value()))
        samples = [frame + index / (2 * count) for index in range(count)]
    for element, matrix, opacity in _elements(node["curves"].rootLayer, frame, list(np.eye(4).ravel()), 1.0):
        drawn = [_drawn(element, matrix, time, height, box, scale) for time in samples]
        coverage = np.mean(drawn, axis=0, dtype=np.float32) * np.float32(opacity)
        if weight is not None:
            coverage = coverage * weight.plane("rgba.alpha", x, y, width, height_px)
        mode = int(element.getAttributes().getValue(frame, "bm", STATE.views[0]))
        if mode in (0, 5):
            matte = matte + coverage - matte * coverage
        elif mode == 1:
            matte = np.maximum(matte, coverage)
        elif mode == 7:
            matte = matte + coverage
        elif mode == 12:
            matte = matte - coverage
        elif mode not in (2, 3, 4):
            raise RuntimeError(f"{node.fullName()}: the fake host has no blend mode {mode}")
    whole = ground.windowed(x, y, width, height_px)
    return replace(whole, planes={**whole.planes, "rgba.alpha": matte.astype(np.float32)})


def _elements(layer: Layer, frame: int, above: list[float], opacity: float) -> Any:
    """Yield the elements with their matrices and the opacity of their layers, which multiplies down the tree
    (attributes of a published 17.1 script)."""
    if not layer.getVisible(frame) or not _is_alive(layer.getAttributes(), frame):
        return
    opacity *= layer.getAttributes().getValue(frame, "opc", STATE.views[0])
    matrix = _product(above, layer.getTransform().evaluate(frame).getMatrix()._values)
    for child in layer:
        if isinstance(child, Layer):
            yield from _elements(child, frame, matrix, opacity)
        else:
            yield child, _product(matrix, child.getTransform().evaluate(frame).getMatrix()._values), opacity


def _drawn(element: Any, matrix: list[float], frame: int, height: int, box: Box, scale: float) -> Plane:
    attributes = element.getAttributes()
    value = {name: attributes.getValue(frame, name, STATE.views[0]) for name in ("vis", "opc")}
    alive = _is_alive(attributes, frame)
    nothing = np.zeros(box.shape, np.float32)
    if not value["vis"] or not alive or _is_open(element):
        return nothing
    if isinstance(element, Stroke):
        rows, columns = np.mgrid[box.y0 : box.y1, box.x0 : box.x1]
        for point in element:
            x, y = _moved(matrix, point.getPosition(frame))
            distance = np.hypot((columns + 0.5) / scale - x, (rows + 0.5) / scale - (height - y))
            nothing[distance <= element.brush_size_px / 2] = value["opc"]
        return nothing
    shape = _shape(element, matrix, frame, height)
    return rasterise([shape], box, scale)


def _is_alive(attributes: Any, frame: float) -> bool:
    kind, first, last = (attributes.getValue(frame, name, STATE.views[0]) for name in ("ltt", "ltn", "ltm"))
    return {1: frame <= last, 2: frame == first, 3: frame >= first}.get(
        int(kind), int(kind) == 0 or first <= frame <= last
    )


def _is_open(element: Any) -> bool:
    return isinstance(element, Shape) and (element.getFlag(5) or element.is_open)


def _moved(matrix: list[float], place: Any) -> tuple[float, float]:
    x, y, _, w = np.array(matrix).reshape(4, 4) @ (place.x, place.y, 0.0, 1.0)
    return float(x / w), float(y / w)


class _Place:
    def __init__(self, x: float, y: float) -> None:
        self.x, self.y = x, y


def _shape(element: Shape, matrix: list[float], frame: int, height: int) -> ShapeAtFrame:
    """Make every handle an absolute place, move it, and make it an offset again, unlike the exporter does
    it."""
    attributes = element.getAttributes()
    value = {
        name: attributes.getValue(frame, name, STATE.views[0])
        for name in ("opc", "inv", "fo", "fx", "fy", "ff")
    }
    rows: list[list[tuple[float, float]]] = []
    for point in element:
        center = point.center.getPosition(frame)
        feather = point.featherCenter.getPosition(frame)
        at_feather = _Place(center.x + feather.x * value["fo"], center.y + feather.y * value["fo"])
        places = [_Place(center.x, center.y)]
        for handle, base in (
            (point.leftTangent, center),
            (point.rightTangent, center),
            (None, center),
            (point.featherLeftTangent, at_feather),
            (point.featherRightTangent, at_feather),
        ):
            offset = feather if handle is None else handle.getPosition(frame)
            places.append(at_feather if handle is None else _Place(base.x + offset.x, base.y + offset.y))
        moved = [_moved(matrix, place) for place in places]
        base = moved[0]
        rows.append(
            [
                (base[0], height - base[1]),
                *((x - base[0], base[1] - y) for x, y in moved[1:4]),
                *((x - moved[3][0], moved[3][1] - y) for x, y in moved[4:]),
            ]
        )
    columns = np.array(rows, np.float64).reshape(-1, 6, 2)
    if not value["fo"]:
        columns[:, 3] = 0.0
        columns[:, 4:] = columns[:, 1:3]
    return ShapeAtFrame(
        name=element.name,
        points=BezierPoints(*(columns[:, index] for index in range(6))),
        opacity=float(value["opc"]),
        feather_x_px=float(value["fx"] * value["fo"]),
        feather_y_px=float(value["fy"] * value["fo"]),
        falloff=float(value["ff"]),
        inverted=bool(value["inv"]),
    )
