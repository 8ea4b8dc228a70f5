# ruff: noqa: N801
# The names are those of Nuke's own module.
"""Knobs that accept what Nuke's knobs accept, and refuse the rest."""

from __future__ import annotations

import ast
import operator
from typing import Any

from tests.fakes.fake_nuke.state import STATE

_OPERATORS = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv,
    ast.USub: operator.neg,
}  # fmt: skip


class Format:
    """An image format, read from ``width height [x y r t] pixel_aspect name``."""

    def __init__(self, width: int, height: int, aspect: float = 1.0, name: str = "") -> None:
        self._size = (int(width), int(height))
        self._aspect = float(aspect)
        self._name = name

    @classmethod
    def parse(cls, text: str) -> Format:
        parts = text.split()
        numbers = [float(part) for part in parts[:-1]]
        if len(numbers) not in (2, 3, 7):
            raise RuntimeError(f"format {text!r}: need width height [x y r t] [pixel_aspect] name")
        return cls(int(numbers[0]), int(numbers[1]), numbers[-1] if len(numbers) > 2 else 1.0, parts[-1])

    def width(self) -> int:
        return self._size[0]

    def height(self) -> int:
        return self._size[1]

    def x(self) -> int:
        return 0

    def y(self) -> int:
        return 0

    def r(self) -> int:
        return self._size[0]

    def t(self) -> int:
        return self._size[1]

    def pixelAspect(self) -> float:
        return self._aspect

    def name(self) -> str:
        return self._name


class Knob:
    """A knob with one value."""

    kinds: tuple[type, ...] = (object,)

    def __init__(self, name: str, label: str = "", default: Any = None) -> None:
        self._name = name
        self._label = label
        self._value = default
        self._default = default
        self._flags = 0
        self._expression = ""
        self._node: Any = None

    def name(self) -> str:
        return self._name

    def label(self) -> str:
        return self._label

    def node(self) -> Any:
        return self._node

    def Class(self) -> str:
        return type(self).__name__

    def setFlag(self, flag: int) -> None:
        self._flags |= flag

    def clearFlag(self, flag: int) -> None:
        self._flags &= ~flag

    def getFlag(self, flag: int) -> bool:
        return bool(self._flags & flag)

    def visible(self) -> bool:
        return not self._flags & 1024

    def notDefault(self) -> bool:
        return self._value != self._default or bool(self._expression)

    def isAnimated(self, channel: int = -1) -> bool:
        return False

    def hasExpression(self, index: int = -1) -> bool:
        return bool(self._expression)

    def setExpression(self, expression: str, index: int = -1, view: str | None = None) -> bool:
        before = self._expression
        STATE.record(lambda: setattr(self, "_expression", before))
        self._expression = expression
        return True

    def value(self, index: int = 0) -> Any:
        STATE.require_main()
        if self._node is not None:
            self._node.require_attached()
        if self._expression:
            return self.checked(_evaluate(self._expression, self._node))
        return self._value

    def getValue(self, channel: int = 0) -> Any:
        return self.value(channel)

    def setValue(self, val: Any, chan: int = 0) -> bool:
        if self._node is not None:
            self._node.require_attached()
        new, before = self.checked(val), self._value
        STATE.record(lambda: setattr(self, "_value", before))
        self._value = new
        return True

    def execute(self) -> None:
        """Press the knob, when it is a button."""
        raise AttributeError(f"{self.Class()} {self._name} is no button")

    def checked(self, value: Any) -> Any:
        """Return the value as the knob keeps it.

        Raises:
            TypeError: when this kind of knob does not take the value.
        """
        if not isinstance(value, self.kinds) or (isinstance(value, bool) and bool not in self.kinds):
            raise TypeError(f"{self.Class()} {self._name} does not take {value!r}")
        return value

    def toScript(self, quote: bool = True, context: Any = None) -> str:
        if self._expression:
            return f"{{{{{self._expression}}}}}"
        return self.text_of(self._value)

    def fromScript(self, script: str) -> None:
        """Set what a script's text says: a value, or in braces an expression."""
        if script.startswith("{"):
            self.setExpression(script.strip("{}").strip('"'))
        else:
            self.setValue(self.from_text(script))

    def text_of(self, value: Any) -> str:
        return str(value)

    def from_text(self, text: str) -> Any:
        return text


class String_Knob(Knob):
    kinds = (str,)

    def __init__(self, name: str, label: str = "", default: str = "") -> None:
        super().__init__(name, label, default)


class EvalString_Knob(String_Knob):
    def evaluate(self, time: float | None = None) -> str:
        """Evaluate the text as TCL does: ``[value parent.knob]`` is replaced and a backslash eaten with what
        follows it. Source: files set on inner nodes of public gizmos."""
        return _substituted(self._value, self._node)


class File_Knob(EvalString_Knob):
    def fromUserText(self, text: str) -> None:
        path, _, frames = text.rpartition(" ")
        if not path:
            path, frames = text, ""
        self.setValue(path)
        if frames:
            first, _, last = frames.partition("-")
            self._node["first"].setValue(int(first))
            self._node["last"].setValue(int(last or first))


class Boolean_Knob(Knob):
    kinds = (bool, int)

    def __init__(self, name: str, label: str = "", default: bool = False) -> None:
        super().__init__(name, label, default)

    def checked(self, value: Any) -> bool:
        return bool(super().checked(value) if not isinstance(value, float) else value)

    def text_of(self, value: Any) -> str:
        return "true" if value else "false"

    def from_text(self, text: str) -> bool:
        return text in ("true", "1")


class Double_Knob(Knob):
    kinds = (int, float)

    def __init__(self, name: str, label: str = "", default: float = 0.0) -> None:
        super().__init__(name, label, default)

    def checked(self, value: Any) -> float:
        return float(super().checked(value))

    def from_text(self, text: str) -> float:
        return float(text)


class Int_Knob(Double_Knob):
    def checked(self, value: Any) -> int:  # type: ignore[override]
        return int(super().checked(value))

    def from_text(self, text: str) -> int:
        return int(float(text))


class Array_Knob(Knob):
    """A colour or a box. It takes one number for all channels, or one for each."""

    def __init__(self, name: str, size: int, default: float = 0.0) -> None:
        super().__init__(name, "", [default] * size)

    def setValue(self, val: Any, chan: int = -1) -> bool:
        new = list(self._value)
        if chan >= 0:
            new[chan] = float(val)
        elif isinstance(val, (int, float)):
            new = [float(val)] * len(new)
        else:
            if len(val) != len(new):
                raise TypeError(f"{self._name} takes {len(new)} numbers, not {len(val)}")
            new = [float(each) for each in val]
        before = self._value
        STATE.record(lambda: setattr(self, "_value", before))
        self._value = new
        return True


class Enumeration_Knob(Knob):
    kinds = (str, int)

    def __init__(self, name: str, label: str, values: list[str], default: str | None = None) -> None:
        super().__init__(name, label, values[0] if default is None else default)
        self._values = values

    def values(self) -> list[str]:
        return list(self._values)

    def setValues(self, items: list[str]) -> None:
        self._values = list(items)

    def checked(self, value: Any) -> str:
        value = super().checked(value)
        if isinstance(value, int):
            return self._values[value]
        if value not in self._values:
            raise TypeError(f"{self._name} has no {value!r}, only {', '.join(self._values)}")
        return value


class FileType_Knob(Enumeration_Knob):
    """The ``file_type`` of a Write: its own knobs appear when it is set. Source: scripts, in which those
    knobs follow it."""

    def __init__(self, name: str, label: str, values: list[str], of_exr: Any) -> None:
        super().__init__(name, label, values)
        self._of_exr = of_exr

    def setValue(self, val: Any, chan: int = 0) -> bool:
        super().setValue(val)
        for knob in self._of_exr() if self._value == "exr" else ():
            if knob.name() not in self._node._knobs:
                self._node._own(knob)
        return True


class Channel_Knob(String_Knob):
    """A channel or layer. One that no picture of the script has brought yet is not taken. Source: foundry,
    whose tools add the layer first."""

    def checked(self, value: Any) -> str:
        value = super().checked(value)
        layers = {name.split(".")[0] for name in STATE.channels}
        if value not in STATE.channels | layers | {"none", "all", "rgb", "rgba", "alpha"}:
            raise TypeError(f"{self._name}: there is no channel {value!r} in this script")
        return value


class ShownOfShapesKnob(Double_Knob):
    """A knob of a Roto node that shows its selected shapes, and changes them when it is set."""

    def __init__(self, name: str, attribute: str, default: float) -> None:
        super().__init__(name, "", default)
        self._attribute = attribute

    def setValue(self, val: Any, chan: int = 0) -> bool:
        super().setValue(val)
        for child in self._node["curves"].rootLayer:
            child.getAttributes().set(1, self._attribute, self._value)
        return True


class ReloadKnob(Knob):
    """The button of a Read that reads its files anew."""

    def execute(self) -> None:
        STATE.require_main()
        STATE.reloaded.append(self._node.fullName())


class Format_Knob(Knob):
    def text_of(self, value: Any) -> str:
        return "" if value is None else value.name()

    def from_text(self, text: str) -> Any:
        return text or None

    def checked(self, value: Any) -> Format | None:
        if value is None or isinstance(value, Format):
            return value
        for known in STATE.formats:
            if known.name() == value:
                return known
        raise TypeError(f"no format {value!r}")


class PyScript_Knob(String_Knob):
    """A Python button. On a Group or gizmo it runs inside that group, so that names are those of the inner
    nodes. Source: public gizmos, which enter the root first; Foundry's precomp, which calls endGroup()."""

    def execute(self) -> None:
        import nuke

        STATE.require_main()
        is_group = hasattr(self._node, "nodes")
        STATE.context.append(self._node if is_group else self._node.parent())
        STATE.this_node.append(self._node)
        try:
            exec(self._value, {"nuke": nuke})
        finally:
            STATE.this_node.pop()
            STATE.context.pop()


class Text_Knob(Knob):
    pass


class Tab_Knob(Knob):
    pass


def _number(knob: Any) -> Any:
    """Return a knob's value as an expression sees it: an enumeration counts from 0."""
    return knob._values.index(knob.value()) if isinstance(knob, Enumeration_Knob) else knob.value()


def _substituted(text: str, node: Any) -> str:
    """Replace ``[value knob]``, and take a backslash as TCL does: ``\\n`` becomes a new line, any other
    letter stands for itself."""
    out, index = "", 0
    while index < len(text):
        letter = text[index]
        if letter == "\\":
            index += 1
            out += {"n": "\n", "t": "\t"}.get(text[index : index + 1], text[index : index + 1])
        elif letter == "[":
            end = text.index("]", index)
            word, _, name = text[index + 1 : end].partition(" ")
            if word != "value":
                raise RuntimeError(f"[{word} ...] is not understood")
            found = _evaluate(name, node)
            out += _substituted(found, node) if isinstance(found, str) else str(found)
            index = end
        else:
            out += letter
        index += 1
    return out


def _evaluate(expression: str, node: Any) -> Any:
    """Evaluate an expression of numbers, + - * /, ``frame``, ``knob``, ``Node.knob`` and ``parent.knob``."""

    def value(tree: ast.AST) -> Any:
        if isinstance(tree, ast.Constant):
            return tree.value
        if isinstance(tree, ast.BinOp):
            return _OPERATORS[type(tree.op)](value(tree.left), value(tree.right))
        if isinstance(tree, ast.UnaryOp):
            return _OPERATORS[type(tree.op)](value(tree.operand))
        if isinstance(tree, ast.Name):
            return STATE.frame if tree.id == "frame" else _number(node[tree.id])
        if isinstance(tree, ast.Compare):
            return value(tree.left) == value(tree.comparators[0])
        if isinstance(tree, ast.Attribute) and isinstance(tree.value, ast.Name):
            owner = tree.value.id
            if owner == "parent":
                target = node.parent()
            elif owner == "this":
                target = node
            else:
                target = node.parent().node(owner)
            if target is None:
                raise RuntimeError(f"expression {expression!r}: no node {owner}")
            if tree.attr in ("width", "height"):
                return getattr(target, tree.attr)()
            if tree.attr == "pixel_aspect":
                return target.format().pixelAspect()
            return _number(target[tree.attr])
        raise RuntimeError(f"expression {expression!r} is not understood")

    return value(ast.parse(expression, mode="eval").body)
