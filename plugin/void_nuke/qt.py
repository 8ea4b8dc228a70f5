"""The Qt that the host brings: PySide6 (Nuke 16 and later), else PySide2 (Nuke 15).

This module has only what needs no screen. Widgets and pictures come from :mod:`void_nuke.ui.qt`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PySide6 import QtCore
else:
    try:
        from PySide6 import QtCore
    except ImportError:
        from PySide2 import QtCore

QObject = QtCore.QObject
QTimer = QtCore.QTimer
Qt = QtCore.Qt
Signal = QtCore.Signal
Slot = QtCore.Slot

__all__ = ["QObject", "QTimer", "Qt", "QtCore", "Signal", "Slot"]
