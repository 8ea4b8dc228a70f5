"""The list of what was proposed as affected, with the buttons that ask for it and decide about it."""

from __future__ import annotations

from void_nuke.panel.kept_proposal import EXTENSIONS, KINDS, MOST_GROWTH_PX, KeptThing
from void_nuke.panel.model import PanelModel
from void_nuke.ui.dot import dot
from void_nuke.ui.hint import Hint
from void_nuke.ui.plain_text import PlainLabel, plain_tip
from void_nuke.ui.qt import QtCore, QtGui, QtWidgets
from void_nuke.ui.style import theme_of
from void_protocol.printable import printable

_NUMBER = QtCore.Qt.ItemDataRole.UserRole
_ROWS = 4
_ROW_PX = 22
_SOURCES = (("By evidence", "evidence"), ("By reasoning", "reason"), ("By both", "both"))


class ProposalTable(QtWidgets.QWidget):
    """The list and its buttons. It draws the model's proposal; a tick takes a thing into the removal."""

    def __init__(self, model: PanelModel, parent: QtWidgets.QWidget | None = None) -> None:
        super().__init__(parent)
        self._model = model
        self._said = PlainLabel()
        self._said.setProperty("dim", True)
        policy = QtWidgets.QSizePolicy.Policy
        self._said.setSizePolicy(policy.Ignored, policy.Preferred)
        self._propose = QtWidgets.QPushButton("Propose affected")
        self._propose.clicked.connect(lambda *_: model.propose())
        self._by = QtWidgets.QComboBox()
        self._by.setAccessibleName("Who proposes")
        self._by.setToolTip("Evidence in the shot needs no weights; reasoning asks a language model")
        for title, source in _SOURCES:
            self._by.addItem(title, source)
        self._by.currentIndexChanged.connect(lambda *_: model.change(propose_by=self._by.currentData()))
        self._tree = QtWidgets.QTreeWidget()
        self._tree.setColumnCount(4)
        self._tree.setHeaderLabels(["Proposed as affected", "Frames", "Sure", "As"])
        self._tree.setRootIsDecorated(False)
        self._tree.setUniformRowHeights(True)
        self._tree.setSelectionMode(QtWidgets.QAbstractItemView.SelectionMode.ExtendedSelection)
        self._tree.setAccessibleName("Things that are proposed as affected")
        header = self._tree.header()
        header.setStretchLastSection(False)
        header.setSectionResizeMode(0, QtWidgets.QHeaderView.ResizeMode.Stretch)
        for column, width in ((1, 92), (2, 46), (3, 158)):
            header.setSectionResizeMode(column, QtWidgets.QHeaderView.ResizeMode.Fixed)
            self._tree.setColumnWidth(column, width)
        self._tree.itemChanged.connect(self._ticked)
        self._tree.itemSelectionChanged.connect(self._enable)
        self._hint = Hint("Nothing is proposed", self._tree)
        self._ways = QtWidgets.QMenu(self)
        self._extend = self._button("Extend", "Take more than what is seen: the model needs the whole thing")
        self._extend.setMenu(self._ways)
        self._ways.aboutToShow.connect(self._fill_ways)
        self._grow = QtWidgets.QSpinBox()
        self._grow.setRange(-int(MOST_GROWTH_PX), int(MOST_GROWTH_PX))
        self._grow.setSuffix(" px")
        self._grow.setButtonSymbols(QtWidgets.QAbstractSpinBox.ButtonSymbols.NoButtons)
        self._grow.setPrefix("grow ")
        self._grow.setToolTip("Grow the selected things by pixels of the plate; below 0 they shrink")
        self._grow.setAccessibleName("Growth of the selected things")
        self._grow.valueChanged.connect(lambda value: model.grow(self._selected(), float(value)))
        self._accept = self._button("Accept", "Take the selected things, or all, into the removal")
        self._accept.clicked.connect(lambda *_: model.accept(self._selected() or self._all(), True))
        self._reject = self._button("Reject", "Leave the selected things, or all, out of the removal")
        self._reject.clicked.connect(lambda *_: model.accept(self._selected() or self._all(), False))
        self._roto = self._button("To Roto", "Make a Roto of the accepted things, to be corrected by hand")
        self._roto.clicked.connect(lambda *_: model.bake_accepted())
        self._keep = self._button("Read mattes", "Make a Read of the proposal's EXR files")
        self._keep.clicked.connect(lambda *_: model.keep_proposal())
        self._drop = self._button("Discard", "Forget the proposal; its files stay")
        self._drop.clicked.connect(lambda *_: model.forget_proposal())
        self._decisions = QtWidgets.QWidget()
        self._build()
        for signal in (
            model.proposal_changed,
            model.settings_changed,
            model.shapes_changed,
            model.plate_changed,
            model.server.changed,
        ):
            signal.connect(self.refresh)
        self.refresh()

    def _button(self, text: str, tip: str) -> QtWidgets.QPushButton:
        button = QtWidgets.QPushButton(text)
        button.setToolTip(plain_tip(tip))
        return button

    def _build(self) -> None:
        top = QtWidgets.QHBoxLayout()
        top.setSpacing(4)
        top.addWidget(self._said, 1)
        top.addWidget(self._by)
        top.addWidget(self._propose)
        row = QtWidgets.QHBoxLayout(self._decisions)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(4)
        for widget in (self._accept, self._reject, self._extend, self._grow):
            row.addWidget(widget)
        row.addStretch(1)
        for widget in (self._roto, self._keep, self._drop):
            row.addWidget(widget)
        layout = QtWidgets.QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(5)
        layout.addLayout(top)
        layout.addWidget(self._tree)
        layout.addWidget(self._decisions)

    # Draw ---------------------------------------------------------------------------------------------------

    def refresh(self) -> None:
        """Draw the model's proposal again, and keep the selection."""
        proposal = self._model.proposal
        selected = set(self._selected())
        theme = theme_of(self.palette())
        things = [] if proposal is None else proposal.things
        blocked = self._tree.blockSignals(True)
        self._tree.clear()
        for thing in things:
            item = QtWidgets.QTreeWidgetItem(_texts(thing))
            item.setData(0, _NUMBER, thing.number)
            item.setIcon(0, dot(theme.kind(thing.kind), 10))
            item.setCheckState(
                0, QtCore.Qt.CheckState.Checked if thing.accepted else QtCore.Qt.CheckState.Unchecked
            )
            item.setToolTip(0, plain_tip(_tip(thing)))
            for column in (1, 2, 3):
                item.setForeground(column, QtGui.QColor(theme.text if thing.accepted else theme.dim))
            self._tree.addTopLevelItem(item)
            item.setSelected(thing.number in selected)
        self._tree.blockSignals(blocked)
        self._tree.setVisible(proposal is not None)
        self._decisions.setVisible(proposal is not None)
        rows = max(1, min(_ROWS, len(things)))
        self._tree.setFixedHeight(self._tree.header().sizeHint().height() + rows * _ROW_PX + 4)
        self._hint.setVisible(proposal is not None and not things)
        self._hint.setText("Nothing was found; draw by hand what the object affected")
        self._by.blockSignals(True)
        self._by.setCurrentIndex(self._by.findData(self._model.settings.propose_by))
        self._by.blockSignals(False)
        self._say(things)
        self._enable()

    def select(self, number: int) -> None:
        """Select one thing, as a click on the strip of frames does."""
        for index in range(self._tree.topLevelItemCount()):
            item = self._tree.topLevelItem(index)
            if item is not None:
                item.setSelected(item.data(0, _NUMBER) == number)
                if item.data(0, _NUMBER) == number:
                    self._tree.scrollToItem(item)

    def _say(self, things: list[KeptThing]) -> None:
        proposal = self._model.proposal
        if self._model.is_proposing:
            text = "The proposal is under way; see the list below"
        elif proposal is None:
            text = "What did the object do to the scene?"
        else:
            taken = sum(thing.accepted for thing in things)
            text = f"{taken} of {len(things)} accepted" + (
                f"; partly unknown: {proposal.unknown}" if proposal.unknown else ""
            )
        self._said.setText(text)
        self._said.setToolTip(plain_tip(text))

    def _enable(self) -> None:
        problem = self._model.propose_problem()
        self._propose.setEnabled(not problem and not self._model.is_proposing)
        self._propose.setToolTip(plain_tip(problem or "Have the server look for what the object affected"))
        proposal = self._model.proposal
        things = [] if proposal is None else proposal.things
        chosen = [thing for thing in things if thing.number in self._selected()]
        self._accept.setEnabled(bool(things))
        self._reject.setEnabled(bool(things))
        self._extend.setEnabled(any(thing.extensions for thing in chosen))
        self._grow.setEnabled(bool(chosen))
        self._roto.setEnabled(any(thing.accepted for thing in things))
        if chosen:
            self._grow.blockSignals(True)
            self._grow.setValue(round(chosen[0].growth_px))
            self._grow.blockSignals(False)

    # Decide -------------------------------------------------------------------------------------------------

    def _selected(self) -> list[int]:
        return [int(item.data(0, _NUMBER)) for item in self._tree.selectedItems()]

    def _all(self) -> list[int]:
        proposal = self._model.proposal
        return [] if proposal is None else [thing.number for thing in proposal.things]

    def _ticked(self, item: QtWidgets.QTreeWidgetItem, column: int) -> None:
        if column == 0:
            is_on = item.checkState(0) == QtCore.Qt.CheckState.Checked
            number = int(item.data(0, _NUMBER))
            # The rows are drawn anew, which must not happen while Qt still edits one of them.
            QtCore.QTimer.singleShot(0, lambda: self._model.accept([number], is_on))

    def _fill_ways(self) -> None:
        self._ways.clear()
        proposal = self._model.proposal
        chosen = set(self._selected())
        things = [] if proposal is None else [one for one in proposal.things if one.number in chosen]
        for way, title in EXTENSIONS.items():
            if way and not any(way in thing.extensions for thing in things):
                continue
            action = self._ways.addAction(title)
            action.triggered.connect(lambda *_, way=way: self._model.extend(self._selected(), way))
        if any(thing.extension for thing in things):
            self._fill_range(self._model.host.script_ranges().current_frame)

    def _fill_range(self, frame: int) -> None:
        """Offer to extend on a part of the frames only."""
        model = self._model
        self._ways.addSeparator()
        for title, do in (
            (f"Only from frame {frame} on", lambda *_: model.extend_from(self._selected(), frame)),
            (f"Only up to frame {frame}", lambda *_: model.extend_to(self._selected(), frame)),
        ):
            self._ways.addAction(title).triggered.connect(do)
        action = self._ways.addAction("On all frames")
        action.triggered.connect(lambda *_: model.extend_on_all(self._selected()))


def _texts(thing: KeptThing) -> list[str]:
    how = EXTENSIONS.get(thing.extension) or printable(thing.extension)
    if thing.is_partly_extended:
        first, last = ("" if end is None else str(end) for end in (thing.extended_from, thing.extended_to))
        how = f"{how}, {first}–{last}"
    if thing.growth_px:
        how = f"{how if thing.extension else 'Found'}, {thing.growth_px:+g} px"
    sure = f"{round(100 * thing.confidence)} %" if thing.confidence else "–"
    return [printable(thing.words), printable(thing.frames) or "all", sure, how]


def _tip(thing: KeptThing) -> str:
    kind = KINDS.get(thing.kind, thing.kind)
    by = f"; seen by {' and '.join(thing.seen_by)}" if thing.seen_by else ""
    into = "; goes into remove" if thing.role == "remove" else ""
    return f"{kind}: {thing.words}{by}{into}"
