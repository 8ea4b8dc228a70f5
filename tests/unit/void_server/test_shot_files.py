from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.unit.void_engine.plates.exr.test_encoding import part, write_parts
from void_engine.errors import PlateError
from void_server.shot_files import ShotFiles, job_from_files


def _files(folder: Path, *parts: Any, name: str = "plate") -> ShotFiles:
    write_parts(folder / f"{name}.1001.exr", *parts)
    pattern = str(folder / "plate.%04d.exr")
    return ShotFiles(plate=pattern, output=str(folder / "out.%04d.exr"), remove=(f"{pattern}:A",))


def test_view_and_layer_are_looked_for_when_the_job_is_made(tmp_path: Path) -> None:
    files = _files(tmp_path, part("", "R G B A right.R right.G right.B", multiView=("left", "right")))
    assert job_from_files(files).shot.view == "main"
    assert job_from_files(replace(files, view="right")).shot.view == "right"
    with pytest.raises(PlateError, match="no view 'nonsense', only left, right"):
        job_from_files(replace(files, view="nonsense"))
    with pytest.raises(PlateError, match="the layer 'spec' has no red, green and blue"):
        job_from_files(replace(files, layer="spec"))


def test_two_layers_that_could_be_meant_are_named(tmp_path: Path) -> None:
    files = _files(tmp_path, part("N", "R G B"), part("albedo", "R G B A"))
    with pytest.raises(PlateError, match=r"could be the picture: N, albedo; .*--layer"):
        job_from_files(files)
    assert job_from_files(replace(files, layer="albedo")).shot.layer == "albedo"


def test_a_view_is_filled_into_patterns(tmp_path: Path) -> None:
    files = _files(tmp_path, part("", "R G B A"), name="plate_left_l")
    pattern = str(tmp_path / "plate_%V_%v.%04d.exr")
    files = replace(files, plate=pattern, remove=(f"{pattern}:A",), output=str(tmp_path / "%V.%04d.exr"))
    job = job_from_files(replace(files, view="left"))
    assert job.shot.plate == job.mattes[0].pattern == str(tmp_path / "plate_left_l.%04d.exr")
    assert job.output.pattern == str(tmp_path / "left.%04d.exr")
    assert (job.shot.view, job.shot.first_frame) == ("left", 1001)
    with pytest.raises(PlateError, match="leaves the view open; name it with --view"):
        job_from_files(files)
