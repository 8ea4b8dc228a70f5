"""The panel that Nuke docks."""

from __future__ import annotations

import time

from void_nuke.batch.farm_order import TARGETS
from void_nuke.panel.model import PanelModel
from void_nuke.panel.rest import FrameRest
from void_nuke.panel.running import the_model
from void_nuke.ui.click_bar import ClickBar
from void_nuke.ui.clickable_region import ClickableRegion
from void_nuke.ui.job_list import JobListWidget
from void_nuke.ui.plain_text import PlainLabel
from void_nuke.ui.proposal_table import ProposalTable
from void_nuke.ui.qt import QtCore, QtGui, QtWidgets
from void_nuke.ui.server_bar import ServerBar
from void_nuke.ui.settings_form import SettingsForm
from void_nuke.ui.shape_table import ShapeTable
from void_nuke.ui.style import style_sheet, theme_of
from void_nuke.ui.timeline_strip import TimelineStrip

_FOLLOW_FRAME_MS = 250
"""How often, in milliseconds, the overlay checks whether the host has moved to another frame."""


class PanelView(QtWidgets.QWidget):
    """All widgets of the panel, on any model."""

    def __init__(self, model: PanelModel, parent: QtWidgets.QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("VoidPanel")
        self.setAttribute(QtCore.Qt.WidgetAttribute.WA_StyledBackground)
        self.model = model
        self.setStyleSheet(style_sheet(theme_of(self.palette())))
        self._plate = PlainLabel()
        self._plate.setWordWrap(True)
        self._region = ClickableRegion()
        self._region.setMinimumHeight(170)
        self.clicks = ClickBar(model, self._region)
        self.shapes = ShapeTable(model)
        self.strip = TimelineStrip(model)
        self.proposal = ProposalTable(model)
        self.strip.thing_chosen.connect(self.proposal.select)
        self.jobs = JobListWidget(model)
        self._message = PlainLabel()
        self._message.setWordWrap(True)
        self._remove = QtWidgets.QPushButton("Remove")
        self._remove.setObjectName("VoidRemove")
        self._remove.clicked.connect(lambda *_: model.remove())
        self._where = QtWidgets.QComboBox()
        for title, destination in (("On the server", "server"), ("On the farm", "farm")):
            self._where.addItem(title, destination)
        self._where.setToolTip("Who does the work; the farm is chosen under More")
        self._where.setAccessibleName("Where it runs")
        self._where.currentIndexChanged.connect(
            lambda *_: model.change(destination=self._where.currentData())
        )
        self._shown_frame: int | None = None
        self._rest = FrameRest()
        self._build()
        # The panel itself takes a click's focus, so that no button looks as if it were chosen.
        self.setFocusPolicy(QtCore.Qt.FocusPolicy.ClickFocus)
        self.setFocus()
        self._timer = QtCore.QTimer(self)
        self._timer.setInterval(_FOLLOW_FRAME_MS)
        self._timer.timeout.connect(self._follow_frame)
        self._timer.start()
        for signal in (
            model.settings_changed,
            model.plate_changed,
            model.shapes_changed,
            model.server.changed,
        ):
            signal.connect(self._refresh)
        model.shapes_changed.connect(self._draw_region)
        model.plate_changed.connect(self._draw_region)
        model.proposal_changed.connect(self._draw_region)
        model.proposal_changed.connect(self._refresh)
        model.picture.changed.connect(self._draw_picture)
        model.said.connect(self._say)
        self._refresh()
        self._draw_region()
        self._draw_picture()

    def sizeHint(self) -> QtCore.QSize:  # noqa: N802 - Qt's name
        return QtCore.QSize(620, 980)

    # Build --------------------------------------------------------------------------------------------------

    def _build(self) -> None:
        setup = QtWidgets.QWidget()
        setup.setObjectName("VoidSetup")
        column = QtWidgets.QVBoxLayout(setup)
        column.setContentsMargins(10, 8, 10, 8)
        column.setSpacing(7)
        column.addLayout(self._picks())
        column.addWidget(self._region, 3)
        column.addWidget(self.strip)
        column.addWidget(self.clicks)
        column.addWidget(self.shapes, 2)
        column.addWidget(self.proposal)
        column.addWidget(SettingsForm(self.model))
        scroll = QtWidgets.QScrollArea()
        scroll.setWidget(setup)
        scroll.setWidgetResizable(True)
        scroll.setHorizontalScrollBarPolicy(QtCore.Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        jobs = QtWidgets.QWidget()
        jobs_column = QtWidgets.QVBoxLayout(jobs)
        jobs_column.setContentsMargins(10, 8, 10, 10)
        jobs_column.addWidget(_heading("Removals"))
        jobs_column.addWidget(self.jobs, 1)
        split = QtWidgets.QSplitter(QtCore.Qt.Orientation.Vertical)
        split.setHandleWidth(1)
        split.addWidget(self._with_footer(scroll))
        split.addWidget(jobs)
        split.setStretchFactor(0, 3)
        split.setStretchFactor(1, 1)
        split.setCollapsible(0, False)
        split.setSizes([760, 250])
        layout = QtWidgets.QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(ServerBar(self.model))
        layout.addWidget(split, 1)

    def _with_footer(self, content: QtWidgets.QWidget) -> QtWidgets.QWidget:
        footer = QtWidgets.QFrame()
        footer.setObjectName("VoidFooter")
        row = QtWidgets.QHBoxLayout(footer)
        row.setContentsMargins(10, 7, 10, 7)
        row.addWidget(self._message, 1)
        row.addWidget(self._where)
        row.addWidget(self._remove)
        whole = QtWidgets.QWidget()
        column = QtWidgets.QVBoxLayout(whole)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(content, 1)
        column.addWidget(footer)
        return whole

    def _picks(self) -> QtWidgets.QHBoxLayout:
        use = QtWidgets.QPushButton("Use selection")
        use.setToolTip("Take plate and Roto from the nodes selected in Nuke")
        use.clicked.connect(lambda *_: self.model.use_selection())
        refresh = QtWidgets.QPushButton("Refresh")
        refresh.setToolTip("Ask Nuke again for the plate and the shapes")
        refresh.clicked.connect(lambda *_: self._ask_again())
        regions, quadmask = _toggle("Regions", True), _toggle("Quadmask", False)
        quadmask.setToolTip("What the model sees: black removed, dark both, grey affected, white kept")
        group = QtWidgets.QButtonGroup(self)
        group.setExclusive(True)
        for button in (regions, quadmask):
            group.addButton(button)
        quadmask.toggled.connect(self._region.show_quadmask)
        row = QtWidgets.QHBoxLayout()
        row.setSpacing(4)
        row.addWidget(self._plate, 1)
        for button in (use, refresh, regions, quadmask):
            row.addWidget(button)
        self.quadmask_button = quadmask
        return row

    # Draw ---------------------------------------------------------------------------------------------------

    def changeEvent(self, event: QtCore.QEvent) -> None:  # noqa: N802 - Qt's name
        super().changeEvent(event)
        if event.type() == QtCore.QEvent.Type.PaletteChange and hasattr(self, "_remove"):
            sheet = style_sheet(theme_of(self.palette()))
            if sheet != self.styleSheet():
                self.setStyleSheet(sheet)

    def _ask_again(self) -> None:
        self.model.refresh()
        self.model.show_frame(is_asked_for=True)

    def _draw_picture(self) -> None:
        picture = self.model.picture.picture
        if picture is None:
            self._region.show_picture(None, self.model.picture.frame)
            return
        image = QtGui.QImage(
            picture.pixels,
            picture.width,
            picture.height,
            picture.width * 3,
            QtGui.QImage.Format.Format_RGB888,
        )
        self._region.show_picture(image.copy(), self.model.picture.frame)  # the model owns the bytes

    def _refresh(self) -> None:
        plate, settings = self.model.plate, self.model.settings
        if plate is None:
            self._plate.setText(self.model.plate_problem or "Select the plate and a Roto node in Nuke")
        else:
            how = "read in place" if plate.files is not None else f"rendered first: {plate.why_rendered}"
            roto = f" + {settings.roto}" if settings.roto else ""
            facts = f"{plate.width}×{plate.height}, {plate.frames}, {how}"
            dim = theme_of(self.palette()).dim
            self._plate.set_two_lines(f"{plate.node}{roto}", facts, dim)
        self._where.setCurrentIndex(self._where.findData(settings.destination))
        problem = self.model.problem()
        self._remove.setEnabled(not problem)
        if problem:
            self._say(problem, False)
            return
        losses = self.model.losses()
        counts = [
            f"{count} {word}"
            for role, word in (("remove", "to remove"), ("affected", "affected"), ("ignore", "held out"))
            if (count := self.model.shapes.count(role))  # type: ignore[arg-type]
        ]
        counts += [f"{len(accepted)} as proposed"] if (accepted := self.model.accepted_things) else []
        counts += ["what was clicked"] if self.model.clicked is not None else []
        ready = "Ready: " + (", ".join(counts) or "mattes of other nodes")
        if settings.destination == "farm":
            ready += f"; goes to {TARGETS[settings.farm_target]}"
        self._say("\n".join(losses) or ready, bool(losses))

    def _say(self, text: str, is_trouble: bool) -> None:
        self._message.setText(text)
        self._message.setProperty("trouble", is_trouble)
        self._message.style().polish(self._message)

    def _draw_region(self) -> None:
        plate = self.model.plate
        if plate is None:
            self._region.show_things(())
            self._region.show_shapes(16, 9, 1.0, (), "")
            return
        frame = self.model.host.script_ranges().current_frame
        marked = [(role, shape.at) for role, shape in self.model.baked()]
        self._shown_frame = frame
        self.strip.show_current(frame)
        self._region.show_things(self.model.drawn(frame))
        self._region.show_shapes(
            plate.width, plate.height, plate.pixel_aspect, marked, f"Frame {frame}", frame
        )

    def _follow_frame(self) -> None:
        if self.isVisible() and self.model.plate is not None:
            frame = self.model.host.script_ranges().current_frame
            is_at_rest = self._rest.look(frame, time.monotonic())
            if frame != self._shown_frame:
                self._draw_region()
            if is_at_rest and not self.model.host.is_busy():
                self.model.show_frame(is_asked_for=False)


class Panel(PanelView):
    """The panel inside Nuke. Nuke makes it, without arguments, each time it is docked."""

    def __init__(self) -> None:
        super().__init__(the_model())


def _heading(text: str) -> PlainLabel:
    label = PlainLabel(text)
    label.setProperty("heading", True)
    return label


def _toggle(text: str, on: bool) -> QtWidgets.QPushButton:
    button = QtWidgets.QPushButton(text)
    button.setCheckable(True)
    button.setChecked(on)
    return button
