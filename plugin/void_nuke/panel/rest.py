"""Decides when the host's frame has come to rest. While it plays, nothing may be rendered for the panel."""

from __future__ import annotations

REST_S = 0.5
"""How long a frame has to stay, in seconds, before its picture is asked for."""


class FrameRest:
    """Follows the host's current frame by looking at it again and again."""

    def __init__(self) -> None:
        self.frame: int | None = None
        self._since = 0.0

    def look(self, frame: int, now_s: float) -> bool:
        """Note the frame that the host shows at a time, and return whether it has stayed long enough."""
        if frame != self.frame:
            self.frame, self._since = frame, now_s
        return now_s - self._since >= REST_S
