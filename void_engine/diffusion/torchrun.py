"""What ``torchrun`` tells the processes that it starts together; read without loading PyTorch."""

from __future__ import annotations

import os

LEADER = 0


def process_count() -> int:
    """How many processes were started together with this one; 1 without ``torchrun``."""
    return int(os.environ.get("WORLD_SIZE", "1")) if "RANK" in os.environ else 1


def process_rank() -> int:
    """This process's number among all, from 0."""
    return int(os.environ["RANK"]) if process_count() > 1 else LEADER


def local_rank() -> int | None:
    """This process's number on its machine, or None without ``torchrun``."""
    return int(os.environ["LOCAL_RANK"]) if "LOCAL_RANK" in os.environ else None
