"""Reads the fields of a request. An error names what is missing or wrong."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

from void_server.openfx_bridge.conversation.framing import Message
from void_server.openfx_bridge.errors import BridgeError

_WHOLE = re.compile(r"[+-]?\d{1,18}", re.ASCII)


@dataclass(frozen=True)
class Fields:
    """The fields of one request."""

    message: Message

    @property
    def kind(self) -> str:
        """The request's type; empty where it has none."""
        return self.message.get("type", "")

    def text(self, name: str, missing: str | None = None) -> str:
        """A text. Without ``missing`` the field must be there.

        Raises:
            BridgeError: when it is not there and has to be, or holds a character that no text has.
        """
        value = self.message.get(name, missing)
        if value is None:
            raise BridgeError(f"The request {self._kind} lacks its field {name}.")
        if "\0" in value:
            raise BridgeError(f"The field {name} holds a zero byte.")
        return value

    def encodable(self, name: str, missing: str | None = None) -> str:
        """A text that JSON and files of text can hold.

        Raises:
            BridgeError: as :meth:`text` does, and for bytes that are not UTF-8.
        """
        value = self.text(name, missing)
        try:
            value.encode()
        except UnicodeEncodeError:
            raise BridgeError(f"The field {name} is not UTF-8; use other characters.") from None
        return value

    def integer(self, name: str, missing: int | None = None, *, low: int, high: int) -> int:
        """A whole number of a range, both ends included.

        Raises:
            BridgeError: when it is none, or is not there and has to be.
        """
        if missing is not None and not self.message.get(name):
            return missing
        text = self.text(name)
        if not _WHOLE.fullmatch(text) or not low <= int(text) <= high:
            raise BridgeError(f"The field {name} is {_shown(text)}; it takes a whole number {low} to {high}.")
        return int(text)

    def number(self, name: str, missing: float, *, low: float, high: float) -> float:
        """A number of a range, both ends included.

        Raises:
            BridgeError: when it is none.
        """
        text = self.message.get(name, "")
        if not text:
            return missing
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not low <= value <= high:
            raise BridgeError(f"The field {name} is {_shown(text)}; it takes a number {low:g} to {high:g}.")
        return value

    def is_on(self, name: str) -> bool:
        """A switch, which is off where it is missing.

        Raises:
            BridgeError: when it is neither 0 nor 1.
        """
        return self.choice(name, "0", ("0", "1")) == "1"

    def choice(self, name: str, missing: str, choices: Sequence[str]) -> str:
        """One of some words; an empty one counts as missing.

        Raises:
            BridgeError: when it is none of them.
        """
        text = self.message.get(name, "") or missing
        if text not in choices:
            raise BridgeError(f"The field {name} is {_shown(text)}; choose one of {', '.join(choices)}.")
        return text

    def box(self, longest: int) -> tuple[int, int, int, int]:
        """``x1``, ``y1``, ``x2``, ``y2``: at least one pixel, and no side longer than ``longest``.

        Raises:
            BridgeError: when it is no such box.
        """
        far = 1 << 24
        x1, y1, x2, y2 = (self.integer(name, low=-far, high=far) for name in ("x1", "y1", "x2", "y2"))
        if not (0 < x2 - x1 <= longest and 0 < y2 - y1 <= longest):
            raise BridgeError(
                f"The box from {x1}, {y1} to {x2}, {y2} is no picture of 1 to {longest} pixels a side."
            )
        return x1, y1, x2, y2

    @property
    def _kind(self) -> str:
        return _shown(self.kind)


def _shown(text: str) -> str:
    return ascii(text if len(text) <= 80 else f"{text[:80]}...")
