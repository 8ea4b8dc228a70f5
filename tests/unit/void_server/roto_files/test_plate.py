"""The Read above a roto node: through what it is found, and what stands in the way."""

from __future__ import annotations

import numpy as np
import pytest

from void_server.roto_files.errors import RotoFileError
from void_server.roto_files.plate import FoundPlate, Size, find_plate, placed_on_plate
from void_server.roto_files.script import read_script

READ = """Read {
 inputs 0
 file /shots/plate.%04d.exr
 format "2048 1556 0 0 2048 1556 1 2K"
 first 1001
 last 1040
 name Read1
KNOBS}
"""
ROTO = "Roto {\n name Roto1\n}\n"


def found(between: str = "", *, knobs: str = "", root: str = "", read: str = READ) -> FoundPlate:
    script = read_script((root + read.replace("KNOBS", knobs) + between + ROTO).encode(), "s.nk")
    (roto,) = (node for node in script.nodes if node.name == "Roto1")
    return find_plate(script, roto, "s.nk")


def node(kind: str, knobs: str = "") -> str:
    return f"{kind} {{\n{knobs} name {kind}7\n}}\n"


def test_the_read_says_path_range_colour_space_and_format() -> None:
    plate = found(knobs=' colorspace "ACES - ACEScg"\n')
    assert (plate.pattern, plate.first, plate.last) == ("/shots/plate.%04d.exr", 1001, 1040)
    assert (plate.read, plate.colour_space, plate.format) == ("Read1", "ACES - ACEScg", Size(2048, 1556, 1.0))


@pytest.mark.parametrize(
    ("knobs", "expected"),
    [
        (" colorspace default\n", None),
        (' colorspace "default (ACEScg)"\n', "ACEScg"),
        (" raw true\n colorspace sRGB\n", None),
    ],
)
def test_colour_spaces_lose_the_decoration(knobs: str, expected: str | None) -> None:
    assert found(knobs=knobs).colour_space == expected


def test_what_leaves_the_picture_in_its_place_is_passed_and_colours_are_named() -> None:
    other = "set N1 [stack 0]\nConstant {\n inputs 0\n}\npush $N1\nMerge2 {\n inputs 2\n name M\n}\n"
    plate = found(
        "Dot {\n}\n" + other + node("Grade") + node("Shuffle2") + node("Transform", " disable true\n")
    )
    assert (plate.read, plate.passed) == ("Read1", ("Grade7",))


def test_a_group_is_entered_from_its_inside() -> None:
    text = READ.replace("KNOBS", "") + (
        "Group {\n name G\n}\n Input {\n  inputs 0\n  name Input1\n }\n Roto {\n  name Inner\n }\nend_group\n"
    )
    script = read_script(text.encode(), "s.nk")
    (roto,) = (node for node in script.nodes if node.path == "G.Inner")
    assert find_plate(script, roto, "s.nk").read == "Read1"


@pytest.mark.parametrize(
    ("between", "words"),
    [
        (node("TimeOffset"), "TimeOffset7.*in time"),
        (node("Retime"), "Retime7.*in time"),
        (node("Transform"), "Transform7.*moves or bends"),
        (node("Crop", " reformat true\n"), "Crop7.*moves or bends"),
        (node("Switch", " which {{frame>5}}\n"), "Switch7.*frame>5"),
        (node("StudioGizmo"), "StudioGizmo7.*does not say"),
        ("push 0\n", "nothing feeds Roto1"),
        (node("Constant", " inputs 0\n"), r"fed by Constant7 \(Constant\), which is no Read"),
        (node("Reformat", " format HD_1080\n"), "Reformat7.*no format"),
    ],
)
def test_what_cannot_be_followed_is_refused_by_its_name(between: str, words: str) -> None:
    with pytest.raises(RotoFileError, match=words):
        placed_on_plate(found(between), Size(2048, 1556), "s.nk")


@pytest.mark.parametrize(
    ("knobs", "offset"),
    [
        ("", 0),
        (' frame_mode "start at"\n frame 1\n', -1000),
        (" frame_mode offset\n frame 100\n", -100),
    ],
)
def test_a_read_that_shifts_its_frames_is_followed(knobs: str, offset: int) -> None:
    assert found(knobs=knobs).frame_offset == offset


@pytest.mark.parametrize(
    ("read", "root", "words"),
    [
        (READ.replace("KNOBS", " frame {{frame*2}}\n"), "", r"Read1 moves its frames"),
        (READ.replace("/shots/plate", "[getenv SHOT]/plate"), "", r"Read1 has an expression"),
        (
            READ.replace("/shots/", ""),
            "Root {\n project_directory {[python nuke.x]}\n}\n",
            "project directory",
        ),
        (READ.replace(" file /shots/plate.%04d.exr\n", ""), "", "names no file"),
        (READ.replace("/shots/plate.%04d.exr", "{{/l.%04d.exr} {/r.%04d.exr}}"), "", "not one path but"),
    ],
)
def test_what_only_the_host_could_evaluate_is_refused(read: str, root: str, words: str) -> None:
    with pytest.raises(RotoFileError, match=words):
        found(read=read.replace("KNOBS", ""), root=root)


def test_a_relative_path_starts_from_the_project_directory() -> None:
    plate = found(
        read=READ.replace("/shots/", "").replace("KNOBS", ""), root="Root {\n project_directory /p\n}\n"
    )
    assert plate.pattern == "/p/plate.%04d.exr"


def test_a_reformat_to_the_plates_own_format_moves_nothing() -> None:
    plate = found(node("Reformat", ' format "2048 1556 0 0 2048 1556 1 2K"\n'))
    np.testing.assert_allclose(placed_on_plate(plate, Size(2048, 1556), "s.nk"), np.eye(3), atol=1e-12)


@pytest.mark.parametrize(
    ("knobs", "shown", "plate"),
    [
        # The middle stays the middle, whatever the resize.
        (' format "1024 700 0 0 1024 700 1 a"\n resize fit\n', (512.0, 350.0), (1024.0, 778.0)),
        # By width, half the size; the rest of the height is cut away evenly.
        (' format "1024 700 0 0 1024 700 1 a"\n', (0.0, 0.0), (0.0, 78.0)),
        (' format "1024 700 0 0 1024 700 1 a"\n resize none\n', (0.0, 0.0), (512.0, 428.0)),
        (' format "1024 700 0 0 1024 700 1 a"\n resize none\n center false\n', (7.0, 9.0), (7.0, 9.0)),
        (' format "1024 389 0 0 1024 389 1 a"\n resize distort\n', (1024.0, 389.0), (2048.0, 1556.0)),
        (" type scale\n scale 0.5\n", (512.0, 389.0), (1024.0, 778.0)),
        # Pixels twice as wide: the picture keeps its proportions.
        (' format "1024 1556 0 0 1024 1556 2 a"\n', (1024.0, 1556.0), (2048.0, 1556.0)),
    ],
)
def test_a_reformat_is_undone(knobs: str, shown: tuple[float, float], plate: tuple[float, float]) -> None:
    placed = placed_on_plate(found(node("Reformat", knobs)), Size(2048, 1556), "s.nk")
    np.testing.assert_allclose((placed @ (*shown, 1.0))[:2], plate, atol=1e-9)


@pytest.mark.parametrize(
    ("own", "expected"), [("", (2048, 1556)), (' format "640 480 0 0 640 480 1 x"\n', (640, 480))]
)
def test_a_read_without_a_format_has_the_scripts(own: str, expected: tuple[int, int]) -> None:
    root = 'Root {\n format "2048 1556 0 0 2048 1556 1 2K_Super_35"\n}\n'
    read = f"Read {{\n inputs 0\n file /p/a.%04d.exr\n{own}}}\n"
    script = read_script(f"{root}{read}Roto {{\n name Roto1\n}}\n".encode(), "shot.nk")
    found = find_plate(script, script.nodes[-1], "shot.nk").format
    assert found is not None
    assert (found.width, found.height) == expected
