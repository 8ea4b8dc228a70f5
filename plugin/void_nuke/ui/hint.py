"""The text that an empty list shows, so that it does not look broken."""

from __future__ import annotations

from void_nuke.ui.plain_text import PlainLabel
from void_nuke.ui.qt import QtCore, QtWidgets


class Hint(PlainLabel):
    """A text centred in a list's viewport. It shows while the list is empty."""

    def __init__(self, text: str, view: QtWidgets.QAbstractItemView) -> None:
        super().__init__(text, view.viewport())
        self.setProperty("dim", True)
        self.setWordWrap(True)
        self.setAlignment(QtCore.Qt.AlignmentFlag.AlignCenter)
        self.setAttribute(QtCore.Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        layout = QtWidgets.QVBoxLayout(view.viewport())
        layout.addWidget(self)
