"""Puts the fake Nuke where ``import nuke`` finds it, and turns its event loop."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from types import ModuleType
from typing import Any

from tests.fakes import fake_nuke, fake_nukescripts
from tests.fakes.fake_nuke import curves, rotopaint
from tests.fakes.fake_nuke.knobs import Format
from tests.fakes.fake_nuke.menus import Pane
from tests.fakes.fake_nuke.nodes import Root
from tests.fakes.fake_nuke.state import STATE


def fresh_nuke(*, gui: bool = True, width: int = 96, height: int = 64) -> ModuleType:
    """Return the fake as the module ``nuke``, with an empty script of this format."""
    STATE.reset()
    STATE.formats = [Format(width, height, 1.0, "test"), Format(1920, 1080, 1.0, "HD_1080")]
    STATE.root = Root()
    STATE.root["format"]._value = STATE.formats[0]
    fake_nuke.GUI = gui
    fake_nuke.env.update(nc=False, indie=False)
    if gui:
        _start_qt()
    fake_nuke.rotopaint = rotopaint  # type: ignore[attr-defined]
    STATE.panes = [Pane("Properties.1")] if gui else []
    sys.modules["nuke"] = fake_nuke
    sys.modules["nukescripts"] = fake_nukescripts
    sys.modules["nuke.rotopaint"] = rotopaint
    return fake_nuke


def _start_qt() -> None:
    """Make Qt's application, which a Nuke with its GUI has; without Qt for Python the fake goes without."""
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    try:
        from PySide6 import QtWidgets
    except ImportError:
        return
    global _application
    _application = QtWidgets.QApplication.instance() or QtWidgets.QApplication([])


_application: Any = None


def turn_until(condition: Callable[[], bool], timeout_s: float = 30.0) -> None:
    """Turn the event loop until ``condition`` holds."""
    limit = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < limit, "it did not come to that"
        STATE.process_events()
        time.sleep(0.002)
    STATE.process_events()


def layer_in(parent: Any, name: str) -> Any:
    """Make a layer in ``parent``, and return the one that it holds."""
    layer = curves.Layer()
    layer.name = name
    parent.append(layer)
    return parent[len(parent) - 1]  # append() copies


def polygon(name: str, corners: list[tuple[float, float]], parent: Any) -> Any:
    """Make a shape of straight edges in ``parent``, a layer."""
    shape = curves.Shape()
    shape.name = name
    for corner in corners:
        shape.append(corner)
    parent.append(shape)
    return parent[len(parent) - 1]  # append() copies
