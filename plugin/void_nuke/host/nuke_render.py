"""Renders one frame through temporary nodes in Nuke."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import nuke

from void_nuke.errors import ExportCancelled, ExportError, HostBusyError
from void_nuke.host.host import FrameRender, RenderSource
from void_nuke.host.nuke_script import (
    ROTO_CURVES,
    as_node,
    curves_of,
    full_size,
    no_undo,
    node_of,
    unmodified,
)
from void_nuke.host.roto_export import CurveTypes, keep_only

_OF_SHAPES = (
    "toolbox", "toolbar", "brush", "source_", "clone", "stroke", "opacity", "color", "blending", "inverted",
    "visible", "locked", "feather", "lifetime", "motionblur", "view", "translate", "rotate", "scale", "skew",
    "center", "pivot", "transform", "openspline", "dirty", "points", "stereo", "reference_frame", "tracker",
    "pt",
)  # fmt: skip
"""How knobs begin that show the selected shapes, and change shapes when they are set."""
_OF_NODE = ("motionblur_mode",)
"""Knobs that begin like those but belong to the whole node."""
_OF_PLACE = frozenset(
    {
        "name", "label", "selected", "xpos", "ypos", "disable", "hide_input", "tile_color", "gl_color",
        "note_font", "note_font_size", "note_font_color", "icon", "cached", "dope_sheet", "bookmark",
        "postage_stamp", "postage_stamp_frame", "lifetimeStart", "lifetimeEnd", "useLifetime", "help",
        "onCreate", "onDestroy", "knobChanged", "updateUI", "autolabel", "panel", "indicators",
        "process_mask", "rootNodeUpdated",
    }
)  # fmt: skip
"""Knobs about where a node is and how it looks in the graph, which change no picture."""


def render_frame(
    render: FrameRender, types: CurveTypes, held: Callable[[], AbstractContextManager[None]]
) -> None:
    """Render one frame; see :meth:`void_nuke.host.host.Host.render_frame`. ``held`` keeps posted work
    back."""
    source = node_of(render.source.node)
    what = f"{render.source.node}, frame {render.frame}"
    at_full_size: AbstractContextManager[None] = full_size() if render.scale is None else nullcontext()
    if nuke.executing():
        raise HostBusyError(f"{what} cannot be rendered while Nuke renders something else")
    with held(), no_undo(), unmodified(), at_full_size, source.parent():
        size = node_of(render.source.format_of or render.source.node).format()
        temporary: list[nuke.Node] = []
        try:
            write = _Chain(temporary, types).write(source, size, render)
            nuke.execute(write, render.frame, render.frame, 1, views=[render.view])
        except RuntimeError as error:
            words = str(error).strip()
            if words.lower().startswith("cancel"):
                raise ExportCancelled("the export was cancelled; nothing was submitted") from error
            if "already executing" in words.lower():
                raise HostBusyError(f"{what} cannot be rendered while Nuke renders something else") from error
            raise ExportError(
                f"{what} cannot be rendered: {error}; repair the script, then press Retry"
            ) from error
        finally:
            for node in reversed(temporary):
                nuke.delete(node)
    if not Path(render.path).is_file():
        raise ExportError(
            f"{what} was rendered but {render.path} is not there; check the disk and its rights"
        )


class _Chain:
    """The temporary nodes of one frame. Every knob that matters is set, because a studio's defaults of knobs
    also hold for nodes that code makes."""

    def __init__(self, temporary: list[nuke.Node], types: CurveTypes) -> None:
        self._temporary = temporary
        self._types = types

    def write(self, source: nuke.Node, size: nuke.Format, render: FrameRender) -> nuke.Node:
        wanted = render.source
        picture = source
        if wanted.channel is not None:
            picture = self._matte(source, size, wanted)
        if render.scale is not None and render.scale != 1.0:
            # A Reformat makes the picture small; proxy mode would make every viewer compute its picture anew.
            small = self._made(nuke.nodes.Reformat())
            small.setInput(0, picture)
            small["type"].setValue("scale")
            small["scale"].setValue(render.scale)
            small["resize"].setValue("width")
            small["pbb"].setValue(False)
            picture = small
        write = self._made(nuke.nodes.Write())
        write.setInput(0, picture)
        for knob in (
            "file",
            "proxy",
        ):  # in proxy mode, which a picture for the panel leaves on, Nuke takes the second
            write[knob].setValue(Path(render.path).as_posix())
        write["file_type"].setValue("exr")  # the knobs of EXR are there from here on
        is_colour_only = wanted.channel is not None or render.scale is not None or _is_colour(source)
        channels = "alpha" if wanted.channel is not None else "all" if render.scale is None else "rgb"
        write["channels"].setValue(channels)
        # Other layers are measured to more than a half float holds: depth, positions, and Cryptomatte's
        # numbers of objects, which as halves name no object any more.
        write["datatype"].setValue("16 bit half" if is_colour_only else "32 bit float")
        write["compression"].setValue("Zip (1 scanline)")
        write["metadata"].setValue("all metadata except input/*")  # a Cryptomatte's names stand there
        write["raw"].setValue(True)
        write["autocrop"].setValue(False)
        return write

    def _matte(self, source: nuke.Node, size: nuke.Format, wanted: RenderSource) -> nuke.Node:
        ground = self._made(nuke.nodes.Constant())
        ground["channels"].setValue("rgba")
        ground["color"].setValue([0.0, 0.0, 0.0, 0.0])
        ground["format"].setValue(size)
        picture, channel = source, wanted.channel
        if wanted.elements is not None:
            picture = self._only(source, ground, wanted.elements)
        copy = self._made(nuke.nodes.Copy())
        copy.setInput(0, ground)
        copy.setInput(1, picture)
        copy["from0"].setValue(channel)
        copy["to0"].setValue("rgba.alpha")
        copy["bbox"].setValue("union")  # what is drawn outside the format counts where the plate has overscan
        return copy

    def _only(self, source: nuke.Node, ground: nuke.Node, elements: tuple[str, ...]) -> nuke.Node:
        """Return a copy of the roto node with only the wanted elements, over nothing, in its alpha."""
        copy = self._made(getattr(nuke.nodes, source.Class())())
        copy.setInput(0, self._under(source, ground))
        for index in range(1, source.inputs()):  # the mask, and what a RotoPaint reveals
            copy.setInput(index, source.input(index))
        copy_settings(source, copy)
        copy["output"].setValue("alpha")
        copy["premultiply"].setValue("none")
        # The knob's own text goes from one node of this host to another; it is not interpreted here.
        copy[ROTO_CURVES].fromScript(source[ROTO_CURVES].toScript())
        curves = curves_of(copy)
        keep_only(curves.rootLayer, self._types, elements)
        curves.changed()
        return copy

    def _under(self, source: nuke.Node, ground: nuke.Node) -> nuke.Node:
        """Return what lies under the copy: nothing, in the plate's format. A node that clips at its input's
        box gets its own input made black, which keeps that box."""
        own = source.input(0)
        if own is None or str(source["cliptype"].value()) not in ("bbox", "union"):
            return ground
        black = self._made(nuke.nodes.Expression())
        black.setInput(0, own)
        for index in range(4):
            black[f"expr{index}"].setValue("0")
        return black

    def _made(self, node: Any) -> nuke.Node:
        made = as_node(node)
        self._temporary.append(made)
        return made


def copy_settings(source: nuke.Node, copy: nuke.Node) -> None:
    """Copy the node's own knobs: clipping, motion blur, replacing and whatever else another release has.
    Those that differ are compared as text, so that a studio's defaults in the new node are overwritten
    too."""
    for name, knob in source.knobs().items():
        twin = copy.knob(name)
        if twin is None or name == ROTO_CURVES or name in _OF_PLACE:
            continue
        if name.startswith(_OF_SHAPES) and name not in _OF_NODE:
            continue
        text = knob.toScript()
        if text != twin.toScript():
            twin.fromScript(text)


def _is_colour(source: nuke.Node) -> bool:
    return all(name.partition(".")[0] == "rgba" for name in source.channels())
