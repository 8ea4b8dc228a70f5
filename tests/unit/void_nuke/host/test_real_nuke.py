"""What is known of a real Nuke and stands in docs/nuke.md: the fake obeys it, and the adapter lives with
it."""

from __future__ import annotations

import ast
import importlib
import threading
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import OpenImageIO as oiio  # noqa: N813 - its customary name
import pytest

import void_nuke
from tests.fakes.fake_nuke import real_nodes
from tests.fakes.fake_nuke.node_classes import KNOBS, exr_knobs
from tests.fakes.fake_nuke.state import STATE
from tests.fakes.nuke_session import fresh_nuke, polygon, turn_until

fresh_nuke()
nuke_host = importlib.import_module("void_nuke.host.nuke_host")
nuke_render = importlib.import_module("void_nuke.host.nuke_render")
from tests.unit.void_engine.plates.exr.test_encoding import part, write_parts  # noqa: E402
from void_nuke.errors import HostBusyError, SelectionError  # noqa: E402
from void_nuke.export.export import export_removal  # noqa: E402
from void_nuke.export.pick import AnchorChoice, RemovalPick  # noqa: E402
from void_nuke.host.host import FrameRange, FrameRender, ReadBack, RenderSource  # noqa: E402

HOST = Path(void_nuke.__file__).parent / "host"
ADAPTERS = sorted([*HOST.glob("nuke_*.py"), HOST / "comparison.py", HOST / "read_knobs.py"])
EDGE = [(-20.0, 10.0), (20.0, 10.0), (20.0, 40.0), (-20.0, 40.0)]
"""A shape that reaches 20 pixels out of the format."""


@pytest.fixture
def nuke() -> ModuleType:
    made = fresh_nuke()
    made.nodes.CheckerBoard2(name="Board")
    roto = made.nodes.Roto(name="Roto1")
    polygon("ball", EDGE, roto["curves"].rootLayer)
    return made


def matte(folder: Path, frame: int = 1, **changes: Any) -> Any:
    """Render the marked shape's matte, and return its picture."""
    path = folder / f"matte.{frame:04d}.exr"
    source = RenderSource("Roto1", ("Root/ball",), channel="rgba.alpha", format_of="Board")
    nuke_host.NukeHost().render_frame(FrameRender(source, str(path), frame, "main", **changes))
    return oiio.ImageBuf(str(path))


def plate_exr(folder: Path, channels: tuple[str, ...] = ("R", "G", "B", "A")) -> Path:
    spec = oiio.ImageSpec(96, 64, len(channels), oiio.FLOAT)
    spec.channelnames = channels
    path = folder / "plate.0001.exr"
    output = oiio.ImageOutput.create(str(path))
    output.open(str(path), spec)
    output.write_image(np.full((64, 96, len(channels)), 2049.0, np.float32))
    output.close()
    return path


def back(folder: Path, job: str = "j", **changes: Any) -> ReadBack:
    pattern = str(folder / "plate.%04d.exr")
    given = {"pattern": pattern, "colour_space": "raw", "compare": True, "beside": "Board", **changes}
    return ReadBack(label="x", frames=FrameRange(1, 1), job_id=job, **given)


def read_of(nuke: ModuleType, path: Path, name: str = "Plate") -> Any:
    read = nuke.nodes.Read(name=name)
    read["file"].setValue(path.as_posix().replace(".0001.", ".%04d."))
    return read


# --- classes and knobs


def test_the_fake_has_no_class_and_no_knob_that_a_real_nuke_has_not() -> None:
    assert set(KNOBS) <= set(real_nodes.REAL)
    for node_class, knobs in KNOBS.items():
        own = [*knobs(), *(exr_knobs() if node_class == "Write" else ())]
        names = {knob.name() for knob in own}
        assert names <= {*real_nodes.REAL[node_class].knobs, *real_nodes.COMMON}, node_class


def test_code_makes_and_sets_only_what_a_real_nuke_has() -> None:
    every = {*real_nodes.COMMON, *(name for node in real_nodes.REAL.values() for name in node.knobs)}
    made, touched = set(), set()
    for path in ADAPTERS:
        for node in ast.walk(ast.parse(path.read_text())):
            owner = node.value if isinstance(node, ast.Attribute) else None
            if isinstance(owner, ast.Attribute | ast.Name) and ast.unparse(owner) in ("nuke.nodes", "nodes"):
                made.add(node.attr)  # type: ignore[attr-defined]
            if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant):
                touched.add(node.slice.value)
    assert {"Keymix", "Write", "Copy"} <= made <= set(real_nodes.REAL)
    names = {one for one in touched if isinstance(one, str)} - {"wipe", "void_job_id"}
    assert {"cliptype", "maskChannel", "file_type"} <= names <= every


def test_a_class_that_only_the_menu_knows_does_not_exist(nuke: ModuleType) -> None:
    with pytest.raises(RuntimeError, match="Unknown command"):
        nuke.createNode("KeyMix")


def test_exr_knobs_appear_with_the_file_type(nuke: ModuleType) -> None:
    write = nuke.nodes.Write()
    with pytest.raises(NameError):
        write["datatype"]
    write["file_type"].setValue("exr")
    assert write["datatype"].value() == "16 bit half"


# --- rendering


def test_a_matte_has_what_lies_outside_the_format_where_the_node_does_not_clip(
    nuke: ModuleType, tmp_path: Path
) -> None:
    clipped = matte(tmp_path).spec()
    assert (clipped.x, clipped.width) == (0, 96)
    nuke.toNode("Roto1")["cliptype"].setValue("none")
    whole = matte(tmp_path)
    assert whole.spec().x <= -20
    assert whole.getpixel(-10, 40)[0] == pytest.approx(1.0)
    assert (whole.spec().full_x, whole.spec().full_width) == (0, 96), "the format is the plate's"


def test_a_node_that_clips_at_its_input_keeps_that_box(nuke: ModuleType, tmp_path: Path) -> None:
    wider = nuke.nodes.Crop(name="Wider")
    wider.setInput(0, nuke.toNode("Board"))
    wider["box"].setValue([-12.0, 0.0, 96.0, 64.0])
    roto = nuke.toNode("Roto1")
    roto.setInput(0, wider)
    roto["cliptype"].setValue("bbox")
    picture = matte(tmp_path)
    assert picture.spec().x == -12
    assert picture.getpixel(-6, 40)[0] == pytest.approx(1.0)
    assert picture.getpixel(60, 40)[0] == 0.0, "the input's own alpha is no matte"


def test_the_nodes_own_settings_come_along_and_those_of_its_shapes_are_left(
    nuke: ModuleType, tmp_path: Path
) -> None:
    roto = nuke.toNode("Roto1")
    ball = roto["curves"].rootLayer[0]
    for point in ball:
        place = point.center.getPosition(1)
        point.center.addPositionKey(1, (place.x, place.y))
        point.center.addPositionKey(2, (place.x + 60.0, place.y))
    sharp = matte(tmp_path).getpixel(24, 40)[0]
    roto["motionblur_mode"].setValue("global")
    blurred = matte(tmp_path).getpixel(24, 40)[0]
    assert (sharp, 0.0 < blurred < 1.0) == (0.0, True)
    # This knob shows the selected shapes: set on the copy, it would change them all.
    roto["opacity"]._value = 0.25
    assert matte(tmp_path).getpixel(10, 40)[0] == pytest.approx(1.0)


def test_a_mask_on_the_roto_node_counts(nuke: ModuleType, tmp_path: Path) -> None:
    mask = nuke.nodes.Constant(name="Mask")
    mask["channels"].setValue("rgba")
    mask["color"].setValue([0.0, 0.0, 0.0, 0.5])
    nuke.toNode("Roto1").setInput(1, mask)
    assert matte(tmp_path).getpixel(10, 40)[0] == pytest.approx(0.5)


def test_a_rotopaint_in_a_group_keeps_its_own_mask_and_class(nuke: ModuleType, tmp_path: Path) -> None:
    """A RotoPaint has four backgrounds before its mask, and its names are those inside the Group."""
    group = nuke.nodes.Group(name="Group1")
    with group:
        mask = nuke.nodes.Constant(name="Mask")
        mask["channels"].setValue("rgba")
        mask["color"].setValue([0.0, 0.0, 0.0, 0.25])
        paint = nuke.nodes.RotoPaint(name="Roto1")
        nuke.nodes.Output(name="Output1").setInput(0, paint)
    polygon("ball", EDGE, paint["curves"].rootLayer)
    paint.setInput(4, mask)
    paint["cliptype"].setValue("none")
    path = tmp_path / "matte.exr"
    source = RenderSource("Group1.Roto1", ("Root/ball",), channel="rgba.alpha", format_of="Board")
    nuke_host.NukeHost().render_frame(FrameRender(source, str(path), 1, "main"))
    picture = oiio.ImageBuf(str(path))
    assert picture.getpixel(10, 40)[0] == pytest.approx(0.25)
    assert picture.spec().x < 0
    assert sorted(node.name() for node in group.nodes()) == ["Mask", "Output1", "Roto1"]


def test_a_studios_defaults_do_not_reach_the_temporary_nodes(nuke: ModuleType, tmp_path: Path) -> None:
    nuke.knobDefault("Roto.cliptype", "none")
    nuke.knobDefault("Roto.premultiply", "rgba")
    nuke.knobDefault("Copy.bbox", "B")
    assert matte(tmp_path).spec().x == 0, "the artist's node clips at the format"
    nuke.toNode("Roto1")["cliptype"].setValue("none")
    assert matte(tmp_path).spec().x < 0


def test_the_export_sets_every_knob_of_its_write(
    nuke: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: dict[str, object] = {}
    execute = nuke.execute

    def watched(write: Any, *args: Any, **more: Any) -> None:
        names = (
            "file",
            "proxy",
            "file_type",
            "raw",
            "autocrop",
            "metadata",
            "compression",
            "channels",
            "datatype",
        )
        seen.update({name: write[name].value() for name in names})
        execute(write, *args, **more)

    monkeypatch.setattr(nuke_render.nuke, "execute", watched)
    path = tmp_path / "plate.exr"
    nuke_host.NukeHost().render_frame(FrameRender(RenderSource("Board"), str(path), 1, "main"))
    assert seen == {
        "file": path.as_posix(),
        "proxy": path.as_posix(),
        "file_type": "exr",
        "raw": True,
        "autocrop": False,
        "metadata": "all metadata except input/*",
        "compression": "Zip (1 scanline)",
        "channels": "all",
        "datatype": "16 bit half",
    }


def test_what_the_artist_renders_is_waited_for(nuke: ModuleType, tmp_path: Path) -> None:
    host = nuke_host.NukeHost()
    pick = RemovalPick(
        plate="Board", frames=FrameRange(1, 2), output_pattern=str(tmp_path / "x_{version}.%04d.exr"),
        roto="Roto1", roles={"Root/ball": "remove"},
    )  # fmt: skip
    STATE.artist_renders = True
    with pytest.raises(HostBusyError, match="while Nuke renders something else"):
        host.render_frame(FrameRender(RenderSource("Board"), str(tmp_path / "a.exr"), 1, "main"))
    said: list[str] = []
    done: list[Any] = []
    thread = threading.Thread(
        target=lambda: done.append(
            export_removal(host, pick, tmp_path / "out", on_progress=lambda _, message: said.append(message))
        )
    )
    thread.start()
    turn_until(lambda: any("waiting" in one for one in said))
    assert not list(tmp_path.rglob("*.exr"))
    STATE.artist_renders = False
    turn_until(lambda: bool(done))
    thread.join()
    assert len(list((tmp_path / "out").glob("*.exr"))) == 4


def test_no_temporary_node_is_made_while_the_artist_renders(
    nuke: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    STATE.artist_renders = True
    monkeypatch.setattr(nuke_render, "_Chain", lambda *_: pytest.fail("the script was touched"))
    with pytest.raises(HostBusyError):
        matte(tmp_path)


def test_busy_in_the_words_of_nuke_is_understood_too(
    nuke: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    STATE.artist_renders = True
    monkeypatch.setattr(nuke_render.nuke, "executing", lambda: False)
    with pytest.raises(HostBusyError):
        matte(tmp_path)
    assert [node.name() for node in nuke.allNodes()] == ["Board", "Roto1"]


def test_a_picture_for_the_panel_leaves_proxy_mode_alone(nuke: ModuleType, tmp_path: Path) -> None:
    host = nuke_host.NukeHost()
    path = tmp_path / "small.exr"
    render = FrameRender(RenderSource("Board"), str(path), 1, "main", scale=0.5)
    for is_proxy in (False, True):
        nuke.root()["proxy"].setValue(is_proxy)
        before = STATE.proxy_changes
        host.render_frame(render)
        assert STATE.proxy_changes == before
        width = 24 if is_proxy else 48
        assert oiio.ImageBuf(str(path)).spec().full_width == width
        path.unlink()


def test_layers_that_measure_are_never_made_halves(nuke: ModuleType, tmp_path: Path) -> None:
    """2049 is no half float. A Cryptomatte's numbers name objects, and one bit off names none."""
    crypto = ("R", "G", "B", "A", "crypto_object00.red", "crypto_object00.green")
    for channels, kind in ((crypto, "float"), (crypto[:4], "half")):
        read_of(nuke, plate_exr(tmp_path, channels), "Source")
        crop = nuke.nodes.Multiply(name="Plate", value=1.0)
        crop.setInput(0, nuke.toNode("Source"))
        path = tmp_path / "out.exr"
        nuke_host.NukeHost().render_frame(FrameRender(RenderSource("Plate"), str(path), 1, "main"))
        assert str(oiio.ImageBuf(str(path)).spec().format) == kind
        nuke.delete(crop)
        nuke.delete(nuke.toNode("Source"))


# --- plates


def test_a_plate_that_is_moved_on_its_way_to_the_roto_is_rendered(nuke: ModuleType, tmp_path: Path) -> None:
    read = read_of(nuke, plate_exr(tmp_path))
    roto, host = nuke.toNode("Roto1"), nuke_host.NukeHost()
    for node_class in ("TimeOffset", "FrameHold", "FrameRange", "Retime"):
        moving = getattr(nuke.nodes, node_class)(name="Moving")
        moving.setInput(0, read)
        dot = nuke.nodes.Dot(name="Dot1")
        dot.setInput(0, moving)
        roto.setInput(0, dot)
        node, why = host.plate_of_roto("Plate", "Roto1")
        assert (node, "Moving" in why) == ("Dot1", True)
        assert host.plate(node).files is None
        moving["disable"].setValue(True)
        assert host.plate_of_roto("Plate", "Roto1") == ("Plate", "")
        assert host.plate("Dot1").files is not None
        roto.setInput(0, None)
        nuke.delete(dot)
        nuke.delete(moving)


def test_whoever_asks_for_it_a_moved_plate_is_exported_as_the_roto_sees_it(
    nuke: ModuleType, tmp_path: Path
) -> None:
    """A script or a list of shots names the Read, too."""
    read = read_of(nuke, plate_exr(tmp_path))
    moved = nuke.nodes.TimeOffset(name="Moved", time_offset=4)
    moved.setInput(0, read)
    nuke.toNode("Roto1").setInput(0, moved)
    pick = RemovalPick(
        plate="Plate", frames=FrameRange(5, 5), output_pattern=str(tmp_path / "x_{version}.%04d.exr"),
        roto="Roto1", roles={"Root/ball": "remove"},
    )  # fmt: skip
    exported = export_removal(nuke_host.NukeHost(), pick, tmp_path / "out")
    assert exported.plate.node == "Moved"
    assert oiio.ImageBuf(exported.plate_pattern % 5).getpixel(3, 3)[0] > 2000, "frame 1 of the files"
    moved["disable"].setValue(True)
    read["last"].setValue(9)
    exported = export_removal(nuke_host.NukeHost(), pick, tmp_path / "out")
    assert exported.plate_pattern == read["file"].value()


def test_a_localised_read_gives_the_path_of_its_own_files(nuke: ModuleType, tmp_path: Path) -> None:
    read = read_of(nuke, plate_exr(tmp_path))
    assert read["localizationPolicy"].value() == "fromAutoLocalizePath", (
        "so are Reads that nobody has touched"
    )
    STATE.localised["Plate"] = "/tmp/nuke/localize/plate.%04d.exr"
    host = nuke_host.NukeHost()
    files = host.plate("Plate").files
    assert files is not None
    assert files.pattern == (tmp_path / "plate.%04d.exr").as_posix()
    # Only Nuke can evaluate an expression in the path, and it may answer with the copy's.
    read["file"]._value = "[value label]/plate.%04d.exr"
    read["label"]._value = tmp_path.as_posix()
    assert "localised" in host.plate("Plate").why_rendered
    STATE.localised.clear()
    assert host.plate("Plate").files is not None, "nothing of it was copied"
    read["localizationPolicy"].setValue("on")
    assert "localised" in host.plate("Plate").why_rendered
    read["localizationPolicy"].setValue("off")
    assert host.plate("Plate").files is not None


def test_with_several_views_the_wanted_one_is_rendered(nuke: ModuleType, tmp_path: Path) -> None:
    read_of(nuke, plate_exr(tmp_path))
    host = nuke_host.NukeHost()
    assert host.plate("Plate").files is not None
    STATE.views = ["left", "right"]
    plate = host.plate("Plate")
    assert (plate.files, "views left, right" in plate.why_rendered) == (None, True)


def test_files_that_hold_the_views_are_used(nuke: ModuleType, tmp_path: Path) -> None:
    both = part("", "R G B right.R right.G right.B", multiView=("left", "right"))
    read_of(nuke, write_parts(tmp_path / "plate.0001.exr", both))
    host = nuke_host.NukeHost()
    STATE.views = ["left", "right"]
    files = host.plate("Plate").files
    assert files is not None
    assert files.pattern == str(tmp_path / "plate.%04d.exr")
    STATE.views = ["left", "right", "third"]
    assert host.plate("Plate").files is None


def test_the_default_colour_space_is_told_by_its_name(nuke: ModuleType, tmp_path: Path) -> None:
    read_of(nuke, plate_exr(tmp_path))
    host = nuke_host.NukeHost()
    assert host.plate("Plate").colour_space == "scene_linear"
    given = ReadBack("x", str(tmp_path / "clean.%04d.exr"), FrameRange(1, 1), "scene_linear", "Plate", "job1")
    read = nuke.toNode(host.add_read(given))
    assert (read["colorspace"].value(), read["raw"].value()) == ("scene_linear", False)
    unknown = ReadBack("x", str(tmp_path / "c.%04d.exr"), FrameRange(1, 1), "studio_linear", "Plate", "job2")
    read = nuke.toNode(host.add_read(unknown))
    assert read["raw"].value(), "a name that this configuration has not leaves the pixels as they are"


def test_clean_frames_are_rendered_under_the_shots_numbers(nuke: ModuleType, tmp_path: Path) -> None:
    read_of(nuke, plate_exr(tmp_path), "Painted")
    pick = RemovalPick(
        plate="Board", frames=FrameRange(4, 6), output_pattern=str(tmp_path / "x_{version}.%04d.exr"),
        roto="Roto1", roles={"Root/ball": "remove"}, anchors=(AnchorChoice(5, "Painted", 1),),
    )  # fmt: skip
    exported = export_removal(nuke_host.NukeHost(), pick, tmp_path / "out")
    assert exported.anchors is not None
    assert exported.anchors.frames == [5]
    assert oiio.ImageBuf(exported.anchors.pattern % 5).getpixel(3, 3)[0] > 2000


# --- the script


def test_names_are_the_roots_also_inside_a_gizmos_button(nuke: ModuleType, tmp_path: Path) -> None:
    group = nuke.nodes.Group(name="Gizmo1")
    with group:
        nuke.nodes.Constant(name="Board")
    host = nuke_host.NukeHost()
    button = nuke.PyScript_Knob("go")
    button._value = "import builtins; builtins.found = nuke.toNode('Board').fullName()"
    group.addKnob(button)
    import builtins

    button.execute()
    assert builtins.found == "Gizmo1.Board", "a button looks inside its own group"  # type: ignore[attr-defined]
    with group:
        assert host.plate("Board").width == 96
        assert [node.name for node in host.nodes()] == ["Board", "Roto1", "Gizmo1", "Gizmo1.Board"]
        host.add_read(ReadBack("x", str(tmp_path / "c.%04d.exr"), FrameRange(1, 1), "raw", "Board", "job1"))
    assert [node.name() for node in group.nodes()] == ["Board"]
    assert nuke.toNode("VoidResult1") is not None


def test_the_selection_is_that_of_the_group_in_which_the_artist_works(nuke: ModuleType) -> None:
    group = nuke.nodes.Group(name="Group1")
    with group:
        inner = nuke.nodes.Roto(name="Inner")
    nuke.toNode("Board").setSelected(True)
    inner.setSelected(True)
    host = nuke_host.NukeHost()
    assert [node.name for node in host.selected_nodes()] == ["Board"]
    STATE.shown_group = group
    assert [node.name for node in host.selected_nodes()] == ["Group1.Inner"]
    inner.setSelected(False)
    assert [node.name for node in host.selected_nodes()] == ["Board"]


def test_no_empty_user_tab_appears(nuke: ModuleType, tmp_path: Path) -> None:
    host = nuke_host.NukeHost()
    host.keep_notes("x")
    name = host.add_read(back(tmp_path))
    plain = nuke.nodes.NoOp()
    plain.addKnob(nuke.String_Knob("own"))
    assert "User" in plain.knobs(), "Nuke makes the tab where code makes none"
    for node in (nuke.root(), *nuke.allNodes()):
        assert node is plain or "User" not in node.knobs(), node.fullName()
    assert not nuke.toNode(name)["void_for_nuke"].visible()


def test_a_mask_channel_is_set_once_the_script_knows_it(nuke: ModuleType, tmp_path: Path) -> None:
    plate_exr(tmp_path, ("R", "G", "B", "A", "matte.A"))
    host = nuke_host.NukeHost()
    with pytest.raises(TypeError, match="no channel"):
        nuke.nodes.Keymix()["maskChannel"].setValue("matte.alpha")
    for pattern, job in (("plate.%04d.exr", "j1"), ("not_there.%04d.exr", "j2")):
        STATE.channels.discard("matte.alpha")
        given = ReadBack(
            "x", str(tmp_path / pattern), FrameRange(1, 1), "raw", "Board", job, compare=True,
            matte_channel="matte.alpha"
        )  # fmt: skip
        host.add_read(given)
    masks = [node["maskChannel"].value() for node in nuke.allNodes("Keymix")]
    assert masks.count("matte.alpha") == 2


def test_the_wipe_shows_the_plate_left_and_the_result_right(nuke: ModuleType, tmp_path: Path) -> None:
    plate_exr(tmp_path)
    host = nuke_host.NukeHost()
    host.add_read(back(tmp_path))
    (switch,) = nuke.allNodes("Switch")
    switch["which"].setValue(2)
    board = nuke.toNode("Board").sample("rgba.red", 10.5, 10.5)
    assert switch.sample("rgba.red", 10.5, 10.5) == pytest.approx(board)
    assert switch.sample("rgba.red", 80.5, 10.5) == pytest.approx(2049.0)
    edge = next(node for node in nuke.allNodes("Expression"))
    edge["wipe"].setValue(0.0)
    assert switch.sample("rgba.red", 10.5, 10.5) == pytest.approx(2049.0)


def test_two_versions_are_compared(nuke: ModuleType, tmp_path: Path) -> None:
    host = nuke_host.NukeHost()
    plate_exr(tmp_path)
    names = [host.add_read(back(tmp_path, job, compare=False)) for job in ("j1", "j2")]
    switch = nuke.toNode(host.compare_reads(names[1], names[0]))
    switch["which"].setValue(3)
    assert switch.sample("rgba.red", 10.5, 10.5) == 0.0, "they are the same picture"
    with pytest.raises(SelectionError, match="no node Gone"):
        host.compare_reads(names[1], "Gone")


def test_the_views_of_one_press_are_joined_once(nuke: ModuleType, tmp_path: Path) -> None:
    STATE.views = ["left", "right"]
    host = nuke_host.NukeHost()
    names = {view: host.add_read(back(tmp_path, view, compare=False)) for view in ("right", "left")}
    joined = nuke.toNode(host.join_views(names))
    assert [joined.input(index).fullName() for index in (0, 1)] == [names["left"], names["right"]]
    assert host.join_views(names) == joined.fullName()
    assert host.join_views({**names, "left": "Gone"}) == ""
    assert len(nuke.allNodes("JoinViews")) == 1


def test_the_result_of_a_plate_in_a_group_stands_beside_the_group(nuke: ModuleType, tmp_path: Path) -> None:
    group = nuke.nodes.Group(name="Group1")
    group.setXYpos(400, 300)
    with group:
        nuke.nodes.CheckerBoard2(name="Inner").setXYpos(-900, -900)
    read = nuke.toNode(nuke_host.NukeHost().add_read(back(tmp_path, beside="Group1.Inner")))
    assert (read.ypos(), read.xpos() > 400) == (300, True)
    assert read.parent() is nuke.root()


def test_an_encrypted_script_is_told(nuke: ModuleType) -> None:
    host = nuke_host.NukeHost()
    for ending, name in ((".nknc", "Non-commercial"), (".nkind", "Indie")):
        with pytest.raises(SelectionError, match=f"is encrypted: only Nuke {name} opens it"):
            host.open_script(f"/shots/comp{ending}")
    assert nuke.toNode("Board") is not None, "the open script stays"


def test_a_read_that_is_updated_reads_its_files_anew(nuke: ModuleType, tmp_path: Path) -> None:
    host = nuke_host.NukeHost()
    given = ReadBack("x", str(tmp_path / "c.%04d.exr"), FrameRange(1, 1), "raw", "Board", "j", compare=False)
    name = host.add_read(given)
    STATE.reloaded.clear()
    assert host.add_read(given) == name
    assert STATE.reloaded == [name]


def test_posting_from_the_main_thread_does_not_use_nukes_own_call(nuke: ModuleType) -> None:
    with pytest.raises(AssertionError):
        nuke.executeInMainThread(print)
    heard: list[int] = []
    nuke_host.NukeHost().post(lambda: heard.append(1))
    assert heard == [], "it runs soon, not now"
    turn_until(lambda: heard == [1])


def test_an_edition_that_shows_scripts_ten_nodes_is_told(nuke: ModuleType) -> None:
    host = nuke_host.NukeHost()
    assert host.version().edition == ""
    nuke.env["nc"] = True
    assert host.version().edition == "Non-commercial"
    nuke.env.update(nc=False, indie=True)
    assert host.version().edition == "Indie"
    STATE.node_limit = 10
    for _ in range(10 - STATE.node_count):
        nuke.delete(nuke.nodes.NoOp())  # deleted ones count
    with pytest.raises(RuntimeError, match="10 nodes"):
        nuke.nodes.NoOp()


@pytest.fixture(autouse=True)
def _editions() -> Iterator[None]:
    yield
    fresh_nuke()
