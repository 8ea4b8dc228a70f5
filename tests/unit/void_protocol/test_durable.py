from __future__ import annotations

from pathlib import Path

import pytest

from void_protocol.durable import temporary_for


@pytest.mark.parametrize("name", ["a.exr", "n" * 245, "n" * 255, "é" * 125])
def test_names_of_any_length_are_written(tmp_path: Path, name: str) -> None:
    for content in (b"first", b"second"):
        with temporary_for(tmp_path / name) as temporary:
            assert temporary != tmp_path / name
            temporary.write_bytes(content)
        assert [entry.name for entry in tmp_path.iterdir()] == [name]
        assert (tmp_path / name).read_bytes() == content
