"""Proposed things in the panel: the list, the overlay, the quadmask and the strip. No warning of Qt's is let
through."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytest.importorskip(
    "PySide6.QtWidgets", reason="PySide6 or a system library is missing", exc_type=ImportError
)

from PySide6 import QtCore, QtTest, QtWidgets

from tests.fakes.proposed_files import box_ring, write_proposed_files
from tests.fakes.qt_session import run_until
from tests.unit.void_nuke.ui.test_panel import Bench, bench
from void_nuke.host.host import FrameRange
from void_nuke.jobs.tracked_job import Phase
from void_nuke.panel.thing_outlines import DrawnThing
from void_nuke.ui.proposal_table import ProposalTable
from void_nuke.ui.region_view import paint_quadmask, paint_things, region_of_thing
from void_nuke.ui.style import DARK
from void_protocol.proposal import Thing

__all__ = ["bench"]

HOSTILE = "<b>box</b>\nIgnore the artist\x1b[2J"
THINGS = [
    Thing(number=1, words="shadow below the object", kind="shadow", confidence=0.8, frames="1001-1040"),
    Thing(number=2, words=HOSTILE, kind="moved", confidence=0.6, frames="1003-1040", extensions=["whole"]),
]


def _drawn(ring: list[float], **changes: Any) -> DrawnThing:
    facts = {"kind": "shadow", "confidence": 1.0, "accepted": True, "role": "affected", "growth_px": 0.0}
    return DrawnThing(**{**facts, **changes}, rings=[ring])  # type: ignore[arg-type]


def _tree(view: QtWidgets.QWidget) -> QtWidgets.QTreeWidget:
    return view.findChildren(ProposalTable)[0].findChildren(QtWidgets.QTreeWidget)[0]


@pytest.fixture
def proposed(bench: Bench, tmp_path: Path, qt: Any) -> Bench:
    bench.click("Use selection")
    bench.model.set_role(["Root/hand"], "remove")
    bench.click("Propose affected")
    (job,) = bench.session.jobs
    pattern = str(tmp_path / "affected.%04d.exr")
    layers = {"thing1": [box_ring(100, 100, 300, 200)], "thing2": [box_ring(500, 300, 600, 400)]}
    layers["thing2_whole"] = [box_ring(450, 250, 650, 450)]
    write_proposed_files(pattern, THINGS, dict.fromkeys(range(1001, 1041), layers), job_id=job.job_id)
    bench.session.change(job, phase=Phase.DONE, result_pattern=pattern, plate="Read1")
    run_until(qt, lambda: len(bench.model.drawn(1001)) == 2)
    return bench


def test_a_click_proposes_and_ticks_and_buttons_decide(proposed: Bench, qt: Any) -> None:
    tree, model = _tree(proposed.view), proposed.model
    assert tree.isVisible()
    rows = [tree.topLevelItem(index) for index in range(tree.topLevelItemCount())]
    assert rows[0].text(0) == "shadow below the object"
    assert rows[0].text(2) == "80 %"
    assert "\x1b" not in rows[1].text(0)
    assert "<b>" in rows[1].text(0)  # shown as it is, not as markup
    rows[0].setCheckState(0, QtCore.Qt.CheckState.Checked)
    run_until(qt, lambda: len(model.accepted_things) == 1)
    assert "1 as proposed" in proposed.texts()
    proposed.click("Accept")
    assert len(model.accepted_things) == 2
    tree.topLevelItem(1).setSelected(True)
    proposed.click("Reject")
    assert [thing.number for thing in model.accepted_things] == [1]
    table = proposed.view.proposal
    (grow,) = table.findChildren(QtWidgets.QSpinBox)
    grow.setValue(7)
    table._fill_ways()
    words = [action.text() for action in table._ways.actions()]
    assert words == ["As it was found", "The whole touched thing"]
    table._ways.actions()[1].trigger()
    box = model.accepted_things[1]
    assert (box.layer(1003), box.growth_px) == ("thing2_whole", 7.0)
    assert tree.topLevelItem(1).text(3) == "The whole touched thing, +7 px"
    table._fill_ways()
    now = proposed.host.script_ranges().current_frame
    actions = {action.text(): action for action in table._ways.actions()}
    actions[f"Only from frame {now} on"].trigger()
    actions[f"Only up to frame {now}"].trigger()
    assert tree.topLevelItem(1).text(3) == f"The whole touched thing, {now}–{now}, +7 px"
    assert [one.frames for one in model.wanted().files[1:]] == [None, FrameRange(now, now)]
    actions["On all frames"].trigger()
    assert tree.topLevelItem(1).text(3) == "The whole touched thing, +7 px"
    proposed.click("Discard")
    assert not tree.isVisible()


def test_a_click_on_a_line_of_the_strip_selects_the_thing(proposed: Bench) -> None:
    bar = proposed.view.strip.bar
    QtTest.QTest.mouseClick(bar, QtCore.Qt.MouseButton.LeftButton, pos=QtCore.QPoint(60, bar.height() - 2))
    selected = _tree(proposed.view).selectedItems()
    assert [item.data(0, QtCore.Qt.ItemDataRole.UserRole) for item in selected] == [2]


def test_the_quadmask_has_what_is_accepted_and_nothing_else() -> None:
    size = QtCore.QSize(200, 100)
    things = [
        _drawn(box_ring(20, 20, 60, 60)),
        _drawn(box_ring(100, 20, 140, 60), accepted=False),
        _drawn(box_ring(50, 40, 90, 80), role="remove"),
    ]
    image = paint_quadmask((), 200, 100, size, things)

    def level(x: int, y: int) -> int:
        return image.pixelColor(x, 99 - y).red()

    assert [level(30, 30), level(55, 50), level(80, 70), level(120, 40)] == [127, 63, 0, 255]


def test_growth_is_drawn_and_holes_stay_holes() -> None:
    grown = region_of_thing(_drawn(box_ring(20, 20, 60, 60), growth_px=10.0))
    assert grown.contains(QtCore.QPointF(65, 40))
    assert grown.contains(QtCore.QPointF(40, 40))
    assert not grown.contains(QtCore.QPointF(72, 40))
    shrunk = region_of_thing(_drawn(box_ring(20, 20, 60, 60), growth_px=-10.0))
    assert shrunk.contains(QtCore.QPointF(40, 40))
    assert not shrunk.contains(QtCore.QPointF(25, 40))
    hole = box_ring(35, 35, 45, 45)
    back = [value for x, y in reversed(list(zip(hole[::2], hole[1::2], strict=True))) for value in (x, y)]
    ring = DrawnThing("shadow", 1.0, True, "affected", 0.0, [box_ring(20, 20, 60, 60), back])
    assert not region_of_thing(ring).contains(QtCore.QPointF(40, 40))
    assert region_of_thing(ring).contains(QtCore.QPointF(25, 40))


def test_what_is_sure_and_accepted_is_fuller() -> None:
    size = QtCore.QSize(100, 100)

    def alpha(**changes: Any) -> int:
        image = paint_things([_drawn(box_ring(10, 10, 90, 90), **changes)], 100, 100, size, 1.0, DARK)
        return image.pixelColor(50, 50).alpha()

    assert alpha() > alpha(confidence=0.3) > alpha(accepted=False) > 0
