"""The next free version."""

from __future__ import annotations

from pathlib import Path

import pytest

from void_nuke.errors import SelectionError
from void_nuke.export.version_choice import next_version


def test_files_count(tmp_path: Path) -> None:
    pattern = str(tmp_path / "clean_{version}.%04d.exr")
    assert next_version(pattern) == 1
    for name in ("clean_v001.1001.exr", "clean_v007.1001.exr", "clean_v009.1001.jpg", "other_v020.1001.exr"):
        (tmp_path / name).touch()
    assert next_version(pattern) == 8


def test_folders_count(tmp_path: Path) -> None:
    pattern = str(tmp_path / "{version}" / "clean_{version}.####.exr")
    (tmp_path / "v003").mkdir()
    assert next_version(pattern) == 4


def test_jobs_under_way_count(tmp_path: Path) -> None:
    pattern = str(tmp_path / "clean_{version}.%04d.exr")
    taken = [pattern.replace("{version}", "v004"), str(tmp_path / "else_v009.%04d.exr")]
    assert next_version(pattern, taken) == 5


@pytest.mark.parametrize("pattern", ["/shots/clean.%04d.exr", "clean_{version}.%04d.exr"])
def test_refused(pattern: str) -> None:
    with pytest.raises(SelectionError):
        next_version(pattern)
