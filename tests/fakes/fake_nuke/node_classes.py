# The names are those of Nuke's own module.
"""The knobs of the fake's nodes, by class, with the values that real ones take."""

from __future__ import annotations

from collections.abc import Callable

from tests.fakes.fake_nuke.curves import CurveKnob
from tests.fakes.fake_nuke.knobs import (
    Array_Knob,
    Boolean_Knob,
    Channel_Knob,
    Double_Knob,
    Enumeration_Knob,
    EvalString_Knob,
    File_Knob,
    FileType_Knob,
    Format_Knob,
    Int_Knob,
    Knob,
    ReloadKnob,
    ShownOfShapesKnob,
    String_Knob,
)
from tests.fakes.fake_nuke.real_nodes import METADATA

COLOUR_SPACES = ["default (scene_linear)", "scene_linear", "ACES - ACEScg", "Output - sRGB", "sRGB"]
_COMPRESSIONS = ["none", "Zip (1 scanline)", "Zip (16 scanlines)", "PIZ Wavelet (32 scanlines)", "DWAA"]
_POLICIES = ["on", "fromAutoLocalizePath", "onDemand", "off"]
_CLIPS = ["none", "bbox", "format", "union"]


def _read_knobs() -> list[Knob]:
    return [
        File_Knob("file"),
        File_Knob("proxy"),
        ReloadKnob("reload"),
        Enumeration_Knob("localizationPolicy", "", _POLICIES, "fromAutoLocalizePath"),
        Format_Knob("format"),
        Format_Knob("proxy_format"),
        *(Int_Knob(name, "", 1) for name in ("first", "last", "origfirst", "origlast")),
        Boolean_Knob("origset"),
        *(Enumeration_Knob(name, "", ["hold", "loop", "bounce", "black"]) for name in ("before", "after")),
        Enumeration_Knob("frame_mode", "", ["expression", "start at", "offset"]),
        String_Knob("frame"),
        Enumeration_Knob("colorspace", "", COLOUR_SPACES),
        Boolean_Knob("raw"),
        Enumeration_Knob("on_error", "", ["error", "black", "checkerboard", "nearest frame"]),
        Boolean_Knob("auto_alpha"),
        Enumeration_Knob("file_type", "", ["", "exr", "mov"]),
    ]


def _write_knobs() -> list[Knob]:
    return [
        File_Knob("file"),
        File_Knob("proxy"),
        FileType_Knob("file_type", "", ["", "exr", "tiff"], exr_knobs),
        Channel_Knob("channels", "", "rgb"),
        Boolean_Knob("create_directories"),
        Enumeration_Knob("colorspace", "", COLOUR_SPACES),
        Boolean_Knob("raw"),
    ]


def exr_knobs() -> list[Knob]:
    """Make the knobs that a Write gets with its ``file_type``."""
    return [
        Boolean_Knob("autocrop"),
        Enumeration_Knob("datatype", "", ["16 bit half", "32 bit float"]),
        Enumeration_Knob("compression", "", _COMPRESSIONS),
        Enumeration_Knob("metadata", "", list(METADATA), "default metadata"),
    ]


def _constant_knobs() -> list[Knob]:
    return [Channel_Knob("channels", "", "rgb"), Array_Knob("color", 4), Format_Knob("format")]


def _checker_knobs() -> list[Knob]:
    return [Double_Knob("boxsize", "", 8.0), Format_Knob("format")]


def _roto_knobs() -> list[Knob]:
    return [
        Channel_Knob("output", "", "alpha"),
        Channel_Knob("premultiply", "", "none"),
        Enumeration_Knob("cliptype", "", _CLIPS, "format"),
        Boolean_Knob("replace"),
        CurveKnob("curves"),
        ShownOfShapesKnob("opacity", "opc", 1.0),
        ShownOfShapesKnob("lifetime_start", "ltn", 1.0),
        Enumeration_Knob("motionblur_mode", "", ["shape", "global"]),
        Double_Knob("global_motionblur", "", 1.0),
        Format_Knob("format"),
    ]


def _copy_knobs() -> list[Knob]:
    pairs = [Channel_Knob(f"{side}{index}", "", "none") for index in range(4) for side in ("from", "to")]
    return [*pairs, Enumeration_Knob("bbox", "", ["union", "A", "B", "intersection"])]


def _reformat_knobs() -> list[Knob]:
    return [
        Enumeration_Knob("type", "", ["to format", "to box", "scale"]),
        Format_Knob("format"),
        Int_Knob("box_width", "", 200),
        Int_Knob("box_height", "", 200),
        Boolean_Knob("box_fixed"),
        Double_Knob("box_pixel_aspect", "", 1.0),
        Double_Knob("scale", "", 1.0),
        Enumeration_Knob("resize", "", ["none", "width", "height", "fit", "fill", "distort"], "width"),
        Boolean_Knob("pbb"),
    ]


def _expression_knobs() -> list[Knob]:
    own = [f"temp_{part}{index}" for index in range(4) for part in ("name", "expr")]
    return [EvalString_Knob(name) for name in (*own, *(f"expr{index}" for index in range(4)))]


_MERGES = ["over", "plus", "difference", "max", "min", "multiply", "minus", "screen"]


def _shuffle_knobs() -> list[Knob]:
    sources = ["red", "green", "blue", "alpha", "black", "white"]
    outputs = [Enumeration_Knob(name, "", sources, name) for name in ("red", "green", "blue", "alpha")]
    return [Channel_Knob("in", "", "rgba"), *outputs]


def _keymix_knobs() -> list[Knob]:
    return [
        Channel_Knob("channels", "", "all"),
        Channel_Knob("maskChannel", "", "rgba.alpha"),
        Boolean_Knob("invertMask"),
        Double_Knob("mix", "", 1.0),
        Enumeration_Knob("bbox", "", ["union", "A", "B"]),
    ]


def _retime_knobs() -> list[Knob]:
    names = ("input.first", "input.last", "output.first", "output.last")
    return [*(Double_Knob(name) for name in names)]


KNOBS: dict[str, Callable[[], list[Knob]]] = {
    "Read": _read_knobs,
    "Write": _write_knobs,
    "Constant": _constant_knobs,
    "CheckerBoard2": _checker_knobs,
    "Roto": _roto_knobs,
    "RotoPaint": _roto_knobs,
    "Crop": lambda: [Array_Knob("box", 4), Boolean_Knob("reformat"), Boolean_Knob("crop", "", True)],
    "Reformat": _reformat_knobs,
    "Merge2": lambda: [Enumeration_Knob("operation", "", _MERGES), Double_Knob("mix", "", 1.0)],
    "Keymix": _keymix_knobs,
    "Copy": _copy_knobs,
    "Shuffle": _shuffle_knobs,
    "Expression": _expression_knobs,
    "Multiply": lambda: [Double_Knob("value", "", 1.0)],
    "Switch": lambda: [Double_Knob("which")],
    "JoinViews": list,
    "TimeOffset": lambda: [Int_Knob("time_offset")],
    "FrameHold": lambda: [Int_Knob("first_frame"), Int_Knob("increment")],
    "FrameRange": lambda: [Int_Knob("first_frame"), Int_Knob("last_frame")],
    "Retime": _retime_knobs,
    "Dot": list,
    "NoOp": list,
    "Viewer": lambda: [String_Knob("frame_range", "", ""), Boolean_Knob("frame_range_lock")],
    "Group": list,
    "Gizmo": list,
    "Input": lambda: [Int_Knob("number")],
    "Output": list,
}
