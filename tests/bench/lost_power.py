"""Simulates a power cut: files that were not synced are lost.

Processes started after :func:`watch_syncs` note every ``os.fsync`` that they make. :func:`lose_unsynced`
damages files that were written later than they were synced, as a disk cache that loses its power would.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

FSYNC_JOURNAL = "VOID_FSYNC_JOURNAL"
WRITTEN_BACK_S = 30.0
"""Older changes have reached the disk by themselves (Linux writes dirty pages back after 30 s)."""

_HOOK = """
import os, time

_fsync = os.fsync

def fsync(file):
    began = time.time_ns()
    _fsync(file)
    found = os.fstat(file)
    line = f"{found.st_dev} {found.st_ino} {began}\\n".encode()
    journal = os.open(os.environ["VOID_FSYNC_JOURNAL"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(journal, line)
    finally:
        os.close(journal)

if "VOID_FSYNC_JOURNAL" in os.environ:
    os.fsync = fsync
"""


def watch_syncs(folder: Path, journal: Path) -> None:
    """Let Python processes that are started from now on note their syncs in ``journal``."""
    folder.mkdir(parents=True)
    (folder / "sitecustomize.py").write_text(_HOOK)
    os.environ[FSYNC_JOURNAL] = str(journal)
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(folder), os.environ.get("PYTHONPATH")]))


def lose_unsynced(roots: Sequence[Path], journal: Path, chance: random.Random) -> int:
    """Cut or delete the files that a power cut now might damage, and return how many there were."""
    synced: dict[tuple[int, int], int] = {}
    if journal.exists():
        for line in journal.read_text().splitlines():
            device, inode, began = map(int, line.split())
            synced[device, inode] = max(began, synced.get((device, inode), 0))
    newest = time.time_ns() - int(WRITTEN_BACK_S * 1e9)
    cut = 0
    for path in [path for root in roots for path in _files(root)]:
        found, folder = path.stat(), path.parent.stat()
        data_lost = found.st_mtime_ns > max(newest, synced.get((found.st_dev, found.st_ino), 0))
        # The change time of a file is that of its last rename.
        name_lost = found.st_ctime_ns > max(newest, synced.get((folder.st_dev, folder.st_ino), 0))
        if not (data_lost or name_lost) or chance.random() < 0.2:  # The disk may have been quick.
            continue
        cut += 1
        if name_lost and (not data_lost or chance.random() < 0.5):
            path.unlink()
        elif chance.random() < 0.5:
            os.truncate(path, chance.randrange(found.st_size + 1))
        else:  # The length has reached the disk, but the bytes have not.
            kept = chance.randrange(found.st_size + 1)
            os.truncate(path, kept)
            os.truncate(path, found.st_size)
    return cut


def _files(root: Path) -> Iterator[Path]:
    for folder, _, names in os.walk(root):
        # A probe belongs to the client, whose machine keeps its power.
        yield from (Path(folder) / name for name in names if not name.startswith(".void-probe-"))
