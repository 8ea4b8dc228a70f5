"""The list of shapes, with roles in colour, a filter, and buttons that mark the selected shapes."""

from __future__ import annotations

from void_nuke.export.pick import ROLES as PICK_ROLES
from void_nuke.panel.model import PanelModel
from void_nuke.panel.shapes import ROLES
from void_nuke.ui.dot import dot
from void_nuke.ui.hint import Hint
from void_nuke.ui.plain_text import plain_tip
from void_nuke.ui.qt import QtCore, QtGui, QtWidgets
from void_nuke.ui.style import theme_of
from void_protocol.printable import printable

_PATH = QtCore.Qt.ItemDataRole.UserRole


class ShapeTable(QtWidgets.QWidget):
    """The table of shapes. It draws the model's rows and passes on the roles that the artist gives."""

    def __init__(self, model: PanelModel, parent: QtWidgets.QWidget | None = None) -> None:
        super().__init__(parent)
        self._model = model
        self._filter = QtWidgets.QLineEdit()
        self._filter.setPlaceholderText("Filter by layer, name or role")
        self._filter.setClearButtonEnabled(True)
        self._filter.textChanged.connect(model.set_filter)
        self._tree = QtWidgets.QTreeWidget()
        self._tree.setColumnCount(3)
        self._tree.setHeaderLabels(["Shape", "Layer", "Role"])
        self._tree.setRootIsDecorated(False)
        self._tree.setUniformRowHeights(True)
        self._tree.setMinimumHeight(96)
        policy = QtWidgets.QSizePolicy.Policy
        # As in RegionView.sizeHint(), the list takes the room that is left and asks for none.
        self._tree.setSizePolicy(policy.Expanding, policy.Ignored)
        self._tree.setSelectionMode(QtWidgets.QAbstractItemView.SelectionMode.ExtendedSelection)
        self._tree.setAccessibleName("Shapes of the Roto node")
        header = self._tree.header()
        header.setStretchLastSection(False)
        header.setSectionResizeMode(0, QtWidgets.QHeaderView.ResizeMode.Stretch)
        header.setSectionResizeMode(1, QtWidgets.QHeaderView.ResizeMode.Stretch)
        header.setSectionResizeMode(2, QtWidgets.QHeaderView.ResizeMode.Fixed)
        self._tree.setColumnWidth(2, 92)
        self._hint = Hint("Select a Roto node in Nuke and press Use selection", self._tree)
        self._buttons: list[QtWidgets.QPushButton] = []
        buttons = QtWidgets.QHBoxLayout()
        buttons.setSpacing(4)
        buttons.addWidget(self._filter, 1)
        for role in (*PICK_ROLES, None):
            word = ROLES[role]
            button = QtWidgets.QPushButton("Clear" if role is None else word)
            button.setToolTip(plain_tip(_TIPS[word]))
            if role is not None:
                button.setIcon(dot(theme_of(self.palette()).role(role), 9, gap=5))
                button.setIconSize(QtCore.QSize(14, 9))
            button.clicked.connect(lambda *_, role=role: model.set_role(self._selected(), role))
            buttons.addWidget(button)
            self._buttons.append(button)
        layout = QtWidgets.QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(5)
        layout.addWidget(self._tree, 1)
        layout.addLayout(buttons)
        self._tree.itemSelectionChanged.connect(self._enable)
        model.shapes_changed.connect(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        """Draw the model's rows again, and keep the selection."""
        selected = set(self._selected())
        theme = theme_of(self.palette())
        blocked = self._tree.blockSignals(True)
        self._tree.clear()
        numbers = {row.element.path: number for number, row in enumerate(self._model.shapes.rows)}
        for row in self._model.shapes.shown():
            item = QtWidgets.QTreeWidgetItem(
                [printable(row.element.name), printable(row.layer), ROLES[row.role]]
            )
            item.setData(0, _PATH, row.element.path)
            item.setIcon(0, dot(QtGui.QColor.fromRgbF(*row.swatch(numbers[row.element.path])), 10))
            item.setForeground(1, QtGui.QColor(theme.dim))
            item.setForeground(2, theme.role(row.role))
            if not row.element.is_visible:
                item.setForeground(0, QtGui.QColor(theme.dim))
            if row.element.not_carried:
                item.setText(0, f"{printable(row.element.name)}  ▲")
                item.setToolTip(
                    0, plain_tip(f"Only as a rendered matte: {', '.join(row.element.not_carried)}")
                )
            self._tree.addTopLevelItem(item)
            item.setSelected(row.element.path in selected)
        self._tree.blockSignals(blocked)
        self._hint.setVisible(self._tree.topLevelItemCount() == 0)
        self._hint.setText(
            "No shape has all of these words"
            if self._model.shapes.rows
            else "Select a Roto node in Nuke and press Use selection"
        )
        self._enable()

    def select(self, paths: set[str]) -> None:
        for index in range(self._tree.topLevelItemCount()):
            item = self._tree.topLevelItem(index)
            if item is not None:
                item.setSelected(item.data(0, _PATH) in paths)

    def _selected(self) -> list[str]:
        return [str(item.data(0, _PATH)) for item in self._tree.selectedItems()]

    def _enable(self) -> None:
        has_any = bool(self._tree.selectedItems())
        for button in self._buttons:
            button.setEnabled(has_any)


_TIPS = {
    "Remove": "The object itself, which is removed",
    "Affected": "What the object did to the scene: shadow, reflection, what it holds up",
    "Hold out": "Never touched; cut out of the other two roles",
    "—": "Not part of the removal",
}
