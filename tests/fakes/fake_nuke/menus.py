# The names are those of Nuke's own module.
"""Menus and panes: they take what menu.py registers, and let a test choose an entry as an artist does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.fakes.fake_nuke.state import STATE


class MenuItem:
    def __init__(self, name: str, command: Callable[[], Any] | str, icon: str) -> None:
        self._name = name
        self._command = command
        self.icon_file = icon

    def name(self) -> str:
        return self._name

    def invoke(self) -> Any:
        """Choose the entry. A text is Python code, which runs in Nuke's own namespace."""
        if callable(self._command):
            return self._command()
        import nuke

        return exec(self._command, {"nuke": nuke})


class Menu(MenuItem):
    def __init__(self, name: str, icon: str = "") -> None:
        super().__init__(name, "", icon)
        self._items: dict[str, MenuItem] = {}

    def addMenu(self, name: str, icon: str = "") -> Menu:
        if not isinstance(self._items.get(name), Menu):
            self._items[name] = Menu(name, icon)
        made = self._items[name]
        assert isinstance(made, Menu)
        return made

    def addCommand(
        self, name: str, command: Callable[[], Any] | str = "", shortcut: str = "", icon: str = ""
    ) -> MenuItem:
        """Add an entry; ``A/B`` makes the menu A as well."""
        first, _, rest = name.partition("/")
        if rest:
            return self.addMenu(first).addCommand(rest, command, shortcut, icon)
        self._items[name] = MenuItem(name, command, icon)
        return self._items[name]

    def findItem(self, name: str) -> Any:
        first, _, rest = name.partition("/")
        found = self._items.get(first)
        return found.findItem(rest) if rest and isinstance(found, Menu) else found

    def items(self) -> list[MenuItem]:
        return list(self._items.values())


class Pane:
    """A place where panels are docked."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.docked: list[Any] = []


def menu(name: str) -> Menu:
    if name not in ("Nuke", "Nodes", "Pane", "Node Graph", "Viewer", "Properties", "Animation"):
        raise RuntimeError(f"there is no menu {name}")
    return STATE.menus.setdefault(name, Menu(name))


def getPaneFor(panelName: str) -> Pane | None:  # noqa: N803
    return next((pane for pane in STATE.panes if panelName == pane.name or panelName in pane.docked), None)
