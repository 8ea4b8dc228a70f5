"""A season of shots: listed, planned, bundled, run, and run again when some of the inputs have changed.

Usage: python -m tests.bench.farm_scale [--shots 20000] [--way batch|farm] [--plot FILE.png]

The shots are real, and tiny: a frame of a few pixels each. The season grows, doubling, up to its size. At
each size it is listed and bundled anew, the new shots are run, a twentieth of all plates is changed, and all
is run again. Each of these works in a process of its own, whose processor time and peak of memory are taken:
both must grow no faster than the season. Give a --folder in memory, where syncing files costs nothing.

``batch`` runs the shots as ``void batch`` does; ``farm`` runs all tasks of the bundle, in one process.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from void_engine.plates.exr.file import write_frame
from void_engine.plates.frame.frame import Frame
from void_server.batch.manifest_row import ManifestRow
from void_server.batch.report import BatchReport, ShotState
from void_server.batch.running import HowToRun, run_batch
from void_server.batch.sources import read_sources
from void_server.farm.bundle import write_bundles
from void_server.farm.monitor import Dialect, StepMonitor
from void_server.farm.order import FarmSettings
from void_server.farm.path_mapping import PathRules
from void_server.farm.plan_file import PLAN_NAME, read_plan, read_task
from void_server.farm.planning import STEP_ORDER
from void_server.farm.steps import run_task
from void_server.farm.targets import FarmName, write_target

SIZE = 16
CHANGED_SHARE = 20
"""One of so many shots is changed before all is run again."""
_NO_RULES: PathRules = ()


def make_shots(folder: Path, first: int, last: int) -> None:
    """Write plates with a matte in the same file, and the list of all shots up to ``last``."""
    forms = [plate_bytes(folder, seed) for seed in range(8)]
    for number in range(first, last):
        shot = folder / name_of(number)
        shot.mkdir()
        (shot / "plate.1001.exr").write_bytes(forms[number % len(forms)])
    with (folder / "season.csv").open("w", newline="") as out:
        rows = csv.writer(out)
        rows.writerow(["shot", "plate", "remove", "output"])
        for number in range(last):
            plate = f"{name_of(number)}/plate.%04d.exr"
            rows.writerow([name_of(number), plate, f"{plate}:matte.A", f"{name_of(number)}/out.%04d.exr"])


def plate_bytes(folder: Path, seed: int) -> bytes:
    """A tiny plate."""
    pixels = np.random.default_rng(seed).normal(0.3, 0.1, (SIZE, SIZE, 4)).astype(np.float16)
    pixels[..., 3] = 0
    pixels[4:9, 4:9, 3] = 1
    path = folder / "form.exr"
    write_frame(Frame.from_pixels(1001, ("R", "G", "B", "matte.A"), pixels), path, overwrite=True)
    return path.read_bytes()


def name_of(number: int) -> str:
    return f"ep{number // 400 + 1:02d}_sh{number % 400:04d}"


def change(folder: Path, count: int) -> None:
    """Change the plate of every twentieth shot."""
    form = plate_bytes(folder, time.monotonic_ns() % 2**32)
    for number in range(0, count, CHANGED_SHARE):
        (folder / name_of(number) / "plate.1001.exr").write_bytes(form)


def bundle(folder: Path) -> dict[str, int]:
    """List the shots, plan them, and write one bundle for Open Job Description and one of plain commands."""
    jobs = read_sources([folder / "season.csv"], ManifestRow(engine="identity")).jobs
    order = FarmSettings(folder=folder / "bundle", scratch=folder / "scratch", together=True)
    bundles = write_bundles(jobs, order)
    for target in (FarmName.OPENJD, FarmName.COMMANDS):
        write_target(target, bundles, submit=False)
    return {"tasks": sum(len(bundles[0].plan.tasks(step)) for step in STEP_ORDER)}


class Silent(StepMonitor):
    """The monitor of a batch or a task, whose words nobody reads."""

    def __init__(self) -> None:
        super().__init__(Dialect.PLAIN, 1, io.StringIO())

    def begin_shot(self, name: str, index: int, count: int) -> None:
        self.frames_done = 0


def run_as_batch(folder: Path) -> dict[str, int]:
    """Run all shots as ``void batch`` does."""
    jobs = read_sources([folder / "season.csv"], ManifestRow(engine="identity")).jobs
    how = HowToRun(exit_status=lambda error: 1)
    found: BatchReport = run_batch(jobs, Silent(), folder / "report.json", how)
    return {"made": found.count(ShotState.DONE), "kept": found.count(ShotState.SKIPPED)}


def run_as_farm(folder: Path) -> dict[str, int]:
    """Run all tasks of the bundle, one after the other."""
    path = folder / "bundle" / PLAN_NAME
    before = {shot: shot.stat().st_mtime_ns for shot in folder.glob("*/out*.exr")}
    plan = read_plan(path)
    for step in STEP_ORDER:
        for task in range(len(plan.tasks(step))):
            pieces = read_task(plan, path, step, task, _NO_RULES)
            run_task(pieces, step, folder / "scratch", Silent())
    after = {shot: shot.stat().st_mtime_ns for shot in folder.glob("*/out*.exr")}
    kept = sum(before.get(shot) == at for shot, at in after.items())
    return {"made": len(after) - kept, "kept": kept}


PHASES: Mapping[str, Callable[[Path], dict[str, int]]] = {
    "bundle": bundle,
    "batch": run_as_batch,
    "farm": run_as_farm,
}


@dataclass(frozen=True)
class Measured:
    """What a piece of work took, in a process of its own."""

    seconds: float
    """Processor time, that of starting the process left out."""
    mib: float
    """The peak of memory."""
    found: Mapping[str, int]


def measured(folder: Path, phase: str) -> Measured:
    """Run a phase in a process of its own."""
    command = [sys.executable, "-m", "tests.bench.farm_scale", "--phase", phase, "--folder", str(folder)]
    variables = {**os.environ, "VOID_CACHE": str(folder / "cache"), "OMP_NUM_THREADS": "1"}
    ran = subprocess.run(command, capture_output=True, text=True, check=False, env=variables)
    if ran.returncode:
        raise SystemExit(ran.stderr)
    told = json.loads(ran.stdout.splitlines()[-1])
    return Measured(told.pop("seconds"), told.pop("mib"), told)


def run_phase(folder: Path, phase: str) -> None:
    began = time.process_time()
    found = PHASES[phase](folder)
    took = time.process_time() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 1024)
    print(json.dumps({"seconds": took, "mib": peak, **found}))


@dataclass(frozen=True)
class Season:
    """What a season of one size took."""

    shots: int
    bundled: Measured
    run: Measured
    """The shots that are new at this size; those before are kept."""
    again: Measured
    """All shots again, with a twentieth of the plates changed."""


def grow(folder: Path, sizes: Sequence[int], way: str, tell: Callable[[Season], None]) -> list[Season]:
    """Let a season grow to each of ``sizes``, and measure it at each.

    Raises:
        SystemExit: when the second run makes other shots than the changed ones.
    """
    seasons = []
    before = 0
    for size in sizes:
        make_shots(folder, before, size)
        bundled = measured(folder, "bundle")
        ran = measured(folder, way)
        change(folder, size)
        again = measured(folder, way)
        changed = len(range(0, size, CHANGED_SHARE))
        if ran.found["made"] != size - before or again.found != {"made": changed, "kept": size - changed}:
            raise SystemExit(f"{size} shots: {ran.found}, then {again.found} with {changed} changed")
        seasons.append(Season(size, bundled, ran, again))
        tell(seasons[-1])
        before = size
    return seasons


def row(season: Season) -> str:
    """A line of the table."""
    new = season.run.found["made"]
    each = 1000 * season.again.seconds / season.shots
    return (
        f"| {season.shots} | {season.bundled.found['tasks']} | {season.bundled.seconds:.1f} "
        f"| {season.bundled.mib:.0f} | {new} | {season.run.seconds:.0f} | {season.run.mib:.0f} "
        f"| {season.again.found['made']} | {season.again.seconds:.0f} | {each:.1f} | {season.again.mib:.0f} |"
    )


HEAD = """\
| shots | tasks | bundled, s | MiB | run | s | MiB | changed | run again, s | ms a shot | MiB |
| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |"""


def plot(seasons: Sequence[Season], path: Path) -> None:
    """Draw time and memory over the shots, each with the straight line that fits best."""
    width, height, left, bottom = 900, 400, 60, 50
    picture = np.full((height, width, 3), 250, np.uint8)
    shots = np.array([season.shots for season in seasons], float)
    panels: Sequence[tuple[str, Sequence[tuple[str, list[float], tuple[int, int, int]]]]] = (
        (
            "processor time, s",
            (
                ("bundled", [season.bundled.seconds for season in seasons], (200, 130, 60)),
                ("run again", [season.again.seconds for season in seasons], (60, 90, 200)),
            ),
        ),
        (
            "peak of memory, MiB",
            (
                ("bundled", [season.bundled.mib for season in seasons], (200, 130, 60)),
                ("run again", [season.again.mib for season in seasons], (60, 90, 200)),
            ),
        ),
    )

    def text(words: str, x: float, y: float, colour: tuple[int, int, int] = (60, 60, 60)) -> None:
        place = (round(x), round(y))
        cv2.putText(picture, words, place, cv2.FONT_HERSHEY_SIMPLEX, 0.42, colour, 1, cv2.LINE_AA)

    for index, (title, lines) in enumerate(panels):
        x0, x1 = left + index * width // 2, (index + 1) * width // 2 - 30
        top = 1.15 * max(max(values) for _, values, _ in lines)

        def at(x: float, y: float, x0: int = x0, x1: int = x1, top: float = top) -> tuple[int, int]:
            wide, high = x1 - x0, height - bottom - 40
            return round(x0 + x / (1.05 * shots.max()) * wide), round(height - bottom - y / top * high)

        cv2.line(picture, at(0, 0), (x1, height - bottom), (120, 120, 120), 1)
        cv2.line(picture, at(0, 0), (x0, 40), (120, 120, 120), 1)
        text(title, x0, 24)
        text("shots", x1 - 40, height - 12)
        for x in shots:
            text(f"{x:.0f}", at(x, 0)[0] - 16, height - bottom + 18)
        for number, (name, values, colour) in enumerate(lines):
            slope, start = np.polyfit(shots, values, 1)
            ends = at(0, max(0.0, start)), at(shots.max(), start + slope * shots.max())
            cv2.line(picture, *ends, colour, 1, cv2.LINE_AA)
            for x, y in zip(shots, values, strict=True):
                cv2.circle(picture, at(x, y), 4, colour, -1, cv2.LINE_AA)
            text(f"{name}: {values[-1]:.0f}", x0 + 12, 44 + 18 * number, colour)
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), picture)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--shots", type=int, default=20000)
    parser.add_argument("--sizes", type=int, default=4, help="how often the season doubles, itself included")
    parser.add_argument("--way", choices=("batch", "farm"), default="batch")
    parser.add_argument("--plot", type=Path)
    parser.add_argument("--folder", type=Path, help="where to make the shots")
    parser.add_argument("--phase", choices=tuple(PHASES), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.phase:
        run_phase(arguments.folder, arguments.phase)
        return
    sizes = [arguments.shots >> number for number in reversed(range(arguments.sizes))]
    print(HEAD, flush=True)
    with tempfile.TemporaryDirectory(prefix="farm-scale-", dir=arguments.folder) as path:
        seasons = grow(Path(path), sizes, arguments.way, lambda season: print(row(season), flush=True))
    if arguments.plot:
        plot(seasons, arguments.plot)


if __name__ == "__main__":
    main()
