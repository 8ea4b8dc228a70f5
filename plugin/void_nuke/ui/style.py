"""The colours and style sheet of the panel, made from the host's own palette so that it looks native."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from void_nuke.jobs.tracked_job import Phase
from void_nuke.panel.server import ServerState
from void_nuke.ui.qt import QtGui
from void_protocol.job import Role


@dataclass(frozen=True)
class Theme:
    """The panel's colours. The names say what each is for."""

    window: str
    raised: str
    sunken: str
    line: str
    text: str
    dim: str
    accent: str
    on_accent: str
    selection: str
    good: str
    busy: str
    bad: str
    remove: str
    affected: str
    hold_out: str
    shadow: str
    reflection: str
    moved: str
    carried: str

    def role(self, role: Role | None) -> QtGui.QColor:
        return QtGui.QColor(
            {"remove": self.remove, "affected": self.affected, "ignore": self.hold_out}.get(
                role or "", self.dim
            )
        )

    def kind(self, kind: str) -> QtGui.QColor:
        """The colour of a kind of proposed thing."""
        colours = {
            "shadow": self.shadow,
            "reflection": self.reflection,
            "moved": self.moved,
            "carried": self.carried,
            "belonging": self.remove,
        }
        return QtGui.QColor(colours.get(kind, self.affected))

    def phase(self, phase: Phase) -> QtGui.QColor:
        if phase is Phase.DONE:
            return QtGui.QColor(self.good)
        if phase is Phase.FAILED:
            return QtGui.QColor(self.bad)
        if phase is Phase.CANCELLED:
            return QtGui.QColor(self.dim)
        return QtGui.QColor(self.busy)

    def server(self, state: ServerState) -> QtGui.QColor:
        colours = {
            ServerState.RUNNING: self.good,
            ServerState.OFF: self.dim,
            ServerState.LOST: self.bad,
            ServerState.REFUSED: self.bad,
        }
        return QtGui.QColor(colours.get(state, self.busy))


DARK = Theme(
    window="#323232", raised="#404040", sunken="#262626", line="#1e1e1e", text="#d0d0d0", dim="#9a9a9a",
    accent="#e9983a", on_accent="#1d1509", selection="#4b4338", good="#6bbf6f", busy="#e9b84a", bad="#ec6a5e",
    remove="#e8685d", affected="#5aa7e8", hold_out="#58b368",
    shadow="#6f8cf5", reflection="#e6c84a", moved="#ee7f4d", carried="#c078e6",
)  # fmt: skip
LIGHT = Theme(
    window="#d9d9d9", raised="#ececec", sunken="#f7f7f7", line="#b0b0b0", text="#1f1f1f", dim="#5c5c5c",
    accent="#d97f12", on_accent="#ffffff", selection="#f1e2cb", good="#2f8a3c", busy="#8f6206", bad="#b93226",
    remove="#c53a2e", affected="#1f6fb8", hold_out="#2a7d36",
    shadow="#2f4fd0", reflection="#a07800", moved="#c4501a", carried="#8a35b8",
)  # fmt: skip


def theme_of(palette: QtGui.QPalette) -> Theme:
    """Return the theme that goes with a host's palette."""
    window = palette.color(QtGui.QPalette.ColorRole.Window)
    return DARK if window.lightness() < 128 else LIGHT


def style_sheet(theme: Theme) -> str:
    """Return a style sheet for the panel's own widgets, and nothing else of the host."""
    arrow = (Path(__file__).parent / f"arrow_{'dark' if theme is DARK else 'light'}.png").as_posix()
    return f"""
    #VoidPanel, #VoidPanel QScrollArea, #VoidSetup {{ background: {theme.window}; border: none; }}
    #VoidPanel QLabel, #VoidPanel QCheckBox {{ color: {theme.text}; background: transparent; }}
    #VoidPanel QLabel[dim="true"] {{ color: {theme.dim}; }}
    #VoidPanel QLabel[heading="true"] {{ color: {theme.dim}; font-weight: 600; padding-top: 2px; }}
    #VoidPanel QLabel[trouble="true"] {{ color: {theme.bad}; }}
    #VoidPanel QLineEdit, #VoidPanel QPlainTextEdit, #VoidPanel QSpinBox, #VoidPanel QDoubleSpinBox {{
        background: {theme.sunken}; color: {theme.text}; border: 1px solid {theme.line}; border-radius: 3px;
        padding: 2px 5px; selection-background-color: {theme.accent}; selection-color: {theme.on_accent}; }}
    #VoidPanel QLineEdit:focus, #VoidPanel QPlainTextEdit:focus, #VoidPanel QSpinBox:focus,
    #VoidPanel QDoubleSpinBox:focus {{ border-color: {theme.accent}; }}
    #VoidPanel QComboBox, #VoidPanel QPushButton, #VoidPanel QToolButton {{
        background: {theme.raised}; color: {theme.text}; border: 1px solid {theme.line}; border-radius: 3px;
        padding: 3px 9px; min-height: 16px; }}
    #VoidPanel QComboBox:hover, #VoidPanel QPushButton:hover, #VoidPanel QToolButton:hover {{
        border-color: {theme.dim}; }}
    #VoidPanel QPushButton:pressed, #VoidPanel QToolButton:pressed, #VoidPanel QPushButton:checked {{
        background: {theme.selection}; border-color: {theme.accent}; }}
    #VoidPanel QPushButton:disabled, #VoidPanel QToolButton:disabled, #VoidPanel QComboBox:disabled {{
        color: {theme.dim}; background: {theme.window}; }}
    #VoidPanel QPushButton:focus, #VoidPanel QToolButton:focus, #VoidPanel QComboBox:focus {{
        border-color: {theme.accent}; }}
    #VoidPanel QAbstractSpinBox QLineEdit {{ border: none; padding: 0; background: transparent; }}
    #VoidPanel QComboBox::drop-down {{ border: none; width: 18px; }}
    #VoidPanel QComboBox::down-arrow {{ image: url("{arrow}"); width: 10px; height: 10px; }}
    #VoidPanel QComboBox QAbstractItemView {{ background: {theme.raised}; color: {theme.text};
        selection-background-color: {theme.selection}; selection-color: {theme.text}; }}
    #VoidPanel QCheckBox::indicator {{ width: 10px; height: 10px; border: 1px solid {theme.dim};
        border-radius: 3px; background: {theme.sunken}; }}
    #VoidPanel QCheckBox::indicator:checked {{ border-color: {theme.accent}; background: {theme.accent}; }}
    #VoidPanel QScrollBar:vertical {{ background: transparent; width: 8px; margin: 0; }}
    #VoidPanel QScrollBar::handle:vertical {{ background: {theme.dim}; border-radius: 4px;
        min-height: 24px; }}
    #VoidPanel QScrollBar::add-line, #VoidPanel QScrollBar::sub-line {{ height: 0; }}
    #VoidPanel QScrollBar::add-page, #VoidPanel QScrollBar::sub-page {{ background: transparent; }}
    #VoidPanel #VoidRemove {{ background: {theme.accent}; color: {theme.on_accent}; font-weight: 600;
        border-color: {theme.accent}; padding: 6px 26px; }}
    #VoidPanel #VoidRemove:disabled {{ background: {theme.raised}; color: {theme.dim};
        border-color: {theme.line}; }}
    #VoidPanel #VoidServerBar, #VoidPanel #VoidFooter {{ background: {theme.raised};
        border: none; border-bottom: 1px solid {theme.line}; }}
    #VoidPanel #VoidFooter {{ border-bottom: none; border-top: 1px solid {theme.line}; }}
    #VoidPanel QTreeView, #VoidPanel QListView {{ background: {theme.sunken}; color: {theme.text};
        border: 1px solid {theme.line}; border-radius: 3px; outline: none; }}
    #VoidPanel QTreeView::item {{ height: 22px; }}
    #VoidPanel QTreeView::item:selected, #VoidPanel QListView::item:selected {{
        background: {theme.selection}; color: {theme.text}; }}
    #VoidPanel QHeaderView::section {{ background: {theme.raised}; color: {theme.dim}; border: none;
        border-bottom: 1px solid {theme.line}; padding: 3px 6px; }}
    #VoidPanel QSplitter::handle {{ background: {theme.line}; }}
    """
