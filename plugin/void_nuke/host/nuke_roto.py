"""Makes Roto nodes of shapes that were baked elsewhere."""

from __future__ import annotations

import nuke
import nuke.rotopaint as rp

from void_nuke.host.nuke_results import place_beside
from void_nuke.host.nuke_script import as_node, curves_of, in_root, no_undo, node_of, one_step
from void_protocol.job import RotoShape


def add_roto(name: str, beside: str) -> str:
    """Make an empty Roto over a node; see :meth:`void_nuke.host.host.Host.add_roto`."""
    with in_root(), one_step("VOID roto"):
        plate = nuke.toNode(beside)
        node = as_node(nuke.nodes.Roto())
        node.setName(name)
        # A studio's defaults may say otherwise, and a plate may bring an alpha of its own.
        node["output"].setValue("alpha")
        node["replace"].setValue(True)
        outermost = nuke.toNode(beside.partition(".")[0])
        if plate is not None and outermost is not None and plate.fullName() == outermost.fullName():
            node.setInput(0, plate)
        place_beside(node, outermost)
        return str(node.fullName())


def add_roto_shape(name: str, shape: RotoShape) -> None:
    """Add a shape with a key on every frame; see :meth:`void_nuke.host.host.Host.add_roto_shape`."""
    curves = curves_of(node_of(name))
    with no_undo():
        made = rp.Shape(curves)
        made.name = shape.name
        # A shape is copied when it is added to its layer, so all keys are set before.
        for index in range(len(shape.frames[0].points)):
            made.append(_point(shape, index))
        curves.rootLayer.append(made)
        curves.changed()


def _point(shape: RotoShape, index: int) -> rp.ShapeControlPoint:
    point = rp.ShapeControlPoint()
    for at in shape.frames:
        here = at.points[index]
        if at.visible:
            point.center.addPositionKey(at.frame, (here.x, here.y))
            point.leftTangent.addPositionKey(at.frame, (here.left_x, here.left_y))
            point.rightTangent.addPositionKey(at.frame, (here.right_x, here.right_y))
        else:  # drawn into one point, the shape covers nothing, whatever its attributes
            first = at.points[0]
            point.center.addPositionKey(at.frame, (first.x, first.y))
            point.leftTangent.addPositionKey(at.frame, (0.0, 0.0))
            point.rightTangent.addPositionKey(at.frame, (0.0, 0.0))
    return point
