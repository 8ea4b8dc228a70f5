"""Plate detail on a model's low-resolution answer: real pixels where they fit it, else the answer itself."""

from __future__ import annotations

from void_engine.detail.in_memory import restore_detail

__all__ = ["restore_detail"]
