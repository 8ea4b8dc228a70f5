"""Classes and knobs of real nodes: what the fake, the adapter and the gizmos are held against.

``dump`` is a published dump of the nodes and knobs of Nuke 17.0v3. ``scripts`` are public Nuke scripts and
gizmos, in which a knob's name stands in the order in which Nuke writes it; ``foundry`` is Foundry's own
source that it publishes (``nukescripts``, the example writers of the NDK). Knobs that nothing here touches
are left out."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class RealNode:
    """What is known of a class of nodes."""

    inputs: int
    """How many inputs it takes, the mask included."""
    knobs: tuple[str, ...]
    """Names of knobs in the order in which a script holds them."""
    source: str


COMMON = ("name", "label", "selected", "xpos", "ypos", "disable", "postage_stamp", "hide_input", "tile_color")
"""Knobs that every node has; a script writes them after the node's own. Source: scripts."""

_MASKED = ("maskChannelInput", "inject", "invert_mask", "fringe", "mix")

REAL: dict[str, RealNode] = {
    # The node shown as "KeyMix" has the class Keymix: 587 of them in public scripts, none with a large M.
    "Keymix": RealNode(3, ("channels", "maskChannel", "invertMask", "mix", "bbox"), "dump, scripts"),
    "Read": RealNode(
        0,
        (
            "file_type", "file", "proxy", "reload", "localizationPolicy", "format", "proxy_format", "first",
            "before", "last", "after", "frame_mode", "frame", "origfirst", "origlast", "origset", "on_error",
            "colorspace", "premultiplied", "raw", "auto_alpha",
        ),
        "dump, scripts",
    ),
    # The knobs after file_type exist only once file_type is set.
    "Write": RealNode(
        1,
        (
            "channels", "file", "proxy", "colorspace", "raw", "file_type", "create_directories", "autocrop",
            "datatype", "compression", "metadata",
        ),
        "dump, scripts, foundry",
    ),
    "Constant": RealNode(1, ("channels", "color", "format"), "dump"),
    "CheckerBoard2": RealNode(1, ("format", "boxsize"), "scripts"),
    # Roto has a background and a mask, RotoPaint four backgrounds and a mask.
    "Roto": RealNode(
        2,
        (
            "output", "premultiply", "cliptype", "replace", "curves", "toolbox", "opacity", "feather",
            "feather_type", "lifetime_type", "lifetime_start", "lifetime_end", "view", "motionblur",
            "motionblur_on", "motionblur_shutter", "motionblur_shutter_offset_type", "motionblur_mode",
            "global_motionblur", "format",
        ),
        "dump, scripts",
    ),
    "RotoPaint": RealNode(
        5,
        (
            "output", "premultiply", "cliptype", "replace", "curves", "toolbox", "opacity", "feather",
            "feather_type", "lifetime_type", "lifetime_start", "lifetime_end", "view", "motionblur",
            "motionblur_on", "motionblur_shutter", "motionblur_shutter_offset_type", "motionblur_mode",
            "global_motionblur", "format",
        ),
        "dump, scripts",
    ),
    "Crop": RealNode(2, ("box", "reformat", "crop"), "scripts"),
    "Reformat": RealNode(
        1,
        (
            "type", "format", "box_width", "box_height", "box_fixed", "box_pixel_aspect", "scale", "resize",
            "center", "filter", "black_outside", "pbb",
        ),
        "scripts, foundry",
    ),
    "Merge2": RealNode(3, ("operation", "bbox", *_MASKED), "scripts"),
    "Copy": RealNode(
        3,
        (*(f"{side}{index}" for index in range(4) for side in ("from", "to")), "bbox", *_MASKED),
        "scripts",
    ),
    "Shuffle": RealNode(1, ("in", "in2", "red", "green", "blue", "alpha", "out"), "scripts"),
    "Expression": RealNode(
        1,
        (
            *(f"temp_{part}{index}" for index in range(4) for part in ("name", "expr")),
            *(f"{part}{index}" for index in range(4) for part in ("channel", "expr")),
        ),
        "scripts",
    ),
    "Multiply": RealNode(2, ("channels", "value", *_MASKED), "scripts"),
    "Switch": RealNode(100, ("which",), "scripts"),
    "JoinViews": RealNode(100, ("viewassoc",), "scripts"),
    "TimeOffset": RealNode(1, ("time_offset", "time"), "scripts"),
    "FrameHold": RealNode(1, ("first_frame", "increment"), "scripts"),
    "FrameRange": RealNode(1, ("first_frame", "last_frame", "time"), "scripts"),
    "Retime": RealNode(1, ("input.first", "input.last", "output.first", "output.last", "time"), "scripts"),
    "Dot": RealNode(1, (), "scripts"),
    "NoOp": RealNode(1, (), "scripts"),
    "Viewer": RealNode(10, ("frame_range", "frame_range_lock"), "scripts"),
    "Group": RealNode(10, (), "scripts"),
    "Gizmo": RealNode(10, ("inputs", "help"), "scripts"),
    "Input": RealNode(0, ("number",), "scripts"),
    "Output": RealNode(1, (), "scripts"),
    "Root": RealNode(
        0,
        (
            "first_frame", "last_frame", "format", "proxy", "proxy_type", "proxy_scale", "proxy_format",
            "colorManagement", "workingSpaceLUT", "views",
        ),
        "scripts, foundry",
    ),
}  # fmt: skip

SHOWN_OF_SHAPES = frozenset(
    {
        "toolbox", "opacity", "feather", "feather_type", "lifetime_type", "lifetime_start", "lifetime_end",
        "view", "motionblur", "motionblur_on", "motionblur_shutter", "motionblur_shutter_offset_type",
    }
)  # fmt: skip
"""Knobs of a Roto node that show the selected shapes and change them when they are set. Source: scripts."""
EXR_KNOBS = frozenset({"autocrop", "datatype", "compression", "metadata"})
"""Knobs of a Write that appear when ``file_type`` is set to exr. Source: facts of public scripts."""
METADATA = (
    "no metadata",
    "default metadata",
    "default metadata and exr/*",
    "all metadata except input/*",
    "all metadata",
)
"""What a Write's ``metadata`` takes. Source: foundry, the example writer of the NDK."""
