"""Whole removals on every kind of plate that docs/plates.md lists: what comes in, what goes out, what is
kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.unit.void_engine.plates.exr.test_encoding import part as make_part
from tests.unit.void_engine.plates.exr.test_encoding import stored, write_parts
from tests.unit.void_engine.removal_case import FIRST, PaintingEngine, RecordingMonitor, make_request, square
from void_engine.errors import PlateError
from void_engine.plates.exr.file import read_header
from void_engine.removal import run_removal
from void_engine.shot import ReplacementLook

Part = Callable[[], Any]
"""Makes the description of a part. OpenImageIO's own objects must not live as long as a module."""
_RGB = ("R", "G", "B")
_BEAUTY = ("beauty.R", "beauty.G", "beauty.B")


def part(name: str, channels: str, kind: str = "half", **attributes: Any) -> Part:
    return lambda: make_part(name, channels, kind, **attributes)


@pytest.fixture
def files() -> Iterator[ExitStack]:
    with ExitStack() as held:
        yield held


def _removed(
    folder: Path, files: ExitStack, *parts: Part, layers: str = "clean matte", **wanted: Any
) -> tuple[Path, Path, list[str]]:
    """Remove a square from a plate of one frame, and return the plate, the result and what was logged."""
    path = write_parts(folder / f"plate.{FIRST}.exr", *(part() for part in parts))
    request = make_request(
        files,
        str(folder / "plate.%04d.exr"),
        folder / "out",
        shapes={"remove": lambda number: [square(4, 2, 8, 5)]},
        layers=frozenset(layers.split()),
        last=FIRST,
        look=ReplacementLook(growth_px=0.0, softness_px=0.0),
        **wanted,
    )
    monitor = RecordingMonitor()
    run_removal(request, PaintingEngine(), monitor)
    return path, folder / "out" / f"result.{FIRST}.exr", monitor.lines


def _differences(before: Path, after: Path) -> tuple[set[str], set[str]]:
    """Which channels of a file have changed, and which have come, each as ``part:channel``."""
    changed: set[str] = set()
    added: set[str] = set()
    parts = stored(before), stored(after)
    assert [part[:2] for part in parts[0]] == [part[:2] for part in parts[1]]
    for (name, _, own, window), (_, _, theirs, other) in zip(*parts, strict=True):
        assert window == other
        assert own.keys() <= theirs.keys()
        changed |= {f"{name}:{channel}" for channel in own if own[channel] != theirs[channel]}
        added |= {f"{name}:{channel}" for channel in theirs.keys() - own.keys()}
    return changed, added


def _named(part: str, *channels: str) -> set[str]:
    return {f"{part}:{channel}" for channel in channels}


_OURS = ("clean.R", "clean.G", "clean.B", "matte.A")
_RIGHT = ("clean.right.R", "clean.right.G", "clean.right.B", "matte.right.A")
_HERO = part("", "R G B depth.Z right.R right.G right.B right.depth.Z", multiView=("left", "right"))
_EYES = (
    part("rgba_left", "R G B A", view="left"),
    part("rgba_right", "R G B A", view="right"),
    part("depth_right", "Z", "float", view="right"),
)


@pytest.mark.parametrize(
    ("parts", "wanted", "changed", "added"),
    [
        ((_HERO,), {}, _named("", *_RGB), _named("", *_OURS)),
        ((_HERO,), {"view": "left"}, _named("", *_RGB), _named("", *_OURS)),
        ((_HERO,), {"view": "right"}, _named("", "right.R", "right.G", "right.B"), _named("", *_RIGHT)),
        (_EYES, {"view": "right"}, _named("rgba_right", *_RGB), _named("rgba_right", *_OURS)),
        (_EYES, {}, _named("rgba_left", *_RGB), _named("rgba_left", *_OURS)),
        ((part("N", "R G B"), part("rgba", "R G B A")), {}, _named("rgba", *_RGB), _named("rgba", *_OURS)),
        ((part("N", "R G B"), part("C", "R G B")), {}, _named("C", *_RGB), _named("C", *_OURS)),
        ((part("N", "R G B"), part("d", "R G B")), {"layer": "d"}, _named("d", *_RGB), _named("d", *_OURS)),
        ((part("N", "R G B"), part("d", "R G B")), {"layer": "N"}, _named("N", *_RGB), _named("N", *_OURS)),
        ((part("", "beauty.R beauty.G beauty.B"),), {}, _named("", *_BEAUTY), _named("", *_OURS)),
        ((part("", "é.R é.G é.B A"),), {}, _named("", *(f"é.{one}" for one in _RGB)), _named("", *_OURS)),
        ((part("", "R r G g B b"),), {}, _named("", *_RGB), _named("", *_OURS)),
        (
            (part("", "R G B clean.R clean.G clean.B matte.A"),),
            {},
            _named("", *_RGB),
            _named("", "clean_2.R", "clean_2.G", "clean_2.B", "matte_2.A"),
        ),
        (
            (part("", "R G B clean.R clean.G clean.B"),),
            {"layer": "clean"},
            _named("", "clean.R", "clean.G", "clean.B"),
            _named("", "clean_2.R", "clean_2.G", "clean_2.B", "matte_2.A"),
        ),
    ],
)  # fmt: skip
def test_only_the_picture_that_is_meant_changes(
    tmp_path: Path, files: ExitStack, parts: Any, wanted: Any, changed: set[str], added: set[str]
) -> None:
    before, after, _ = _removed(tmp_path, files, *parts, **wanted)
    assert _differences(before, after) == (changed, added)


@pytest.mark.parametrize(
    ("parts", "wanted", "words"),
    [
        ((_HERO,), {"view": "nonsense"}, "no view 'nonsense', only left, right"),
        (_EYES, {"view": "main", "layer": "spec"}, "the layer 'spec' has no red, green and blue"),
        ((part("N", "R G B"), part("albedo", "R G B")), {}, "several layers could be the picture: N, albedo"),
        ((part("", "a.R a.G a.B b.R b.G b.B"),), {}, "several layers could be the picture: a, b"),
    ],
)
def test_what_cannot_be_told_is_refused_before_any_work(
    tmp_path: Path, files: ExitStack, parts: Any, wanted: Any, words: str
) -> None:
    with pytest.raises(PlateError, match=words):
        _removed(tmp_path, files, *parts, **wanted)
    assert not (tmp_path / "out").exists()


def test_the_choice_of_a_view_and_kept_layers_are_told(tmp_path: Path, files: ExitStack) -> None:
    _, after, lines = _removed(tmp_path, files, _HERO, view="right")
    assert not any("views" in line for line in lines)
    assert read_header(after, FIRST).metadata["void/view"] == "right"
    assert read_header(after, FIRST).metadata["multiView"] == ("left", "right")
    (tmp_path / "b").mkdir()
    _, after, lines = _removed(tmp_path / "b", files, part("", "R G B matte.A"))
    told = "the plate's own layers matte are kept; this removal's are clean_2, matte_2"
    assert told in lines
    assert read_header(after, FIRST).metadata["void/layers"] == "clean_2, matte_2"


def test_a_second_removal_does_not_speak_for_the_first(tmp_path: Path, files: ExitStack) -> None:
    _, first, _ = _removed(tmp_path, files, part("", "R G B"))
    assert read_header(first, FIRST).metadata["void/paint"] == "wet"
    again = make_request(
        files,
        str(first.parent / "result.%04d.exr"),
        tmp_path / "second",
        shapes={"remove": lambda number: [square(1, 1, 3, 3)]},
        layers=frozenset({"matte"}),
        last=FIRST,
    )
    engine = PaintingEngine(record={})
    run_removal(again, engine, RecordingMonitor())
    result = read_header(tmp_path / "second" / f"result.{FIRST}.exr", FIRST)
    assert result.metadata["void/layers"] == "matte_2"
    assert "void/paint" not in result.metadata, "it is the first removal's"
    assert {"clean.R", "matte.A", "matte_2.A"} <= set(result.channel_names)


@pytest.mark.parametrize("layers", ["", "clean matte"])
def test_an_aces_container_is_delivered(tmp_path: Path, files: ExitStack, layers: str) -> None:
    plate = part("", "R G B", acesImageContainerFlag=1, compression="none")
    before, after, lines = _removed(tmp_path, files, plate, layers=layers)
    assert _differences(before, after) == (_named("", *_RGB), _named("", *(_OURS if layers else ())))
    result = read_header(after, FIRST)
    assert ("acesImageContainerFlag" in result.metadata, result.compression) == (
        (False, "zip") if layers else (True, "none")
    )
    assert any(("plain EXR" if layers else "so is the result") in line for line in lines)
