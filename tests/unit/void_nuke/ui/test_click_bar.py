"""Clicking an object into the panel's picture. No warning of Qt's is let through."""

from __future__ import annotations

from typing import Any

import pytest

pytest.importorskip(
    "PySide6.QtWidgets", reason="PySide6 or a system library is missing", exc_type=ImportError
)

from PySide6 import QtCore, QtTest

from tests.unit.void_nuke.ui.test_panel import Bench, bench
from void_nuke.ui.clickable_region import ClickableRegion

__all__ = ["bench"]

LEFT, RIGHT = QtCore.Qt.MouseButton.LeftButton, QtCore.Qt.MouseButton.RightButton


def _region(bench: Bench) -> ClickableRegion:
    (found,) = bench.view.findChildren(ClickableRegion)
    return found


def _click(bench: Bench, x: float, y: float, button: Any = LEFT, *, alt: bool = False) -> None:
    """Click on a position of the plate."""
    region = _region(bench)
    key = QtCore.Qt.KeyboardModifier
    place = region.place_of(x, y).toPoint()
    QtTest.QTest.mouseClick(region, button, key.AltModifier if alt else key.NoModifier, place)


def test_clicks_are_made_in_the_plates_pixels_and_taken_away_again(bench: Bench, qt: Any) -> None:
    bench.click("Use selection")
    plate, model = bench.model.plate, bench.model
    assert plate is not None
    x, y = plate.width * 0.25, plate.height * 0.75
    _click(bench, x, y)
    assert model.clicks == []  # not before it is switched on
    bench.click("Click object")
    _click(bench, x, y)
    _click(bench, plate.width * 0.7, plate.height * 0.2, RIGHT)
    _click(bench, plate.width * 0.5, plate.height * 0.5, alt=True)
    frame = bench.host.script_ranges().current_frame
    a_widget_pixel = plate.width / 300
    first, second, third = model.clicks
    assert (first.frame, first.outside) == (frame, False)
    assert first.x == pytest.approx(x, abs=a_widget_pixel)
    assert first.y == pytest.approx(y, abs=a_widget_pixel)
    assert second.outside
    assert third.outside
    assert "3 clicks on 1 frame" in bench.texts()
    before = _region(bench).grab().toImage()
    _click(bench, x, y)
    assert model.clicks == [second, third]
    qt.processEvents()
    assert _region(bench).grab().toImage() != before
    QtTest.QTest.mouseClick(_region(bench), LEFT, pos=QtCore.QPoint(1, 1))  # beside the picture
    assert len(model.clicks) == 2
    assert not bench.button("Make matte").isEnabled()  # nothing is on the object
    bench.click("Click object")
    _click(bench, x, y)
    assert len(model.clicks) == 2


def test_a_click_is_enough_for_a_matte(bench: Bench) -> None:
    bench.click("Use selection")
    bench.click("Click object")
    _click(bench, 300, 200)
    bench.click("Make matte")
    (pick,) = [what for name, what in bench.session.calls if name == "start"]
    assert len(pick.clicks) == 1
    assert "under way" in bench.texts()
    assert not bench.button("Make matte").isEnabled()
    bench.click("Forget clicks")
    assert bench.model.clicks == []
    assert "click on what is to go" in bench.texts()


def test_on_another_frame_clicks_do_not_show(bench: Bench) -> None:
    bench.click("Use selection")
    region = _region(bench)
    bench.model.click(bench.host.script_ranges().current_frame + 1, 300, 200)
    assert region._shown_clicks == []
    bench.model.click(bench.host.script_ranges().current_frame, 300, 200)
    assert len(region._shown_clicks) == 1
