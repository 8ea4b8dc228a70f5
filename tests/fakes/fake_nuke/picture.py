# The names are those of Nuke's own module.
"""Computes the pictures of nodes: planes of float32 with a format and a data window."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import OpenImageIO as oiio  # noqa: N813 - its documentation uses this name

from tests.fakes.fake_nuke.knobs import Double_Knob, Format
from tests.fakes.fake_nuke.planes import Picture, scaled
from tests.fakes.fake_nuke.roto_picture import roto_picture
from tests.fakes.fake_nuke.state import STATE

_TO_NUKE = {"R": "red", "G": "green", "B": "blue", "A": "alpha"}
_TO_FILE = {name: letter for letter, name in _TO_NUKE.items()}
_RGBA = ("rgba.red", "rgba.green", "rgba.blue", "rgba.alpha")


def evaluate(node: Any, frame: int, scale: float) -> Picture:
    """Compute the picture of a node at ``frame`` and ``scale``.

    Raises:
        RuntimeError: when it cannot, in the host's words and with the node's name.
    """
    if node is None:
        return _black(scaled(STATE.root["format"].value(), scale))
    if node["disable"].value() and node.Class() != "Read":
        return evaluate(node.input(0), frame, scale)
    made = _group if hasattr(node, "nodes") else _NODES.get(node.Class())
    if made is None:
        raise RuntimeError(f"{node.fullName()}: the fake host cannot render a {node.Class()}")
    return made(node, frame, scale)


def format_of(node: Any, scale: float) -> Format:
    kind = node.Class()
    if kind == "Reformat" and node["type"].value() != "to format" and not node["disable"].value():
        size = _box_of(node)
    elif kind in ("Constant", "CheckerBoard2", "Reformat"):
        size = node["format"].value() or STATE.root["format"].value()
    elif kind == "Read":
        size = node["format"].value() or _file_format(node)
    elif kind == "Crop" and node["reformat"].value():
        left, bottom, right, top = node["box"].value()
        size = Format(int(right - left), int(top - bottom))
    elif hasattr(node, "nodes"):
        output = next(inner for inner in node.nodes() if inner.Class() == "Output")
        return format_of(output, scale)
    else:
        source = node.input(0)
        return format_of(source, scale) if source is not None else scaled(STATE.root["format"].value(), scale)
    return scaled(size, scale)


def channels_of(node: Any) -> list[str]:
    if node.Class() == "Read":
        spec = _open(
            node, int(node["first"].value()), node["file"].evaluate() or node["proxy"].evaluate()
        ).spec()
        return [_nuke_name(name) for name in spec.channelnames]
    return sorted(evaluate(node, STATE.frame, 1.0).planes)


def _black(size: Format, channels: tuple[str, ...] = _RGBA) -> Picture:
    planes = {name: np.zeros((size.height(), size.width()), np.float32) for name in channels}
    return Picture(size, 0, 0, planes)


def _nuke_name(name: str) -> str:
    layer, _, channel = name.rpartition(".")
    return f"{layer or 'rgba'}.{_TO_NUKE.get(channel, channel)}"


def _file_name(name: str) -> str:
    layer, _, channel = name.rpartition(".")
    letter = _TO_FILE.get(channel, channel)
    return letter if layer in ("rgba", "") else f"{layer}.{letter}"


def _path(node: Any, pattern: str, frame: int) -> Path:
    from void_protocol.sequence import frame_path

    return frame_path(pattern, frame)


def _open(node: Any, frame: int, pattern: str) -> oiio.ImageBuf:
    path = _path(node, pattern, frame)
    buffer = oiio.ImageBuf(str(path))
    if not path.is_file() or not buffer.read(0, 0, True, oiio.FLOAT):
        raise RuntimeError(f"{node.fullName()}: {path}: no such file or no picture")
    return buffer


def _file_format(node: Any) -> Format:
    pattern = node["file"].evaluate() or node["proxy"].evaluate()
    if not pattern:
        return STATE.root["format"].value()
    spec = _open(node, int(node["first"].value()), pattern).spec()
    return Format(spec.full_width, spec.full_height, spec.get_float_attribute("PixelAspectRatio", 1.0))


def _read(node: Any, frame: int, scale: float) -> Picture:
    first, last = node["first"].value(), node["last"].value()
    if not first <= frame <= last:
        if node["before" if frame < first else "after"].value() == "black":
            return _black(format_of(node, scale))
        frame = min(max(frame, first), last)
    full, proxy = node["file"].evaluate(), node["proxy"].evaluate()
    pattern = (proxy or full) if scale != 1.0 else (full or proxy)
    buffer = _open(node, frame, pattern)
    spec = buffer.spec()
    wanted = format_of(node, scale)
    if (spec.full_width, spec.full_height) != (wanted.width(), wanted.height()):
        roi = oiio.ROI(0, wanted.width(), 0, wanted.height(), 0, 1, 0, spec.nchannels)
        buffer = oiio.ImageBufAlgo.resize(buffer, "triangle", 0.0, roi)
        spec = buffer.spec()
    pixels = np.asarray(buffer.get_pixels(oiio.FLOAT), np.float32)
    if not node["raw"].value() and "sRGB" in node["colorspace"].value():
        pixels = np.where(pixels <= 0.04045, pixels / 12.92, ((pixels + 0.055) / 1.055) ** 2.4)
    planes = {_nuke_name(name): pixels[..., index] for index, name in enumerate(spec.channelnames)}
    bottom = spec.full_y + spec.full_height - (spec.y + spec.height)
    return Picture(wanted, spec.x - spec.full_x, bottom, planes)


def _constant(node: Any, frame: int, scale: float) -> Picture:
    size = format_of(node, scale)
    planes = {
        name: np.full((size.height(), size.width()), value, np.float32)
        for name, value in zip(_RGBA, node["color"].value(), strict=True)
    }
    return Picture(size, 0, 0, planes)


def _checker(node: Any, frame: int, scale: float) -> Picture:
    size = format_of(node, scale)
    box = node["boxsize"].value() * scale
    rows, columns = np.mgrid[0 : size.height(), 0 : size.width()]
    board = ((rows // box + columns // box) % 2).astype(np.float32)
    values = (0.1 + 0.4 * board, 0.2 + 0.1 * board, 0.5 + 2.0 * board, np.ones_like(board))
    return Picture(size, 0, 0, {name: np.float32(value) for name, value in zip(_RGBA, values, strict=True)})


def _roto(node: Any, frame: int, scale: float) -> Picture:
    source = node.input(0)
    size = STATE.root["format"].value() if source is None else format_of(source, 1.0)
    mask = node.input(node.maxInputs() - 1)
    weight = None if mask is None else evaluate(mask, frame, scale)
    return roto_picture(node, evaluate(source, frame, scale), weight, frame, scale, size.height())


def _crop(node: Any, frame: int, scale: float) -> Picture:
    source = evaluate(node.input(0), frame, scale)
    left, bottom, right, top = (round(edge * scale) for edge in node["box"].value())
    picture = source.windowed(left, bottom, right - left, top - bottom)
    if node["reformat"].value():
        return replace(
            picture, x=0, y=0, format=Format(right - left, top - bottom, source.format.pixelAspect())
        )
    return picture


def _box_of(node: Any) -> Format:
    source = format_of(node.input(0), 1.0) if node.input(0) is not None else STATE.root["format"].value()
    if node["type"].value() == "scale":
        factor = node["scale"].value()
        return Format(round(source.width() * factor), round(source.height() * factor), source.pixelAspect())
    return Format(
        *(int(node[name].value()) for name in ("box_width", "box_height")), node["box_pixel_aspect"].value()
    )


def _reformat(node: Any, frame: int, scale: float) -> Picture:
    source = evaluate(node.input(0), frame, scale)
    size = format_of(node, scale)
    if node["resize"].value() == "none":
        dx, dy = (size.width() - source.format.width()) // 2, (size.height() - source.format.height()) // 2
        return replace(source, x=source.x + dx, y=source.y + dy, format=size)
    whole = source.windowed(0, 0, source.format.width(), source.format.height())
    rows = (np.arange(size.height()) * source.format.height() // size.height()).astype(int)
    columns = (np.arange(size.width()) * source.format.width() // size.width()).astype(int)
    return Picture(size, 0, 0, {name: plane[np.ix_(rows, columns)] for name, plane in whole.planes.items()})


def _union(*pictures: Picture) -> tuple[int, int, int, int]:
    x, y = min(picture.x for picture in pictures), min(picture.y for picture in pictures)
    right = max(picture.x + picture.size[1] for picture in pictures)
    return x, y, right - x, max(picture.top for picture in pictures) - y


def _merge(node: Any, frame: int, scale: float) -> Picture:
    below, above = evaluate(node.input(0), frame, scale), evaluate(node.input(1), frame, scale)
    window = _union(below, above)
    cover = above.plane("rgba.alpha", *window)
    operations: dict[str, Any] = {
        "over": lambda a, b: a + b * (1 - cover),
        "plus": np.add,
        "difference": lambda a, b: np.abs(a - b),
        "max": np.maximum,
        "min": np.minimum,
        "multiply": np.multiply,
        "minus": np.subtract,
        "screen": lambda a, b: a + b - a * b,
    }
    operation = operations[node["operation"].value()]
    names = [name for name in _RGBA if name in above.planes or name in below.planes]
    planes = {name: operation(above.plane(name, *window), below.plane(name, *window)) for name in names}
    return Picture(below.format, window[0], window[1], {**below.windowed(*window).planes, **planes})


def _keymix(node: Any, frame: int, scale: float) -> Picture:
    below, above = evaluate(node.input(0), frame, scale), evaluate(node.input(1), frame, scale)
    mask = evaluate(node.input(2), frame, scale) if node.input(2) is not None else above
    window = _union(below, above)
    weight = mask.plane(node["maskChannel"].value(), *window) * node["mix"].value()
    planes = {
        name: below.plane(name, *window) * (1 - weight) + above.plane(name, *window) * weight
        for name in below.planes
    }
    return Picture(below.format, window[0], window[1], planes)


def _copy(node: Any, frame: int, scale: float) -> Picture:
    below, above = evaluate(node.input(0), frame, scale), evaluate(node.input(1), frame, scale)
    window = _union(below, above)
    planes = dict(below.windowed(*window).planes)
    for index in range(4):
        source, target = node[f"from{index}"].value(), node[f"to{index}"].value()
        if "none" not in (source, target):
            if source not in above.planes:
                raise RuntimeError(f"{node.fullName()}: no channel {source} in its A input")
            planes[target] = above.plane(source, *window)
    return Picture(below.format, window[0], window[1], planes)


def _multiply(node: Any, frame: int, scale: float) -> Picture:
    source = evaluate(node.input(0), frame, scale)
    factor = np.float32(node["value"].value())
    return replace(source, planes={name: plane * factor for name, plane in source.planes.items()})


def _switch(node: Any, frame: int, scale: float) -> Picture:
    return evaluate(node.input(int(node["which"].value())), frame, scale)


def _pass(node: Any, frame: int, scale: float) -> Picture:
    if node.input(0) is None:
        raise RuntimeError(f"{node.fullName()}: input 0 is not connected")
    return evaluate(node.input(0), frame, scale)


def _group(node: Any, frame: int, scale: float) -> Picture:
    output = next(inner for inner in node.nodes() if inner.Class() == "Output")
    return evaluate(output, frame, scale)


def _input(node: Any, frame: int, scale: float) -> Picture:
    group = node.parent()
    return evaluate(group.input(node["number"].value()), frame, scale)


def _shuffle(node: Any, frame: int, scale: float) -> Picture:
    source = evaluate(node.input(0), frame, scale)
    names = {"black": 0.0, "white": 1.0}
    own = "rgba" if node["in"].value() == "alpha" else node["in"].value()
    window = (source.x, source.y, source.size[1], source.size[0])
    planes = dict(source.planes)
    for channel in ("red", "green", "blue", "alpha"):
        wanted = node[channel].value()
        plane = source.plane(f"{own}.{wanted}", *window)
        planes[f"rgba.{channel}"] = np.full_like(plane, names[wanted]) if wanted in names else plane
    return replace(source, planes=planes)


def _expression(node: Any, frame: int, scale: float) -> Picture:
    """Compute expressions that Python reads as Nuke does; an empty one leaves its channel as it is."""
    source = evaluate(node.input(0), frame, scale)
    rows, columns = np.mgrid[0 : source.size[0], 0 : source.size[1]]
    names: dict[str, Any] = {
        "x": (columns + source.x) / scale,
        "y": (source.size[0] - 1 - rows + source.y) / scale,
        "width": source.format.width() / scale,
        "height": source.format.height() / scale,
        **{name[0]: source.planes.get(f"rgba.{name}", 0.0) for name in ("red", "green", "blue", "alpha")},
        **{knob.name(): knob.value() for knob in node.knobs().values() if isinstance(knob, Double_Knob)},
    }
    planes = dict(source.planes)
    for index, name in enumerate(_RGBA):
        text = node[f"expr{index}"].value()
        if text:
            made = eval(text, {"__builtins__": {}}, names)
            planes[name] = np.broadcast_to(np.float32(made), source.size).astype(np.float32)
    return replace(source, planes=planes)


def _offset(node: Any, frame: int, scale: float) -> Picture:
    return evaluate(node.input(0), frame - int(node["time_offset"].value()), scale)


def _retime(node: Any, frame: int, scale: float) -> Picture:
    """Play the input's range over the output's."""
    ranges = [node[f"{side}.{end}"].value() for side in ("output", "input") for end in ("first", "last")]
    share = (frame - ranges[0]) / max(1.0, ranges[1] - ranges[0])
    return evaluate(node.input(0), round(ranges[2] + share * (ranges[3] - ranges[2])) or frame, scale)


def _hold(node: Any, frame: int, scale: float) -> Picture:
    return evaluate(node.input(0), int(node["first_frame"].value()), scale)


_NODES: dict[str, Any] = {
    "Read": _read, "Constant": _constant, "CheckerBoard2": _checker, "Roto": _roto, "RotoPaint": _roto,
    "Crop": _crop, "Reformat": _reformat, "Merge2": _merge, "Keymix": _keymix, "Copy": _copy,
    "Multiply": _multiply, "Switch": _switch, "Dot": _pass, "NoOp": _pass, "Write": _pass, "Output": _pass,
    "Group": _group, "Input": _input, "Shuffle": _shuffle, "Expression": _expression, "TimeOffset": _offset,
    "FrameHold": _hold, "FrameRange": _pass, "Retime": _retime, "JoinViews": _pass,
}  # fmt: skip


def write(node: Any, frame: int, scale: float) -> None:
    """Write one frame as the Write node says, first under a temporary name."""
    picture = _pass(node, frame, scale)
    # In proxy mode a Write takes its proxy path, where it has one.
    is_proxy = scale != 1.0 and bool(node["proxy"].evaluate())
    path = _path(node, node["proxy" if is_proxy else "file"].evaluate(), frame)
    if node["file_type"].value() != "exr":
        raise RuntimeError(f"{node.fullName()}: the fake host writes EXR only")
    if not path.parent.is_dir():
        if not node["create_directories"].value():
            raise RuntimeError(f"{node.fullName()}: can't write to {path}: no such directory")
        path.parent.mkdir(parents=True)
    names = _written(node["channels"].value(), picture)
    data = np.stack([picture.planes.get(name, np.zeros(picture.size, np.float32)) for name in names], axis=2)
    kind = oiio.HALF if node["datatype"].value() == "16 bit half" else oiio.FLOAT
    if kind == oiio.HALF:
        data = np.clip(data, -65504.0, 65504.0)
    height, width = picture.size
    spec = oiio.ImageSpec(width, height, len(names), kind)
    spec.x, spec.y = picture.x, picture.format.height() - picture.top
    spec.full_width, spec.full_height = picture.format.width(), picture.format.height()
    spec.channelnames = tuple(_file_name(name) for name in names)
    spec.attribute("compression", "zips")
    spec.attribute("PixelAspectRatio", float(picture.format.pixelAspect()))
    temporary = path.with_name(f"{path.name}.tmp.exr")
    output = oiio.ImageOutput.create(str(temporary))
    if output is None or not (
        output.open(str(temporary), spec) and output.write_image(data) and output.close()
    ):
        raise RuntimeError(f"{node.fullName()}: can't write to {temporary}: {oiio.geterror()}")
    temporary.replace(path)


def _written(channels: str, picture: Picture) -> list[str]:
    sets = {"rgb": _RGBA[:3], "rgba": _RGBA, "alpha": _RGBA[3:]}
    if channels == "all":
        order = {name: index for index, name in enumerate(_RGBA)}
        return sorted(picture.planes, key=lambda name: (order.get(name, math.inf), name))
    if channels not in sets:
        raise RuntimeError(f"channels {channels!r} are not known")
    return list(sets[channels])
