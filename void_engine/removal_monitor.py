"""What whoever runs a removal is told while it runs."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from void_engine.engines.interface import Monitor
from void_engine.shares import Shares


class RemovalMonitor(Monitor, Protocol):
    """Receives what a running removal reports, beyond what its engine does."""

    def frame_done(self, number: int, path: Path) -> None:
        """Frame ``number`` of the result is complete under its final name and on the disk.

        This is called on a writer's thread. A resumed removal also reports the frames that it keeps.
        """

    def composed(self, shares: Shares) -> None:
        """What the frames made so far replaced consists of: real, guessed and invented pixels."""

    def waiting(self, obstacle: str) -> None:
        """The removal waits until ``obstacle`` has passed; an empty text says that it goes on.

        This may be called on any thread.
        """
