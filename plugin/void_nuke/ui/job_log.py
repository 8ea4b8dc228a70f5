"""A window with the server's log of one job."""

from __future__ import annotations

from concurrent.futures import Future

from void_nuke.jobs.tracked_job import TrackedJob
from void_nuke.panel import job_text
from void_nuke.panel.model import PanelModel
from void_nuke.ui.qt import QtCore, QtGui, QtWidgets
from void_protocol.printable import printable_lines

_ASK_MS = 1500


class JobLog(QtWidgets.QDialog):
    """Shows a job's log, and follows it while the window is open."""

    _came = QtCore.Signal(str, int)

    def __init__(self, model: PanelModel, job: TrackedJob, parent: QtWidgets.QWidget) -> None:
        super().__init__(parent)
        self.setAttribute(QtCore.Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(f"Log of {job_text.title(job)}")
        self.resize(820, 420)
        self._model = model
        self._job_id = job.job_id
        self._offset = 0
        self._is_asking = False
        self._text = QtWidgets.QPlainTextEdit()
        self._text.setReadOnly(True)
        self._text.setMaximumBlockCount(20_000)
        self._text.setPlaceholderText("Asking the server for the log")
        self._text.setFont(QtGui.QFontDatabase.systemFont(QtGui.QFontDatabase.SystemFont.FixedFont))
        layout = QtWidgets.QVBoxLayout(self)
        layout.addWidget(self._text)
        self._came.connect(self._append)
        self._timer = QtCore.QTimer(self)
        self._timer.timeout.connect(self._ask)
        self._timer.start(_ASK_MS)
        self._ask()

    def _ask(self) -> None:
        client = self._model.server.client
        if self._is_asking:
            return
        if client is None:
            self._text.setPlaceholderText("No server is running; press Start in the panel to see the log")
            return
        self._is_asking = True
        client.log(self._job_id, self._offset).add_done_callback(self._heard)

    def _heard(self, done: Future[tuple[str, int]]) -> None:
        """Take a piece of the log; this runs on the client's thread."""
        error = done.exception()
        text, offset = done.result() if error is None else (f"\n{error}\n", -1)
        try:
            self._came.emit(text, offset)
        except RuntimeError:  # the window was closed in the meantime
            return

    def _append(self, text: str, offset: int) -> None:
        self._is_asking = False
        if offset >= 0:
            self._offset = offset
        else:
            self._timer.stop()
        if text:
            self._text.moveCursor(QtGui.QTextCursor.MoveOperation.End)
            self._text.insertPlainText(printable_lines(text))
