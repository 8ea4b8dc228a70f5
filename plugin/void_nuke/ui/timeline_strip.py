"""A strip of the plate's frames: which ones the removal covers, where the host is, and which are clean
already."""

from __future__ import annotations

from void_nuke.errors import HostError
from void_nuke.panel.clean_frames import clean_frames, in_words
from void_nuke.panel.kept_proposal import parsed_runs
from void_nuke.panel.model import PanelModel
from void_nuke.ui.plain_text import PlainLabel, plain_tip
from void_nuke.ui.qt import QtCore, QtGui, QtWidgets
from void_nuke.ui.style import theme_of

_HEIGHT_PX = 22
_DIAMOND_PX = 5.0
_THING_PX = 4
"""The height of a proposed thing's line below the strip, with the gap above it."""
_NEAR_PX = 7.0
"""How near to a clean frame a click has to be, in pixels."""


ThingLine = tuple[int, list[tuple[int, int]], QtGui.QColor, bool]
"""A proposed thing on the strip: its number, its runs of frames, its colour, and whether it is accepted."""


class TimelineStrip(QtWidgets.QWidget):
    """The strip with the buttons for clean frames, and a line for each thing that is proposed as affected. It
    draws the model's state."""

    thing_chosen = QtCore.Signal(int)
    """Sent with the number of a proposed thing whose line was clicked."""

    def __init__(self, model: PanelModel, parent: QtWidgets.QWidget | None = None) -> None:
        super().__init__(parent)
        self._model = model
        self.bar = _Bar()
        self._text = PlainLabel()
        self._text.setProperty("dim", True)
        policy = QtWidgets.QSizePolicy.Policy
        self._text.setSizePolicy(policy.Ignored, policy.Preferred)
        self._add = QtWidgets.QPushButton("Frame is clean")
        self._add.setToolTip(
            "Use this frame of the selected node (a painted Read) as clean: the engine keeps to it"
        )
        self._add.clicked.connect(lambda *_: model.add_clean_frame())
        self._drop = QtWidgets.QPushButton("Drop")
        self._drop.setToolTip("Forget the clean frame that is chosen on the strip")
        self._drop.clicked.connect(lambda *_: self._drop_chosen())
        self.bar.chosen_changed.connect(self._enable)
        self.bar.thing_chosen.connect(self.thing_chosen)
        model.proposal_changed.connect(self.refresh)
        row = QtWidgets.QHBoxLayout()
        row.setSpacing(4)
        row.addWidget(self._text, 1)
        row.addWidget(self._add)
        row.addWidget(self._drop)
        layout = QtWidgets.QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(3)
        layout.addWidget(self.bar)
        layout.addLayout(row)
        model.settings_changed.connect(self.refresh)
        model.plate_changed.connect(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        """Draw the model's plate, range and clean frames."""
        plate = self._model.plate
        anchors = clean_frames(self._model.settings.clean_frames)
        try:
            wanted = self._model.frames()
        except HostError:
            wanted = None
        self.bar.show_frames(
            None if plate is None else (plate.frames.first, plate.frames.last),
            None if wanted is None else (wanted.first, wanted.last),
            [one.frame for one in anchors],
        )
        self.bar.show_things(self._lines())
        said = f"Clean: {in_words(anchors)}" if anchors else "No clean frames given"
        self._text.setText(said)
        self._text.setToolTip(plain_tip(said))
        self.setVisible(plate is not None)
        self._enable()

    def _lines(self) -> list[ThingLine]:
        proposal, theme = self._model.proposal, theme_of(self.palette())
        if proposal is None:
            return []
        return [
            (one.number, parsed_runs(one.frames, proposal.frames), theme.kind(one.kind), one.accepted)
            for one in proposal.things
        ]

    def show_current(self, frame: int) -> None:
        """Mark the frame that the host shows."""
        self.bar.show_current(frame)

    def _enable(self) -> None:
        self._drop.setVisible(bool(clean_frames(self._model.settings.clean_frames)))
        self._drop.setEnabled(self.bar.chosen is not None)

    def _drop_chosen(self) -> None:
        if self.bar.chosen is not None:
            self._model.drop_clean_frame(self.bar.chosen)


class _Bar(QtWidgets.QWidget):
    """The strip itself."""

    chosen_changed = QtCore.Signal()
    thing_chosen = QtCore.Signal(int)

    def __init__(self, parent: QtWidgets.QWidget | None = None) -> None:
        super().__init__(parent)
        self._plate: tuple[int, int] | None = None
        self._wanted: tuple[int, int] | None = None
        self._clean: list[int] = []
        self._current: int | None = None
        self._things: list[ThingLine] = []
        self.chosen: int | None = None
        """The clean frame that a click has chosen."""
        self.setFixedHeight(_HEIGHT_PX)
        self.setAccessibleName("Frames of the plate, with clean frames")

    def show_frames(
        self, plate: tuple[int, int] | None, wanted: tuple[int, int] | None, clean: list[int]
    ) -> None:
        self._plate, self._wanted, self._clean = plate, wanted, clean
        if self.chosen not in clean:
            self.chosen = None
        self.update()

    def show_things(self, things: list[ThingLine]) -> None:
        """Draw a line below the strip for each thing: its number, runs of frames, colour, and whether it is
        accepted."""
        self._things = things
        self.setFixedHeight(_HEIGHT_PX + _THING_PX * len(things))
        self.update()

    def show_current(self, frame: int) -> None:
        if frame != self._current:
            self._current = frame
            self.update()

    def x_of(self, frame: float) -> float:
        """Return where a frame's middle lies, in the widget's pixels."""
        first, last = self._plate or (0, 0)
        return 8.0 + (frame - first + 0.5) / (last - first + 1) * (self.width() - 16.0)

    def mousePressEvent(self, event: QtGui.QMouseEvent) -> None:  # noqa: N802 - Qt's name
        place = getattr(event, "position", None) or event.pos  # Qt 6 has the first, Qt 5 only the second
        x, y = place().x(), place().y()
        row = int((y - _HEIGHT_PX) // _THING_PX)
        if 0 <= row < len(self._things):
            self.thing_chosen.emit(self._things[row][0])
            return
        near = min(self._clean, key=lambda frame: abs(self.x_of(frame) - x), default=None)
        self.chosen = near if near is not None and abs(self.x_of(near) - x) <= _NEAR_PX else None
        self.chosen_changed.emit()
        self.update()

    def paintEvent(self, event: QtGui.QPaintEvent) -> None:  # noqa: N802 - Qt's name
        theme = theme_of(self.palette())
        painter = QtGui.QPainter(self)
        painter.setRenderHint(QtGui.QPainter.RenderHint.Antialiasing)
        if self._plate is None:
            painter.end()
            return
        half = (self.x_of(1) - self.x_of(0)) / 2
        middle = _HEIGHT_PX / 2
        painter.setPen(QtCore.Qt.PenStyle.NoPen)
        for frames, colour, thick in ((self._plate, theme.sunken, 8.0), (self._wanted, theme.dim, 4.0)):
            if frames is not None:
                left, right = self.x_of(frames[0]) - half, self.x_of(frames[1]) + half
                painter.setBrush(QtGui.QColor(colour))
                painter.drawRoundedRect(QtCore.QRectF(left, middle - thick / 2, right - left, thick), 2, 2)
        for row, (_, runs, kind, is_accepted) in enumerate(self._things):
            line = QtGui.QColor(kind)
            line.setAlphaF(1.0 if is_accepted else 0.4)
            painter.setBrush(line)
            top = _HEIGHT_PX + _THING_PX * row + 1.0
            for first, last in runs:
                left, right = self.x_of(first) - half, self.x_of(last) + half
                painter.drawRect(QtCore.QRectF(left, top, max(2.0, right - left), _THING_PX - 1.0))
        for frame in self._clean:
            at = QtCore.QPointF(self.x_of(frame), middle)
            size = _DIAMOND_PX + (1.5 if frame == self.chosen else 0.0)
            painter.setPen(
                QtGui.QPen(QtGui.QColor(theme.text if frame == self.chosen else theme.window), 1.4)
            )
            painter.setBrush(QtGui.QColor(theme.good))
            painter.drawPolygon(
                QtGui.QPolygonF(
                    [at + QtCore.QPointF(*step) for step in ((0, -size), (size, 0), (0, size), (-size, 0))]
                )
            )
        if self._current is not None and self._plate[0] <= self._current <= self._plate[1]:
            painter.setPen(QtGui.QPen(QtGui.QColor(theme.accent), 1.6))
            x = self.x_of(self._current)
            painter.drawLine(QtCore.QPointF(x, 2), QtCore.QPointF(x, self.height() - 2))
        painter.end()
