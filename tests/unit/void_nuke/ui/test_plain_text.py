"""Texts of others in the panel: Qt shows them and obeys none."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip(
    "PySide6.QtWidgets", reason="PySide6 or a system library is missing", exc_type=ImportError
)

from PySide6 import QtCore, QtGui

from void_nuke.ui.plain_text import PlainLabel, plain_tip

UI = Path(__file__).parents[4] / "plugin" / "void_nuke" / "ui"
TAGS = "<b>done</b> <img src='file:///etc/passwd'> &lt;i&gt; a & b"
HIDDEN = "sh\u202e010\x9b31m\u2028x"


def as_drawn(text: str) -> str:
    """What a tooltip or a message box shows, by Qt's own guess."""
    if not QtGui.Qt.mightBeRichText(text):
        return text
    document = QtGui.QTextDocument()
    document.setHtml(text)
    return document.toPlainText()


@pytest.mark.parametrize(
    "text", [TAGS, "<", "a < b > c", "&lt;b&gt;", "a\nb  <u>c</u>", "<?xml?>", "plain", ""]
)
def test_labels_and_tips_show_what_is_written(qt: Any, text: str) -> None:
    label = PlainLabel(text)
    assert (label.text(), label.textFormat()) == (text, QtCore.Qt.TextFormat.PlainText)
    assert as_drawn(plain_tip(text)) == text


def test_hidden_characters_are_seen(qt: Any) -> None:
    shown = "sh\\u202e010\\x9b31m\\u2028x"
    assert PlainLabel(HIDDEN).text() == plain_tip(HIDDEN) == shown


def test_a_heading_is_bold_and_its_texts_are_plain(qt: Any) -> None:
    label = PlainLabel()
    label.set_two_lines(TAGS, HIDDEN, "#808080")
    assert label.textFormat() == QtCore.Qt.TextFormat.RichText
    assert as_drawn(label.text()) == f"{TAGS}\nsh\\u202e010\\x9b31m\\u2028x"
    label.setText(TAGS)
    assert label.textFormat() == QtCore.Qt.TextFormat.PlainText


def obeys(source: str) -> list[str]:
    """Where a module makes a label that guesses, or a tooltip of a text that was not made plain."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call):
            continue
        name = ast.unparse(node.func)
        if name.endswith(("QLabel", "setHtml", "insertHtml", "appendHtml", "setRichText", "drawStaticText")):
            found.append(f"{node.lineno}: {name}")
        if name.endswith((".setToolTip", ".setWhatsThis", ".setStatusTip")) and not is_plain(node.args[-1]):
            found.append(f"{node.lineno}: {ast.unparse(node)}")
    return found


def is_plain(text: ast.expr) -> bool:
    return (isinstance(text, ast.Constant) and isinstance(text.value, str)) or (
        isinstance(text, ast.Call) and ast.unparse(text.func) == "plain_tip"
    )


@pytest.mark.parametrize("module", sorted(UI.glob("*.py")), ids=lambda path: path.stem)
def test_labels_and_tips_are_made_in_one_place(module: Path) -> None:
    if module.stem == "plain_text":
        pytest.skip("this is the place")
    assert obeys(module.read_text(encoding="utf-8")) == []


def test_the_search_finds_what_it_looks_for() -> None:
    source = "QtWidgets.QLabel('x')\na.setToolTip(text)\na.setToolTip(0, f'{x}')\nb.setToolTip('x')\n"
    assert len(obeys(source)) == 3
    source += "b.setHtml(x)\n"
    assert len(obeys(source)) == 4
