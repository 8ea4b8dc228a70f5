"""The list of removals: a picture, what each is doing, how long it still takes, and what can be done with
it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from void_nuke.jobs.tracked_job import Phase, TrackedJob
from void_nuke.panel import job_text
from void_nuke.panel.model import PanelModel
from void_nuke.panel.verdict import letters_of, sentence_of, strip
from void_nuke.ui.hint import Hint
from void_nuke.ui.job_log import JobLog
from void_nuke.ui.plain_text import PlainLabel, plain_tip
from void_nuke.ui.qt import QtCore, QtGui, QtWidgets
from void_nuke.ui.style import theme_of
from void_protocol.printable import printable

_JOB = QtCore.Qt.ItemDataRole.UserRole
_LETTERS = QtCore.Qt.ItemDataRole.UserRole + 1
_ROW_PX = 62
_THUMB = QtCore.QSize(88, 50)


class JobListWidget(QtWidgets.QWidget):
    """The list and its buttons. It draws the model's jobs, newest first."""

    def __init__(self, model: PanelModel, parent: QtWidgets.QWidget | None = None) -> None:
        super().__init__(parent)
        self._model = model
        self._list = QtWidgets.QListWidget()
        self._list.setItemDelegate(_JobDelegate(self._list))
        self._list.setVerticalScrollMode(QtWidgets.QAbstractItemView.ScrollMode.ScrollPerPixel)
        self._list.setHorizontalScrollBarPolicy(QtCore.Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._list.setMinimumHeight(_ROW_PX + 4)
        self._list.setAccessibleName("Removals")
        self._hint = Hint("Nothing yet: mark shapes and press Remove", self._list)
        self._items: dict[str, QtWidgets.QListWidgetItem] = {}
        self._detail = PlainLabel()
        self._detail.setWordWrap(True)
        self._detail.setTextInteractionFlags(QtCore.Qt.TextInteractionFlag.TextSelectableByMouse)
        self._detail.setProperty("trouble", True)
        self._detail.hide()
        self._versions = QtWidgets.QMenu(self)
        self._buttons = {
            "cancel": self._button("Cancel", "Stop the removal; finished frames stay", model.cancel),
            "retry": self._button("Retry", "Run the same removal again, as the next version", model.retry),
            "duplicate": self._button("Duplicate", "Put its settings back into the panel", model.duplicate),
            "import": self._button("Import result", "Make a Read of the frames so far", model.import_result),
            "compare": self._compare_button(),
            "folder": self._button("Open folder", "Show the result's files", self._open_folder),
            "log": self._button("Log", "Show what the server says about the job", self._open_log),
        }
        buttons = QtWidgets.QHBoxLayout()
        buttons.setSpacing(4)
        for button in self._buttons.values():
            buttons.addWidget(button)
        buttons.addStretch(1)
        layout = QtWidgets.QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(5)
        layout.addWidget(self._list, 1)
        layout.addWidget(self._detail)
        layout.addLayout(buttons)
        self._list.currentItemChanged.connect(lambda *_: self._enable())
        model.job_changed.connect(self.show_job)
        model.jobs_reset.connect(self.reset)
        self.reset()

    def reset(self) -> None:
        """Draw all jobs again, because another script was opened."""
        self._list.clear()
        self._items.clear()
        for job in reversed(self._model.session.jobs):
            self.show_job(job)
        self._enable()

    def show_job(self, job: TrackedJob) -> None:
        """Draw a job that changed, or put a new one first."""
        item = self._items.get(job.job_id)
        if item is None:
            item = QtWidgets.QListWidgetItem()
            item.setSizeHint(QtCore.QSize(100, _ROW_PX))
            self._items[job.job_id] = item
            self._list.insertItem(0, item)
            self._list.setCurrentItem(item)
        item.setData(_JOB, job)
        letters = letters_of(job)
        item.setData(_LETTERS, letters)
        item.setData(
            QtCore.Qt.ItemDataRole.AccessibleTextRole,
            f"{job_text.title(job)}, {job_text.phase_word(job)}: {job_text.status_line(job)}",
        )
        told = (
            job_text.status_line(job),
            job_text.advice(job),
            sentence_of(letters, job.frames.first),
        )
        item.setToolTip(plain_tip("\n".join(line for line in told if line)))
        self._enable()

    def current(self) -> TrackedJob | None:
        item = self._list.currentItem()
        job = item.data(_JOB) if item is not None else None
        return job if isinstance(job, TrackedJob) else None

    def _letters(self) -> str:
        item = self._list.currentItem()
        return str(item.data(_LETTERS) or "") if item is not None else ""

    def _enable(self) -> None:
        job = self.current()
        self._hint.setVisible(not self._items)
        is_final = job is not None and job.phase.is_final
        has_frames = job is not None and (job.frames_done > 0 or job.phase in (Phase.DONE, Phase.HANDED_OVER))
        is_on_server = job is not None and job.info is not None
        can = {
            "cancel": job is not None and not is_final and job.phase is not Phase.CANCELLING,
            "retry": is_final and job is not None and job.pick is not None,
            "duplicate": job is not None and job.pick is not None,
            "import": has_frames,
            "compare": job is not None and bool(self._model.comparable(job.job_id)),
            "folder": job is not None,
            "log": is_on_server,
        }
        for name, button in self._buttons.items():
            button.setEnabled(can[name])
        text = ""
        if job is not None:
            lines = [job_text.status_line(job)] if job.phase is Phase.FAILED else []
            lines += [told] if (told := job_text.advice(job)) else []
            lines += [told] if (told := sentence_of(self._letters(), job.frames.first)) else []
            text = "\n".join([*lines, *(f"Not carried: {line}" for line in job.left_out)])
        self._detail.setText(text)
        self._detail.setVisible(bool(text))

    def _button(self, text: str, tip: str, action: Callable[[str], None]) -> QtWidgets.QPushButton:
        button = QtWidgets.QPushButton(text)
        button.setToolTip(plain_tip(tip))

        def run() -> None:
            job = self.current()
            if job is not None:
                action(job.job_id)

        button.clicked.connect(lambda *_: run())
        return button

    def _compare_button(self) -> QtWidgets.QPushButton:
        button = QtWidgets.QPushButton("Compare")
        button.setToolTip("Wire this result beside another version: wipe, difference")
        button.setMenu(self._versions)
        self._versions.aboutToShow.connect(self._fill_versions)
        return button

    def _fill_versions(self) -> None:
        self._versions.clear()
        job = self.current()
        for other in self._model.comparable(job.job_id) if job is not None else ():
            action = self._versions.addAction(f"with v{other.version:03d}")
            action.triggered.connect(
                lambda *_, own=job.job_id, other=other.job_id: self._model.compare(own, other)  # type: ignore[union-attr]
            )

    def _open_folder(self, job_id: str) -> None:
        folder = Path(self._model.session.job(job_id).result_pattern).parent
        while not folder.exists() and folder != folder.parent:
            folder = folder.parent
        QtGui.QDesktopServices.openUrl(QtCore.QUrl.fromLocalFile(str(folder)))

    def _open_log(self, job_id: str) -> None:
        JobLog(self._model, self._model.session.job(job_id), self).show()


class _JobDelegate(QtWidgets.QStyledItemDelegate):
    """Draws one row of the list."""

    def paint(
        self,
        painter: QtGui.QPainter,
        option: Any,  # the stubs do not have its attributes
        index: QtCore.QModelIndex | QtCore.QPersistentModelIndex,
    ) -> None:
        job = index.data(_JOB)
        if not isinstance(job, TrackedJob):
            return
        theme = theme_of(option.palette)
        rect = QtCore.QRect(option.rect)
        is_selected = option.state & QtWidgets.QStyle.StateFlag.State_Selected
        painter.save()
        painter.setRenderHint(QtGui.QPainter.RenderHint.Antialiasing)
        if is_selected:
            painter.fillRect(rect, QtGui.QColor(theme.selection))
        painter.setPen(QtGui.QColor(theme.line))
        painter.drawLine(rect.bottomLeft(), rect.bottomRight())
        thumb = QtCore.QRect(rect.left() + 6, rect.top() + 6, _THUMB.width(), _THUMB.height())
        self._thumbnail(painter, thumb, job)
        left = thumb.right() + 10
        line = QtCore.QRect(left, rect.top() + 6, rect.right() - left - 8, 17)
        font = QtGui.QFont(option.font)
        font.setBold(True)
        painter.setFont(font)
        painter.setPen(QtGui.QColor(theme.text))
        painter.drawText(line, _LEFT, job_text.title(job))
        width = QtGui.QFontMetrics(font).horizontalAdvance(job_text.title(job))
        font.setBold(False)
        painter.setFont(font)
        painter.setPen(QtGui.QColor(theme.dim))
        painter.drawText(
            line.adjusted(width + 10, 0, -80, 0), _LEFT, f"{printable(job.engine)}  ·  {job.frames}"
        )
        painter.setPen(theme.phase(job.phase))
        painter.drawText(line, _RIGHT, job_text.phase_word(job))
        place = QtCore.QRectF(left, rect.top() + 27, rect.right() - left - 8, 5)
        letters = index.data(_LETTERS)
        if letters:
            self._strip(painter, place, str(letters))
        else:
            self._bar(painter, place, job)
        text = QtCore.QRect(left, rect.top() + 36, rect.right() - left - 8, 18)
        painter.setPen(QtGui.QColor(theme.bad if job.phase is Phase.FAILED else theme.dim))
        metrics = QtGui.QFontMetrics(font)
        at_once = job_text.status_line(job).replace("\n", " ")
        said = metrics.elidedText(at_once, QtCore.Qt.TextElideMode.ElideRight, text.width())
        painter.drawText(text, _LEFT, said)
        painter.restore()

    def _thumbnail(self, painter: QtGui.QPainter, place: QtCore.QRect, job: TrackedJob) -> None:
        theme = theme_of(QtWidgets.QApplication.palette())
        painter.fillRect(place, QtGui.QColor(theme.window))
        preview = job.preview
        if preview is None:
            painter.setPen(QtGui.QColor(theme.dim))
            painter.drawText(place, QtCore.Qt.AlignmentFlag.AlignCenter, "–")
            return
        image = QtGui.QImage(
            preview.pixels,
            preview.width,
            preview.height,
            preview.width * 3,
            QtGui.QImage.Format.Format_RGB888,
        )
        size = image.size().scaled(place.size(), QtCore.Qt.AspectRatioMode.KeepAspectRatio)
        target = QtCore.QRect(QtCore.QPoint(0, 0), size)
        target.moveCenter(place.center())
        painter.setRenderHint(QtGui.QPainter.RenderHint.SmoothPixmapTransform)
        painter.drawImage(target, image)

    def _strip(self, painter: QtGui.QPainter, place: QtCore.QRectF, letters: str) -> None:
        """The frames of a result: green, amber, red. A red one is never too narrow to be seen."""
        theme = theme_of(QtWidgets.QApplication.palette())
        colours = {"g": theme.good, "a": theme.busy, "r": theme.bad}
        painter.setPen(QtCore.Qt.PenStyle.NoPen)
        for begin, end, letter in sorted(strip(letters), key=lambda run: "-gar".find(run[2])):
            painter.setBrush(QtGui.QColor(colours.get(letter, theme.raised)))
            width = max(2.0, place.width() * (end - begin))
            left = min(place.x() + place.width() * begin, place.right() - width)
            painter.drawRect(QtCore.QRectF(left, place.y(), width, place.height()))

    def _bar(self, painter: QtGui.QPainter, place: QtCore.QRectF, job: TrackedJob) -> None:
        theme = theme_of(QtWidgets.QApplication.palette())
        painter.setPen(QtCore.Qt.PenStyle.NoPen)
        painter.setBrush(QtGui.QColor(theme.raised))
        painter.drawRoundedRect(place, 2.5, 2.5)
        done = job_text.percent(job)
        if done:
            colour = theme.phase(job.phase)
            painter.setBrush(QtGui.QColor(theme.accent) if not job.phase.is_final else colour)
            painter.drawRoundedRect(
                QtCore.QRectF(place.x(), place.y(), max(5.0, place.width() * done / 100), place.height()),
                2.5,
                2.5,
            )


_LEFT = int(QtCore.Qt.AlignmentFlag.AlignLeft | QtCore.Qt.AlignmentFlag.AlignVCenter)
_RIGHT = int(QtCore.Qt.AlignmentFlag.AlignRight | QtCore.Qt.AlignmentFlag.AlignVCenter)
