"""The simulation of a season, with few shots: only what was changed is made again, in either way."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.bench.farm_scale import CHANGED_SHARE, PHASES, change, make_shots


@pytest.mark.parametrize("way", ["batch", "farm"])
def test_only_what_was_changed_is_made_again(
    way: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VOID_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("os.fsync", lambda descriptor: None)  # Nobody cuts the power of these shots.
    count = CHANGED_SHARE + 1
    make_shots(tmp_path, 0, count)
    assert PHASES["bundle"](tmp_path)["tasks"] == 4
    assert PHASES[way](tmp_path) == {"made": count, "kept": 0}
    change(tmp_path, count)
    assert PHASES[way](tmp_path) == {"made": 2, "kept": count - 2}
