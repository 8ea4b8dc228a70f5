"""The panel's form of settings: prompt, engine, quality, frames, output."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from void_nuke.batch.farm_order import TARGETS
from void_nuke.errors import HostError
from void_nuke.export.pick import ROLES as PICK_ROLES
from void_nuke.panel.engines import EngineChoice
from void_nuke.panel.model import PanelModel
from void_nuke.panel.settings import ALL_VIEWS, QUALITIES
from void_nuke.panel.shapes import ROLES
from void_nuke.ui.engine_options import EngineOptions
from void_nuke.ui.plain_text import PlainLabel, plain_tip
from void_nuke.ui.qt import QtCore, QtWidgets
from void_protocol.job import PROXY_SCALES, Role
from void_protocol.printable import printable

_SCALES = {scale: "Full" if scale == 1.0 else f"1/{round(1 / scale)}" for scale in PROXY_SCALES}
_REGIONS = {"auto": "Around the mattes", "full": "Whole frame", "box": "Box"}
_RANGES = {"plate": "Plate", "global": "Script", "viewer": "Viewer in/out", "typed": "Typed"}


class SettingsForm(QtWidgets.QWidget):
    """The form. It draws the model's settings and passes on what the artist changes."""

    def __init__(self, model: PanelModel, parent: QtWidgets.QWidget | None = None) -> None:
        super().__init__(parent)
        self._model = model
        self._is_drawing = False
        self._combos: dict[str, QtWidgets.QComboBox] = {}
        self._engine_choices: list[EngineChoice] = []
        self._lines: dict[str, QtWidgets.QLineEdit] = {}
        self._spins: dict[str, Any] = {}
        self._boxes: dict[str, QtWidgets.QCheckBox] = {}
        self._prompt = QtWidgets.QPlainTextEdit()
        self._prompt.setPlaceholderText("Describe what remains: “A lime falls on the table.”")
        self._prompt.setFixedHeight(44)
        self._prompt.setTabChangesFocus(True)
        self._prompt.textChanged.connect(lambda: self._set(prompt=self._prompt.toPlainText()))
        self._engine = self._combo("engine", ())
        self._quality = self._combo("quality", ((name, one.title) for name, one in QUALITIES.items()))
        self._scale = self._combo("proxy_scale", _SCALES.items())
        self._scale.setToolTip("The scale of the plate to work on and to return")
        self._range = self._combo("range_choice", _RANGES.items())
        self._typed = self._line("typed_range", "1001-1100")
        self._frames = PlainLabel()
        self._frames.setProperty("dim", True)
        self._handles = self._spin("handles", 0, 500)
        self._handles.setToolTip("Frames to add at both ends, as far as the plate has them")
        self._view = QtWidgets.QComboBox()
        self._view.setToolTip("The view to remove from; all of them makes a removal for each")
        self._view.currentIndexChanged.connect(lambda *_: self._set(view=self._view.currentData()))
        self._view_label = _label("View")
        self._views: tuple[str, ...] = ()
        self._layer = QtWidgets.QComboBox()
        self._layer.setToolTip("The plate's layer to remove from")
        self._layer.currentIndexChanged.connect(lambda *_: self._set(layer=self._layer.currentData()))
        self._layer_label = _label("Layer")
        self._layers: tuple[str, ...] = ()
        self._good_for = PlainLabel()
        self._good_for.setProperty("dim", True)
        self._good_for.setWordWrap(True)
        self._output = self._line("output", "")
        self._browse = QtWidgets.QPushButton("…")
        self._browse.setToolTip("Choose the folder for results")
        self._browse.clicked.connect(lambda *_: self._choose_folder())
        self._more = QtWidgets.QPushButton("More")
        self._more.setCheckable(True)
        self._advanced = self._advanced_rows()
        self._advanced.hide()
        self._more.toggled.connect(self._advanced.setVisible)
        self._build()
        model.settings_changed.connect(self.refresh)
        model.plate_changed.connect(self.refresh)
        model.engines_changed.connect(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        """Draw the model's settings."""
        settings, self._is_drawing = self._model.settings, True
        if self._prompt.toPlainText() != settings.prompt:
            self._prompt.setPlainText(settings.prompt)
        self._draw_engines()
        for name, combo in self._combos.items():
            combo.setCurrentIndex(combo.findData(getattr(settings, name)))
        tips = {one.name: one.tip for one in self._engine_choices}
        self._engine.setToolTip(plain_tip(tips.get(self._engine.currentData(), "")))
        self._good_for.setText(tips.get(self._engine.currentData(), ""))
        self._draw_views()
        self._draw_layers()
        self._lines["region_box"].setVisible(settings.region_mode == "box")
        for name, line in self._lines.items():
            if line.text() != getattr(settings, name):
                line.setText(getattr(settings, name))
        for name, spin in self._spins.items():
            spin.setValue(getattr(settings, name))
        for name, box in self._boxes.items():
            box.setChecked(getattr(settings, name))
        self._spins["growth_px"].setEnabled(not settings.growth_auto)
        mattes = dict(settings.matte_nodes)
        for role, line in self._mattes.items():
            if line.text() != mattes.get(role, ""):
                line.setText(mattes.get(role, ""))
        self._typed.setVisible(settings.range_choice == "typed")
        self._output.setPlaceholderText(
            self._model.proposed_output() or "Save the script, or choose a folder"
        )
        try:
            frames = self._model.frames()
            self._frames.setText(f"{frames}, {len(frames.frames)} frames")
        except HostError:
            self._frames.setText("–")
        self._is_drawing = False

    def _draw_engines(self) -> None:
        """Fill the choice of engines with those of the server. One that it cannot run is greyed out, except
        for a farm, whose machines may run it."""
        choices = self._model.engines.choices(self._model.settings.engine)
        if choices != self._engine_choices:
            self._engine_choices = choices
            self._engine.clear()
            for row, one in enumerate(choices):
                self._engine.addItem(printable(one.title), one.name)
                self._engine.setItemData(row, plain_tip(one.tip), QtCore.Qt.ItemDataRole.ToolTipRole)
        for row, one in enumerate(choices):
            item = self._engine.model().item(row)  # type: ignore[attr-defined] # a combo box's own model
            item.setEnabled(one.is_usable or self._model.settings.destination == "farm")

    def _draw_views(self) -> None:
        """Offer the script's views, and all of them at once, where there are several."""
        views = self._model.plate.views if self._model.plate is not None else ()
        if views != self._views:
            self._views = views
            self._view.clear()
            for view in views:
                self._view.addItem(printable(view), view)
            if len(views) > 1:
                self._view.addItem("Both eyes" if len(views) == 2 else f"All {len(views)} views", ALL_VIEWS)
        wanted = self._model.settings.view
        self._view.setCurrentIndex(self._view.findData(wanted if wanted == ALL_VIEWS else self._model.view))
        for part in (self._view, self._view_label):
            part.setVisible(len(views) > 1)

    def _draw_layers(self) -> None:
        """Offer the plate's layers of colours, where it has another one than the main layer."""
        layers = self._model.layers
        if layers != self._layers:
            self._layers = layers
            self._layer.clear()
            for layer in layers:
                self._layer.addItem(printable(layer) or "Main", layer)
        self._layer.setCurrentIndex(self._layer.findData(self._model.layer))
        for part in (self._layer, self._layer_label):
            part.setVisible(len(layers) > 1)

    # Build --------------------------------------------------------------------------------------------------

    def _build(self) -> None:
        grid = QtWidgets.QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(8)
        grid.setVerticalSpacing(6)
        grid.setColumnStretch(1, 1)
        engine = ((self._engine, 3), (_label("Quality"), 0), (self._quality, 3))
        scale = ((_label("Scale"), 0), (self._scale, 2))
        frames = ((self._range, 2), (self._typed, 2), (self._frames, 3))
        handles = ((_label("Handles"), 0), (self._handles, 1))
        layer = ((self._layer_label, 0), (self._layer, 2))
        rows: list[tuple[str, Iterable[tuple[QtWidgets.QWidget, int]]]] = [
            ("Prompt", ((self._prompt, 1),)),
            ("Engine", (*engine, *scale)),
            ("", ((self._good_for, 1),)),
            ("Frames", (*frames, *handles)),
            # A row of its own, which takes no room while neither is there to be chosen.
            ("", (*layer, (self._view_label, 0), (self._view, 2))),
            ("Output", ((self._output, 1), (self._browse, 0), (self._more, 0))),
        ]
        for index, (title, parts) in enumerate(rows):
            if title:
                grid.addWidget(_label(title), index, 0, _RIGHT_TOP if title == "Prompt" else _RIGHT)
            row = QtWidgets.QHBoxLayout()
            row.setSpacing(6)
            for part, stretch in parts:
                row.addWidget(part, stretch)
            grid.addLayout(row, index, 1)
        grid.addWidget(self._advanced, len(rows), 1)

    def _advanced_rows(self) -> QtWidgets.QWidget:
        widget = QtWidgets.QWidget()
        grid = QtWidgets.QGridLayout(widget)
        grid.setContentsMargins(0, 0, 0, 0)
        numbers: list[tuple[str, QtWidgets.QWidget]] = [
            ("Seed", self._spin("seed", 0, 2**31 - 1)),
            ("Grow", self._spin("growth_px", -256.0, 256.0, " px")),
            ("Soften", self._spin("softness_px", 0.0, 256.0, " px")),
        ]
        for column, (title, spin) in enumerate(numbers):
            grid.addWidget(_label(title), 0, 2 * column, _RIGHT)
            grid.addWidget(spin, 0, 2 * column + 1)
        self._mattes: dict[Role, QtWidgets.QLineEdit] = {}
        for column, role in enumerate(PICK_ROLES):
            line = QtWidgets.QLineEdit()
            line.setPlaceholderText("node")
            line.setToolTip(
                "A node whose alpha is a matte of this role too: a key, a Cryptomatte, a rotopaint"
            )
            line.editingFinished.connect(
                lambda role=role, line=line: self._model.set_matte_node(role, line.text().strip())
            )
            self._mattes[role] = line
            grid.addWidget(_label(f"{ROLES[role]} matte"), 1, 2 * column, _RIGHT)
            grid.addWidget(line, 1, 2 * column + 1)
        boxes = QtWidgets.QHBoxLayout()
        boxes.addWidget(
            self._box(
                "growth_auto",
                "Grow by measure",
                "Grow the mattes as far as the plate still holds the object",
            )
        )
        boxes.addWidget(
            self._box("shapes_only", "Shapes only", "Send the shapes, without mattes that Nuke renders")
        )
        boxes.addWidget(
            self._box("compare", "Wire a comparison", "Plate, result, difference and matte beside the Read")
        )
        boxes.addStretch(1)
        farm = self._combo("farm_target", TARGETS.items())
        farm.setToolTip("The farm that gets the removals when they go to the farm")
        boxes.addWidget(_label("Farm"))
        boxes.addWidget(farm)
        grid.addLayout(boxes, 2, 0, 1, 6)
        region = QtWidgets.QHBoxLayout()
        region.addWidget(_label("Region"))
        mode = self._combo("region_mode", _REGIONS.items())
        mode.setToolTip("The part of the frame that the engine works on")
        region.addWidget(mode)
        region.addWidget(self._line("region_box", "left bottom right top, in pixels"), 1)
        region.addStretch(1)
        grid.addLayout(region, 3, 0, 1, 6)
        grid.addWidget(EngineOptions(self._model), 4, 0, 1, 6)
        return widget

    def _combo(self, name: str, choices: Iterable[tuple[Any, str]]) -> QtWidgets.QComboBox:
        combo = QtWidgets.QComboBox()
        for value, title in choices:
            combo.addItem(title, value)
        combo.currentIndexChanged.connect(lambda *_: self._set(**{name: combo.currentData()}))
        self._combos[name] = combo
        return combo

    def _line(self, name: str, placeholder: str) -> QtWidgets.QLineEdit:
        line = QtWidgets.QLineEdit()
        line.setPlaceholderText(placeholder)
        line.editingFinished.connect(lambda: self._set(**{name: line.text().strip()}))
        self._lines[name] = line
        return line

    def _spin(self, name: str, least: float, most: float, unit: str = "") -> QtWidgets.QAbstractSpinBox:
        spin: Any = QtWidgets.QDoubleSpinBox() if isinstance(least, float) else QtWidgets.QSpinBox()
        spin.setRange(least, most)
        spin.setSuffix(unit)
        spin.setButtonSymbols(QtWidgets.QAbstractSpinBox.ButtonSymbols.NoButtons)
        spin.setMinimumWidth(52)
        if isinstance(least, float):
            spin.setDecimals(1)
        spin.valueChanged.connect(lambda value: self._set(**{name: value}))
        self._spins[name] = spin
        return spin  # type: ignore[no-any-return]

    def _box(self, name: str, title: str, tip: str) -> QtWidgets.QCheckBox:
        box = QtWidgets.QCheckBox(title)
        box.setToolTip(plain_tip(tip))
        box.toggled.connect(lambda on: self._set(**{name: on}))
        self._boxes[name] = box
        return box

    def _set(self, **changes: Any) -> None:
        if not self._is_drawing:
            self._model.change(**changes)

    def _choose_folder(self) -> None:
        folder = QtWidgets.QFileDialog.getExistingDirectory(self, "Folder for results")
        if folder:
            self._model.output_into(folder)


def _label(text: str) -> PlainLabel:
    label = PlainLabel(text)
    label.setProperty("dim", True)
    return label


_RIGHT = QtCore.Qt.AlignmentFlag.AlignRight | QtCore.Qt.AlignmentFlag.AlignVCenter
_RIGHT_TOP = QtCore.Qt.AlignmentFlag.AlignRight | QtCore.Qt.AlignmentFlag.AlignTop
