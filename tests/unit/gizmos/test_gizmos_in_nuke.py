"""The gizmos in the fake Nuke: their buttons run inside the gizmo, their inner nodes give pictures, and a
Group of them needs no plug-in."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import OpenImageIO as oiio  # noqa: N813 - its customary name
import pytest

pytest.importorskip("PySide6.QtCore", reason="the panel's model needs Qt", exc_type=ImportError)

from tests.fakes.fake_nuke.real_nodes import COMMON, REAL
from tests.fakes.fake_nuke.script_text import commands, words
from tests.fakes.fake_nuke.state import STATE
from tests.fakes.nuke_session import fresh_nuke, turn_until
from tests.fakes.qt_session import qt
from tests.fakes.still_session import StillSession, job_of
from tests.fakes.told_engines import TOLD

__all__ = ["qt"]
fresh_nuke()
nuke_host = importlib.import_module("void_nuke.host.nuke_host")
from void_nuke import gizmo_buttons  # noqa: E402
from void_nuke.errors import SelectionError  # noqa: E402
from void_nuke.jobs.tracked_job import Phase  # noqa: E402
from void_nuke.panel.model import PanelModel  # noqa: E402
from void_nuke.panel.server import ServerModel, ServerPicture  # noqa: E402

GIZMOS = Path(__file__).resolve().parents[3] / "gizmos"


@pytest.fixture
def nuke(qt: Any) -> ModuleType:
    made = fresh_nuke()
    made.pluginAddPath(str(GIZMOS))
    made.nodes.CheckerBoard2(name="Board")
    made.nodes.Constant(name="Object")["color"].setValue([0.0, 0.0, 0.0, 1.0])
    return made


@pytest.fixture
def model(nuke: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[PanelModel]:
    session = StillSession()
    server = ServerModel(tmp_path)
    server.picture = ServerPicture(engines=TOLD)
    made = PanelModel(
        nuke_host.NukeHost(),
        server,
        preferences=tmp_path / "panel.json",
        session=session,  # type: ignore[arg-type]
    )
    session.on_change = made.job_changed.emit
    monkeypatch.setattr(gizmo_buttons, "the_model", lambda: made)
    yield made
    made.close()


def void_remove(nuke: ModuleType) -> Any:
    node = nuke.createNode("VoidRemove")
    for index, name in enumerate(("Board", "Object")):
        assert node.setInput(index, nuke.toNode(name))
    return node


def test_the_buttons_work_from_inside_the_gizmo(nuke: ModuleType, model: PanelModel, tmp_path: Path) -> None:
    node = void_remove(nuke)
    with node:
        nuke.nodes.NoOp(name="Board")  # an inner node of the plate's name must not be taken for it
    inner = [one.name() for one in node.nodes()]
    nuke.root()["last_frame"].setValue(7)
    node["plate_range"].execute()
    assert node["last_frame"].value() == 7
    node["engine"].setValue("propagation")
    node["result_pattern"].setValue(str(tmp_path / "clean_{version}.%04d.exr"))
    node["submit"].execute()
    (pick,) = [what for call, what in model.session.calls if call == "start"]  # type: ignore[attr-defined]
    assert (pick.plate, pick.mattes[0].node, pick.frames.last) == ("Board", "Object", 7)
    assert node["status"].value().startswith("Exporting")
    node["update"].execute()
    node["cancel"].execute()
    assert [one.name() for one in node.nodes()] == inner
    assert nuke.toNode("VoidRemove1") is node


def test_a_path_with_backslashes_reaches_the_inner_read_whole(nuke: ModuleType, model: PanelModel) -> None:
    node = void_remove(nuke)
    inner = node.node("Result")
    node["result_file"].setValue("C:\\shots\\new\\clean.%04d.exr")
    assert "\n" in inner["file"].evaluate(), "TCL eats them"
    job = job_of("a", Phase.DONE, result_pattern="C:\\shots\\new\\clean.%04d.exr")
    gizmo_buttons.show(node, job)
    assert inner["file"].evaluate() == "C:/shots/new/clean.%04d.exr"


def test_the_result_is_shown_as_it_is_in_its_files(
    nuke: ModuleType, model: PanelModel, tmp_path: Path
) -> None:
    node = void_remove(nuke)
    path = tmp_path / "clean.0001.exr"
    spec = oiio.ImageSpec(96, 64, 4, oiio.HALF)
    output = oiio.ImageOutput.create(str(path))
    output.open(str(path), spec)
    output.write_image(np.full((64, 96, 4), 0.25, np.float32))
    output.close()
    node.node("Result")["colorspace"]._value = "sRGB"  # a default of the file type, or a studio's
    job = job_of(
        "a", Phase.DONE, result_pattern=str(tmp_path / "clean.%04d.exr"), first_frame=1, last_frame=1
    )
    gizmo_buttons.show(node, job)
    assert node.sample("rgba.red", 5.5, 5.5) == pytest.approx(0.25)
    node["output"].setValue("plate")
    assert node.sample("rgba.red", 5.5, 5.5) == pytest.approx(
        nuke.toNode("Board").sample("rgba.red", 5.5, 5.5)
    )


def test_a_plate_outside_the_working_space_is_rendered_for_the_raw_read(
    nuke: ModuleType, model: PanelModel, tmp_path: Path
) -> None:
    path = tmp_path / "plate.0001.exr"
    output = oiio.ImageOutput.create(str(path))
    output.open(str(path), oiio.ImageSpec(96, 64, 4, oiio.HALF))
    output.write_image(np.zeros((64, 96, 4), np.float32))
    output.close()
    read = nuke.nodes.Read(name="Plate")
    read["file"].setValue(str(tmp_path / "plate.%04d.exr"))
    node = void_remove(nuke)
    node.setInput(0, read)
    node["result_pattern"].setValue(str(tmp_path / "clean_{version}.%04d.exr"))
    node["engine"].setValue("propagation")
    for space, is_rendered in (("scene_linear", False), ("ACES - ACEScg", True)):
        read["colorspace"].setValue(space)
        assert gizmo_buttons.pick_of(node, model).render_plate is is_rendered


def test_a_group_of_it_needs_no_plug_in(nuke: ModuleType, model: PanelModel) -> None:
    node = void_remove(nuke)
    grade = nuke.nodes.Multiply(name="After", value=2.0)
    grade.setInput(0, node)
    node["prompt"].setValue("An empty table.")
    before, steps = grade.sample("rgba.red", 5.5, 5.5), nuke.Undo.undoSize()
    node["bake"].execute()
    assert nuke.toNode("VoidRemove1") is node, "a button must not delete its own node"
    turn_until(lambda: nuke.toNode("VoidRemove1") is not node)
    group = nuke.toNode("VoidRemove1")
    assert (group.Class(), group["prompt"].value()) == ("Group", "An empty table.")
    assert nuke.Undo.undoSize() == steps + 1
    assert grade.input(0) is group
    assert grade.sample("rgba.red", 5.5, 5.5) == pytest.approx(before)
    classes = {inner.Class() for inner in nuke.allNodes(group=group, recurseGroups=True)}
    assert {"Read", "Group"} <= classes <= set(REAL)
    with pytest.raises(SelectionError, match="already a Group"):
        model.host.bake_gizmo("VoidRemove1")


def test_one_inside_a_group_works_and_is_baked_there(
    nuke: ModuleType, model: PanelModel, tmp_path: Path
) -> None:
    outer = nuke.nodes.Group(name="Shot")
    with outer:
        nuke.nodes.CheckerBoard2(name="Board")
        nuke.nodes.Constant(name="Object")["color"].setValue([0.0, 0.0, 0.0, 1.0])
        node = nuke.createNode("VoidRemove")
        for index, name in enumerate(("Board", "Object")):
            assert node.setInput(index, nuke.toNode(name))
    node["engine"].setValue("propagation")
    node["result_pattern"].setValue(str(tmp_path / "clean_{version}.%04d.exr"))
    node["submit"].execute()
    (pick,) = [what for call, what in model.session.calls if call == "start"]  # type: ignore[attr-defined]
    assert (pick.plate, pick.mattes[0].node) == ("Shot.Board", "Shot.Object")
    assert model.host.bake_gizmo("Shot.VoidRemove1") == "Shot.VoidRemove1"
    assert nuke.toNode("Shot.VoidRemove1").input(0).fullName() == "Shot.Board"
    assert nuke.toNode("VoidRemove1") is None


@pytest.mark.parametrize("name", ["VoidRemove", "VoidQuadmask"])
def test_inner_nodes_and_knobs_are_those_of_a_real_nuke_in_its_order(name: str) -> None:
    text = (GIZMOS / f"{name}.gizmo").read_text(encoding="utf-8")
    for command in commands(text):
        if command[0] in ("set", "push", "end_group"):
            continue
        block = words(command[1])
        knobs = [one for one in block[::2] if one not in ("inputs", "addUserKnob", "help")]
        real = [*REAL[command[0]].knobs, *COMMON]
        user = [
            words(value)[1]
            for knob, value in zip(block[::2], block[1::2], strict=True)
            if knob == "addUserKnob"
        ]
        own = [one for one in knobs if one not in user]
        assert set(own) <= set(real), command[0]
        of_class = [one for one in own if one in REAL[command[0]].knobs]
        assert of_class == sorted(of_class, key=REAL[command[0]].knobs.index), (
            "Nuke writes them in this order"
        )


def test_the_quadmask_inside_is_the_gizmos_own() -> None:
    """It stands in the text, because a Group that holds a gizmo does not render without the plug-in."""

    def inner(text: str) -> list[tuple[str, list[str]]]:
        return [
            (command[0], words(command[1]))
            for command in commands(text)
            if command[0] not in ("set", "push", "end_group")
        ]

    alone = inner((GIZMOS / "VoidQuadmask.gizmo").read_text(encoding="utf-8"))[1:]
    whole = inner((GIZMOS / "VoidRemove.gizmo").read_text(encoding="utf-8"))
    assert any(whole[start : start + len(alone)] == alone for start in range(len(whole)))


def test_nothing_of_ours_is_left_in_the_fakes_state(nuke: ModuleType) -> None:
    assert STATE.context == []
