"""Measures what a farm costs: Open Job Description against a plain loop, and planning a thousand shots.

Usage: python -m tests.bench.farm run [--shots 40] [--frames 6]
       python -m tests.bench.farm plan [--plot docs/pictures/farm_plan.png]

``run`` makes small shots, all with the same work, and measures by turns:

- a plain loop: ``void run JOB`` once for each shot, one after the other;
- one process: ``void run`` with all jobs at once;
- one bundle for all of them through ``openjd run``, in which short shots share tasks;
- the removal step alone with a task for each shot, in one session and in two side by side.

Each is told by the clock and in processor time of all processes together, which is what to compare where
others use the machine too. ``plan`` counts processor time alone.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import cv2
import msgspec
import numpy as np

from tests.integration.command_case import void
from tests.integration.farm_case import OPENJD, VOID, farm_job
from void_engine.engines.registry import part_overlap
from void_protocol.job import RemovalJob
from void_protocol.job_file import read_job
from void_server.farm.bundle import write_bundles
from void_server.farm.order import FarmSettings
from void_server.farm.plan_file import read_plan
from void_server.farm.planning import STEP_ORDER, ShotRange, plan
from void_server.farm.targets import FarmName, write_target


def seconds(work: Callable[[], object], clock: Callable[[], float] = time.perf_counter) -> float:
    began = clock()
    work()
    return clock() - began


@dataclass(frozen=True)
class Took:
    """What commands took."""

    seconds: float
    processor: float
    """Seconds of processor time of all their processes."""


def took(work: Callable[[], object]) -> Took:
    """Measure work that is done by other processes."""
    before, began = os.times(), time.perf_counter()
    work()
    after = os.times()
    used = after.children_user + after.children_system - before.children_user - before.children_system
    return Took(time.perf_counter() - began, used)


def call(*commands: Sequence[str | Path]) -> None:
    """Run commands side by side."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    running = [
        subprocess.Popen([str(word) for word in command], stdout=subprocess.DEVNULL, env=environment)
        for command in commands
    ]
    codes = [process.wait() for process in running]
    if any(codes):
        raise SystemExit(f"a command failed: {codes}")


def bundled(folder: Path, jobs: Sequence[Path], name: str, *options: str) -> list[str | Path]:
    """Write a bundle of all jobs, and return the beginning of the command that runs it."""
    target = folder / name
    ran = void(
        "farm", "bundle", *jobs, "--to", "openjd", "-o", target, "--together", "--void", VOID,
        "--scratch", folder / f"{name}_scratch", *options,
    )  # fmt: skip
    if ran.code:
        raise SystemExit(ran.err)
    return [OPENJD, "run", target / "template.yaml", "-p", (target / "openjd_values.yaml").as_uri()]


def forget(folder: Path, jobs: Sequence[Path]) -> None:
    for job in jobs:
        shutil.rmtree(folder / job.stem / "out", ignore_errors=True)


def run(arguments: argparse.Namespace) -> None:
    with tempfile.TemporaryDirectory(prefix="farm-bench-") as path:
        folder = Path(path)
        jobs = [
            farm_job(folder, engine=arguments.engine, name=f"sh{10 * n:04d}", frames=arguments.frames)
            for n in range(1, arguments.shots + 1)
        ]
        count = len(jobs)

        def each_in_turn() -> None:
            for job in jobs:
                call([VOID, "run", job])

        loop = took(each_in_turn)
        forget(folder, jobs)
        together = took(lambda: call([VOID, "run", *jobs]))
        forget(folder, jobs)
        packed = bundled(folder, jobs, "packed")
        made = read_plan(folder / "packed" / "plan.json")
        tasks = sum(len(made.tasks(step)) for step in STEP_ORDER)
        farm = took(lambda: call([*packed, "--step", "check", "--run-dependencies"]))
        print(f"{count} shots of {arguments.frames} frames, {arguments.engine}, {os.cpu_count()} cores")
        print("| way | processes that work | s | over the loop | processor, s | over the loop |")
        print("| --- | --- | --- | --- | --- | --- |")
        rows = (
            ("plain loop, a process for each shot", count, loop),
            ("one process for all", 1, together),
            ("one bundle, short shots share tasks", tasks, farm),
        )
        for name, processes, each in rows:
            share, used = each.seconds / loop.seconds, each.processor / loop.processor
            print(
                f"| {name} | {processes} | {each.seconds:.1f} | {share:.2f} "
                f"| {each.processor:.1f} | {used:.2f} |"
            )

        single = bundled(folder, jobs, "single", "--part-frames", str(arguments.frames))
        plan_file = folder / "single" / "plan.json"
        scratch = folder / "single_scratch"
        call([*single, "--step", "prepare"])
        one = took(lambda: call([*single, "--step", "remove"]))
        for place in scratch.glob("*/clean"):
            shutil.rmtree(place)
        here = read_plan(plan_file)
        bare = took(lambda: bare_tasks(plan_file, scratch, len(here.remove)))
        for place in scratch.glob("*/clean"):
            shutil.rmtree(place)
        numbers = [{"Task": number} for number in range(len(here.remove))]
        halves = [json.dumps(numbers[start::2]) for start in (0, 1)]
        two = took(lambda: call(*([*single, "--step", "remove", "--tasks", half] for half in halves)))
        number = len(here.remove)
        rows = (
            (f"removal step, {number} tasks, one session", number, one),
            ("the same tasks without openjd, in turn", number, bare),
            ("the same, two sessions side by side", number, two),
        )
        for name, processes, each in rows:
            print(f"| {name} | {processes} | {each.seconds:.1f} | | {each.processor:.1f} | |")
        own = 1000 * (one.processor - bare.processor) / number
        print(f"\nopenjd's own cost for each task: {own:.0f} ms of processor time")
        print(f"a task's whole cost, start of the process included: {1000 * bare.processor / number:.0f} ms")
        print(f"two sessions against one: {two.seconds / one.seconds:.2f} of the wall-clock time")


def bare_tasks(plan_file: Path, scratch: Path, count: int) -> None:
    for task in range(count):
        words = ("--plan", plan_file, "--task", str(task), "--scratch", scratch)
        call([VOID, "farm", "step", "remove", *words])


def plan_many(arguments: argparse.Namespace) -> None:
    with tempfile.TemporaryDirectory(prefix="farm-bench-") as path:
        folder = Path(path)
        job = read_job(farm_job(folder, engine="propagation", frames=2))
        points: list[tuple[int, float]] = []
        print("| shots | frames | tasks | planned, s | planned and written, s | ms for each shot |")
        print("| --- | --- | --- | --- | --- | --- |")
        for count in (125, 250, 500, 1000):
            jobs = [numbered(job, number) for number in range(count)]
            order = FarmSettings(folder=folder / str(count), scratch=folder / "scratch")
            ranges = [
                ShotRange(
                    file="",
                    name=one.shot.name,
                    engine="propagation",
                    first_frame=one.shot.first_frame,
                    last_frame=one.shot.last_frame,
                )
                for one in jobs
            ]
            bare = seconds(partial(plan, ranges, part_overlap), time.process_time)
            took = seconds(partial(write_all, jobs, order), time.process_time)
            points.append((count, took))
            made = [plan([shot], part_overlap) for shot in ranges]
            tasks = sum(len(one.tasks(step)) for one in made for step in STEP_ORDER)
            frames = sum(len(one.shot.frame_numbers) for one in jobs)
            each = 1000 * took / count
            print(f"| {count} | {frames} | {tasks} | {bare:.3f} | {took:.2f} | {each:.1f} |")
        if arguments.plot:
            plot(points, arguments.plot)


def numbered(job: RemovalJob, number: int) -> RemovalJob:
    """Make a job with a shot of 100 to 149 frames."""
    replace = msgspec.structs.replace
    last = 1001 + 99 + number % 50
    return replace(
        job,
        job_id=f"job{number}",
        shot=replace(job.shot, name=f"sh{number:04d}", first_frame=1001, last_frame=last),
        output=replace(job.output, pattern=f"/shots/sh{number:04d}/clean.%04d.exr"),
    )


def write_all(jobs: Sequence[RemovalJob], order: FarmSettings) -> None:
    """Write plans, jobs, templates and lists of files of one bundle for each shot."""
    write_target(FarmName.OPENJD, write_bundles(jobs, order), submit=False)


def plot(points: Sequence[tuple[int, float]], path: Path) -> None:
    """Draw seconds over shots, with the straight line through the origin that fits best."""
    width, height, left, bottom = 720, 420, 80, 60
    picture = np.full((height, width, 3), 250, np.uint8)
    shots, took = (np.array(column, float) for column in zip(*points, strict=True))
    slope = float((shots * took).sum() / (shots * shots).sum())
    most_x, most_y = 1.1 * shots.max(), 1.2 * max(took.max(), slope * shots.max())

    def at(x: float, y: float) -> tuple[int, int]:
        return (
            round(left + x / most_x * (width - left - 30)),
            round(height - bottom - y / most_y * (height - bottom - 30)),
        )

    def text(words: str, place: tuple[int, int]) -> None:
        cv2.putText(picture, words, place, cv2.FONT_HERSHEY_SIMPLEX, 0.45, (60, 60, 60), 1, cv2.LINE_AA)

    cv2.line(picture, at(0, 0), at(most_x, 0), (120, 120, 120), 1)
    cv2.line(picture, at(0, 0), at(0, most_y), (120, 120, 120), 1)
    cv2.line(picture, at(0, 0), at(most_x, slope * most_x), (200, 160, 90), 2, cv2.LINE_AA)
    for x, y in zip(shots, took, strict=True):
        cv2.circle(picture, at(x, y), 6, (60, 90, 200), -1, cv2.LINE_AA)
        text(f"{y:.2f} s", (at(x, y)[0] - 20, at(x, y)[1] - 14))
        text(f"{x:.0f}", (at(x, 0)[0] - 14, at(x, 0)[1] + 20))
    text(f"shots (line: {1000 * slope:.1f} ms for each)", (width // 2 - 90, height - 14))
    text("planned and written, s", (10, 20))
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), picture)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    verbs = parser.add_subparsers(required=True)
    running = verbs.add_parser("run")
    running.add_argument("--shots", type=int, default=40)
    running.add_argument("--frames", type=int, default=6)
    running.add_argument("--engine", default="propagation")
    running.set_defaults(verb=run)
    planning = verbs.add_parser("plan")
    planning.add_argument("--plot", type=Path)
    planning.set_defaults(verb=plan_many)
    arguments = parser.parse_args()
    arguments.verb(arguments)
    sys.stdout.flush()


if __name__ == "__main__":
    main()
