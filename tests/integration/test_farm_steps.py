"""The steps in this process: what they write is what ``void run`` writes, whatever the job has."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from tests.integration.command_case import edit, void, write_stereo_shot
from tests.integration.farm_case import farm_job, results
from void_engine.geometry import Box
from void_engine.plates.exr.file import read_frame, write_frame
from void_engine.plates.frame.frame import Frame
from void_protocol.verdict import read_verdict, verdict_path
from void_server.farm.errors import FarmError
from void_server.farm.merge import faded, joined
from void_server.farm.plan_file import read_plan
from void_server.farm.planning import PlannedJob
from void_server.farm.scratch_layout import ScratchLayout

STEPS = ("prepare", "remove", "merge", "check")


def all_steps(folder: Path, job: Path, *options: str, steps: tuple[str, ...] = STEPS) -> Path:
    """Bundle a job and run every task of the steps; the bundle."""
    target, scratch = folder / "bundle", folder / "scratch"
    shutil.rmtree(target, ignore_errors=True)
    ran = void("farm", "bundle", job, "--to", "openjd", "-o", target, "--scratch", scratch, *options)
    assert ran.code == 0, ran.err
    plan = read_plan(target / "plan.json")
    for step in steps:
        for task in range(len(plan.tasks(step))):
            words = ("--plan", target / "plan.json", "--task", str(task), "--scratch", scratch)
            done = void("farm", "step", step, *words, "--dialect", "plain")
            assert done.code == 0, done.err
            assert "Progress: 100%" in done.out
    return target


def shapes(job: Path) -> None:
    """A hand-drawn shape beside the matte, a hold-out across both, every layer, an odd region."""
    frames = [
        {"frame": number, "points": [[10, 8], [30.5, 9], [28, 30], [9, 25]], "feather_x_px": 3}
        for number in range(1001, 1004)
    ]
    held = [
        {"frame": number, "points": [[44, 30], [60, 30], [60, 36], [44, 36]]} for number in range(1001, 1004)
    ]
    edit(
        job,
        "shapes",
        value=[
            {"name": "arm", "role": "affected", "frames": frames},
            {"name": "post", "role": "ignore", "frames": held},
        ],
    )
    edit(job, "output", "layers", value=["clean", "matte", "confidence", "quadmask"])


def proxy(job: Path) -> None:
    edit(job, "settings", "proxy_scale", value=0.5)


def box(job: Path) -> None:
    edit(job, "settings", "region", value={"mode": "box", "box": [20, 10, 80, 60]})


def right_eye(job: Path) -> None:
    """The same files with both eyes, of which one is worked on."""
    write_stereo_shot(job.parent / "sh010")
    edit(job, "shot", "view", value="right")
    edit(job, "mattes", 0, "channel", value="roto.A")


@pytest.mark.parametrize(
    "changes",
    [(), (shapes,), (shapes, proxy), (box,), (right_eye,)],
    ids=["plain", "shapes", "proxy", "box", "right eye"],
)
def test_the_result_is_that_of_void_run(tmp_path: Path, changes: tuple[object, ...]) -> None:
    job = farm_job(tmp_path, engine="propagation", frames=3)
    for change in changes:
        change(job)  # type: ignore[operator]
    ran = void("run", job)
    assert ran.code == 0, ran.err
    expected = results(tmp_path)
    shutil.rmtree(tmp_path / "sh010" / "out")

    all_steps(tmp_path, job, "--chunk-frames", "2")

    assert results(tmp_path) == expected
    assert len(expected) == 3


@pytest.mark.parametrize("seen", [STEPS, ("prepare", "remove"), ("prepare",)], ids=["done", "half", "begun"])
def test_a_resubmission_uses_no_stale_matte_or_answer(tmp_path: Path, seen: tuple[str, ...]) -> None:
    """The roto is rendered again under the same names after the farm has done all, half or a beginning."""
    job = farm_job(tmp_path, engine="propagation", frames=3)
    all_steps(tmp_path, job, steps=seen)
    for number in range(1001, 1004):
        path = tmp_path / "sh010" / f"plate.{number}.exr"
        frame = read_frame(path, number)
        moved = np.roll(frame.native("matte.A"), 6, axis=1)
        write_frame(
            frame.with_layer("matte", {"A": moved}, Box.from_size(*frame.display_size)), path, overwrite=True
        )
    all_steps(tmp_path, job)
    made = results(tmp_path)
    shutil.rmtree(tmp_path / "sh010" / "out")
    ran = void("run", job)
    assert ran.code == 0, ran.err
    assert made == results(tmp_path)


def test_a_step_after_a_change_says_that_the_shot_must_be_prepared_again(tmp_path: Path) -> None:
    job = farm_job(tmp_path, frames=3)
    target = all_steps(tmp_path, job, steps=("prepare",))
    path = tmp_path / "sh010" / "plate.1002.exr"
    frame = read_frame(path, 1002)
    write_frame(frame.with_metadata({"note": "again"}), path, overwrite=True)
    words = ("--plan", target / "plan.json", "--task", "0", "--scratch", tmp_path / "scratch")
    ran = void("farm", "step", "remove", *words)
    assert ran.code != 0
    assert "has changed since" in ran.err


def test_scratch_is_cleared_when_all_is_good_and_every_step_may_come_again(tmp_path: Path) -> None:
    job = farm_job(tmp_path, engine="propagation", frames=3)
    all_steps(tmp_path, job, "--chunk-frames", "2")
    left = {path.suffix for path in (tmp_path / "scratch").rglob("*") if path.is_file()}
    assert ".exr" not in left
    verdict = read_verdict(verdict_path(str(tmp_path / "sh010" / "out" / "r_v001.%04d.exr")))
    assert verdict is not None, "the verdicts of both chunks are joined to that of the shot"
    assert [one.frame for one in verdict.frames] == [1001, 1002, 1003]
    assert (verdict.shot, verdict.engine, verdict.missing) == ("sh010", "propagation", [])
    before = results(tmp_path)
    all_steps(tmp_path, job, "--chunk-frames", "2")
    assert results(tmp_path) == before
    lost = tmp_path / "sh010" / "out" / "r_v001.1002.exr"
    lost.unlink()
    all_steps(tmp_path, job, "--chunk-frames", "2")
    assert results(tmp_path) == before


def test_a_task_has_its_submitters_variables_or_says_what_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the dispatcher passes on: the machine has another colour configuration of its own."""
    for name in ("OCIO", "VOID_MODELS", "VOID_CACHE", "VOID_PATH_MAPPING"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "luts").mkdir()
    config = tmp_path / "luts" / "studio.ocio"
    job = farm_job(tmp_path, frames=2)
    options = ("--ocio", "/mnt/colour/studio.ocio", "--models", "/mnt/models")
    words: tuple[object, ...] = ("-o", tmp_path / "b", "--scratch", tmp_path / "scratch", *options)
    ran = void("farm", "bundle", job, "--to", "openjd", *words)
    assert ran.code == 0, ran.err
    words = ("farm", "step", "prepare", "--plan", tmp_path / "b" / "plan.json", "--task", "0")
    words = (*words, "--scratch", tmp_path / "scratch")
    monkeypatch.setenv("OCIO", "/etc/other.ocio")
    ran = void(*words)
    assert ran.code != 0
    assert "/mnt/colour/studio.ocio" in ran.err
    assert "this machine" in ran.err

    rules = [
        {"source_path_format": "POSIX", "source_path": source, "destination_path": str(target)}
        for source, target in (("/mnt/colour", tmp_path / "luts"), ("/mnt/models", tmp_path / "m"))
    ]
    (tmp_path / "rules.json").write_text(json.dumps({"path_mapping_rules": rules}))
    monkeypatch.setenv("VOID_PATH_MAPPING", str(tmp_path / "rules.json"))
    config.write_text("ocio_profile_version: 2\n")
    ran = void(*words)
    assert ran.code == 0, ran.err


def test_short_shots_share_tasks(tmp_path: Path) -> None:
    jobs = tmp_path / "jobs"
    jobs.mkdir()
    for name in ("a", "b", "c"):
        farm_job(tmp_path, name=name, frames=2).rename(jobs / f"{name}.json")
    target = all_steps(tmp_path, jobs, "--together")
    plan = read_plan(target / "plan.json")
    assert [len(task) for task in plan.remove] == [3]
    assert all(len(results(tmp_path, name)) == 2 for name in ("a", "b", "c"))


def test_a_bad_shot_among_others_is_its_own_failure(tmp_path: Path) -> None:
    """Two bad shots share tasks with two good ones. Every step but the last one succeeds, as a dispatcher
    wants before it begins the next; the check names the bad shots with their reasons, and goes well once they
    do."""
    jobs = tmp_path / "jobs"
    jobs.mkdir()
    for name in ("a", "b", "c", "d"):
        farm_job(tmp_path, name=name, frames=2).rename(jobs / f"{name}.json")
    target = all_steps(tmp_path, jobs, "--together", steps=())
    words = ("--plan", target / "plan.json", "--task", "0", "--scratch", tmp_path / "scratch")
    plate = tmp_path / "b" / "plate.1002.exr"
    plate.rename(tmp_path / "kept.exr")
    edit(target / "jobs" / "c.json", "mattes", 0, "channel", value="nope")
    for step in STEPS[:-1]:
        ran = void("farm", "step", step, *words)
        assert ran.code == 0, ran.err
        assert "the other shots go on" in ran.out
    ran = void("farm", "step", "check", *words)
    assert ran.code == 1
    assert "b failed in the step prepare: " in ran.err
    assert "missing frame 1002" in ran.err
    assert "no channel 'nope'" in ran.err
    assert {name: len(results(tmp_path, name)) for name in "abcd"} == {"a": 2, "b": 0, "c": 0, "d": 2}
    (tmp_path / "kept.exr").rename(plate)
    edit(target / "jobs" / "c.json", "mattes", 0, "channel", value="matte.A")
    for step in STEPS:
        ran = void("farm", "step", step, *words)
        assert ran.code == 0, ran.err
    assert all(len(results(tmp_path, name)) == 2 for name in "abcd")


def test_what_another_try_may_mend_fails_the_task_after_the_others(tmp_path: Path) -> None:
    jobs = tmp_path / "jobs"
    jobs.mkdir()
    for name in ("a", "b"):
        farm_job(tmp_path, name=name, frames=2).rename(jobs / f"{name}.json")
    target = all_steps(tmp_path, jobs, "--together", steps=("prepare", "remove"))
    out = tmp_path / "a" / "out"
    shutil.rmtree(out, ignore_errors=True)
    out.write_text("a file in the way")
    words = ("--plan", target / "plan.json", "--task", "0", "--scratch", tmp_path / "scratch")
    assert void("farm", "step", "merge", *words).code != 0
    assert len(results(tmp_path, "b")) == 2


def test_prepare_says_what_is_wrong_before_anything_is_made(tmp_path: Path) -> None:
    job = farm_job(tmp_path, frames=3)
    edit(job, "mattes", 0, "channel", value="nope")
    target, scratch = tmp_path / "bundle", tmp_path / "scratch"
    assert void("farm", "bundle", job, "--to", "openjd", "-o", target).code == 0
    ran = void("farm", "step", "prepare", "--plan", target / "plan.json", "--task", "0", "--scratch", scratch)
    assert ran.code == 3
    assert "no channel 'nope'" in ran.err
    assert "openjd_fail: " in ran.out
    assert not list(scratch.rglob("*.exr"))


def test_the_task_that_must_run_again_is_named(tmp_path: Path) -> None:
    """A short shot before it in the plan, and two parts: the third task of the removal is missing."""
    jobs = tmp_path / "jobs"
    jobs.mkdir()
    for name, frames in (("a", 2), ("b", 4)):
        farm_job(tmp_path, name=name, frames=frames).rename(jobs / f"{name}.json")
    options = ("--together", "--part-frames", "2", "--chunk-frames", "4")
    target = all_steps(tmp_path, jobs, *options, steps=("prepare",))
    words = ("--plan", target / "plan.json", "--scratch", tmp_path / "scratch")
    assert [len(task) for task in read_plan(target / "plan.json").remove] == [1, 1, 1]
    assert void("farm", "step", "remove", *words, "--task", "1").code == 0
    ran = void("farm", "step", "merge", *words, "--task", "1")
    assert ran.code == 0  # other shots of the bundle go on
    assert "frame 1003 was not made by the part from 1003" in ran.out
    assert "run task 2 of the step 'remove' again" in ran.out
    ran = void("farm", "step", "check", *words, "--task", "1")
    assert ran.code == 1
    assert "frame 1003 was not made by the part from 1003" in ran.err


class TestJoining:
    JOB = PlannedJob(
        file="a.json", name="a", engine="propagation", first_frame=1, last_frame=20, starts=[1, 11], overlap=3
    )
    BOX = Box(0, 0, 2, 2)

    def write(self, place: ScratchLayout, start: int, number: int, values: list[float]) -> None:
        pixels = np.repeat(np.array(values, np.float32).reshape(2, 2, 1), 3, axis=2).copy()
        write_frame(Frame.from_pixels(number, ("R", "G", "B"), pixels), place.clean(start).path(number))

    @pytest.mark.parametrize(("number", "share"), [(11, 0.25), (12, 0.5), (13, 0.75)])
    def test_the_later_part_comes_in(self, tmp_path: Path, number: int, share: float) -> None:
        """Where both say the same, even NaN, that is taken to the bit."""
        place = ScratchLayout(tmp_path)
        same = 0.1 + 0.2
        self.write(place, 1, number, [0.0, same, np.nan, 4.0])
        self.write(place, 11, number, [1.0, same, np.nan, 8.0])
        picture = joined(place, self.JOB, number, self.BOX).picture[..., 0]
        assert picture[0, 0] == np.float32(share)
        assert picture[0, 1] == np.float32(same)
        assert np.isnan(picture[1, 0])
        assert picture[1, 1] == np.float32(4 + 4 * share)

    def test_elsewhere_there_is_one_part(self, tmp_path: Path) -> None:
        place = ScratchLayout(tmp_path)
        self.write(place, 1, 10, [1, 2, 3, 4])
        self.write(place, 11, 14, [5, 6, 7, 8])
        assert joined(place, self.JOB, 10, self.BOX).picture[1, 1, 0] == 4
        assert joined(place, self.JOB, 14, self.BOX).picture[0, 0, 0] == 5

    def test_a_part_that_is_not_there_is_named(self, tmp_path: Path) -> None:
        place = ScratchLayout(tmp_path)
        self.write(place, 1, 12, [0, 0, 0, 0])
        with pytest.raises(FarmError, match="frame 12 was not made by the part from 11"):
            joined(place, self.JOB, 12, self.BOX)

    def test_fading_keeps_the_ends(self) -> None:
        first, second = np.zeros((2, 2), np.float32), np.ones((2, 2), np.float32)
        np.testing.assert_array_equal(faded(first, second, np.float32(0)), first)
        np.testing.assert_array_equal(faded(first, second, np.float32(1)), second)


def test_a_plan_of_another_release_is_refused(tmp_path: Path) -> None:
    target = tmp_path / "bundle"
    assert void("farm", "bundle", farm_job(tmp_path, frames=1), "--to", "openjd", "-o", target).code == 0
    tree = json.loads((target / "plan.json").read_text())
    tree["plan_version"] = 9
    (target / "plan.json").write_text(json.dumps(tree))
    ran = void(
        "farm", "step", "prepare", "--plan", target / "plan.json", "--task", "0", "--scratch", tmp_path / "s"
    )
    assert "version 9" in ran.err
