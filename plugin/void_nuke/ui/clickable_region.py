"""The picture of the marked regions, into which the artist clicks on what is to go, and on what is not."""

from __future__ import annotations

from collections.abc import Sequence

from void_nuke.ui.qt import QtCore, QtGui, QtWidgets
from void_nuke.ui.region_view import RegionView
from void_nuke.ui.style import theme_of
from void_protocol.task import PointPrompt

_RADIUS = 6.0
"""The radius of a click's mark; a click within it takes the mark away again."""


class ClickableRegion(RegionView):
    """Shows the clicks on its frame, and tells of new ones while it is clickable. It knows nothing of the
    panel's model."""

    clicked = QtCore.Signal(int, float, float, bool)
    """A click was made: its frame, x and y in the host's pixels, and whether it is outside the object."""
    dropped = QtCore.Signal(object)
    """A click that is there was clicked again."""

    def __init__(self, parent: QtWidgets.QWidget | None = None) -> None:
        super().__init__(parent)
        self._clicks: tuple[PointPrompt, ...] = ()
        self._is_clickable = False

    def show_clicks(self, clicks: Sequence[PointPrompt]) -> None:
        """Draw those of these clicks that are on the frame that is shown."""
        self._clicks = tuple(clicks)
        self.update()

    def set_clickable(self, on: bool) -> None:
        """Let the artist click, or not any more."""
        self._is_clickable = on
        if on:
            self.setCursor(QtCore.Qt.CursorShape.CrossCursor)
        else:
            self.unsetCursor()

    def mousePressEvent(self, event: QtGui.QMouseEvent) -> None:  # noqa: N802 - Qt's name
        left, right = QtCore.Qt.MouseButton.LeftButton, QtCore.Qt.MouseButton.RightButton
        frame = self._frame
        if not self._is_clickable or frame is None or event.button() not in (left, right):
            super().mousePressEvent(event)
            return
        at = getattr(event, "position", None) or event.pos  # Qt 6 has the first, Qt 5 only the second
        place = QtCore.QPointF(at())
        for click in reversed(self._shown_clicks):
            away = self.place_of(click.x, click.y) - place
            if away.x() ** 2 + away.y() ** 2 <= _RADIUS**2:
                self.dropped.emit(click)
                return
        if not self._frame_rect().contains(place):
            return
        x, y = self._position(place)
        has_key = bool(event.modifiers() & QtCore.Qt.KeyboardModifier.AltModifier)
        self.clicked.emit(frame, x, y, event.button() == right or has_key)

    def contextMenuEvent(self, event: QtGui.QContextMenuEvent) -> None:  # noqa: N802 - Qt's name
        if self._is_clickable:
            event.accept()  # the right button is a click here
        else:
            super().contextMenuEvent(event)

    def paintEvent(self, event: QtGui.QPaintEvent) -> None:  # noqa: N802 - Qt's name
        super().paintEvent(event)
        if not self._shown_clicks:
            return
        theme = theme_of(self.palette())
        painter = QtGui.QPainter(self)
        painter.setRenderHint(QtGui.QPainter.RenderHint.Antialiasing)
        for click in self._shown_clicks:
            place = self.place_of(click.x, click.y)
            painter.setPen(QtGui.QPen(QtGui.QColor("white"), 1.5))
            painter.setBrush(QtGui.QColor(theme.hold_out if click.outside else theme.remove))
            painter.drawEllipse(place, _RADIUS, _RADIUS)
            arm = _RADIUS - 2.5
            painter.drawLine(place - QtCore.QPointF(arm, 0), place + QtCore.QPointF(arm, 0))
            if not click.outside:
                painter.drawLine(place - QtCore.QPointF(0, arm), place + QtCore.QPointF(0, arm))
        painter.end()

    def place_of(self, x: float, y: float) -> QtCore.QPointF:
        """Where a position of the host's pixels lies in the widget."""
        width, height, _ = self._format
        rect = self._frame_rect()
        return QtCore.QPointF(
            rect.left() + x * rect.width() / width, rect.bottom() - y * rect.height() / height
        )

    def _position(self, place: QtCore.QPointF) -> tuple[float, float]:
        width, height, _ = self._format
        rect = self._frame_rect()
        return (
            (place.x() - rect.left()) * width / rect.width(),
            (rect.bottom() - place.y()) * height / rect.height(),
        )

    @property
    def _shown_clicks(self) -> list[PointPrompt]:
        return [click for click in self._clicks if click.frame == self._frame]
