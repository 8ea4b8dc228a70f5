"""Writes curves as Nuke writes them into a script, read off public scripts and Foundry's NDK guide ("Roto
serialisation format"): float32 in hexadecimal, keys with slopes, only what is not default."""

from __future__ import annotations

import struct
from typing import Any

_GROUP_FLAGS, _STROKE_FLAGS, _RELATIVE, _OPEN = 512, 2080, 1 << 13, 0x100020
_ALWAYS = "osw x41200000 osf 0 str 1"


def number(value: float) -> str:
    """Write a number: small whole ones in decimal, others as the bits of a float32."""
    if value == 0:
        return "0"
    if value == 1:
        return "1"
    return f"x{struct.pack('>f', value).hex()}"


def element_text(element: Any, indent: int = 3) -> str:
    """Write a layer, shape or stroke with all that is in it."""
    lead = " " * indent
    if hasattr(element, "brush_size_px"):
        points = "\n".join(f"{lead}  {_pair((point._x, point._y), None, '1')}" for point in element)
        inside = f"{{cc\n{lead}  {{f {_STROKE_FLAGS}}}\n{lead}  {{p\n{points}}}}}"
        head = f"{{cubiccurve {_name(element)} 512 catmullrom\n{lead} {inside}"
    elif hasattr(element, "curve_kind"):
        words = f"curvegroup {_name(element)} {_GROUP_FLAGS} {element.curve_kind}"
        head = f"{{{words}\n{lead} {{{_curves(element, lead)}}}"
    else:
        children = "".join(f"\n{lead} {element_text(child, indent + 1)}" for child in element)
        return (
            f"{{layer {_name(element)}\n{lead} {{f 2097152}}\n{lead} {_transform(element)}\n"
            f"{lead} {_attributes(element)}{children}}}"
        )
    return f"{head}\n{lead} {_transform(element)}\n{lead} {_attributes(element, _ALWAYS)}}}"


def tree_text(root: Any) -> str:
    """Write the value of a curve knob."""
    return f"{{{{v x3f99999a}}\n  {{f 0}}\n  {{n\n   {element_text(root)}}}}}"


def _name(element: Any) -> str:
    plain = element.name.replace("\\", "\\\\").replace('"', '\\"')
    return plain if plain and not set(plain) & set(' {}"\\[]$;') else f'"{plain}"'


def _curves(shape: Any, lead: str) -> str:
    flags = _RELATIVE | (_OPEN if shape.is_open else 0)
    if shape.curve_kind == "bspline":
        outer = [[point.center._x, point.center._y] for point in shape]
        inner = [[point.featherCenter._x, point.featherCenter._y] for point in shape]
    else:
        outer = [
            [member._x, member._y]
            for point in shape
            for member in (point.leftTangent, point.center, point.rightTangent)
        ]
        inner = [
            [member._x, member._y]
            for point in shape
            for member in (point.featherLeftTangent, point.featherCenter, point.featherRightTangent)
        ]
    return f"{_curve(outer, flags, lead)}\n{lead}  {_curve(inner, flags, lead)}"


def _curve(pairs: list[list[Any]], flags: int, lead: str) -> str:
    tracks = [track for pair in pairs for track in pair]
    times = tracks[0].times if tracks else []
    shared = times if times and all(track.times == times for track in tracks) else None
    written = "".join(f"\n{lead}    {_pair(pair, shared)}" for pair in pairs)
    head = "p"
    if shared is not None:
        listed = " ".join(map(number, shared))
        head = f"px {listed}" if len(shared) == 1 else f"px\n{lead}    {{{listed}}}"
    return f"{{cc\n{lead}   {{f {flags}}}\n{lead}   {{{head}{written}}}}}"


def _pair(pair: Any, times: list[float] | None, more: str = "") -> str:
    x, y = (_component(track, times) for track in pair)
    if (x, y, more) == ("0", "0", ""):
        return "{}" if times is None else "{0 0}"
    return "{" + " ".join(part for part in (x, y, more) if part) + "}"


def _component(track: Any, times: list[float] | None) -> str:
    if not track.times:
        return number(track.constant)
    if times is None:
        return _animated(track)
    if len(times) == 1:
        return number(track.values[0])
    if len(set(track.values)) == 1:
        return f"{{{{{number(track.values[0])} -}}}}"
    return "{" + "\n".join("{" + _key(track, index) + "}" for index in range(len(times))) + "}"


def _animated(track: Any) -> str:
    if not track.times:
        return number(track.constant)
    keys = (f"{{{number(time)} {_key(track, index)}}}" for index, time in enumerate(track.times))
    return "{" + "\n".join(keys) + "}"


def _key(track: Any, index: int) -> str:
    left, right = track.slopes(index)
    value = number(track.values[index])
    return f"{value} -" if not left and not right else f"{value} {number(left)} 1 {number(right)} 1"


def _transform(element: Any) -> str:
    tracks = element._transform._tracks.of("main")
    zero = type(tracks["pivot"][0])(0.0)
    one = type(zero)(1.0)
    parts = [
        *tracks["pivot"],
        zero,
        *tracks["translation"],
        zero,
        zero,
        zero,
        tracks["rotation"][0],
        *tracks["scale"],
        one,
    ]
    extra = element._transform._extra
    if extra is not None:
        parts += [zero] * 7 + [type(zero)(value) for value in extra]
    else:
        neutral = ["0"] * 9 + ["1"] * 3
        while len(parts) > 2 and _animated(parts[-1]) == neutral[len(parts) - 1]:
            parts.pop()
    return "{t " + " ".join(map(_animated, parts)) + "}"


def _attributes(element: Any, more: str = "") -> str:
    attributes = element._attributes
    changed = [
        f"{name} {_animated(track)}"
        for name, track in ((name, views.of("main")) for name, views in attributes._tracks.items())
        if track.times or track.constant != attributes.defaults.get(name)
    ]
    return "{a" + "".join(f" {text}" for text in [*changed, *([more] if more else [])]) + "}"
