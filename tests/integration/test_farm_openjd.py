"""Bundles executed by a real ``openjd run``: all steps, retries, interruptions, path mapping."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from tests.integration.command_case import edit, void
from tests.integration.farm_case import FIRST, OPENJD, bundle, farm_job, openjd, openjd_command, results
from void_engine.plates.exr.file import read_frame

pytestmark = pytest.mark.skipif(not OPENJD.is_file(), reason="openjd-cli is not installed here")


def run_here(job: Path) -> dict[str, bytes]:
    """The same job by ``void run``, its files taken away again."""
    ran = void("run", job)
    assert ran.code == 0, ran.err
    made = results(job.parent)
    shutil.rmtree(job.parent / "sh010" / "out")
    return made


def test_all_steps_give_what_void_run_gives(tmp_path: Path) -> None:
    """Export, prepare, two parts, two chunks of merging and of checking: the same bytes as one process."""
    job = farm_job(tmp_path)
    expected = run_here(job)
    plate = tmp_path / "sh010"
    kept = tmp_path / "kept"
    kept.mkdir()
    for path in plate.glob("plate.*.exr"):
        path.rename(kept / path.name)  # the farm's Nuke has to make them
    script = tmp_path / "shot.nk"
    script.write_text("only the stand-in for Nuke reads this")
    nuke = stand_in(tmp_path, kept, plate)
    folder = bundle(
        tmp_path,
        job,
        options=(
            *("--nuke-script", str(script), "--nuke-write", "WritePlate", "--nuke", str(nuke)),
            *("--ocio", "ocio://default", "--models", str(tmp_path / "models")),
            *(
                "--cache",
                str(tmp_path / "cache"),
            ),
        ),
    )
    checked = subprocess.run(
        [OPENJD, "check", folder / "template.yaml"], capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stdout

    ran = openjd(folder, "check", "--run-dependencies")

    assert ran.returncode == 0, ran.stdout[-4000:]
    assert results(tmp_path) == expected
    assert "openjd_progress: 100.0" in ran.stdout
    assert "openjd_status: sh010 1001-1006" in ran.stdout
    assert "openjd_status: WritePlate frame 1012" in ran.stdout
    assert not list((tmp_path / "scratch").rglob("clean.*.exr"))  # checked frames need no scratch


def stand_in(folder: Path, source: Path, target: Path) -> Path:
    """A command that takes ``-t SCRIPT WORDS`` as Nuke does and brings a module ``nuke`` that renders by
    copying frames."""
    module = folder / "standin" / "nuke.py"
    module.parent.mkdir()
    module.write_text(
        "import os, pathlib, shutil\n"
        "opened = []\n"
        "def scriptOpen(path):\n"
        "    assert os.path.exists(path)\n"
        "    opened.append(path)\n"
        "def toNode(name):\n"
        "    return name if name == 'WritePlate' else None\n"
        "def execute(node, first, last):\n"
        "    assert opened\n"
        f"    for frame in range(first, last + 1):\n"
        f"        shutil.copy({str(source)!r} + f'/plate.{{frame:04d}}.exr', {str(target)!r})\n"
    )
    command = folder / "standin" / "nuke"
    command.write_text(f'#!/bin/sh\nshift\nPYTHONPATH={module.parent} exec {sys.executable} "$@"\n')
    command.chmod(0o755)
    return command


def test_a_failing_task_is_retried_and_only_what_is_missing_is_made(tmp_path: Path) -> None:
    job = farm_job(tmp_path)
    folder = bundle(tmp_path, job, options=("--chunk-frames", "12"))
    assert openjd(folder, "prepare").returncode == 0
    (broken,) = (tmp_path / "scratch").rglob(f"remove.{FIRST + 8}.exr")  # a prepared matte
    whole = broken.read_bytes()
    broken.write_bytes(whole[:700])

    failed = openjd(folder, "remove")

    assert failed.returncode != 0
    assert f"openjd_fail: frame {FIRST + 8}" in failed.stdout
    made = {path: path.stat().st_mtime_ns for path in (tmp_path / "scratch").rglob("clean.*.exr")}
    assert len(made) >= 6  # the task that did not fail, at least

    broken.write_bytes(whole)
    retried = openjd(folder, "check", "--run-dependencies")

    assert retried.returncode == 0, retried.stdout[-3000:]
    assert len(results(tmp_path)) == 12
    assert "frames of 1001-1006 are already made and kept" in retried.stdout


@pytest.mark.skipif(os.name == "nt", reason="signals")
def test_an_interrupted_run_leaves_no_partial_frame_and_goes_on(tmp_path: Path) -> None:
    """The dispatcher's SIGTERM reaches the task, which stops between frames; run again, it goes on."""
    job = farm_job(tmp_path, engine="propagation", frames=24)
    folder = bundle(tmp_path, job)
    assert openjd(folder, "prepare").returncode == 0
    running = subprocess.Popen(
        openjd_command(folder, "remove"), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    scratch = tmp_path / "scratch"
    limit = time.monotonic() + 60
    while not list(scratch.rglob("clean.*.exr")) and time.monotonic() < limit:
        time.sleep(0.02)
    running.send_signal(signal.SIGINT)
    out, _ = running.communicate(timeout=60)

    assert running.returncode != 0, out[-3000:]
    whole = {path: path.stat().st_mtime_ns for path in scratch.rglob("clean.*.exr")}
    assert 0 < len(whole) < 24
    assert not list(scratch.rglob("*.part*"))
    for path in whole:
        read_frame(path, 1)
    killed = next(iter(whole)).with_name(".clean.1024.exr.0123abcd.part")  # what a kill -9 would leave
    killed.write_bytes(b"half a frame")

    again = openjd(folder, "remove")

    assert again.returncode == 0, again.stdout[-3000:]
    after = {path: path.stat().st_mtime_ns for path in scratch.rglob("clean.*.exr")}
    assert len(after) == 24
    assert not killed.exists()
    assert all(after[path] == made for path, made in whole.items())
    assert f"{len(whole)} frames of 1001-1024 are already made and kept" in again.stdout


def test_paths_are_mapped_inside_jobs(tmp_path: Path) -> None:
    """The storage is mounted elsewhere on the farm's machines than where the job was made."""
    job = farm_job(tmp_path)
    text = job.read_text().replace(str(tmp_path), "/mnt/studio")
    job.write_text(text)
    folder = bundle(tmp_path, job)
    rules = tmp_path / "rules.json"
    rules.write_text(
        json.dumps(
            {
                "version": "pathmapping-1.0",
                "path_mapping_rules": [
                    {
                        "source_path_format": "POSIX",
                        "source_path": "/mnt/studio",
                        "destination_path": str(tmp_path),
                    }
                ],
            }
        )
    )
    ran = openjd(folder, "prepare", "--path-mapping-rules", rules.as_uri())
    assert ran.returncode == 0, ran.stdout[-3000:]
    words = ("--plan", folder / "plan.json", "--scratch", tmp_path / "scratch", "--path-mapping", rules)
    for step, task in (("remove", 0), ("merge", 0), ("check", 0)):
        made = void("farm", "step", step, *words, "--task", str(task))
        assert made.code == 0, made.err
    assert len(results(tmp_path)) == 6


def test_the_template_says_what_machines_need(tmp_path: Path) -> None:
    job = farm_job(tmp_path, engine="void")
    folder = bundle(
        tmp_path, job, options=("--gpus", "2", "--gpu-memory-mib", "40000", "--memory-mib", "64000")
    )
    template = yaml.safe_load((folder / "template.yaml").read_text())
    steps = {step["name"]: step for step in template["steps"]}
    assert [step["name"] for step in template["steps"]] == ["prepare", "remove", "merge", "check"]
    assert steps["merge"]["dependencies"] == [{"dependsOn": "remove"}]
    amounts = {one["name"]: one["min"] for one in steps["remove"]["hostRequirements"]["amounts"]}
    assert amounts["amount.worker.gpu"] == 2
    assert amounts["amount.worker.gpu.memory"] == 40000
    assert amounts["amount.worker.memory"] == 64000
    assert not [one for one in steps["merge"]["hostRequirements"]["amounts"] if "gpu" in one["name"]]
    action = steps["remove"]["script"]["actions"]["onRun"]
    assert action["command"] == "{{Param.Torchrun}}"
    assert action["args"][:2] == ["--standalone", "--nproc-per-node=2"]
    assert action["cancelation"] == {"mode": "NOTIFY_THEN_TERMINATE", "notifyPeriodInSeconds": 20}
    checked = subprocess.run(
        [OPENJD, "check", folder / "template.yaml"], capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stdout


def test_several_devices_are_for_the_diffusion_engine(tmp_path: Path) -> None:
    ran = void("farm", "bundle", farm_job(tmp_path), "--to", "openjd", "-o", tmp_path / "b", "--gpus", "2")
    assert ran.code != 0
    assert "several devices share the windows of 'void' only" in ran.err


def test_assets_outside_the_job_are_listed(tmp_path: Path) -> None:
    (tmp_path / "luts").mkdir()
    config = tmp_path / "config.ocio"
    config.write_text("ocio_profile_version: 2\nsearch_path: luts:missing\n")
    gizmo = tmp_path / "studio.gizmo"
    gizmo.write_text("")
    folder = bundle(tmp_path, farm_job(tmp_path), options=("--ocio", str(config), "--asset", str(gizmo)))
    references = yaml.safe_load((folder / "asset_references.yaml").read_text())["assetReferences"]
    assert {str(config), str(gizmo)} <= set(references["inputs"]["filenames"])
    assert references["inputs"]["directories"] == [str(tmp_path / "luts")]
    values = yaml.safe_load((folder / "openjd_values.yaml").read_text())
    assert values["Ocio"] == str(config)
    template = yaml.safe_load((folder / "template.yaml").read_text())
    kinds = {one["name"]: one["type"] for one in template["parameterDefinitions"]}
    assert kinds["Ocio"] == "PATH"  # a dispatcher maps it as it maps the plates
    assert template["jobEnvironments"][0]["variables"]["OCIO"] == "{{Param.Ocio}}"
    assert str(tmp_path / "sh010" / f"plate.{FIRST}.exr") in references["inputs"]["filenames"]
    assert set(references["outputs"]["directories"]) == {
        str(tmp_path / "scratch"),
        str(tmp_path / "sh010" / "out"),
    }
    listed = json.loads((folder / "assets.json").read_text())
    assert listed["outside"]["ocio"] == [str(config), str(tmp_path / "luts")]


def test_the_check_finds_what_is_wrong(tmp_path: Path) -> None:
    job = farm_job(tmp_path, frames=6)
    folder = bundle(tmp_path, job)
    plan, scratch = folder / "plan.json", tmp_path / "scratch"
    words = ("--plan", plan, "--task", "0", "--scratch", scratch)
    for step in ("prepare", "remove", "merge"):
        assert void("farm", "step", step, *words).code == 0
    good = tmp_path / "sh010" / "out" / "r_v001.1001.exr"
    plate = tmp_path / "sh010" / "plate.1002.exr"
    shutil.copy(plate, tmp_path / "sh010" / "out" / "r_v001.1002.exr")
    good.write_bytes(good.read_bytes()[:-100])
    ran = void("farm", "step", "check", *words)
    assert ran.code == 1
    assert "1001" in ran.err
    assert "frame 1002: it was made by another job" in ran.err
    assert "run task 0 of the step 'remove' and task 0 of the step 'merge' again" in ran.err


def test_steps_say_what_must_come_first(tmp_path: Path) -> None:
    folder = bundle(tmp_path, farm_job(tmp_path, frames=3))
    ran = void(
        "farm",
        "step",
        "remove",
        "--plan",
        folder / "plan.json",
        "--task",
        "0",
        "--scratch",
        tmp_path / "scratch",
    )
    assert ran.code == 1
    assert "run the step 'prepare' first" in ran.err
    unknown = void(
        "farm",
        "step",
        "merge",
        "--plan",
        folder / "plan.json",
        "--task",
        "9",
        "--scratch",
        tmp_path / "scratch",
    )
    assert "there is no task 9" in unknown.err


def test_a_changed_setting_is_other_work(tmp_path: Path) -> None:
    """What an earlier bundle left in the scratch folder is not taken for this one's."""
    job = farm_job(tmp_path, engine="propagation", frames=3)
    first = bundle(tmp_path, job)
    words = ("--task", "0", "--scratch", tmp_path / "scratch")
    assert void("farm", "step", "prepare", "--plan", first / "plan.json", *words).code == 0
    edit(job, "settings", "seed", value=7)
    second = bundle(tmp_path, job)
    ran = void("farm", "step", "remove", "--plan", second / "plan.json", *words)
    assert "run the step 'prepare' first" in ran.err
