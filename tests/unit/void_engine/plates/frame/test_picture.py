from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import OpenImageIO as oiio  # noqa: N813
import pytest

from void_engine.errors import PlateError
from void_engine.plates.frame.frame import Frame
from void_engine.plates.frame.header import FrameHeader
from void_engine.plates.frame.parts import PartLayout
from void_engine.plates.frame.picture import channel_in_view, resolve_picture, shown


def _header(channels: str, views: str = "") -> FrameHeader:
    names = channels.split()
    frame = Frame.from_pixels(7, names, np.zeros((2, 3, len(names)), np.float16))
    return replace(frame.header, views=tuple(views.split()))


@pytest.mark.parametrize(
    ("channels", "views", "view", "layer", "found"),
    [
        ("R G B A", "", "main", "", "R G B"),
        ("R G B A", "", "left", "", "R G B"),  # files without views show the one that the job is for
        ("r g b R G B", "", "main", "", "R G B"),
        ("R G B r g b", "", "main", "", "R G B"),
        ("red green blue", "", "main", "", "red green blue"),
        ("beauty.R beauty.G beauty.B N.R N.G N.B", "", "main", "", "beauty.R beauty.G beauty.B"),
        ("N.R N.G N.B C.R C.G C.B albedo.R albedo.G albedo.B", "", "main", "", "C.R C.G C.B"),
        ("rgba.R rgba.G rgba.B beauty.R beauty.G beauty.B", "", "main", "", "rgba.R rgba.G rgba.B"),
        ("N.R N.G N.B V.C.R V.C.G V.C.B", "", "main", "", "V.C.R V.C.G V.C.B"),
        ("R G B N.R N.G N.B", "", "main", "N", "N.R N.G N.B"),
        ("R G B", "", "main", "rgba", "R G B"),
        ("R G B right.R right.G right.B", "left right", "main", "", "R G B"),
        ("R G B right.R right.G right.B", "left right", "right", "", "right.R right.G right.B"),
        ("R G B right.R right.G right.B", "", "right", "", "right.R right.G right.B"),
        ("R G B a.right.R a.right.G a.right.B", "left right", "right", "a", "a.right.R a.right.G a.right.B"),
        ("R G B right.a.R right.a.G right.a.B", "left right", "right", "a", "right.a.R right.a.G right.a.B"),
        ("R G B A", "left right", "right", "", "R G B"),  # a file of one view whose header lists both
        ("Y", "", "main", "", "Y Y Y"),
        ("Z", "", "main", "", "Z Z Z"),
    ],
)  # fmt: skip
def test_finds_the_picture(channels: str, views: str, view: str, layer: str, found: str) -> None:
    assert resolve_picture(_header(channels, views), view, layer).rgb == tuple(found.split())


@pytest.mark.parametrize(
    ("channels", "views", "view", "layer", "words"),
    [
        ("N.R N.G N.B a.R a.G a.B", "", "main", "", "several layers could be the picture: N, a"),
        ("R G B N.x N.y N.z", "", "main", "N", "the layer 'N' has no red, green and blue"),
        ("R G B a.R a.G a.B", "", "main", "b", "the layer 'b' .*the layers a have colours.*--layer"),
        ("A Z", "", "main", "", "the main layer has no red, green and blue; the file's channels are A, Z"),
        ("R G B right.R right.G right.B", "left right", "no", "", "no view 'no', only left, right.*--view"),
        ("R G B right.Z", "left right", "right", "x", "the layer 'x' has no"),
    ],
)  # fmt: skip
def test_refuses_what_could_mean_two_things_and_says_what_there_is(
    channels: str, views: str, view: str, layer: str, words: str
) -> None:
    with pytest.raises(PlateError, match=words):
        resolve_picture(_header(channels, views), view, layer)


def test_says_which_view_is_taken_where_nobody_said() -> None:
    header = _header("R G B right.R right.G right.B", "left right")
    (note,) = resolve_picture(header).notes
    assert "left, right, of which 'left'" in note
    assert resolve_picture(header, "right").notes == ()
    assert resolve_picture(_header("R G B")).notes == ()


@pytest.mark.parametrize(
    ("channels", "added", "own"),
    [
        ("R G B", "clean matte", ""),
        ("R G B matte.A", "clean_2 matte_2", "matte"),
        ("R G B clean.R matte.A clean_2.R matte_2.A", "clean_3 matte_3", "clean, clean_2, matte"),
        ("R G B model.R", "clean_2 matte_2", "model"),
        ("R G B cleanup.A mattes.A models.R", "clean matte", ""),
    ],
)  # fmt: skip
def test_the_plates_own_layers_keep_their_names(channels: str, added: str, own: str) -> None:
    picture = resolve_picture(_header(channels))
    assert [picture.added("clean"), picture.added("matte")] == added.split()
    told = picture.told_of({"clean", "matte"})
    assert (own in told and "are kept" in told) if own else told == ""
    assert picture.told_of(()) == ""


def test_layers_of_a_second_view_bear_its_name_as_the_format_has_it() -> None:
    header = _header("R G B right.R right.G right.B matte.right.A", "left right")
    assert resolve_picture(header, "right").added("matte") == "matte_2.right"
    assert resolve_picture(header, "left").added("matte") == "matte"


def _of_parts(*parts: tuple[str, str, Mapping[str, str]]) -> FrameHeader:
    names = " ".join(name for _, _, own in parts for name in own)
    header = _header(names)
    layouts = tuple(
        PartLayout(
            layer, view, f"{view}." if view == "right" else "", own, header.data_window, oiio.ImageSpec()
        )
        for layer, view, own in parts
    )
    return replace(header, parts=layouts, views=tuple(dict.fromkeys(view for _, view, _ in parts if view)))


def test_a_part_is_a_layer_by_its_name() -> None:
    header = _of_parts(
        ("N", "", {name: name for name in "RGB"}), ("albedo", "", {f"albedo.{name}": name for name in "RGB"})
    )
    with pytest.raises(PlateError, match="several layers could be the picture: N, albedo"):
        resolve_picture(header)
    assert resolve_picture(header, layer="N").rgb == ("R", "G", "B")
    assert resolve_picture(header, layer="albedo").rgb == ("albedo.R", "albedo.G", "albedo.B")


def test_a_part_of_a_view_takes_its_layers_with_it() -> None:
    header = _of_parts(
        ("", "left", {name: name for name in "RGB"}), ("", "right", {f"right.{name}": name for name in "RGB"})
    )
    right = resolve_picture(header, "right")
    assert right.rgb == ("right.R", "right.G", "right.B")
    assert right.added("clean") == "right.clean"


@pytest.mark.parametrize(
    ("channels", "views", "channel", "view", "found"),
    [
        ("A right.A", "left right", "A", "right", "right.A"),
        ("A right.A", "left right", "A", "left", "A"),
        ("A right.A", "left right", "right.A", "left", "right.A"),
        ("roto.A roto.right.A", "left right", "roto.A", "right", "roto.right.A"),
        ("A", "", "A", "right", "A"),
        ("A right.A", "left right", "B", "right", "B"),
    ],
)
def test_a_mattes_channel_is_that_of_the_view(
    channels: str, views: str, channel: str, view: str, found: str
) -> None:
    assert channel_in_view(_header(channels, views), channel, view) == found


def test_a_layer_whose_name_is_not_utf8_is_shown_and_chosen_by_its_escape() -> None:
    names = [f"caf\udce9.{component}" for component in "RGB"]
    header = _header(" ".join(["A", *names]))
    assert shown("caf\udce9") == "caf\\xe9"
    assert resolve_picture(header, layer="caf\\xe9").rgb == tuple(names)
    with pytest.raises(PlateError, match=r"caf\\xe9") as caught:
        resolve_picture(header, layer="no")
    str(caught.value).encode()


@pytest.mark.parametrize(("view", "layer"), [("main", "other"), ("nobody", ""), ("main", "")])
def test_names_in_a_refusal_give_no_orders_to_a_terminal(view: str, layer: str) -> None:
    names = [f"{hostile}.{colour}" for hostile in ("a\x1b[2Jb", "c\u202ed") for colour in "RGB"]
    frame = Frame.from_pixels(7, names, np.zeros((2, 3, len(names)), np.float16))
    header = replace(frame.header, views=("left", "right\x9b2J"))
    with pytest.raises(PlateError) as failure:
        resolve_picture(header, view, layer)
    assert str(failure.value).isprintable()
