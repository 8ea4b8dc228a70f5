from __future__ import annotations

import os
from pathlib import Path

import pytest

from void_server.allowed_paths import check_input, check_output_folder
from void_server.errors import RequestRefused


def test_links_do_not_lead_out_of_the_roots(tmp_path: Path) -> None:
    root, outside = tmp_path / "root", tmp_path / "outside"
    root.mkdir()
    outside.mkdir()
    (outside / "secret.exr").write_bytes(b"x")
    (root / "plate.exr").write_bytes(b"x")
    (root / "link.exr").symlink_to(outside / "secret.exr")
    (root / "folder").symlink_to(outside)
    roots = (root.resolve(),)
    check_input(root / "plate.exr", roots)
    check_input(root / "not-yet.exr", roots)
    check_output_folder(root / "new" / "deep", roots)
    for path in (
        outside / "secret.exr",
        root / "link.exr",
        root / "folder" / "secret.exr",
        root / ".." / "outside" / "secret.exr",
    ):
        with pytest.raises(RequestRefused, match="outside the folders that this server may use"):
            check_input(path, roots)
        check_input(path, None)
    with pytest.raises(RequestRefused, match="output_roots"):
        check_output_folder(root / "folder" / "new", roots)


def test_only_regular_files_are_read(tmp_path: Path) -> None:
    with pytest.raises(RequestRefused, match="is not a regular file"):
        check_input(tmp_path, None)
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe")
        with pytest.raises(RequestRefused, match="is not a regular file"):
            check_input(tmp_path / "pipe", None)
    with pytest.raises(RequestRefused, match="is not absolute"):
        check_input(Path("plate.exr"), None)
