"""Removal from the plate's own pixels: register, match light, fuse, synthesise the rest.

docs/propagation.md explains the method, its limits and its figures.
"""

from void_engine.propagation.engine import PropagationEngine
from void_engine.propagation.in_memory import remove_object

__all__ = ["PropagationEngine", "remove_object"]
