"""The panel's widgets on a model: what is drawn, what a click does. No warning of Qt's is let through."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip(
    "PySide6.QtWidgets", reason="PySide6 or a system library is missing", exc_type=ImportError
)

from msgspec.structs import replace as replace_struct
from PySide6 import QtCore, QtGui, QtTest, QtWidgets

from tests.fakes.qt_session import run_until
from tests.fakes.scene_host import SceneHost, element_of, square
from tests.fakes.still_session import StillSession, job_of
from tests.fakes.told_engines import PROPAGATION, TOLD, VOID
from void_nuke.export.pick import RemovalPick
from void_nuke.host.host import NodeInfo
from void_nuke.jobs.tracked_job import Phase
from void_nuke.panel.model import PanelModel
from void_nuke.panel.server import ServerModel, ServerPicture, ServerState
from void_nuke.ui.job_log import JobLog
from void_nuke.ui.panel import PanelView
from void_nuke.ui.region_view import area_of, paint_quadmask
from void_nuke.ui.settings_form import SettingsForm
from void_nuke.ui.style import DARK, LIGHT, theme_of
from void_protocol.engines import EngineDescription
from void_protocol.errors import ServerError
from void_protocol.job import RotoPoint, ShapeFrame
from void_protocol.watching import Preview

RUNNING = ServerPicture(ServerState.RUNNING, "Server running, idle", "tcp://127.0.0.1:5990", 1, engines=TOLD)


class Bench:
    def __init__(self, folder: Path) -> None:
        self.host = SceneHost(
            rotos={"Roto1": [element_of("Root/hand"), element_of("Root/cup")]},
            shapes={path: lambda frame: square(frame, 10, 10, 50) for path in ("Root/hand", "Root/cup")},
            selection=[NodeInfo("Roto1", True), NodeInfo("Read1", False)],
        )
        self.session = StillSession()
        self.server = ServerModel(folder)
        self.server.picture = RUNNING
        self.model = PanelModel(
            self.host,
            self.server,
            preferences=folder / "panel.json",
            session=self.session,  # type: ignore[arg-type]
        )
        self.session.on_change = self.model.job_changed.emit
        self.view = PanelView(self.model)
        self.view.resize(640, 1000)
        self.view.show()

    def button(self, text: str) -> QtWidgets.QPushButton:
        (found,) = [
            one
            for one in self.view.findChildren(QtWidgets.QPushButton)
            if one.text() == text and one.isVisible()
        ][:1]
        return found

    def click(self, text: str, index: int = 0) -> None:
        found = [one for one in self.view.findChildren(QtWidgets.QPushButton) if one.text() == text]
        assert found[index].isEnabled(), f"{text} is disabled"
        QtTest.QTest.mouseClick(found[index], QtCore.Qt.MouseButton.LeftButton)

    def texts(self) -> str:
        return "\n".join(one.text() for one in self.view.findChildren(QtWidgets.QLabel) if one.isVisible())


@pytest.fixture
def bench(tmp_path: Path, qt: Any) -> Iterator[Bench]:
    bench = Bench(tmp_path)
    qt.processEvents()
    yield bench
    bench.view.close()
    bench.model.close()
    bench.view.deleteLater()
    qt.processEvents()


def test_mark_and_remove_by_clicks(bench: Bench, qt: Any) -> None:
    remove = bench.view.findChild(QtWidgets.QPushButton, "VoidRemove")
    assert remove is not None
    assert not remove.isEnabled()

    bench.click("Use selection")
    bench.view.shapes.select({"Root/cup"})
    bench.view.shapes.findChildren(QtWidgets.QPushButton)[0].click()
    assert "Ready: 1 to remove" in bench.texts()
    remove.click()

    (pick,) = [what for name, what in bench.session.calls if name == "start"]
    assert pick.roles == {"Root/cup": "remove"}
    assert bench.view.jobs.current() is not None


def test_what_is_missing_is_on_screen(bench: Bench) -> None:
    assert "Use selection" in bench.texts()
    bench.server.picture = ServerPicture(text="No server is running; press Start")
    bench.server.changed.emit()
    assert "No server is running; press Start" in bench.texts()
    assert bench.button("Start").isEnabled()


def test_settings_are_drawn_and_taken(bench: Bench) -> None:
    bench.model.change(prompt="A lime falls.", engine="void", proxy_scale=0.5, seed=9)
    (prompt,) = bench.view.findChildren(QtWidgets.QPlainTextEdit)
    assert prompt.toPlainText() == "A lime falls."
    prompt.setPlainText("Nothing.")
    assert bench.model.settings.prompt == "Nothing."
    combos = bench.view.findChildren(SettingsForm)[0].findChildren(QtWidgets.QComboBox)
    assert [combo.currentText() for combo in combos][:3] == ["VOID model", "Final", "1/2"]
    combos[1].setCurrentIndex(0)
    assert (bench.model.settings.quality, bench.model.settings.proxy_scale) == ("preview", 0.25)
    assert combos[2].currentText() == "1/4"


def test_the_choice_of_engines_follows_the_server(bench: Bench) -> None:
    (combo,) = [one for one in bench.view.findChildren(QtWidgets.QComboBox) if one.findText("Automatic") >= 0]
    assert [combo.itemText(row) for row in range(combo.count())] == ["Automatic", "Propagation", "VOID model"]
    bench.model.change(engine="void")
    why = "no model folder is named"
    told = (
        PROPAGATION,
        replace_struct(VOID, problem=why),
        EngineDescription(name="studio", title="Studio's"),
    )
    bench.server.picture = replace(RUNNING, engines=told)
    bench.server.changed.emit()

    texts = [combo.itemText(row) for row in range(combo.count())]
    assert texts == ["Automatic", "Propagation", "VOID model (not available)", "Studio's"]
    assert [combo.model().item(row).isEnabled() for row in range(4)] == [True, True, False, True]
    bench.model.change(destination="farm")
    assert [combo.model().item(row).isEnabled() for row in range(4)] == [True, True, True, True], (
        "the farm's machines may run it"
    )
    bench.model.change(destination="server")
    assert not combo.model().item(2).isEnabled()
    assert combo.itemData(2, QtCore.Qt.ItemDataRole.ToolTipRole) == why
    assert (combo.currentData(), combo.toolTip()) == ("void", why), "what the script says is not changed"
    assert bench.model.settings.engine == "void"
    combo.setCurrentIndex(3)
    assert bench.model.settings.engine == "studio"

    bench.server.picture = replace(RUNNING, engines=(PROPAGATION,))
    bench.server.changed.emit()
    assert combo.currentText() == "studio (not on this server)"


PICK = RemovalPick(plate="Read1", frames=None, output_pattern="", roto="Roto1")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("phase", "enabled"),
    [
        (Phase.EXPORTING, {"Cancel", "Duplicate", "Open folder"}),
        (Phase.RUNNING, {"Cancel", "Duplicate", "Open folder"}),
        (Phase.CANCELLING, {"Duplicate", "Open folder"}),
        (Phase.FAILED, {"Retry", "Duplicate", "Open folder"}),
        (Phase.DONE, {"Retry", "Duplicate", "Import result", "Open folder"}),
    ],
)
def test_only_what_can_be_done_is_offered(bench: Bench, phase: Phase, enabled: set[str]) -> None:
    bench.session.change(job_of("a", phase, pick=PICK))

    buttons = bench.view.jobs.findChildren(QtWidgets.QPushButton)

    assert {one.text() for one in buttons if one.isEnabled()} == enabled


def test_the_actions_of_a_job(bench: Bench) -> None:
    bench.session.change(job_of("a", Phase.RUNNING, pick=PICK))
    bench.click("Cancel")
    bench.session.change(bench.session.job("a"), phase=Phase.DONE)
    bench.click("Import result")
    bench.click("Retry")

    assert [name for name, _ in bench.session.calls][-4:] == ["cancel", "import_result", "retry", "start"]


def test_the_folder_is_opened_as_far_as_it_is_there(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []
    monkeypatch.setattr(QtGui.QDesktopServices, "openUrl", lambda url: opened.append(url.toLocalFile()))
    there = tmp_path / "void"
    there.mkdir()
    pattern = str(there / "clean_v001" / "clean_v001.%04d.exr")
    bench.session.change(job_of("a", Phase.HANDED_OVER, pick=PICK, result_pattern=pattern))
    bench.click("Open folder")
    (there / "clean_v001").mkdir()
    bench.click("Open folder")
    assert [Path(one) for one in opened] == [there, there / "clean_v001"]


class TalkingServer:
    """A client whose server says more each time it is asked."""

    def __init__(self) -> None:
        self.asked: list[int] = []

    def log(self, job_id: str, offset: int) -> Future[tuple[str, int]]:
        self.asked.append(offset)
        answer: Future[tuple[str, int]] = Future()
        if len(self.asked) > 2:
            answer.set_exception(ServerError("unknown", "the job is forgotten; its log went with it"))
        else:
            answer.set_result((f"line {len(self.asked)}\n", offset + 7))
        return answer


def test_the_log_follows_the_server(bench: Bench, qt: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("void_nuke.ui.job_log._ASK_MS", 20)
    server = TalkingServer()
    bench.server._client = server  # type: ignore[assignment]
    info: Any = object()
    bench.session.change(job_of("a", Phase.RUNNING, pick=PICK, info=info))
    bench.click("Log")
    (log,) = bench.view.findChildren(JobLog)
    text = log.findChild(QtWidgets.QPlainTextEdit)
    assert text is not None
    run_until(qt, lambda: "went with it" in text.toPlainText())
    assert text.toPlainText().split("\n") == [
        "line 1",
        "line 2",
        "",
        "the job is forgotten; its log went with it",
        "",
    ]
    assert server.asked == [0, 7, 14], "a log that is gone is not asked for again"
    bench.server._client = None
    log.close()


def test_where_it_runs_is_chosen_beside_the_button(bench: Bench) -> None:
    bench.click("Use selection")
    bench.model.set_role(["Root/cup"], "remove")
    bench.model.change(server_python="/studio/python", farm_target="opencue")
    combo = next(
        one for one in bench.view.findChildren(QtWidgets.QComboBox) if one.accessibleName() == "Where it runs"
    )
    combo.setCurrentIndex(1)
    assert "goes to OpenCue" in bench.texts()
    remove = bench.view.findChild(QtWidgets.QPushButton, "VoidRemove")
    assert remove is not None
    remove.click()
    (sent,) = [what for name, what in bench.session.calls if name == "send_to_farm"]
    assert sent[1].target == "opencue"


def test_the_direction_of_a_curve_is_exact() -> None:
    """A circle of four cubics, either way round, and a shape without area."""
    handle = 4 / 3 * (2**0.5 - 1)
    places = [(1.0, 0.0), (0.0, 1.0), (-1.0, 0.0), (0.0, -1.0)]
    left = [RotoPoint(x, y, y * handle, -x * handle, -y * handle, x * handle) for x, y in places]
    right = [
        RotoPoint(one.x, one.y, one.right_x, one.right_y, one.left_x, one.left_y) for one in reversed(left)
    ]
    assert area_of(left) == pytest.approx(3.1422, abs=1e-3)
    assert area_of(right) == pytest.approx(-area_of(left))
    assert area_of([RotoPoint(0, 0), RotoPoint(5, 5)]) == 0.0


def test_a_failure_says_its_remedy_in_full(bench: Bench) -> None:
    remedy = "the GPU has 9.8 GiB free and needs 14; choose Scale 1/2, then press Retry"
    bench.session.change(job_of("a", Phase.FAILED, message=remedy))

    assert remedy[1:] in bench.texts()


@pytest.mark.parametrize("phase", list(Phase))
def test_every_phase_is_drawn(bench: Bench, phase: Phase) -> None:
    preview = Preview(job_id="a", frame=1, width=7, height=5, pixels=bytes(range(105)))
    bench.session.change(job_of("a", phase, fraction=0.4, eta_s=90.0, frames_done=3))
    before = bench.view.jobs.grab().toImage()
    bench.session.change(bench.session.job("a"), preview=preview)

    assert bench.view.jobs.grab().toImage() != before


def test_the_quadmask_has_the_four_levels_where_the_shapes_are(qt: Any) -> None:
    def box(left: float, bottom: float, right: float, top: float) -> ShapeFrame:
        corners = [(left, bottom), (left, top), (right, top), (right, bottom)]
        return ShapeFrame(frame=1, points=[RotoPoint(x, y) for x, y in corners])

    marked = [
        ("remove", box(10, 10, 50, 40)),
        ("affected", box(30, 10, 80, 40)),
        ("ignore", box(70, 0, 100, 50)),
    ]

    image = paint_quadmask(marked, 100, 50, QtCore.QSize(200, 100))  # type: ignore[arg-type]

    def level(x: float, y: float) -> int:
        """At the host's pixel, y up."""
        return QtGui.qGray(image.pixel(int(2 * x), int(2 * (50 - y))))

    assert [level(20, 20), level(40, 20), level(60, 20), level(75, 20), level(5, 45)] == [
        0,
        63,
        127,
        255,
        255,
    ]
    assert level(20, 45) == 255
    assert {QtGui.qGray(image.pixel(x, y)) for x in range(200) for y in range(100)} == {0, 63, 127, 255}


def test_an_inverted_shape_is_everything_else(qt: Any) -> None:
    shape = replace_points(square(1, 20, 20, 10))

    image = paint_quadmask([("remove", shape)], 100, 50, QtCore.QSize(100, 50))

    assert QtGui.qGray(image.pixel(25, 25)) == 255
    assert QtGui.qGray(image.pixel(5, 5)) == 0


def replace_points(shape: ShapeFrame) -> ShapeFrame:
    import msgspec

    return msgspec.structs.replace(shape, inverted=True)


def test_the_theme_follows_the_hosts_palette(bench: Bench, qt: Any) -> None:
    palette = QtGui.QPalette()
    for colour, theme in (("#323232", DARK), ("#e0e0e0", LIGHT)):
        palette.setColor(QtGui.QPalette.ColorRole.Window, QtGui.QColor(colour))
        assert theme_of(palette) is theme


def test_the_overlay_follows_the_hosts_frame(bench: Bench, qt: Any) -> None:
    bench.click("Use selection")
    bench.view.shapes.select({"Root/cup"})
    bench.model.set_role(["Root/cup"], "remove")
    bench.host.current_frame = 1010

    run_until(qt, lambda: bench.view._shown_frame == 1010)
