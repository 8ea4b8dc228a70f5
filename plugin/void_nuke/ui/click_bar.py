"""The row with which an object is clicked into the picture and its matte asked for."""

from __future__ import annotations

from void_nuke.panel.model import PanelModel
from void_nuke.ui.clickable_region import ClickableRegion
from void_nuke.ui.plain_text import PlainLabel, plain_tip
from void_nuke.ui.qt import QtWidgets


class ClickBar(QtWidgets.QWidget):
    """A switch for clicking, what was clicked, and the buttons that make a matte of it."""

    def __init__(
        self, model: PanelModel, region: ClickableRegion, parent: QtWidgets.QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._model, self._region = model, region
        self._switch = QtWidgets.QPushButton("Click object")
        self._switch.setCheckable(True)
        self._switch.setToolTip(
            plain_tip(
                "Click in the picture above on what is to go; with the right button, or Alt, on what is not. "
                "Clicks on further frames refine it, and a click on a mark takes it away"
            )
        )
        self._switch.toggled.connect(self._toggled)
        self._said = PlainLabel()
        self._said.setProperty("dim", True)
        policy = QtWidgets.QSizePolicy.Policy
        self._said.setSizePolicy(policy.Ignored, policy.Preferred)
        self._make = QtWidgets.QPushButton("Make matte")
        self._make.clicked.connect(lambda *_: model.make_matte())
        self._read = QtWidgets.QPushButton("Read matte")
        self._read.setToolTip("Make a Read of the matte's EXR files")
        self._read.clicked.connect(lambda *_: model.read_matte())
        self._forget = QtWidgets.QPushButton("Forget clicks")
        self._forget.setToolTip("Take the clicks away, and the matte out of the removal; its files stay")
        self._forget.clicked.connect(lambda *_: model.forget_clicks())
        row = QtWidgets.QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(4)
        row.addWidget(self._switch)
        row.addWidget(self._said, 1)
        for button in (self._make, self._read, self._forget):
            row.addWidget(button)
        region.clicked.connect(lambda frame, x, y, outside: model.click(frame, x, y, outside=outside))
        region.dropped.connect(model.drop_click)
        for signal in (
            model.proposal_changed,
            model.settings_changed,
            model.plate_changed,
            model.server.changed,
        ):
            signal.connect(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        """Say what was clicked and made, and show the clicks."""
        clicks, clicked = self._model.clicks, self._model.clicked
        self._region.show_clicks(clicks)
        if self._model.is_making_matte:
            text = "The matte is under way; see the list below"
        elif clicked is not None:
            text = f"Matte of {clicked.frames} goes into the removal" if clicked.things else "Nothing found"
        elif clicks:
            frames = len({click.frame for click in clicks})
            text = f"{len(clicks)} clicks on {frames} frame{'s' if frames > 1 else ''}"
        else:
            text = "Without a Roto: click on what is to go"
        self._said.setText(text)
        self._said.setToolTip(plain_tip(text))
        problem = self._model.matte_problem() if clicks else ""
        self._make.setEnabled(bool(clicks) and not problem and not self._model.is_making_matte)
        self._make.setToolTip(plain_tip(problem or "Have the server follow what was clicked; needs SAM"))
        for button, on in ((self._make, clicks), (self._read, clicked), (self._forget, clicks or clicked)):
            button.setVisible(bool(on))

    def _toggled(self, on: bool) -> None:
        self._region.set_clickable(on)
