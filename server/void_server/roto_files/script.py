"""The nodes of a Nuke script with their knobs and inputs, read from its text without evaluating anything.

A script builds its tree on a stack: each node takes its inputs from the top, input 0 first, and puts itself
there; ``set NAME [stack 0]`` remembers what is on top, ``push`` puts it back.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from void_server.roto_files.errors import RotoFileError, ScriptSyntaxError
from void_server.roto_files.tcl import Command, Word, commands, decode, line_of, unescaped

_STACK = re.compile(r"\[\s*stack\s+(\d+)\s*\]")
_INPUTS = re.compile(r"(\d+)(?:\+(\d+))?")
_GROUPS = frozenset({"Group", "Gizmo"})
"""Classes of nodes after which the nodes of their inside follow, until ``end_group``."""
_OPENING = re.compile(r"^[ \t]*(?:Group|Gizmo)[ \t]*\{", re.MULTILINE)
_CLOSING = re.compile(r"^[ \t]*end_group\b", re.MULTILINE)
_NO_NODE = frozenset(
    ("add_layer", "addUserKnob", "clone", "define_window_layout_xml", "end_group", "foreach", "global", "if")
) | {"knob", "knobDefault", "load", "menu", "package", "proc", "push", "puts", "python", "return", "set"}
_NO_NODE |= {"source", "version", "while"}
"""Commands of TCL and of Nuke that make no node."""
_CLASS_NAME = re.compile(r"[A-Za-z_][\w.:]*$")
_MAX_INPUTS = 1000


@dataclass(eq=False)
class ScriptNode:
    """A node of a script."""

    class_name: str
    name: str
    knobs: dict[str, list[Word]] = field(default_factory=dict)
    """By name, the words of the last value that the script gives."""
    inputs: list[ScriptNode | None] = field(default_factory=list)
    """The nodes at its inputs, masks last; None where nothing is connected."""
    plain_inputs: int = 1
    """How many of them come before the masks."""
    group: ScriptNode | None = None
    """The group that holds the node; None for the script itself."""

    @property
    def path(self) -> str:
        """The name with those of the groups that hold the node, parted by dots, as Nuke writes it."""
        return self.name if self.group is None else f"{self.group.path}.{self.name}"

    def text(self, knob: str, default: str = "") -> str:
        """Return a knob's value in one piece, with escapes resolved."""
        words = self.knobs.get(knob)
        if not words:
            return default
        return " ".join(unescaped(word.text) if word.braced else word.text for word in words)

    def is_on(self, knob: str) -> bool:
        """Return whether a switch is set for good."""
        return self.text(knob).strip().lower() in ("true", "1")


@dataclass
class Script:
    """What a script's text says."""

    text: str
    root: ScriptNode
    nodes: list[ScriptNode]
    """All nodes in the order of the text, those in groups included, the root left out."""


def read_script(data: bytes, name: str) -> Script:
    """Read a script or gizmo.

    Args:
        data: the bytes of the file.
        name: the file's name, for errors.

    Raises:
        RotoFileError: when the file is encrypted, is no script, or breaks off.
    """
    if b"\0" in data[:4096] and not data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise RotoFileError(
            f"{name} is no text: scripts of Nuke Indie and Non-commercial (.nkind, .nknc) are "
            f"encrypted; save it as a "
            "plain .nk in a commercial Nuke"
        )
    text = decode(data)
    try:
        return _Reader(text).read(name)
    except ScriptSyntaxError as error:
        raise RotoFileError(f"{name}, line {line_of(text, error.at)}: {error.reason}") from error


class _Reader:
    """Runs through a script's commands and keeps the stack."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._stack: list[ScriptNode | None] = []
        self._variables: dict[str, ScriptNode | None] = {}
        self._nodes: list[ScriptNode] = []
        self._groups: list[tuple[ScriptNode, list[ScriptNode | None]]] = []
        self._root = ScriptNode("Root", "root")
        # A LiveGroup writes its inside only where it was unlocked. There are then more ends than groups.
        live = "LiveGroup" in text and len(_CLOSING.findall(text)) > len(_OPENING.findall(text))
        self._groups_of_nodes = _GROUPS | {"LiveGroup"} if live else _GROUPS

    def read(self, name: str) -> Script:
        seen = False
        for command in commands(self._text):
            seen |= self._take(command)
        if not seen and self._text.strip():
            raise RotoFileError(
                f"{name} holds no node of Nuke; a script of Nuke Indie or Non-commercial is encrypted "
                f"and has to be "
                "saved as a plain .nk"
            )
        return Script(self._text, self._root, self._nodes)

    def _take(self, command: Command) -> bool:
        """Carry out one command, and return whether it is one of a script."""
        words = command.words
        verb = words[0].text
        if verb == "set":
            if len(words) > 2:
                self._variables[words[1].text] = self._on_stack(words[2].text)
        elif verb == "push":
            what = words[1].text if len(words) > 1 else "0"
            self._stack.append(self._variables.get(what[1:]) if what.startswith("$") else None)
        elif verb == "end_group":
            if self._groups:
                group, outer = self._groups.pop()
                self._stack = outer
                self._stack.append(group)
        elif verb == "clone":
            self._clone(words)
        elif verb not in _NO_NODE and len(words) == 2 and words[1].braced and _CLASS_NAME.match(verb):
            self._node(verb, words[1])
        else:
            return verb in _NO_NODE
        return True

    def _on_stack(self, text: str) -> ScriptNode | None:
        found = _STACK.search(text)
        depth = int(found.group(1)) if found and len(found.group(1)) < 9 else 0
        return self._stack[-1 - depth] if depth < len(self._stack) else None

    def _clone(self, words: list[Word]) -> None:
        """Take ``clone $NAME {..}``, another place of a node, or ``clone id|Class|n Class {..}``, its
        first."""
        if len(words) < 3 or not words[-1].braced:
            return
        if words[1].text.startswith("$"):
            first = self._variables.get(words[1].text[1:])
            node = self._node(first.class_name if first else "NoOp", words[-1], listed=False)
            if first is not None:
                node.knobs = {**first.knobs, **node.knobs}
                node.name = first.name
        else:
            self._node(words[2].text, words[-1])

    def _node(self, class_name: str, body: Word, *, listed: bool = True) -> ScriptNode:
        knobs = dict(self._knobs(body))
        if class_name == "Root":
            self._root.knobs.update(knobs)
            return self._root
        group = self._groups[-1][0] if self._groups else None
        node = ScriptNode(class_name, "", knobs, group=group)
        node.name = node.text("name") or class_name
        if class_name != "Gizmo":
            self._connect(node)
        if listed:
            self._nodes.append(node)
        if class_name in self._groups_of_nodes:
            self._groups.append((node, self._stack))
            self._stack = []
        else:
            self._stack.append(node)
        return node

    def _connect(self, node: ScriptNode) -> None:
        wanted = _INPUTS.match(node.text("inputs", "1").strip())
        if wanted and len(wanted.group(1)) < 9:
            node.plain_inputs = int(wanted.group(1))
        count = sum(int(part) for part in wanted.groups("0") if len(part) < 9) if wanted else 1
        for _ in range(min(count, _MAX_INPUTS)):
            node.inputs.append(self._stack.pop() if self._stack else None)

    def _knobs(self, body: Word) -> Iterator[tuple[str, list[Word]]]:
        for command in commands(body.text):
            name, *values = command.words
            yield name.text, [word._replace(at=word.at + body.at) for word in values]
