"""The panel's line about the server: a light, a text and one button."""

from __future__ import annotations

from void_nuke.panel.model import PanelModel
from void_nuke.ui.plain_text import PlainLabel
from void_nuke.ui.qt import QtCore, QtGui, QtWidgets
from void_nuke.ui.style import theme_of


class _Light(QtWidgets.QWidget):
    def __init__(self, parent: QtWidgets.QWidget | None = None) -> None:
        super().__init__(parent)
        self.colour = QtGui.QColor("#888888")
        self.setFixedSize(12, 12)

    def paintEvent(self, event: QtGui.QPaintEvent) -> None:  # noqa: N802 - Qt's name
        painter = QtGui.QPainter(self)
        painter.setRenderHint(QtGui.QPainter.RenderHint.Antialiasing)
        painter.setPen(QtCore.Qt.PenStyle.NoPen)
        painter.setBrush(self.colour)
        painter.drawEllipse(QtCore.QRectF(1.5, 1.5, 9, 9))


class ServerBar(QtWidgets.QFrame):
    """Shows the server's state, and starts or stops it."""

    def __init__(self, model: PanelModel, parent: QtWidgets.QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("VoidServerBar")
        self._model = model
        self._light = _Light()
        self._text = PlainLabel()
        self._text.setWordWrap(True)
        self._text.setTextInteractionFlags(QtCore.Qt.TextInteractionFlag.TextSelectableByMouse)
        policy = QtWidgets.QSizePolicy.Policy
        self._text.setSizePolicy(policy.Expanding, policy.Preferred)
        self._where = PlainLabel()
        self._where.setProperty("dim", True)
        self._button = QtWidgets.QPushButton("Start")
        self._button.clicked.connect(lambda *_: self._pressed())
        self._gear = QtWidgets.QPushButton("Python…")
        self._gear.setToolTip("Choose the Python that runs the server and the farm's command")
        self._gear.clicked.connect(lambda *_: self._choose_python())
        layout = QtWidgets.QHBoxLayout(self)
        layout.setContentsMargins(10, 6, 8, 6)
        layout.setSpacing(8)
        for widget in (self._light, self._text, self._where, self._gear, self._button):
            layout.addWidget(widget)
        layout.setStretch(1, 1)
        model.server.changed.connect(self.refresh)
        model.settings_changed.connect(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        picture = self._model.server.picture
        self._light.colour = theme_of(self.palette()).server(picture.state)
        self._light.setAccessibleName(f"Server {picture.state.value}")
        self._light.update()
        self._text.setText(picture.text)
        self._where.setText(picture.endpoint.removeprefix("tcp://"))
        self._where.setVisible(bool(picture.endpoint))
        self._button.setText("Stop" if picture.can_stop else "Start")
        self._button.setEnabled(picture.can_start or picture.can_stop)
        is_needed_for_farm = self._model.settings.destination == "farm" and not self._model.server_python
        self._gear.setVisible(picture.can_start or is_needed_for_farm)

    def _pressed(self) -> None:
        picture = self._model.server.picture
        if picture.can_start:
            self._model.server.start(self._model.server_python)
        elif picture.open_jobs and not self._is_sure(picture.open_jobs):
            return
        else:
            self._model.server.stop()

    def _is_sure(self, jobs: int) -> bool:
        words = "A job is" if jobs == 1 else f"{jobs} jobs are"
        text = f"{words} not finished. Stopped now, they go on where they were at the server's next start."
        buttons = QtWidgets.QMessageBox.StandardButton
        answer = QtWidgets.QMessageBox.question(
            self, "Stop the VOID server", text, buttons.Ok | buttons.Cancel, buttons.Cancel
        )
        return bool(answer == buttons.Ok)

    def _choose_python(self) -> None:
        path, _ = QtWidgets.QFileDialog.getOpenFileName(
            self, "The Python that has the VOID server (in a checkout: .venv/bin/python)"
        )
        if path:
            self._model.change(server_python=path)
