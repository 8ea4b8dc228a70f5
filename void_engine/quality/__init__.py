"""A verdict on every frame of a removal, without knowing the truth: from plate, matte and result alone.

Each measure compares what the removal has made with the plate's own pixels around it, which are the truth
there. ``thresholds.py`` says from where on a measure is a fault; docs/check.md explains all of it, with the
figures of the calibration.

Scripts take :func:`~void_engine.quality.in_memory.judge` from here. It is imported when asked for, so that
importing the package costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from void_engine.quality.in_memory import judge

__all__ = ["judge"]


def __getattr__(name: str) -> Any:
    if name in __all__:
        from void_engine.quality import in_memory

        return getattr(in_memory, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
