"""Runs Qt without a screen for tests, and makes each of Qt's warnings a failure."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

_HARMLESS = ("This plugin does not support propagateSizeHints()",)
"""Messages that the platform without a screen prints for every window."""


@pytest.fixture
def qt(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Return the application. Any warning of Qt's while it is used fails the test."""
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    widgets = pytest.importorskip(
        "PySide6.QtWidgets",
        reason="PySide6 or a system library that it needs is missing",
        exc_type=ImportError,
    )
    from PySide6 import QtCore

    said: list[str] = []

    def hear(kind: Any, context: Any, text: str) -> None:
        if kind != QtCore.QtMsgType.QtDebugMsg and text not in _HARMLESS:
            said.append(text)

    before = QtCore.qInstallMessageHandler(hear)
    application = widgets.QApplication.instance() or widgets.QApplication([])
    yield application
    application.processEvents()
    QtCore.qInstallMessageHandler(before)
    assert said == []


def run_until(application: Any, is_so: Callable[[], bool], limit_s: float = 15.0) -> None:
    """Let Qt work until ``is_so`` answers yes. Raises TimeoutError when it never does."""
    limit = time.monotonic() + limit_s
    while not is_so():
        if time.monotonic() > limit:
            raise TimeoutError("it never came to be so")
        application.processEvents()
        time.sleep(0.002)
