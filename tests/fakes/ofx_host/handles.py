"""Handles: numbers that a plug-in passes back, and may never look behind."""

from __future__ import annotations

import threading
from typing import Any

from tests.fakes.ofx_host.suite_base import BadHandleError

# Beyond every address that a program has, so that a plug-in which looks there does not get away with it.
_FIRST = 0x7F00_0000_0000_0000


class Handles:
    """Objects by handle. A handle that is gone stays gone: no number is given twice."""

    def __init__(self) -> None:
        self.objects: dict[int, tuple[str, Any]] = {}
        self.gone: set[int] = set()
        self.next = _FIRST
        self.lock = threading.Lock()

    def new(self, what: Any, kind: str = "") -> int:
        """Return a new handle."""
        with self.lock:
            self.next += 16
            self.objects[self.next] = (kind, what)
            return self.next

    def get(self, handle: int | None) -> Any:
        """Return what a handle stands for."""
        found = self.objects.get(handle or 0)
        if found is None:
            raise BadHandleError("gone" if handle in self.gone else f"never given: {handle}")
        return found[1]

    def of(self, handle: int | None, kind: str) -> Any:
        """Return what a handle of one kind stands for."""
        what = self.get(handle)
        if self.objects[handle or 0][0] != kind:
            raise BadHandleError(f"not that of a {kind}")
        return what

    def drop(self, handle: int) -> None:
        """Forget a handle."""
        with self.lock:
            self.objects.pop(handle, None)
            self.gone.add(handle)
