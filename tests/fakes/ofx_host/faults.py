"""What a plug-in did that the standard, or a host that people use, does not take."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Fault:
    """One rule that was broken: its short name, during which action, and what happened."""

    rule: str
    action: str
    text: str

    def __str__(self) -> str:
        return f"[{self.rule}] in {self.action}: {self.text}"


@dataclass
class Faults:
    """The list of faults of one host, filled from any thread."""

    found: list[Fault] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, rule: str, action: str, text: str) -> None:
        """Write one down; the same again is not repeated."""
        fault = Fault(rule, action, text)
        with self.lock:
            if fault not in self.found:
                self.found.append(fault)

    def rules(self) -> set[str]:
        """Return the rules that were broken."""
        with self.lock:
            return {fault.rule for fault in self.found}

    def check(self) -> None:
        """Raise AssertionError with every fault, if there is one."""
        assert not self.found, "\n".join(str(fault) for fault in self.found)
