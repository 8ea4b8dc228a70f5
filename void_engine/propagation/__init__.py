"""The propagation engine: it removes objects with the plate's own pixels, without weights or a GPU.

Hidden pixels are taken from other frames that show them (registration, light matching, fusion); what no frame
shows is synthesised. The folders are the steps of the method: ``motion``, ``reveal``, ``fill``, ``finish``.
docs/propagation.md explains the method, its limits and its figures.

Scripts take :func:`~void_engine.propagation.in_memory.remove_object` from here. It is imported when asked
for, so that importing the package, as the list of engines does, costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from void_engine.propagation.in_memory import remove_object

__all__ = ["remove_object"]


def __getattr__(name: str) -> Any:
    if name in __all__:
        from void_engine.propagation import in_memory

        return getattr(in_memory, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
