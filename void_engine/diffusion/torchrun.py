"""Reads the environment that ``torchrun`` sets for the processes it starts, without loading PyTorch."""

from __future__ import annotations

import os

LEADER = 0
"""The rank of the process that leads."""


def process_count() -> int:
    """The number of processes that were started together, this one included; 1 without ``torchrun``."""
    return int(os.environ.get("WORLD_SIZE", "1")) if "RANK" in os.environ else 1


def process_rank() -> int:
    """The number of this process among all of them, counted from 0."""
    return int(os.environ["RANK"]) if process_count() > 1 else LEADER


def local_rank() -> int | None:
    """The number of this process on its machine, counted from 0; None without ``torchrun``."""
    return int(os.environ["LOCAL_RANK"]) if "LOCAL_RANK" in os.environ else None
