"""The simulated power cut takes what was not synced, and nothing else."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

from tests.bench.lost_power import lose_unsynced, watch_syncs

_WRITER = """
import os, sys
from pathlib import Path
from void_protocol.durable import make_folder, put_in_place

folder = Path(sys.argv[1])
make_folder(folder)
for index in range(8):
    part = folder / f"{index}.part"
    part.write_bytes(b"durable" * 100)
    put_in_place(part, folder / f"synced.{index}")
for index in range(8):
    part = folder / f"{index}.part"
    part.write_bytes(b"renamed" * 100)
    part.replace(folder / f"renamed.{index}")
"""


@pytest.mark.skipif(sys.platform == "win32", reason="folders are not synced there")
def test_what_was_synced_survives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", os.environ.get("PYTHONPATH", ""))
    monkeypatch.setenv("VOID_FSYNC_JOURNAL", "")
    watch_syncs(tmp_path / "hook", tmp_path / "journal")
    folder = tmp_path / "home" / "spool"
    subprocess.run([sys.executable, "-c", _WRITER, str(folder)], check=True)
    hit = lose_unsynced([tmp_path / "home"], tmp_path / "journal", random.Random(1))
    for index in range(8):
        assert (folder / f"synced.{index}").read_bytes() == b"durable" * 100
    whole = [path for path in folder.glob("renamed.*") if path.read_bytes() == b"renamed" * 100]
    assert hit >= 4
    assert len(whole) < 8
