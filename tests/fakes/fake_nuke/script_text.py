# The names are those of Nuke's own module.
"""Loads the text of a script or gizmo into the fake: TCL-like commands whose nodes take their inputs from a
stack."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from tests.fakes.fake_nuke import knobs as kinds
from tests.fakes.fake_nuke.nodes import Group, Node, make_node
from tests.fakes.fake_nuke.state import STATE

_USER = {
    "1": kinds.EvalString_Knob, "2": kinds.File_Knob, "3": kinds.Int_Knob, "6": kinds.Boolean_Knob,
    "7": kinds.Double_Knob, "20": kinds.Tab_Knob, "22": kinds.PyScript_Knob, "26": kinds.Text_Knob,
}  # fmt: skip
"""The kinds of user knobs by their numbers in a script; 4 is an enumeration."""
_PLACES = (
    "inputs",
    "help",
    "tile_color",
    "xpos",
    "ypos",
    "number",
    "selected",
    "name",
    "label",
    "hide_input",
    "note_font",
)


def words(text: str) -> list[str]:
    """Split a TCL list: words are parted by white space, and may stand in braces or quotes."""
    return [word for word, _ in _words(text)]


def commands(text: str) -> Iterator[list[str]]:
    """Yield the commands of a script, which lines part."""
    command: list[str] = []
    for word, ends_line in _words(text):
        command.append(word)
        if ends_line:
            yield command
            command = []
    if command:
        yield command


def _words(text: str) -> Iterator[tuple[str, bool]]:
    index, end = 0, len(text)
    while index < end:
        letter = text[index]
        if letter in " \t\n;":
            index += 1
            continue
        if letter == "#" and (not index or text[index - 1] == "\n"):
            index = text.find("\n", index) % (end + 1)
            continue
        if letter == "{":
            depth, start = 1, index + 1
            while depth:
                index += 1
                depth += {"{": 1, "}": -1}.get(text[index], 0) if text[index - 1] != "\\" else 0
            word = text[start:index]
            index += 1
        elif letter == '"':
            start = index = index + 1
            while text[index] != '"' or text[index - 1] == "\\":
                index += 1
            word = text[start:index].replace("\\[", "[").replace('\\"', '"').replace("\\n", "\n")
            index += 1
        else:
            start = index
            depth = 0
            while index < end and (depth or text[index] not in " \t\n;"):
                depth += {"[": 1, "]": -1}.get(text[index], 0)
                index += 1
            word = text[start:index]
        rest = text[index:]
        yield (
            word,
            rest[: len(rest) - len(rest.lstrip(" \t"))] + rest.lstrip(" \t")[:1] in ("\n", "")
            or (rest.lstrip(" \t").startswith("\n")),
        )


def load_gizmo(name: str, folders: Sequence[str]) -> Group:
    """Make an instance of a gizmo that lies in one of the folders of the plug-in path.

    Raises:
        RuntimeError: as Nuke says it for a class that it does not know.
    """
    path = next(
        (Path(folder) / f"{name}.gizmo" for folder in folders if (Path(folder) / f"{name}.gizmo").is_file()),
        None,
    )
    if path is None:
        raise RuntimeError(f"{name}: Unknown command")
    loader = _Loader(folders)
    loader.load(path.read_text(encoding="utf-8"))
    made = loader.made[0]
    assert isinstance(made, Group)
    made._class = name
    made.setName(f"{name}1")
    return made


class _Loader:
    def __init__(self, folders: Sequence[str]) -> None:
        self._folders = folders
        self._stack: list[Node | None] = []
        self._names: dict[str, Node | None] = {}
        self._outer: list[list[Node | None]] = []
        self.made: list[Node] = []

    def load(self, text: str) -> None:
        for command in commands(text):
            if command[0] == "set":
                self._names[command[1]] = self._stack[-1 - int(command[2].strip("[]").split()[1])]
            elif command[0] == "push":
                self._stack.append(None if command[1] == "0" else self._names[command[1].lstrip("$")])
            elif command[0] == "end_group":
                STATE.context.pop()
                self._stack = self._outer.pop()
            else:
                self._make(command[0], words(command[1]))

    def _make(self, node_class: str, block: list[str]) -> None:
        values = list(zip(block[::2], block[1::2], strict=True))
        plain = dict(values)
        is_group = node_class in ("Group", "Gizmo")
        if node_class in self._folders_gizmos():
            node: Node = load_gizmo(node_class, self._folders)
        else:
            node = make_node(node_class)
        if "name" in plain:
            node.setName(plain["name"])
        if node_class == "Input":
            node["number"].setValue(int(plain.get("number", "0")))
        inputs = (
            0 if node_class == "Gizmo" else sum(int(part) for part in plain.get("inputs", "1").split("+"))
        )
        sources = [self._stack.pop() for _ in range(inputs)]
        for index, source in enumerate(sources):
            if source is not None:
                assert node.setInput(index, source), (node_class, plain.get("name"), index)
        for name, value in values:
            if name == "addUserKnob":
                node._own(_user_knob(words(value)))
            elif name not in _PLACES or name == "label":
                node[name].fromScript(value.replace("\\[", "["))
        self.made.append(node)
        self._stack.append(node)
        if is_group:
            self._outer.append(self._stack)
            self._stack = []
            STATE.context.append(node)

    def _folders_gizmos(self) -> set[str]:
        return {path.stem for folder in self._folders for path in Path(folder).glob("*.gizmo")}


def _user_knob(parts: list[str]) -> kinds.Knob:
    kind, name = parts[0], parts[1]
    said = {
        parts[index]: parts[index + 1]
        for index in range(2, len(parts) - 1)
        if parts[index] in ("M", "T", "l")
    }
    if kind == "4":
        return kinds.Enumeration_Knob(name, said.get("l", ""), words(said["M"]))
    made: Any = _USER[kind](name)
    if kind == "22":
        made._value = said["T"]
    return made
