"""Dots in colours, as icons of rows and buttons."""

from __future__ import annotations

from void_nuke.ui.qt import QtCore, QtGui


def dot(colour: QtGui.QColor, size: int, gap: int = 0) -> QtGui.QIcon:
    """Draw a dot, with ``gap`` as room to its right. It is twice as large as shown, for screens with two
    pixels a point."""
    pixmap = QtGui.QPixmap((size + gap) * 2, size * 2)
    pixmap.fill(QtCore.Qt.GlobalColor.transparent)
    painter = QtGui.QPainter(pixmap)
    painter.setRenderHint(QtGui.QPainter.RenderHint.Antialiasing)
    painter.setPen(QtCore.Qt.PenStyle.NoPen)
    painter.setBrush(colour)
    painter.drawEllipse(1, 1, size * 2 - 2, size * 2 - 2)
    painter.end()
    icon = QtGui.QIcon(pixmap)
    icon.addPixmap(pixmap, QtGui.QIcon.Mode.Selected)  # Qt would tint the icon of a selected row
    return icon
