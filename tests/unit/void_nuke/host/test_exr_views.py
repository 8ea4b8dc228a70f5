from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.void_engine.plates.exr.test_encoding import part, write_parts
from void_nuke.host.exr_views import views_in_file


def test_views_are_found_in_one_part_and_in_several(tmp_path: Path) -> None:
    one = write_parts(tmp_path / "a.exr", part("", "R G B right.R", multiView=("left", "right")))
    two = write_parts(tmp_path / "b.exr", part("l", "R G B", view="links"), part("r", "R G B", view="rechts"))
    none = write_parts(tmp_path / "c.exr", part("", "R G B"))
    assert views_in_file(one) == ("left", "right")
    assert views_in_file(two) == ("links", "rechts")
    assert views_in_file(none) == ()


@pytest.mark.parametrize("cut", [0, 3, 8, 40, 120, 200])
def test_what_cannot_be_read_names_none(tmp_path: Path, cut: int) -> None:
    path = write_parts(tmp_path / "a.exr", part("", "R G B right.R", multiView=("left", "right")))
    path.write_bytes(path.read_bytes()[:cut])
    assert views_in_file(path) == ()
    assert views_in_file(tmp_path / "none.exr") == ()
    path.write_bytes(b"no EXR file at all")
    assert views_in_file(path) == ()
