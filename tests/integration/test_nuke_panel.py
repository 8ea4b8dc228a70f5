"""The panel in the fake Nuke, from the start-up files to the Read node: opened from the menu, worked by
clicks, with a real server found by itself."""

from __future__ import annotations

import importlib
import math
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

pytest.importorskip(
    "PySide6.QtWidgets", reason="PySide6 or a system library is missing", exc_type=ImportError
)

from PySide6 import QtTest, QtWidgets
from PySide6.QtCore import Qt

from tests.fakes.fake_nuke.state import STATE
from tests.fakes.nuke_session import fresh_nuke, polygon
from tests.fakes.qt_session import qt, run_until
from tests.integration.server_case import server_for
from tests.unit.void_engine.effects.shots import crossing
from void_engine.plates.exr.file import read_frame, write_frame
from void_engine.plates.frame.frame import Frame
from void_server.settings import DEFAULT_RUNNER

__all__ = ["qt"]
PLUGIN = Path(__file__).resolve().parents[2] / "plugin"


class Session:
    """A Nuke that was started with the plug-in's folder on its path."""

    def __init__(self, application: Any) -> None:
        self.application = application
        self.nuke: ModuleType = fresh_nuke()
        self.nuke.pluginAddPath(str(PLUGIN))
        start = PLUGIN / "menu.py"
        exec(compile(start.read_text(), str(start), "exec"), {"__file__": str(start)})

    def open_panel(self) -> Any:
        panel = self.nuke.menu("Nodes").findItem("VOID/Panel").invoke()
        assert panel.id in STATE.panes[0].docked
        return panel.widget

    def until(self, is_so: Callable[[], bool], limit_s: float = 60.0) -> None:
        def turned() -> bool:
            STATE.process_events()
            return is_so()

        run_until(self.application, turned, limit_s)


@pytest.fixture
def session(qt: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Session]:
    monkeypatch.setenv("VOID_HOME", str(tmp_path / "home"))
    fresh_nuke()
    running = importlib.import_module("void_nuke.panel.running")
    running.the_model.cache_clear()
    made = Session(qt)
    yield made
    if running.the_model.cache_info().currsize:
        running.the_model().close()
        running.the_model.cache_clear()
    for widget in QtWidgets.QApplication.topLevelWidgets():
        widget.close()
        widget.deleteLater()
    qt.processEvents()


def make_comp(nuke: ModuleType, folder: Path) -> None:
    nuke.nodes.CheckerBoard2(name="Board")
    grade = nuke.nodes.Multiply(name="Grade", value=2.0)
    grade.setInput(0, nuke.toNode("Board"))
    roto = nuke.nodes.Roto(name="Roto1")
    polygon("ball", [(10.0, 10.0), (30.0, 10.0), (20.0, 30.0)], roto["curves"].rootLayer)
    polygon("shadow", [(40.0, 4.0), (60.0, 4.0), (50.0, 9.0)], roto["curves"].rootLayer)
    nuke.root()["last_frame"].setValue(3)
    nuke.scriptSaveAs(str(folder / "comp.nk"))


def notes(nuke: ModuleType) -> str:
    knob = nuke.root().knob("void_removals")
    return "" if knob is None else knob.value()


def press(panel: Any, text: str) -> None:
    found = [one for one in panel.findChildren(QtWidgets.QPushButton) if one.text() == text]
    assert found, f"there is no button {text}"
    assert found[0].isEnabled(), f"{text} cannot be pressed: {panel._message.text()}"
    QtTest.QTest.mouseClick(found[0], Qt.MouseButton.LeftButton)


def mark_and_remove(panel: Any, nuke: ModuleType) -> None:
    for name in ("Roto1", "Grade"):
        nuke.toNode(name).setSelected(True)
    press(panel, "Use selection")
    panel.shapes.select({"Root/ball"})
    press(panel, "Remove")
    panel.model.change(engine="identity", range_choice="typed", typed_range="1-3")
    panel.findChild(QtWidgets.QPushButton, "VoidRemove").click()


def test_from_the_menu_to_the_read(session: Session, tmp_path: Path) -> None:
    make_comp(session.nuke, tmp_path)
    with server_for(tmp_path / "home", runner=DEFAULT_RUNNER, cancel_grace_s=10.0):
        panel = session.open_panel()
        session.until(lambda: panel.model.server.picture.state.value == "running")
        mark_and_remove(panel, session.nuke)
        session.until(lambda: panel.jobs.current() is not None and panel.jobs.current().phase.is_final)
        job = panel.jobs.current()
        assert (job.phase.value, job.message) == ("done", "")
        read = session.nuke.toNode(job.read_node)
        assert (read["first"].value(), read["last"].value()) == (1, 3)
        assert all(Path(job.result_pattern % frame).is_file() for frame in (1, 2, 3))
        read["label"].setValue("mine")
        press(panel, "Import result")
        assert "v001" in read["label"].value(), "the Read was not brought up to date"
        assert len(session.nuke.allNodes("Read")) == 1
        assert len(panel.model.session.jobs) == 1
        assert session.nuke.root()["void_removals"].value()
        session.until(lambda: not list(tmp_path.rglob("void_export_*")))


def make_crossing(nuke: ModuleType, folder: Path) -> None:
    """A disc that crosses the plate with a shadow below it, and a Roto that follows the disc."""
    shot = crossing(shadow=0.5, frames=10)
    for index, picture in enumerate(shot.plate):
        frame = Frame.from_pixels(1 + index, ("R", "G", "B"), picture.astype(np.float16))
        write_frame(frame, folder / f"plate.{1 + index:04d}.exr")
    read = nuke.nodes.Read(name="Read1")
    read["file"].setValue(f"{folder.as_posix()}/plate.%04d.exr")
    read["first"].setValue(1)
    read["last"].setValue(10)
    read["raw"].setValue(True)
    roto = nuke.nodes.Roto(name="Roto1")
    corners = [(16 * math.cos(angle / 2), 16 * math.sin(angle / 2)) for angle in range(12)]
    disc = polygon("disc", corners, roto["curves"].rootLayer)
    for (x, y), point in zip(corners, disc, strict=True):
        for index in range(10):
            point.center.addPositionKey(1 + index, (25 + 110 * index / 9 + x, 48 + y))
    nuke.root()["last_frame"].setValue(10)
    nuke.scriptSaveAs(str(folder / "comp.nk"))


def test_what_is_proposed_and_accepted_goes_into_the_removal(session: Session, tmp_path: Path) -> None:
    make_crossing(session.nuke, tmp_path)
    with server_for(tmp_path / "home", runner=DEFAULT_RUNNER, cancel_grace_s=10.0):
        panel = session.open_panel()
        model = panel.model
        session.until(lambda: model.server.picture.state.value == "running")
        for name in ("Roto1", "Read1"):
            session.nuke.toNode(name).setSelected(True)
        press(panel, "Use selection")
        panel.shapes.select({"Root/disc"})
        press(panel, "Remove")
        press(panel, "Propose affected")
        session.until(lambda: not model.is_proposing)
        assert [thing.kind for thing in model.proposal.things] == ["shadow"], panel._message.text()
        assert session.nuke.allNodes("Read") == [session.nuke.toNode("Read1")]
        session.until(lambda: bool(model.drawn(5)))
        press(panel, "Accept")
        model.grow([1], 2.0)
        model.change(engine="identity")
        panel.findChild(QtWidgets.QPushButton, "VoidRemove").click()
        session.until(lambda: len(model.session.jobs) == 2 and model.session.jobs[0].phase.is_final)
        job = model.session.jobs[0]
        assert (job.phase.value, job.message) == ("done", "")
        made = read_frame(Path(job.result_pattern % 5), 5)
        replaced = made.plane("matte.A", made.display_window)
        x = 25 + 110 * 4 / 9
        assert replaced[48, round(x)] == 1, "the disc goes"
        assert replaced[68, round(x + 5)] == 1, "its shadow goes with it"
        assert replaced[20, round(x)] == 0
        press(panel, "Accept")
        press(panel, "To Roto")
        session.until(lambda: bool(model.settings.matte_nodes))
        (shape,) = session.nuke.toNode("VoidAffected1")["curves"].rootLayer
        assert shape.name == "shadow below the object (1)"


def test_a_running_job_is_taken_up_though_no_panel_is_open(session: Session, tmp_path: Path) -> None:
    """The script is closed while the server works; opened again, the Read comes by itself."""
    make_comp(session.nuke, tmp_path)
    running = sys.modules["void_nuke.panel.running"]
    with server_for(tmp_path / "home", runner=DEFAULT_RUNNER, cancel_grace_s=10.0):
        panel = session.open_panel()
        session.until(lambda: panel.model.server.picture.state.value == "running")
        mark_and_remove(panel, session.nuke)
        session.until(lambda: panel.model.session.jobs[0].info is not None)
        session.until(lambda: panel.model.session.jobs[0].job_id in notes(session.nuke))
        # From here on no event is handled: whatever the server does, there is no Read yet.
        assert not session.nuke.allNodes("Read")
        session.nuke.scriptSaveAs(str(tmp_path / "comp.nk"))
        panel.close()
        running.the_model().close()
        running.the_model.cache_clear()
        del STATE.callbacks["onScriptLoad"][1:]  # Nuke was quit and started again: only menu.py listens
        session.nuke.scriptClear()
        assert running.the_model.cache_info().currsize == 0
        session.nuke.scriptOpen(str(tmp_path / "comp.nk"))
        session.until(lambda: bool(session.nuke.allNodes("Read")))
        assert running.the_model.cache_info().currsize == 1


def test_a_script_without_jobs_starts_nothing(session: Session, tmp_path: Path) -> None:
    make_comp(session.nuke, tmp_path)
    session.nuke.scriptOpen(str(tmp_path / "comp.nk"))
    STATE.process_events()
    assert sys.modules["void_nuke.panel.running"].the_model.cache_info().currsize == 0
