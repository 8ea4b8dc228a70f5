"""Draws the toolbar's icons and the combo boxes' arrows: ``python tests/bench/gizmo_icons.py``."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PySide6 import QtCore, QtGui

ROOT = Path(__file__).resolve().parents[2]
SIZE = 24
INK, ACCENT = QtGui.QColor("#d0d0d0"), QtGui.QColor("#e9983a")


def remove(painter: QtGui.QPainter) -> None:
    """Draw a frame, with a dashed outline where something was."""
    painter.setPen(QtGui.QPen(INK, 2))
    painter.drawRoundedRect(QtCore.QRectF(2, 4, 20, 16), 2, 2)
    pen = QtGui.QPen(ACCENT, 2)
    pen.setDashPattern([1.6, 1.2])
    painter.setPen(pen)
    painter.drawEllipse(QtCore.QRectF(7.5, 7.5, 9, 9))


def quadmask(painter: QtGui.QPainter) -> None:
    """Draw the four levels of the quadmask."""
    painter.setPen(QtCore.Qt.PenStyle.NoPen)
    for index, level in enumerate((255, 127, 0, 63)):
        painter.setBrush(QtGui.QColor(level, level, level))
        painter.drawRect(QtCore.QRectF(3 + 9 * (index % 2), 3 + 9 * (index // 2), 9, 9))
    painter.setPen(QtGui.QPen(INK, 1.5))
    painter.setBrush(QtCore.Qt.BrushStyle.NoBrush)
    painter.drawRect(QtCore.QRectF(3, 3, 18, 18))


def panel(painter: QtGui.QPainter) -> None:
    """Draw a window with rows."""
    painter.setPen(QtGui.QPen(INK, 2))
    painter.drawRoundedRect(QtCore.QRectF(3, 3, 18, 18), 2, 2)
    painter.setPen(QtGui.QPen(ACCENT, 2))
    painter.drawLine(7, 9, 17, 9)
    painter.setPen(QtGui.QPen(INK, 2))
    for y in (13, 17):
        painter.drawLine(7, y, 14, y)


def draw(path: Path, size: int, paint: Callable[[QtGui.QPainter], None]) -> None:
    image = QtGui.QImage(size, size, QtGui.QImage.Format.Format_ARGB32)
    image.fill(0)
    painter = QtGui.QPainter(image)
    painter.setRenderHint(QtGui.QPainter.RenderHint.Antialiasing)
    paint(painter)
    painter.end()
    image.save(str(path))


def arrow(colour: str) -> Callable[[QtGui.QPainter], None]:
    def paint(painter: QtGui.QPainter) -> None:
        painter.setPen(QtGui.QPen(QtGui.QColor(colour), 3))
        painter.drawPolyline([QtCore.QPointF(4, 7), QtCore.QPointF(10, 13), QtCore.QPointF(16, 7)])

    return paint


def main() -> None:
    for name, paint in (("VoidRemove", remove), ("VoidQuadmask", quadmask), ("VoidPanel", panel)):
        draw(ROOT / "gizmos" / f"{name}.png", SIZE, paint)
    for name, colour in (("dark", "#a0a0a0"), ("light", "#555555")):
        draw(ROOT / "plugin" / "void_nuke" / "ui" / f"arrow_{name}.png", 20, arrow(colour))


if __name__ == "__main__":
    main()
