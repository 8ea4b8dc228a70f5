"""The options of the chosen engine, made from what the engine declares."""

from __future__ import annotations

import functools

from void_nuke.panel.engine_options import OptionRow, option_rows, unknown_options, value_of_text
from void_nuke.panel.engines import Scalar
from void_nuke.panel.model import PanelModel
from void_nuke.ui.plain_text import PlainLabel, plain_tip
from void_nuke.ui.qt import QtWidgets
from void_protocol.engines import OptionDescription

_COLUMNS = 2
_DEFAULT = "default"


class EngineOptions(QtWidgets.QWidget):
    """A row for each option. It is made anew when the engine or what it declares changes."""

    def __init__(self, model: PanelModel, parent: QtWidgets.QWidget | None = None) -> None:
        super().__init__(parent)
        self._model = model
        self._told: list[OptionDescription] = []
        self._is_drawing = False
        self.editors: dict[str, QtWidgets.QWidget] = {}
        layout = QtWidgets.QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        self._grid = QtWidgets.QGridLayout()
        layout.addLayout(self._grid)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(8)
        self._grid.setVerticalSpacing(5)
        for column in range(_COLUMNS):
            self._grid.setColumnStretch(2 * column + 1, 1)
        self._gone = PlainLabel("")
        self._gone.setWordWrap(True)
        self._forget = QtWidgets.QPushButton("Forget")
        self._forget.setToolTip(plain_tip("Drop the options that the server's engine does not have"))
        self._forget.clicked.connect(model.forget_unknown_options)
        line = QtWidgets.QHBoxLayout()
        line.addWidget(self._gone, 1)
        line.addWidget(self._forget)
        layout.addLayout(line)
        model.settings_changed.connect(self.refresh)
        model.engines_changed.connect(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        """Draw the options of the engine that is chosen."""
        settings = self._model.settings
        rows = option_rows(self._model.engines, settings.engine, settings.quality, settings.engine_options)
        self._is_drawing = True
        if [row.told for row in rows] != self._told:
            self._build(rows)
        for row in rows:
            self._draw(row)
        self._is_drawing = False
        gone = unknown_options(self._model.engines, settings.engine, settings.engine_options)
        self._gone.setText(f"Unknown to the server: {', '.join(gone)}")
        for widget in (self._gone, self._forget):
            widget.setVisible(bool(gone))
        self.setVisible(bool(rows or gone))

    def _build(self, rows: list[OptionRow]) -> None:
        self._told = [row.told for row in rows]
        self.editors = {}
        while self._grid.count():
            self._grid.takeAt(0).widget().deleteLater()
        for index, row in enumerate(rows):
            label = PlainLabel(row.told.name.replace("_", " "))
            label.setProperty("dim", True)
            label.setToolTip(plain_tip(row.told.help))
            editor = self._editor(row.told)
            editor.setToolTip(plain_tip(row.told.help))
            editor.setAccessibleName(row.told.name)
            self.editors[row.told.name] = editor
            line, column = divmod(index, _COLUMNS)
            self._grid.addWidget(label, line, 2 * column)
            self._grid.addWidget(editor, line, 2 * column + 1)

    def _editor(self, told: OptionDescription) -> QtWidgets.QWidget:
        name = told.name
        if told.kind == "bool":
            box = QtWidgets.QCheckBox()
            box.toggled.connect(functools.partial(self._set, name))
            return box
        if told.choices:
            combo = QtWidgets.QComboBox()
            for choice in told.choices:
                combo.addItem(choice, choice)
            combo.currentTextChanged.connect(functools.partial(self._set, name))
            return combo
        line = QtWidgets.QLineEdit()
        line.setPlaceholderText(f"{_DEFAULT}: {told.default}")
        line.editingFinished.connect(functools.partial(self._typed, told, line))
        return line

    def _draw(self, row: OptionRow) -> None:
        editor = self.editors[row.told.name]
        if isinstance(editor, QtWidgets.QCheckBox):
            editor.setChecked(bool(row.value))
        elif isinstance(editor, QtWidgets.QComboBox):
            editor.setCurrentIndex(editor.findData(str(row.value)))
        elif isinstance(editor, QtWidgets.QLineEdit) and not editor.hasFocus():
            editor.setText(f"{row.value}" if row.is_own or row.value != row.told.default else "")

    def _typed(self, told: OptionDescription, line: QtWidgets.QLineEdit) -> None:
        if not line.text().strip():
            self._set(told.name, None)
            return
        try:
            self._set(told.name, value_of_text(told, line.text()))
        except ValueError as error:
            self._model.said.emit(f"{error}; it stays as it was", True)
            line.clearFocus()
            self.refresh()

    def _set(self, name: str, value: Scalar | None) -> None:
        if self._is_drawing:
            return
        rows = {
            row.told.name: row
            for row in option_rows(
                self._model.engines, self._model.settings.engine, self._model.settings.quality, ()
            )
        }
        # What the quality or the default says anyway is not kept, so that it follows another quality.
        is_said_anyway = name in rows and rows[name].value == value
        self._model.set_option(name, None if is_said_anyway else value)
