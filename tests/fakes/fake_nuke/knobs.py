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
        if self._expression:
            return self.checked(_evaluate(self._expression, self._node))
        return self._value

    def getValue(self, channel: int = 0) -> Any:
        return self.value(channel)

    def setValue(self, val: Any, chan: int = 0) -> bool:
        new, before = self.checked(val), self._value
        STATE.record(lambda: setattr(self, "_value", before))
        self._value = new
        return True

    def checked(self, value: Any) -> Any:
        """Return the value as the knob keeps it.

        Raises:
            TypeError: when this kind of knob does not take the value.
        """
        if not isinstance(value, self.kinds) or (isinstance(value, bool) and bool not in self.kinds):
            raise TypeError(f"{self.Class()} {self._name} does not take {value!r}")
        return value

    def toScript(self, quote: bool = True, context: Any = None) -> str:
        return str(self.value())

    def fromScript(self, script: str) -> None:
        self.setValue(script)


class String_Knob(Knob):
    kinds = (str,)

    def __init__(self, name: str, label: str = "", default: str = "") -> None:
        super().__init__(name, label, default)


class EvalString_Knob(String_Knob):
    pass


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


class Double_Knob(Knob):
    kinds = (int, float)

    def __init__(self, name: str, label: str = "", default: float = 0.0) -> None:
        super().__init__(name, label, default)

    def checked(self, value: Any) -> float:
        return float(super().checked(value))


class Int_Knob(Double_Knob):
    def checked(self, value: Any) -> int:  # type: ignore[override]
        return int(super().checked(value))


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

    def __init__(self, name: str, label: str, values: list[str]) -> None:
        super().__init__(name, label, values[0])
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


class Channel_Knob(String_Knob):
    pass


class Format_Knob(Knob):
    def checked(self, value: Any) -> Format | None:
        if value is None or isinstance(value, Format):
            return value
        for known in STATE.formats:
            if known.name() == value:
                return known
        raise TypeError(f"no format {value!r}")


class PyScript_Knob(String_Knob):
    pass


class Tab_Knob(Knob):
    pass


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
            return STATE.frame if tree.id == "frame" else node[tree.id].value()
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
            return target[tree.attr].value()
        raise RuntimeError(f"expression {expression!r} is not understood")

    return value(ast.parse(expression, mode="eval").body)
