# ruff: noqa: BLE001
# The names are those of Nuke's own module.
"""The state of the fake host: its script, undo list, event loop and callbacks. As in Nuke, there is only
one."""

from __future__ import annotations

import sys
import threading
import traceback
from collections import deque
from collections.abc import Callable
from typing import Any

Inverse = Callable[[], None]


class HostState:
    """Everything that :meth:`reset` starts anew."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        self.main_thread = threading.current_thread()
        self.posted: deque[Callable[[], Any]] = deque()
        self.undo_steps: list[tuple[str, list[Inverse]]] = []
        self.undo_disabled = False
        self.undo_group: list[Inverse] | None = None
        self.undo_name = ""
        self.undo_depth = 0
        self.is_modified = False
        self.frame = 1
        self.views = ["main"]
        self.formats: list[Any] = []
        self.root: Any = None
        self.context: list[Any] = []
        self.callbacks: dict[str, list[Callable[[], Any]]] = {}
        self.viewer: Any = None
        self.progress: list[Any] = []
        self.cancel_progress = False
        self.is_executing = False
        self.artist_renders = False
        """Whether the artist renders in the foreground, so that no other render can begin."""
        self.proxy_changes = 0
        self.reloaded: list[str] = []
        self.localised: dict[str, str] = {}
        """Paths in the cache by the Read whose files are localised there."""
        self.channels = {f"rgba.{name}" for name in ("red", "green", "blue", "alpha")} | {"depth.Z"}
        """The channels that the script knows so far."""
        self.this_node: list[Any] = []
        self.shown_group: Any = None
        """The group whose inner nodes the artist works on; None for the script's own."""
        self.knob_defaults: dict[str, dict[str, Any]] = {}
        """A studio's defaults of knobs, by the class of the nodes."""
        self.node_limit: int | None = None
        self.node_count = 0
        self.executed: list[tuple[str, int, bool]] = []
        """(node, frame, proxy mode) of every frame that was rendered."""
        self.executed_views: list[tuple[str, ...]] = []
        """The views named in each call that rendered."""
        self.selection: list[Any] = []
        self.menus: dict[str, Any] = {}
        self.panes: list[Any] = []
        self.plugin_path: list[str] = []

    def require_main(self) -> None:
        """Refuse any thread but the main one, which alone may touch the script."""
        if threading.current_thread() is not self.main_thread:
            raise RuntimeError("the script was touched from a thread other than the main one")

    def record(self, inverse: Inverse) -> None:
        """Record a change to the script that undo can take back."""
        self.require_main()
        self.is_modified = True
        if self.undo_disabled:
            return
        if self.undo_group is not None:
            self.undo_group.append(inverse)
        else:
            self.undo_steps.append(("", [inverse]))

    def count_node(self) -> None:
        """Count a node that Python makes. Indie and Non-commercial give Python ten, deleted ones included."""
        self.node_count += 1
        if self.node_limit is not None and self.node_count > self.node_limit:
            raise RuntimeError(f"this edition gives Python access to {self.node_limit} nodes")

    def process_events(self, limit: int = 10_000) -> int:
        """Turn the event loop until nothing is posted any more, and return how much was done."""
        self.require_main()
        done = 0
        while self.posted and done < limit:
            call = self.posted.popleft()
            done += 1
            try:
                call()
            except Exception:
                traceback.print_exc()  # like Nuke, this prints the exception and drops it
        qt = sys.modules.get("PySide6.QtCore")
        if qt is not None and qt.QCoreApplication.instance() is not None:
            qt.QCoreApplication.processEvents()
        return done

    def call_back(self, kind: str) -> None:
        for function in list(self.callbacks.get(kind, ())):
            function()


STATE = HostState()
