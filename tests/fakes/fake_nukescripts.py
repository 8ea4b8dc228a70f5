# The names are those of Nuke's own module.
"""The part of ``nukescripts`` that menu.py uses: it makes a docked panel of a widget that an expression
names."""

from __future__ import annotations

from typing import Any

from tests.fakes.fake_nuke.menus import Pane
from tests.fakes.fake_nuke.state import STATE


class WidgetPanel:
    """Nuke's wrapper of a widget, which it makes when it is shown."""

    def __init__(self, expression: str, title: str, panel_id: str) -> None:
        self.title, self.id = title, panel_id
        self._expression = expression
        self.widget: Any = None

    def addToPane(self, pane: Pane) -> WidgetPanel:
        pane.docked.append(self.id)
        return self._made()

    def show(self) -> WidgetPanel:
        return self._made()

    def _made(self) -> WidgetPanel:
        self.widget = eval(self._expression, {})()
        self.widget.show()
        return self


def registerWidgetAsPanel(widget: str, name: str, id: str, create: bool = False) -> WidgetPanel | None:  # noqa: A002
    if not isinstance(widget, str):
        raise TypeError("registerWidgetAsPanel takes an expression that gives the class")
    panel = WidgetPanel(widget, name, id)

    def add_panel() -> WidgetPanel:
        return panel.addToPane(STATE.panes[0])

    import nuke

    nuke.menu("Pane").addCommand(name, add_panel)
    return panel if create else None
