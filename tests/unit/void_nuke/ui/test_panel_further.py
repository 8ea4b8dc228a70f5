"""The panel's further parts: playback, clean frames, an engine's own options, stereo, versions compared."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import OpenImageIO as oiio  # noqa: N813 - its customary name
import pytest

pytest.importorskip(
    "PySide6.QtWidgets", reason="PySide6 or a system library is missing", exc_type=ImportError
)

from PySide6 import QtCore, QtTest, QtWidgets

from tests.fakes.qt_session import qt, run_until
from tests.fakes.scene_host import SceneHost, element_of, plate_of, square
from tests.fakes.still_session import StillSession, job_of
from tests.fakes.told_engines import TOLD
from void_nuke.errors import HostBusyError
from void_nuke.host.host import FrameRange, NodeInfo
from void_nuke.jobs.tracked_job import Phase
from void_nuke.panel import picture
from void_nuke.panel.model import PanelModel
from void_nuke.panel.server import ServerModel, ServerPicture, ServerState
from void_nuke.panel.settings import ALL_VIEWS
from void_nuke.ui.engine_options import EngineOptions
from void_nuke.ui.panel import PanelView

__all__ = ["qt"]
RUNNING = ServerPicture(ServerState.RUNNING, "Server running, idle", "tcp://127.0.0.1:5990", 1, engines=TOLD)


class Bench:
    def __init__(self, folder: Path) -> None:
        small = folder / "small.exr"
        output = oiio.ImageOutput.create(str(small))
        spec = oiio.ImageSpec(48, 27, 3, oiio.HALF)
        spec.attribute("compression", "zips")
        output.open(str(small), spec)
        output.write_image(np.full((27, 48, 3), 0.5, np.float32))
        output.close()
        self.host = SceneHost(
            plates={"Read1": plate_of(), "Painted": plate_of("Painted", FrameRange(1, 1))},
            rotos={
                "Roto1": [element_of("Root/cup", (0.0, 0.0, 0.0)), element_of("Root/hand", (0.0, 0.0, 0.0))]
            },
            shapes={path: lambda frame: square(frame, 10, 10, 50) for path in ("Root/cup", "Root/hand")},
            selection=[NodeInfo("Roto1", True), NodeInfo("Read1", False)],
            plate_file=lambda frame: small,
        )
        self.session = StillSession()
        server = ServerModel(folder)
        server.picture = RUNNING
        self.model = PanelModel(
            self.host,
            server,
            preferences=folder / "panel.json",
            session=self.session,  # type: ignore[arg-type]
        )
        self.session.on_change = self.model.job_changed.emit
        self.said: list[tuple[str, bool]] = []
        self.model.said.connect(lambda text, bad: self.said.append((text, bad)))
        self.view = PanelView(self.model)
        self.view.resize(640, 1100)
        self.view.show()
        self.model.use_selection()
        self.model.set_role(["Root/cup"], "remove")

    def button(self, text: str) -> QtWidgets.QPushButton:
        return next(one for one in self.view.findChildren(QtWidgets.QPushButton) if one.text() == text)


@pytest.fixture
def bench(tmp_path: Path, qt: Any) -> Iterator[Bench]:
    made = Bench(tmp_path)
    yield made
    made.view.close()
    made.model.close()
    made.view.deleteLater()
    qt.processEvents()
    shutil.rmtree(tmp_path, ignore_errors=True)


def test_nothing_is_rendered_while_frames_move_and_the_last_picture_stays(bench: Bench, qt: Any) -> None:
    run_until(qt, lambda: bench.model.picture.frame == 1001)
    assert len(bench.host.rendered) == 1
    shown: list[bool] = []
    region = bench.view._region
    timer = QtCore.QTimer()

    def play() -> None:
        bench.host.current_frame += 1
        shown.append(region._picture is not None)

    timer.timeout.connect(play)
    timer.start(40)
    run_until(qt, lambda: len(shown) >= 35)
    timer.stop()
    assert len(bench.host.rendered) == 1, "a frame was rendered while they moved"
    assert all(shown)
    assert region.caption.endswith("over the picture of 1001")
    last = bench.host.current_frame
    run_until(qt, lambda: bench.model.picture.frame == last)
    assert [render.frame for render in bench.host.rendered] == [1001, last]
    assert region.caption == f"Frame {last}"


def test_a_host_that_renders_is_left_in_peace_and_asked_again(bench: Bench, qt: Any) -> None:
    run_until(qt, lambda: bench.model.picture.frame == 1001)
    render, calls = bench.host.render_frame, []

    def busy(what: Any) -> None:
        calls.append(what)
        raise HostBusyError("Nuke renders something else")

    bench.host.render_frame = busy  # type: ignore[method-assign]
    bench.host.current_frame = 1009
    run_until(qt, lambda: len(calls) >= 2)
    assert bench.model.picture.problem == ""
    bench.host.busy = True
    count = len(calls)
    QtTest.QTest.qWait(700)
    assert len(calls) <= count + 1
    bench.host.busy, bench.host.render_frame = False, render  # type: ignore[method-assign]
    run_until(qt, lambda: bench.model.picture.frame == 1009)


def test_a_computed_picture_that_is_slow_to_come_is_waited_for(
    bench: Bench, qt: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.host.plates["Grade1"] = plate_of("Grade1", files=None, why_rendered="it is graded")
    bench.model.pick(plate="Grade1")
    read = picture.read_plate_picture

    def slowly(path: Path) -> Any:
        time.sleep(0.9)
        return read(path)

    monkeypatch.setattr(picture, "read_plate_picture", slowly)
    QtTest.QTest.qWait(700)  # the frame rests, and nothing is asked for by itself
    before = len(bench.host.rendered)
    bench.button("Refresh").click()
    run_until(qt, lambda: bench.model.picture.frame == 1001)
    assert len(bench.host.rendered) == before + 1
    bench.host.current_frame = 1005
    run_until(qt, lambda: bench.model.picture.picture is None)
    assert len(bench.host.rendered) == before + 1, "another frame is rendered only when asked for"


def test_clean_frames_are_taken_shown_and_dropped(bench: Bench, qt: Any) -> None:
    bench.button("Frame is clean").click()
    assert "Select the node" in bench.said[-1][0], "the plate itself is not clean"
    bench.host.selection = [NodeInfo("Painted", False)]
    for frame in (1010, 1004):
        bench.host.current_frame = frame
        bench.button("Frame is clean").click()
    assert [(one.frame, one.node, one.at) for one in bench.model.wanted().anchors] == [
        (1004, "Painted", 1),
        (1010, "Painted", 1),
    ]
    bar = bench.view.strip.bar
    QtTest.QTest.mouseClick(
        bar, QtCore.Qt.MouseButton.LeftButton, pos=QtCore.QPoint(round(bar.x_of(1010)), bar.height() // 2)
    )
    assert bar.chosen == 1010
    bench.button("Drop").click()
    assert [one.frame for one in bench.model.wanted().anchors] == [1004]
    bench.model.change(range_choice="typed", typed_range="1010-1020")
    assert "clean frames 1004" in bench.model.problem()


def test_an_engines_options_are_those_that_it_declares(bench: Bench, qt: Any) -> None:
    bench.model.change(engine="void", quality="preview")
    (options,) = bench.view.findChildren(EngineOptions)
    speed, passes = options.editors["speed"], options.editors["passes"]
    assert isinstance(speed, QtWidgets.QComboBox)
    assert isinstance(passes, QtWidgets.QLineEdit)
    assert (speed.currentText(), passes.text()) == ("draft", "")
    passes.setText("2")
    passes.editingFinished.emit()
    assert bench.model.wanted().settings.engine_options == {"speed": "draft", "passes": 2}
    speed.setCurrentText("fast")
    assert bench.model.wanted().settings.engine_options == {"speed": "fast", "passes": 2}
    speed.setCurrentText("draft")
    assert bench.model.settings.engine_options == (("void.passes", "2"),), "the quality says it anyway"
    passes.setText("7")
    passes.editingFinished.emit()
    assert bench.said[-1] == ("passes takes from 1 up to 2, not 7; it stays as it was", True)
    assert passes.text() == "2"
    passes.setText("")
    passes.editingFinished.emit()
    assert bench.model.settings.engine_options == ()
    bench.model.change(engine="propagation")
    assert options.isHidden()
    text = "\n".join(label.text() for label in bench.view.findChildren(QtWidgets.QLabel))
    assert "From the plate's own pixels." in text


def test_options_that_the_engine_has_no_more_stop_a_removal_until_they_are_forgotten(
    bench: Bench, qt: Any
) -> None:
    """A script that is older than the server's engine may keep some, and a server refuses such a job."""
    bench.model.change(engine="void", engine_options=(("void.passes", "2"), ("void.pasess", "1")))
    (options,) = bench.view.findChildren(EngineOptions)
    problem = bench.model.problem()
    assert "keeps 'pasess', which the server's VOID model does not have (did you mean 'passes'?)" in problem
    assert problem in "\n".join(label.text() for label in bench.view.findChildren(QtWidgets.QLabel))
    assert not bench.view._remove.isEnabled()
    assert not options.isHidden()
    bench.button("Forget").click()
    assert bench.model.settings.engine_options == (("void.passes", "2"),)
    assert bench.model.problem() == ""
    assert bench.view._remove.isEnabled()
    assert bench.button("Forget").isHidden()


def test_both_eyes_in_one_press(bench: Bench, qt: Any) -> None:
    bench.host.plates["Read1"] = replace(plate_of(), views=("left", "right"))
    bench.model.refresh()
    combo = next(
        one for one in bench.view.findChildren(QtWidgets.QComboBox) if one.findText("Both eyes") >= 0
    )
    assert not combo.isHidden()
    combo.setCurrentIndex(combo.findData(ALL_VIEWS))
    bench.model.remove()
    picks = [pick for name, pick in bench.session.calls if name == "start"]
    assert [pick.view for pick in picks] == ["left", "right"]
    assert len({pick.group for pick in picks}) == 1
    assert not any(pick.render_plate for pick in picks)
    assert len({pick.output_pattern for pick in picks}) == 2


def test_a_layer_of_the_plate_is_chosen(bench: Bench, qt: Any) -> None:
    boxes = bench.view.findChildren(QtWidgets.QComboBox)
    combo = next(one for one in boxes if one.toolTip() == "The plate's layer to remove from")
    assert combo.isHidden(), "a plate with one layer of colours leaves no choice"
    channels = ("rgba.red", "rgba.green", "rgba.blue", "spec.red", "spec.green", "spec.blue", "N.x")
    bench.host.plates["Read1"] = replace(plate_of(), channels=channels)
    bench.model.refresh()
    assert [combo.itemText(row) for row in range(combo.count())] == ["Main", "spec"]
    assert not combo.isHidden()
    assert bench.model.wanted().layer == ""
    combo.setCurrentIndex(combo.findData("spec"))
    assert bench.model.wanted().layer == "spec"
    assert bench.model.wanted().subject != replace(bench.model.wanted(), layer="").subject
    bench.host.plates["Read1"] = plate_of()
    bench.model.refresh()
    assert bench.model.wanted().layer == "", "this plate has no such layer"


def test_a_result_is_compared_with_another_version(bench: Bench, qt: Any) -> None:
    for number in (1, 2, 3):
        job = job_of(
            f"j{number}",
            Phase.DONE,
            version=number,
            plate="Read1",
            read_node=f"Read{number}",
            created_at=float(number),
        )
        bench.session.change(job)
    bench.session.change(job_of("other", Phase.DONE, plate="Else", read_node="Read9", created_at=0.5))
    jobs = bench.view.jobs
    jobs._list.setCurrentItem(jobs._items["j3"])
    button = bench.button("Compare")
    assert button.isEnabled()
    jobs._fill_versions()
    actions = jobs._versions.actions()
    assert [action.text() for action in actions] == ["with v002", "with v001"]
    actions[0].trigger()
    assert bench.host.compared == [("Read3", "Read2")]
    jobs._list.setCurrentItem(jobs._items["other"])
    assert not button.isEnabled()


def test_a_moved_plate_is_taken_as_the_roto_sees_it(bench: Bench, qt: Any) -> None:
    bench.host.plates["TimeOffset1"] = plate_of("TimeOffset1", files=None, why_rendered="it is moved")
    bench.host.moved[("Read1", "Roto1")] = ("TimeOffset1", "TimeOffset1 moves the frames")
    bench.model.use_selection()
    assert bench.model.settings.plate == "TimeOffset1"
    assert "TimeOffset1 moves the frames" in bench.said[-1][0]


def test_an_edition_with_ten_nodes_is_told_what_it_can_do(bench: Bench, qt: Any) -> None:
    bench.model.edition = "Non-commercial"
    assert "Nuke Non-commercial shows scripts ten nodes only" in bench.model.problem()
    bench.model.change(shapes_only=True)
    assert bench.model.problem() == ""
    bench.model.set_matte_node("affected", "Keyer1")
    assert "ten nodes" in bench.model.problem()
    rendered = len(bench.host.rendered)
    bench.model.show_frame(is_asked_for=True)
    assert len(bench.host.rendered) == rendered


def test_shapes_whose_overlay_has_no_colour_are_told_apart(bench: Bench) -> None:
    colours = [row.swatch(number) for number, row in enumerate(bench.model.shapes.rows)]
    assert len(set(colours)) == 2
    assert min(max(colour) for colour in colours) > 0.5
    own = replace(bench.model.shapes.rows[0], element=element_of("Root/x", (0.2, 0.0, 0.0)))
    assert own.swatch(0) == (0.2, 0.0, 0.0)
