"""Which action runs in which thread, what was taken in it, and what has to be given back before it ends."""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.fakes.ofx_host.faults import Faults

NOWHERE = "no action"


@dataclass(eq=False)
class Action:
    """One call of the plug-in's main entry."""

    name: str
    of: Any = None
    reason: str = ""
    time: float = 0.0
    # In a render: the frames that getFramesNeeded announced, by clip; None is "any".
    announced: dict[str, list[tuple[float, float]]] | None = None
    window: tuple[int, int, int, int] | None = None
    # In a render of one field: 0 where it has the even rows, 1 where the odd ones.
    field_of_rows: int | None = None
    images: list[Any] = field(default_factory=list)
    texts: list[Any] = field(default_factory=list)
    edits: int = 0
    progress: bool = False
    lock: threading.Lock = field(default_factory=threading.Lock)

    def text(self, value: str) -> Any:
        """Return memory with this text that is wiped when the action ends, as a host may do with what it
        owns.
        """
        memory = ctypes.create_string_buffer(value.encode())
        with self.lock:
            self.texts.append(memory)
        return memory


class Running:
    """The stack of actions of every thread."""

    def __init__(self, faults: Faults) -> None:
        self.faults = faults
        self.stacks: dict[int, list[Action]] = {}
        self.lock = threading.Lock()
        self.kept: list[Any] = []

    def current(self) -> Action | None:
        """Return the action that this thread is in."""
        stack = self.stacks.get(threading.get_ident())
        return stack[-1] if stack else None

    def name(self) -> str:
        """Return the name of the action that this thread is in, for faults."""
        action = self.current()
        return action.name if action else NOWHERE

    def fault(self, rule: str, text: str) -> None:
        """Write a fault down for the action that this thread is in."""
        self.faults.add(rule, self.name(), text)

    @contextmanager
    def enter(self, action: Action) -> Iterator[Action]:
        """Let this thread be in the action, and look afterwards at what it left behind."""
        with self.lend(action):
            try:
                yield action
            finally:
                self._left_behind(action)

    @contextmanager
    def lend(self, action: Action) -> Iterator[None]:
        """Let a thread that the plug-in asked for be in its caller's action."""
        me = threading.get_ident()
        with self.lock:
            self.stacks.setdefault(me, []).append(action)
        try:
            yield
        finally:
            with self.lock:
                self.stacks[me].pop()
                if not self.stacks[me]:
                    del self.stacks[me]

    def _left_behind(self, action: Action) -> None:
        """Fault what the action took and did not give back; wipe the texts that it was given."""
        for image in list(action.images):
            self.fault("image not released", f"an image of {image.clip.name} at {image.time:g}")
            image.release()
        action.images.clear()
        if action.edits:
            self.fault("edit not ended", f"{action.edits} paramEditBegin without paramEditEnd")
        if action.progress:
            self.fault("progress not ended", "progressStart without progressEnd")
        for memory in action.texts:
            ctypes.memset(memory, 0xFE, len(memory) - 1)
        # A plug-in that keeps such a pointer reads rubbish, not freed memory.
        self.kept.append(action.texts)


def threads() -> int:
    """Return how many threads this process has."""
    return sum(1 for _ in Path("/proc/self/task").iterdir())


def children() -> set[str]:
    """Return the process ids of this process's children."""
    found: set[str] = set()
    for task in Path("/proc/self/task").iterdir():
        try:
            found.update((task / "children").read_text().split())
        except OSError:
            continue
    return found
