from __future__ import annotations

from pathlib import Path

import pytest

from void_protocol.sequence import absolute_pattern, frame_path, has_frame_token


@pytest.mark.parametrize(
    ("pattern", "frame", "name"),
    [
        ("a.%04d.exr", 7, "a.0007.exr"),
        ("a.%04d.exr", 123456, "a.123456.exr"),
        ("a.%04d.exr", -7, "a.-007.exr"),
        ("a.%d.exr", 7, "a.7.exr"),
        ("a.%3d.exr", 7, "a.  7.exr"),
        ("a.%010d.exr", 7, "a.0000000007.exr"),
        ("a.####.exr", 7, "a.0007.exr"),
        ("a.#.exr", 1001, "a.1001.exr"),
        ("a.exr", 7, "a.exr"),
        ("50%.%04d.exr", 7, "50%.0007.exr"),
        ("/shots/sh#1/c.%04d.exr", 7, "/shots/sh#1/c.0007.exr"),
        ("sh##/c.#.exr", 7, "sh##/c.7.exr"),
        ("sh#1\\c.%04d.exr", 7, "sh#1\\c.0007.exr"),
    ],
)
def test_frame_numbers_in_names(pattern: str, frame: int, name: str) -> None:
    assert frame_path(pattern, frame) == Path(name)
    assert has_frame_token(pattern) == (pattern != "a.exr")


@pytest.mark.parametrize("still", ["/shots/sh#1/still.exr", "sh#1\\still.exr"])
def test_a_hash_in_a_folder_is_no_token(still: str) -> None:
    assert not has_frame_token(still)
    assert frame_path(still, 7) == Path(still)


def test_absolute_patterns_keep_their_token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert absolute_pattern("p/a.####.exr") == str(Path.cwd() / "p" / "a.####.exr")
    assert absolute_pattern(str(tmp_path / "a.exr")) == str(tmp_path / "a.exr")
