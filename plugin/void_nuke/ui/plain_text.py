"""Labels and tooltips for texts of others. Qt takes a text that looks like HTML for HTML unless it is told
otherwise, and fetches pictures for it."""

from __future__ import annotations

from void_nuke.ui.qt import QtCore, QtWidgets
from void_protocol.printable import printable_html, printable_lines


class PlainLabel(QtWidgets.QLabel):
    """A label that shows each text as it reads: no tags, no characters that nobody sees."""

    def __init__(self, text: str = "", parent: QtWidgets.QWidget | None = None) -> None:
        super().__init__(parent)
        self.setTextFormat(QtCore.Qt.TextFormat.PlainText)
        self.setText(text)

    def setText(self, text: str) -> None:  # noqa: N802 - Qt's name
        self.setTextFormat(QtCore.Qt.TextFormat.PlainText)
        super().setText(printable_lines(text))

    def set_two_lines(self, heading: str, below: str, colour: str) -> None:
        """Show a heading in bold and a line below it in ``colour`` (``#rrggbb``)."""
        self.setTextFormat(QtCore.Qt.TextFormat.RichText)
        super().setText(
            f"<b>{printable_html(heading)}</b><br><span style='color:{colour}'>{printable_html(below)}</span>"
        )


def plain_tip(text: str) -> str:
    """Return what a tooltip or a message box has to be given to show ``text`` as it reads."""
    shown = printable_lines(text)
    # Qt guesses that a text is HTML by its first tag, or by "&lt;".
    return (
        f"<span style='white-space: pre-wrap'>{printable_html(text)}</span>"
        if set("<&") & set(shown)
        else shown
    )
