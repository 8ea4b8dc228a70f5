from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from void_protocol.job import Format, Output, RemovalJob, Shot
from void_server.access.allowed_paths import (
    check_job_inputs,
    check_job_outputs,
    check_output_folder,
    open_regular,
    opened_exr,
)
from void_server.errors import RequestRefused


def job_with(plate: Path, output: Path) -> RemovalJob:
    return RemovalJob(
        shot=Shot(name="s", plate=str(plate), first_frame=1, last_frame=2, format=Format(width=8, height=8)),
        output=Output(pattern=str(output)),
    )


def check_input(path: Path, roots: Sequence[Path] | None) -> None:
    check_job_inputs(job_with(path, path), roots)


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


def test_every_file_of_a_job_is_checked(tmp_path: Path) -> None:
    root, outside = tmp_path.resolve() / "root", tmp_path.resolve() / "outside"
    for folder in (root, outside):
        folder.mkdir()
        (folder / "p.1.exr").write_bytes(b"x")
    job = job_with(root / "p.%d.exr", root / "o.%d.exr")
    check_job_inputs(job, (root,))  # frame 2 is late, which is no offence
    (root / "p.2.exr").symlink_to(outside / "p.1.exr")
    with pytest.raises(RequestRefused, match=r"p\.2\.exr is outside the folders.*read_roots"):
        check_job_inputs(job, (root,))
    check_job_inputs(job, None)
    with pytest.raises(RequestRefused, match="read_roots"):
        check_job_inputs(job, ())
    check_job_outputs(job, (root,))
    with pytest.raises(RequestRefused, match="output_roots"):
        check_job_outputs(job_with(root / "p.%d.exr", outside / "o.%d.exr"), (root,))


def test_paths_that_cannot_be_followed_are_refused(tmp_path: Path) -> None:
    (tmp_path / "circle").symlink_to(tmp_path / "circle")
    for path in (tmp_path / ("x" * 3000) / "p.%d.exr", tmp_path / "circle" / "p.%d.exr"):
        with pytest.raises(RequestRefused, match=r"cannot be followed|outside the folders") as caught:
            check_job_inputs(job_with(path, path), (tmp_path / "root",))
        assert caught.value.code == "refused_path"


def test_what_is_opened_lies_below_the_roots(tmp_path: Path) -> None:
    root, outside = tmp_path.resolve() / "root", tmp_path.resolve() / "outside"
    for folder in (root, outside):
        folder.mkdir()
        (folder / "r.exr").write_bytes(b"x")
    (root / "link.exr").symlink_to(outside / "r.exr")
    with open_regular(root / "r.exr", (root,), "output_roots") as file:
        assert file.read() == b"x"
    for path in (outside / "r.exr", root / "link.exr"):
        with pytest.raises(RequestRefused, match="output_roots"):
            open_regular(path, (root,), "output_roots")
    with pytest.raises(RequestRefused, match="is not a regular file"):
        open_regular(root, (root,), "output_roots")
    if hasattr(os, "mkfifo"):
        os.mkfifo(root / "pipe.exr")
        with pytest.raises(RequestRefused, match="is not a regular file"):
            open_regular(root / "pipe.exr", None, "output_roots")


def test_only_exr_files_are_opened_for_proof(tmp_path: Path) -> None:
    plate, secret = tmp_path / "plate.exr", tmp_path / "secret"
    plate.write_bytes(b"\x76\x2f\x31\x01abc")
    secret.write_bytes(b"a password")
    with opened_exr(plate, None) as file:
        assert file.read() == plate.read_bytes()
    for path in (secret, tmp_path):
        with (
            pytest.raises(RequestRefused, match=r"is not an EXR file|is not a regular file"),
            opened_exr(path, None),
        ):
            pass
    with pytest.raises(FileNotFoundError), opened_exr(tmp_path / "none.exr", None):
        pass
    with pytest.raises(RequestRefused, match="read_roots"), opened_exr(plate, ()):
        pass
