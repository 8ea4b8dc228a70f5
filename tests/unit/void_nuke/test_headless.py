"""Many shots out of a terminal's Nuke: which jobs, mattes and words come of a list."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import OpenImageIO as oiio  # noqa: N813 - its customary name
import pytest

from tests.fakes.nuke_session import fresh_nuke, polygon
from void_protocol.job_file import read_job

fresh_nuke(gui=False)
nuke_host = importlib.import_module("void_nuke.host.nuke_host")
from void_nuke.headless import DONE, SOME_FAILED, WRONG_USAGE, run  # noqa: E402

PLUGIN = Path(__file__).resolve().parents[3] / "plugin"
LEFT = {"sh010": 10.0, "sh020": 40.0, "sh030": 60.0}


def make_script(nuke: ModuleType, path: Path, names: list[str]) -> None:
    """For each shot a plate that has to be rendered, and a Roto with what goes and what stays."""
    nuke.scriptClear()
    for name in names:
        nuke.nodes.CheckerBoard2(name=f"Plate_{name}")
        roto = nuke.nodes.Roto(name=f"Roto_{name}")
        x = LEFT[name]
        square = [(x, 10.0), (x + 20, 10.0), (x + 20, 30.0), (x, 30.0)]
        polygon(f"remove_{name}", square, roto["curves"].rootLayer)
        polygon("other", [(2.0, 40.0), (8.0, 40.0), (8.0, 60.0)], roto["curves"].rootLayer)
    nuke.scriptSaveAs(str(path))


def shot(folder: Path, name: str, **changes: Any) -> dict[str, Any]:
    return {
        "name": name,
        "plate": f"Plate_{name}",
        "roto": f"Roto_{name}",
        "roles": {"Root/remove_*": "remove"},
        "frames": "1-3",
        "output": str(folder / "out" / "{name}_{version}.%04d.exr"),
        "settings": {"engine": "identity", "prompt": f"An empty {name}."},
        **changes,
    }


class Case:
    def __init__(self, folder: Path) -> None:
        self.nuke = fresh_nuke(gui=False)
        self.folder = folder
        self.script = folder / "sequence.nk"
        make_script(self.nuke, folder / "other.nk", ["sh030"])
        make_script(self.nuke, self.script, ["sh010", "sh020"])
        self.shots = [
            shot(folder, "sh010"),
            shot(folder, "sh020"),
            shot(folder, "sh030", script=str(folder / "other.nk"), shapes_only=True),
        ]

    def run(self, *arguments: str) -> tuple[int, dict[str, Any]]:
        listed = self.folder / "shots.json"
        listed.write_text(json.dumps(self.shots))
        jobs = self.folder / "jobs"
        status = run(
            nuke_host.NukeHost(),
            [str(self.script), "--shots", str(listed), "--jobs", str(jobs), *arguments],
        )
        report = jobs / "report.json"
        return status, json.loads(report.read_text()) if report.exists() else {}


@pytest.fixture
def case(tmp_path: Path) -> Case:
    return Case(tmp_path)


def states(report: dict[str, Any]) -> dict[str, str]:
    return {one["name"]: one["state"] for one in report["shots"]}


def test_each_shot_becomes_a_job_with_its_own_mattes(case: Case) -> None:
    status, report = case.run()

    assert (status, states(report)) == (DONE, dict.fromkeys(LEFT, "exported"))
    for name in ("sh010", "sh020"):
        job = read_job(case.folder / "jobs" / f"{name}.json")
        assert (job.shot.name, job.settings.prompt) == (name, f"An empty {name}.")
        assert job.output.versioned_pattern == str(case.folder / "out" / f"{name}_v001.%04d.exr")
        assert job.output.pattern != job.output.versioned_pattern
        (matte,) = job.mattes
        for frame in job.shot.frame_numbers:
            assert Path(job.shot.plate % frame).is_file()
            pixels = oiio.ImageBuf(matte.pattern % frame).get_pixels(oiio.HALF)[::-1, :, -1]
            columns = np.flatnonzero(pixels.max(axis=0) > 0.5)
            assert (columns[0], columns[-1]) == (LEFT[name], LEFT[name] + 19), name
    drawn = read_job(case.folder / "jobs" / "sh030.json")
    assert ([one.name for one in drawn.shapes], drawn.mattes) == (["remove_sh030"], [])


def test_clean_frames_come_from_the_list(case: Case) -> None:
    case.shots = [
        shot(
            case.folder,
            "sh010",
            clean_frames=[{"frame": 2, "node": "Plate_sh020", "at": 1}, {"frame": 3, "node": "Plate_sh020"}],
        ),
        shot(case.folder, "sh020", clean_frames=[{"frame": 7, "node": "Plate_sh010"}]),
    ]
    status, report = case.run()
    job = read_job(case.folder / "jobs" / "sh010.json")
    assert job.anchors is not None
    assert job.anchors.frames == [2, 3]
    assert all(Path(job.anchors.pattern % frame).is_file() for frame in (2, 3))
    assert status == SOME_FAILED
    assert "the clean frames 7 are not among 1-3" in report["shots"][1]["message"]


def test_one_shots_failure_is_not_the_others(case: Case) -> None:
    case.shots[0]["roles"] = {"Root/gone": "remove"}
    case.shots[2]["script"] = str(case.folder / "lost.nk")

    status, report = case.run()

    assert status == SOME_FAILED
    assert states(report) == {"sh010": "failed", "sh020": "exported", "sh030": "failed"}
    said = [one.get("message", "") for one in report["shots"]]
    assert said[0] == "Roto_sh010 has no Root/gone; it has Root/remove_sh010, Root/other"
    assert "lost.nk cannot be opened" in said[2]
    assert sorted(path.name for path in (case.folder / "jobs").iterdir()) == [
        "report.json",
        "sh020",
        "sh020.json",
    ]


def test_run_again_only_what_is_missing_is_exported(case: Case) -> None:
    case.run("--only", "sh020")
    before = (case.folder / "jobs" / "sh020.json").read_bytes()

    status, report = case.run()

    assert (status, states(report)["sh020"], states(report)["sh010"]) == (DONE, "skipped", "exported")
    assert (case.folder / "jobs" / "sh020.json").read_bytes() == before
    assert states(case.run("--again")[1]) == dict.fromkeys(LEFT, "exported")
    assert (case.folder / "jobs" / "sh020.json").read_bytes() != before


def test_two_shots_with_one_output_get_two_versions(case: Case) -> None:
    for one in case.shots:
        one["output"] = str(case.folder / "out" / "clean_{version}.%04d.exr")
    case.run()
    versions = [read_job(case.folder / "jobs" / f"{name}.json").output.version for name in LEFT]
    assert versions == [1, 2, 3]


@pytest.mark.skipif(os.name == "nt", reason="the stand-in is a script with a #! line")
def test_the_farm_gets_all_that_were_exported(case: Case) -> None:
    case.shots[0]["plate"] = "Nobody"
    python = case.folder / "python"
    python.write_text(f"#!{sys.executable}\nimport sys\nprint(*sys.argv[5:])\n")
    python.chmod(0o755)

    status, report = case.run("--farm", "openjd", "--python", str(python))

    jobs = case.folder / "jobs"
    assert status == SOME_FAILED
    told = f"{jobs / 'sh020.json'} {jobs / 'sh030.json'} --to openjd -o {jobs / 'farm_openjd'}"
    assert report["farm"] == told
    assert "no Python" in case.run("--farm", "openjd", "--python", "/nowhere")[1]["farm"]


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda shots: shots[0].update(plat="x"), "unknown field `plat`"),
        (lambda shots: shots[0]["roles"].update(x="gone"), "Invalid enum value 'gone'"),
        (lambda shots: shots[1].update(name="sh010"), "sh010 more than once"),
        (lambda shots: shots[1].update(name="../sh010"), "cannot name a job's file"),
        (lambda shots: shots.clear(), "no shot at all"),
    ],
)
def test_a_list_that_makes_no_sense(
    case: Case, spoil: Callable[[Any], object], words: str, caplog: pytest.LogCaptureFixture
) -> None:
    spoil(case.shots)

    assert case.run()[0] == WRONG_USAGE
    assert words in caplog.text
    assert not (case.folder / "jobs").exists()


def test_the_command_needs_no_qt_and_no_panel(case: Case) -> None:
    """In a process of its own, as a terminal's Nuke would run it, with the fake where Nuke would be."""
    (case.folder / "shots.json").write_text(json.dumps(case.shots))
    start = (
        "import sys, runpy\n"
        f"sys.path[:0] = [{str(PLUGIN.parent)!r}, {str(PLUGIN)!r}]\n"
        "class Refuse:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        assert name.partition('.')[0] not in ('PySide6', 'PySide2'), name\n"
        "sys.meta_path.insert(0, Refuse())\n"
        "from tests.fakes.nuke_session import fresh_nuke\n"
        "fresh_nuke(gui=False)\n"
        f"sys.argv = ['headless.py', {str(case.script)!r}, '--shots', 'shots.json', '--jobs', 'jobs']\n"
        f"runpy.run_path({str(PLUGIN / 'void_nuke' / 'headless.py')!r}, run_name='__main__')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", start], capture_output=True, text=True, timeout=120, cwd=case.folder
    )
    assert done.returncode == DONE, done.stdout + done.stderr
    assert "3 exported, 0 skipped as already done, 0 failed" in done.stderr
