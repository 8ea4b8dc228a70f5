"""Removal from the plate's own pixels: register, match light, fuse, synthesise the rest.

docs/propagation.md explains the method, its limits and its figures.
"""

from void_engine.propagation.arrays import remove_object
from void_engine.propagation.engine import PropagationEngine

__all__ = ["PropagationEngine", "remove_object"]
