"""A farm's command stood in for by a small script: what it is given, what its words become."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from void_nuke.batch.farm_order import FarmOrder, bundle_folder_of, hand_over, job_file_of
from void_nuke.errors import ExportCancelled, FarmOrderError

pytestmark = pytest.mark.skipif(os.name == "nt", reason="the stand-in is a script with a #! line")


@pytest.fixture
def farm(tmp_path: Path) -> Callable[[str], FarmOrder]:
    def make(code: str) -> FarmOrder:
        path = tmp_path / "python"
        path.write_text(f"#!{sys.executable}\nimport os, sys, time\n{code}\n")
        path.chmod(0o755)
        return FarmOrder("openjd", str(path))

    return make


def test_the_command_and_its_last_line(
    farm: Callable[[str], FarmOrder], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LD_LIBRARY_PATH", "/nuke/lib")
    order = farm("print('planning'); print(sys.argv[1:], os.environ.get('LD_LIBRARY_PATH'))")
    jobs = [tmp_path / "a.json", tmp_path / "b.json"]

    said = hand_over(order, jobs, tmp_path / "out")

    expected = ["-m", "void_server", "farm", "bundle", *map(str, jobs), "--to", "openjd"]
    assert said == f"{[*expected, '-o', str(tmp_path / 'out')]} None"


def test_a_refusal_is_told_in_one_line(farm: Callable[[str], FarmOrder], tmp_path: Path) -> None:
    order = farm("print('much'); print('a.json: no plate; fix the path', file=sys.stderr); sys.exit(3)")
    with pytest.raises(
        FarmOrderError, match=r"^Open Job Description did not .*: a\.json: no plate; fix the path$"
    ):
        hand_over(order, [tmp_path / "a.json"], tmp_path)
    order = farm("print('error: a.json is no job:\\n$.shot: missing\\n'); sys.exit(1)")
    with pytest.raises(FarmOrderError, match=r"job: a\.json is no job: \$\.shot: missing$"):
        hand_over(order, [tmp_path / "a.json"], tmp_path)
    with pytest.raises(FarmOrderError, match="status 4"):
        hand_over(farm("sys.exit(4)"), [], tmp_path)


@pytest.mark.parametrize("python", ["", "/nowhere/python"])
def test_without_a_python_it_says_what_to_do(python: str, tmp_path: Path) -> None:
    with pytest.raises(FarmOrderError, match=r"no Python .* run 'python3 installer nuke'"):
        hand_over(FarmOrder("openjd", python), [], tmp_path)


def test_it_can_be_cancelled_and_does_not_wait_for_ever(
    farm: Callable[[str], FarmOrder], tmp_path: Path
) -> None:
    with pytest.raises(ExportCancelled):
        hand_over(farm("time.sleep(60)"), [], tmp_path, is_cancelled=lambda: True)
    with pytest.raises(FarmOrderError, match="does not come to an end"):
        hand_over(farm("time.sleep(60)"), [], tmp_path, limit_s=0.3)


def test_what_goes_to_a_farm_lies_beside_the_frames() -> None:
    pattern = "/shots/010/clean_v002/clean_v002.%04d.exr"
    assert job_file_of(pattern) == Path("/shots/010/clean_v002/clean_v002.job.json")
    assert bundle_folder_of(pattern, "opencue") == Path("/shots/010/clean_v002/farm_opencue")
