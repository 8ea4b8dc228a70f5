"""Where this machine keeps what can be made again: embeddings, hashes of files, unfinished work."""

from __future__ import annotations

import os
from pathlib import Path

CACHE_VARIABLE = "VOID_CACHE"
"""The environment variable that names the folder of caches."""


def cache_folder() -> Path:
    """The folder of caches: the one that VOID_CACHE names, else the user's cache folder."""
    named = os.environ.get(CACHE_VARIABLE)
    if named:
        return Path(named)
    base = os.environ.get("LOCALAPPDATA") or os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "void-nuke"
