"""Numbers, keys and expressions as Nuke writes them into the curves of a roto node.

Foundry's NDK guide ("Roto serialisation format") has the numbers and the parts of a key; the rest is read off
public scripts. A number is decimal or ``x`` and the eight hexadecimal digits of a float32. A key is
``{time value}``, with ``-`` for level slopes or with ``left-slope left-reach right-slope right-reach``; a key
whose value is left out repeats the one before. ``{x N item}`` stands for N items, ``{r {{key N}}}`` for a
run of N keys one frame apart. A point's components have their times before them, once for all, and a single
item stands for all of them. A key without slopes is joined straight to its neighbours: its handles have no
length.
"""

from __future__ import annotations

import math
import re
import struct
from collections.abc import Iterator

from void_server.roto_files.animation import Key, Track, keyed
from void_server.roto_files.errors import NotCarried
from void_server.roto_files.tcl import Tree

_SHORT_HEX = re.compile(r"x[0-9a-fA-F]{1,7}")
_MOST_KEYS = 1_000_000
_float32 = struct.Struct(">f")


def number(text: Tree) -> float:
    """Return a number.

    Raises:
        NotCarried: when ``text`` is none, or is not finite.
    """
    if not isinstance(text, str):
        raise NotCarried("a list where a number is expected")
    value: float
    if len(text) == 9 and text[0] == "x" and text[1:].isalnum():
        try:
            (value,) = _float32.unpack(bytes.fromhex(text[1:]))
        except ValueError:
            raise NotCarried(f"no number ({text})") from None
    elif _SHORT_HEX.fullmatch(text):
        (value,) = _float32.unpack(bytes.fromhex(text[1:].rjust(8, "0")))
    else:
        try:
            value = float(text)
        except ValueError:
            raise NotCarried(
                f"an expression ({text[:40]})" if text[:1] == "=" else f"no number ({text[:40]})"
            ) from None
    if not math.isfinite(value):
        raise NotCarried(f"a number that is not finite ({text[:40]})")
    return value


def component(tree: Tree, times: list[float] | None) -> Track:
    """Return one component of a point.

    Args:
        tree: a number, or the items of its keys.
        times: the times of the keys, or None for a point that stands still.

    Raises:
        NotCarried: when it is an expression or cannot be understood.
    """
    if isinstance(tree, str):
        return number(tree)
    _refuse_expression(tree)
    if times is None:
        return animated(tree)
    items = list(_repeated(tree, len(times)))
    if not items:
        return 0.0
    if len(items) == 1:
        return _key(0.0, _listed(items[0])).value
    if len(items) != len(times):
        raise NotCarried(f"{len(items)} values for {len(times)} keys")
    return keyed([_key(time, _listed(item)) for time, item in zip(times, items, strict=True)])


def animated(tree: Tree) -> Track:
    """Return a number whose keys bring their own times: of a transform or an attribute.

    Raises:
        NotCarried: when it is an expression or cannot be understood.
    """
    if isinstance(tree, str):
        return number(tree)
    _refuse_expression(tree)
    keys: list[Key] = []
    value: Tree | None = None
    for time, item in _timed(tree):
        if item:
            value = item[0]
        if value is None:
            raise NotCarried("a key without a value")
        keys.append(_key(time, [value, *item[1:]]))
        if len(keys) > _MOST_KEYS:
            raise NotCarried("too many keys")
    return keyed(keys)


def _timed(tree: list[Tree]) -> Iterator[tuple[float, list[Tree]]]:
    if tree[:1] == ["r"] and len(tree) == 2:
        yield from _run(tree[1])
        return
    for item in tree:
        if not isinstance(item, list) or not item:
            raise NotCarried("a key without a time")
        if item[0] == "r" and len(item) == 2:
            yield from _run(item[1])
        else:
            yield number(item[0]), item[1:]


def _run(runs: Tree) -> Iterator[tuple[float, list[Tree]]]:
    if not isinstance(runs, list):
        raise NotCarried("a run of keys that cannot be understood")
    for run in runs:
        if not isinstance(run, list) or len(run) != 2 or not isinstance(run[0], list) or len(run[0]) < 2:
            raise NotCarried("a run of keys that cannot be understood")
        first = number(run[0][0])
        for step in range(_count(run[1])):
            yield first + step, run[0][1:]


def _count(text: Tree) -> int:
    count = number(text)
    if count != int(count) or not 0 <= count <= _MOST_KEYS:
        raise NotCarried("a number of repetitions that cannot be")
    return int(count)


def _repeated(tree: list[Tree], most: int) -> Iterator[Tree]:
    """Yield the items of a component with its repetitions, a few more than ``most`` at the longest."""
    for item in tree:
        if isinstance(item, list) and len(item) == 3 and item[0] == "x":
            for _ in range(min(_count(item[1]), most + 1)):
                yield item[2]
        else:
            yield item


def _listed(item: Tree) -> list[Tree]:
    return item if isinstance(item, list) else [item]


def _key(time: float, item: list[Tree]) -> Key:
    """Return a key of a value and what follows it."""
    _refuse_expression(item)
    if not item:
        raise NotCarried("a key without a value")
    value, rest = number(item[0]), item[1:]
    if not rest:
        return Key(time, value, left_reach=0.0, right_reach=0.0)
    if rest == ["-"]:
        return Key(time, value)
    if len(rest) == 4:
        left, left_reach, right, right_reach = map(number, rest)
        return Key(time, value, left, right, left_reach, right_reach)
    raise NotCarried("keys of a kind of interpolation that is not known")


def _refuse_expression(tree: list[Tree]) -> None:
    if tree and isinstance(tree[0], str) and tree[0].startswith("="):
        raise NotCarried(f"an expression ({tree[0][:40]})")
