# ruff: noqa: PT017 - a real Nuke has no pytest
"""What the plug-in expects of Nuke, as checks that run in the fake Nuke and in a real one.

Each check takes an empty folder and an empty script, and raises :exc:`AssertionError` where Nuke behaves
otherwise. Nothing here may use more than a real Nuke has: no numpy, no test framework.
"""

from __future__ import annotations

import struct
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nuke
import nuke.rotopaint as rp

from void_nuke.errors import ExportError, SelectionError
from void_nuke.export.plate_picture import _header
from void_nuke.host.host import FrameRange, FrameRender, ReadBack, RenderSource
from void_nuke.host.nuke_host import NukeHost
from void_protocol.job import RotoPoint, RotoShape, ShapeFrame

SQUARE = [(10.0, 10.0), (30.0, 10.0), (30.0, 30.0), (10.0, 30.0)]
OTHER = [(50.0, 10.0), (70.0, 10.0), (70.0, 30.0), (50.0, 30.0)]


def _near(value: float, wanted: float, tolerance: float = 1e-3) -> bool:
    return abs(value - wanted) <= tolerance


def _board(**knobs: Any) -> Any:
    return nuke.nodes.CheckerBoard2(**knobs)


def _shape(knob: Any, name: str, corners: list[tuple[float, float]], parent: Any = None) -> Any:
    shape = rp.Shape(knob)
    shape.name = name
    for corner in corners:
        shape.append(corner)
    layer = parent if parent is not None else knob.rootLayer
    layer.append(shape)
    # append() copies: what was handed to it is stale, and the layer has the one that counts.
    return layer[len(layer) - 1]


def _layer(knob: Any, name: str) -> Any:
    layer = rp.Layer(knob)
    layer.name = name
    knob.rootLayer.append(layer)
    return knob.rootLayer[len(knob.rootLayer) - 1]


def _rendered(path: Path, frame: int = 1) -> Any:
    """Return a Read of one rendered file, from which pixels are sampled."""
    read = nuke.nodes.Read()
    read["file"].setValue(path.as_posix())
    read["raw"].setValue(True)
    return read


def check_exceptions_come_back(folder: Path) -> None:
    host = NukeHost()
    heard: list[object] = []

    def fails() -> None:
        raise KeyError("on the main thread")

    def work() -> None:
        heard.append(host.on_main_thread(lambda: threading.current_thread() is threading.main_thread()))
        try:
            host.on_main_thread(fails)
        except KeyError as error:
            heard.append(error.args[0])

    try:
        host.on_main_thread(fails)
    except KeyError:
        heard.append("at once")
    worker = threading.Thread(target=work)
    worker.start()
    _turn(host, lambda: not worker.is_alive())
    assert heard == ["at once", True, "on the main thread"], heard


def _turn(host: NukeHost, condition: Callable[[], bool]) -> None:
    """Let posted work run: with a GUI by the event loop, without one by hand."""
    limit = time.monotonic() + 10.0
    while time.monotonic() < limit:
        if condition():
            return
        if nuke.GUI:
            _turn_gui()
            time.sleep(0.002)
        else:
            host.run_posted(0.01)
    raise AssertionError("posted work did not happen")


def _turn_gui() -> None:
    try:
        from tests.fakes.fake_nuke.state import STATE
    except ImportError:
        from PySide6.QtWidgets import QApplication  # this is a real Nuke with its GUI

        QApplication.processEvents()
    else:
        STATE.process_events()


def check_plate_is_described(folder: Path) -> None:
    host = NukeHost()
    board = _board(name="Board")
    plate = host.plate("Board")
    size = board.format()
    assert (plate.width, plate.height) == (size.width(), size.height())
    assert plate.files is None
    assert plate.why_rendered
    assert "rgba.red" in plate.channels
    assert plate.views == tuple(nuke.views())
    try:
        host.plate("Nobody")
    except SelectionError as error:
        assert "Nobody" in str(error)
    else:
        raise AssertionError("a node that is not there was described")


def check_overscan_and_pixel_aspect_come_through(folder: Path) -> None:
    host = NukeHost()
    nuke.addFormat("96 64 2.0 void_anamorphic")
    board = _board(name="Board")
    board["format"].setValue("void_anamorphic")
    wider = nuke.nodes.Crop(name="Wider")
    wider.setInput(0, board)
    wider["box"].setValue([-8.0, -4.0, 104.0, 70.0])
    plate = host.plate("Wider")
    assert (plate.width, plate.height, plate.pixel_aspect) == (96, 64, 2.0), plate
    path = folder / "wide.0001.exr"
    host.render_frame(FrameRender(RenderSource("Wider"), str(path), 1, nuke.views()[0]))
    header, _ = _header(path.read_bytes())
    # Rows count downwards in the file: 70 is 6 above the format, -4 is 4 below it.
    assert struct.unpack("<4i", header["dataWindow"]) == (-8, -6, 103, 67)
    assert struct.unpack("<4i", header["displayWindow"]) == (0, 0, 95, 63)
    assert struct.unpack("<f", header["pixelAspectRatio"]) == (2.0,)
    matte = folder / "matte.0001.exr"
    _, knob = _roto()
    _shape(knob, "square", SQUARE)
    knob.changed()
    source = RenderSource("Roto1", ("Root/square",), channel="rgba.alpha", format_of="Wider")
    host.render_frame(FrameRender(source, str(matte), 1, nuke.views()[0]))
    header, _ = _header(matte.read_bytes())
    assert struct.unpack("<4i", header["displayWindow"]) == (0, 0, 95, 63)
    assert struct.unpack("<f", header["pixelAspectRatio"]) == (2.0,)


def check_proxy_mode_does_not_change_the_plate(folder: Path) -> None:
    host = NukeHost()
    _board(name="Board")
    full = host.plate("Board")
    nuke.root()["proxy_type"].setValue("scale")
    nuke.root()["proxy_scale"].setValue(0.5)
    nuke.root()["proxy"].setValue(True)
    assert (host.plate("Board").width, host.plate("Board").height) == (full.width, full.height)
    assert nuke.root()["proxy"].value()


def check_linear_exr_is_referenced(folder: Path) -> None:
    host = NukeHost()
    _board(name="Board")
    for frame in (1, 2):
        host.render_frame(
            FrameRender(RenderSource("Board"), str(folder / f"plate.{frame:04d}.exr"), frame, "main")
        )
    read = nuke.nodes.Read(name="Plate")
    read["file"].setValue((folder / "plate.%04d.exr").as_posix())
    read["first"].setValue(1)
    read["last"].setValue(2)
    dot = nuke.nodes.Dot(name="Dot1")
    dot.setInput(0, read)
    for name in ("Plate", "Dot1"):
        plate = host.plate(name)
        assert plate.files is not None, plate.why_rendered
        assert plate.files.pattern.endswith("plate.%04d.exr")
        assert plate.files.frames == FrameRange(1, 2)
    read["raw"].setValue(True)
    assert host.plate("Plate").colour_space == "raw"
    crop = nuke.nodes.Crop(name="Crop1")
    crop.setInput(0, read)
    assert host.plate("Crop1").files is None
    read["frame"].setValue("frame+10")
    assert host.plate("Plate").files is None


def check_rendering_leaves_the_script_alone(folder: Path) -> None:
    host = NukeHost()
    _board(name="Board")
    nuke.root()["proxy_type"].setValue("scale")
    nuke.root()["proxy_scale"].setValue(0.5)
    nuke.root()["proxy"].setValue(True)
    nuke.root().setModified(False)
    before = (sorted(node.name() for node in nuke.allNodes()), nuke.Undo.undoSize())
    path = folder / "board.0007.exr"
    host.render_frame(FrameRender(RenderSource("Board"), str(path), 7, "main"))
    assert path.is_file()
    assert (sorted(node.name() for node in nuke.allNodes()), nuke.Undo.undoSize()) == before
    assert nuke.root()["proxy"].value()
    assert not nuke.root().modified()
    nuke.root()["proxy"].setValue(False)
    read, board = _rendered(path), nuke.toNode("Board")
    assert (read.width(), read.height()) == (board.width(), board.height())
    for x, y in ((3, 3), (11, 3), (20, 40)):
        for channel in ("rgba.red", "rgba.blue"):
            assert _near(read.sample(channel, x + 0.5, y + 0.5), board.sample(channel, x + 0.5, y + 0.5))


def check_a_failed_render_leaves_nothing(folder: Path) -> None:
    host = NukeHost()
    read = nuke.nodes.Read(name="Missing")
    read["file"].setValue((folder / "nothing.%04d.exr").as_posix())
    read["format"].setValue(nuke.formats()[0])
    before = (sorted(node.name() for node in nuke.allNodes()), nuke.Undo.undoSize())
    try:
        host.render_frame(FrameRender(RenderSource("Missing"), str(folder / "out.0001.exr"), 1, "main"))
    except ExportError as error:
        assert "Missing, frame 1" in str(error), error
    else:
        raise AssertionError("a missing file was rendered")
    assert (sorted(node.name() for node in nuke.allNodes()), nuke.Undo.undoSize()) == before
    assert not list(folder.iterdir())


def _roto(name: str = "Roto1") -> tuple[Any, Any]:
    node = nuke.nodes.Roto(name=name)
    return node, node["curves"]


def check_roto_is_listed(folder: Path) -> None:
    host = NukeHost()
    _, knob = _roto()
    layer = _layer(knob, "arm")
    _shape(knob, "hand", SQUARE, layer)
    _shape(knob, "hand", OTHER, layer)
    open_spline = _shape(knob, "line", SQUARE)
    open_spline.setFlag(rp.FlagType.eOpenFlag, True)
    minus = _shape(knob, "hole", OTHER)
    minus.getAttributes().set(1, "bm", 12)
    knob.changed()
    elements = {element.path: element for element in host.roto_elements("Roto1")}
    assert set(elements) == {"Root/arm/hand", "Root/arm/hand#2", "Root/line", "Root/hole"}, set(elements)
    assert elements["Root/arm/hand"].can_bake
    assert not elements["Root/arm/hand"].not_carried
    assert elements["Root/line"].kind == "open"
    assert elements["Root/line"].not_carried == ("an open spline",)
    assert elements["Root/hole"].not_carried == ("blend mode 'minus'",)


def check_transforms_are_baked(folder: Path) -> None:
    """The transforms are, from the inside: a scale in the shape, a turn in the layer, a shift in the root."""
    host = NukeHost()
    _, knob = _roto()
    layer = _layer(knob, "arm")
    shape = _shape(knob, "hand", SQUARE, layer)
    shape.getTransform().addScaleKey(1, 2.0, 3.0, 1.0)
    layer.getTransform().addRotationKey(1, 0.0, 0.0, 90.0)
    knob.rootLayer.getTransform().addTranslationKey(1, 100.0, 7.0, 0.0)
    knob.changed()
    (baked,) = host.bake_roto("Roto1", ["Root/arm/hand"], 1, "main")
    found = [(point.x, point.y) for point in baked.at.points]
    wanted = [(100.0 - 3.0 * y, 7.0 + 2.0 * x) for x, y in SQUARE]
    for place, expected in zip(found, wanted, strict=True):
        assert _near(place[0], expected[0]) and _near(place[1], expected[1]), (found, wanted)  # noqa: PT018


def check_a_roto_is_drawn(folder: Path) -> None:
    host = NukeHost()
    _board(name="Board")
    name = host.add_roto("VoidAffected", "Board")

    def at(frame: int, dx: float, visible: bool = True) -> ShapeFrame:
        points = [RotoPoint(x + dx, y, -1.0, 0.5, 1.0, -0.5) for x, y in SQUARE]
        return ShapeFrame(frame=frame, points=points, visible=visible)

    frames = [at(1, 0.0), at(2, 30.0), at(3, 30.0, visible=False)]
    host.add_roto_shape(name, RotoShape(name="shadow", role="affected", frames=frames))
    (element,) = host.roto_elements(name)
    assert (element.path, element.can_bake, element.not_carried) == ("Root/shadow", True, ())
    for wanted in frames[:2]:
        (baked,) = host.bake_roto(name, ["Root/shadow"], wanted.frame, "main")
        for own, other in zip(baked.at.points, wanted.points, strict=True):
            assert _near(own.x, other.x) and _near(own.y, other.y)  # noqa: PT018
            assert _near(own.left_x, other.left_x) and _near(own.right_y, other.right_y)  # noqa: PT018
    path = folder / "affected.0002.exr"
    for frame, inside in ((2, 1.0), (3, 0.0)):
        source = RenderSource(name, None, channel="rgba.alpha", format_of="Board")
        host.render_frame(FrameRender(source, str(path), frame, "main"))
        read = _rendered(path)
        assert _near(read.sample("rgba.alpha", 50.5, 20.5), inside), frame
        assert _near(read.sample("rgba.alpha", 15.5, 20.5), 0.0), "the plate's own alpha is no matte"
        path = folder / "affected.0003.exr"


def check_only_the_wanted_shapes_are_rendered(folder: Path) -> None:
    host = NukeHost()
    _board(name="Board")
    node, knob = _roto()
    _shape(knob, "wanted", SQUARE)
    _shape(knob, "hidden", OTHER)
    knob.changed()
    path = folder / "remove.0001.exr"
    source = RenderSource("Roto1", ("Root/wanted",), channel="rgba.alpha", format_of="Board")
    host.render_frame(FrameRender(source, str(path), 1, "main"))
    read = _rendered(path)
    assert _near(read.sample("rgba.alpha", 20.5, 20.5), 1.0)
    assert _near(read.sample("rgba.alpha", 60.5, 20.5), 0.0)
    assert [element.path for element in host.roto_elements("Roto1")] == ["Root/wanted", "Root/hidden"]
    assert node.input(0) is None


def check_any_node_can_be_a_matte(folder: Path) -> None:
    host = NukeHost()
    board = _board(name="Board")
    path = folder / "key.0001.exr"
    source = RenderSource("Board", None, channel="rgba.red", format_of="Board")
    host.render_frame(FrameRender(source, str(path), 1, "main"))
    read = _rendered(path)
    for x in (3, 11, 40):
        assert _near(read.sample("rgba.alpha", x + 0.5, 3.5), board.sample("rgba.red", x + 0.5, 3.5))


def check_names_are_the_roots_inside_a_group(folder: Path) -> None:
    """Nuke runs the button of a gizmo inside that gizmo."""
    host = NukeHost()
    outer = _board(name="Board")
    group = nuke.nodes.Group(name="Group1")
    with group:
        nuke.nodes.NoOp(name="Board")
        assert nuke.toNode("Board").Class() == "NoOp"
        assert host.plate("Board").channels == tuple(outer.channels())
        name = host.add_read(_read_back(folder))
    assert nuke.toNode(name) is not None, "the Read was made inside the group"
    assert [node.name() for node in group.nodes()] == ["Board"]


def check_a_matte_has_what_lies_outside_the_format(folder: Path) -> None:
    host = NukeHost()
    _board(name="Board")
    node, knob = _roto()
    _shape(knob, "edge", [(-20.0, 10.0), (20.0, 10.0), (20.0, 30.0), (-20.0, 30.0)])
    knob.changed()
    source = RenderSource("Roto1", ("Root/edge",), channel="rgba.alpha", format_of="Board")
    for clip, reaches_out in (("none", True), ("format", False)):
        node["cliptype"].setValue(clip)
        path = folder / f"{clip}.0001.exr"
        host.render_frame(FrameRender(source, str(path), 1, "main"))
        header, _ = _header(path.read_bytes())
        assert (struct.unpack("<4i", header["dataWindow"])[0] < 0) == reaches_out, clip


def check_a_picture_for_the_panel_leaves_proxy_mode(folder: Path) -> None:
    host = NukeHost()
    board = _board(name="Board")
    path = folder / "small.exr"
    host.render_frame(FrameRender(RenderSource("Board"), str(path), 1, "main", scale=0.5))
    header, _ = _header(path.read_bytes())
    right, bottom = struct.unpack("<4i", header["displayWindow"])[2:]
    assert (right + 1, bottom + 1) == (board.width() // 2, board.height() // 2)
    assert not nuke.root()["proxy"].value()


def check_a_moved_plate_is_seen(folder: Path) -> None:
    host = NukeHost()
    board = _board(name="Board")
    moved = nuke.nodes.TimeOffset(name="Moved")
    moved.setInput(0, board)
    node, _ = _roto()
    node.setInput(0, moved)
    assert host.plate_of_roto("Board", "Roto1")[0] == "Moved"


def check_closing_a_comp_is_heard(folder: Path) -> None:
    host = NukeHost()
    heard: list[int] = []
    host.on_script_close(lambda: heard.append(1))
    nuke.scriptClear()
    assert heard == [1]


def _read_back(folder: Path, **changes: Any) -> ReadBack:
    values: dict[str, Any] = {
        "label": "VOID propagation\nseed 42\nv001",
        "pattern": str(folder / "clean_v001.%04d.exr"),
        "frames": FrameRange(1001, 1010),
        "colour_space": "raw",
        "beside": "Board",
        "job_id": "job1",
    }
    return ReadBack(**{**values, **changes})


def check_a_read_is_made_in_one_step(folder: Path) -> None:
    host = NukeHost()
    board = _board(name="Board")
    neighbour = nuke.nodes.NoOp(name="Neighbour")
    neighbour.setXYpos(board.xpos() + 110, board.ypos())
    before, steps = {node.name() for node in nuke.allNodes()}, nuke.Undo.undoSize()
    name = host.add_read(_read_back(folder, compare=True, matte_channel="matte.alpha"))
    read = nuke.toNode(name)
    assert [read[knob].value() for knob in ("first", "last", "origfirst", "origlast")] == [
        1001,
        1010,
        1001,
        1010,
    ]
    assert read["raw"].value()
    assert "seed 42" in read["label"].value()
    assert len(nuke.allNodes()) > len(before) + 1  # the comparison adds nodes
    boxes = [(node.xpos(), node.ypos()) for node in nuke.allNodes()]
    assert len(set(boxes)) == len(boxes), "nodes cover each other"
    assert nuke.Undo.undoSize() == steps + 1
    assert host.add_read(_read_back(folder)) == name, "the same job gets one Read"
    nuke.Undo.undo()
    nuke.Undo.undo()
    assert {node.name() for node in nuke.allNodes()} == before


def check_a_full_result_takes_the_proxys_place(folder: Path) -> None:
    host = NukeHost()
    _board(name="Board")
    proxy = _read_back(folder, pattern=str(folder / "small.%04d.exr"), is_proxy=True, width=96, height=64)
    read = nuke.toNode(host.add_read(proxy))
    assert (read["file"].value(), read["proxy"].value().endswith("small.%04d.exr")) == ("", True)
    assert host.add_read(_read_back(folder, job_id="job2", replaces_job="job1")) == read.name()
    assert read["file"].value().endswith("clean_v001.%04d.exr")
    assert not read["proxy"].value(), "in proxy mode the preview would be seen in the final's place"


def check_notes_stay_with_the_script(folder: Path) -> None:
    host = NukeHost()
    steps = nuke.Undo.undoSize()
    assert host.notes() == ""
    host.keep_notes('{"jobs": ["[a] $b"]}')
    assert nuke.Undo.undoSize() == steps
    path = str(folder / "shot.nk")
    nuke.scriptSaveAs(path)
    nuke.scriptClear()
    assert host.notes() == ""
    opened: list[str] = []
    host.on_script_load(lambda: opened.append(host.notes()))
    nuke.scriptOpen(path)
    _turn(host, lambda: bool(opened))
    assert opened == ['{"jobs": ["[a] $b"]}']


def check_ranges(folder: Path) -> None:
    host = NukeHost()
    nuke.root()["first_frame"].setValue(1001)
    nuke.root()["last_frame"].setValue(1040)
    assert host.script_ranges().whole_script == FrameRange(1001, 1040)
    assert host.script_ranges().viewer is None, "there is no viewer"


CHECKS: dict[str, Callable[[Path], None]] = {
    name.removeprefix("check_"): check for name, check in list(globals().items()) if name.startswith("check_")
}

NODES: dict[str, int] = {
    "exceptions_come_back": 0,
    "plate_is_described": 1,
    "overscan_and_pixel_aspect_come_through": 8,
    "proxy_mode_does_not_change_the_plate": 1,
    "linear_exr_is_referenced": 6,
    "rendering_leaves_the_script_alone": 3,
    "a_failed_render_leaves_nothing": 2,
    "roto_is_listed": 1,
    "transforms_are_baked": 1,
    "a_roto_is_drawn": 10,
    "only_the_wanted_shapes_are_rendered": 7,
    "any_node_can_be_a_matte": 5,
    "names_are_the_roots_inside_a_group": 4,
    "a_matte_has_what_lies_outside_the_format": 10,
    "a_picture_for_the_panel_leaves_proxy_mode": 3,
    "a_moved_plate_is_seen": 3,
    "closing_a_comp_is_heard": 0,
    "a_read_is_made_in_one_step": 9,
    "a_full_result_takes_the_proxys_place": 2,
    "notes_stay_with_the_script": 0,
    "ranges": 0,
}
"""How many nodes each check has Python make; Indie and Non-commercial allow a session ten. A test counts
them."""
