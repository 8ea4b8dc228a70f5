"""Measures the propagation engine against the truth and against simple removals.

    python -m tests.bench.propagation --quick              15 real shots, 384 px, 14 frames: some minutes
    python -m tests.bench.propagation                      all real movies at 672x384, 30 frames
    python -m tests.bench.propagation --group virtual      virtual cameras over stills, easier than any shot
    python -m tests.bench.propagation --only wires         cases whose name, movie or kind contains the word
    python -m tests.bench.propagation --drawn 100          shots drawn at random, 240 px; --seed N: others
    python -m tests.bench.propagation --footage DIR        two drawn shots from each movie in a folder
    python -m tests.bench.propagation --quick --save now.json --compare old.json
    python -m tests.bench.propagation --option grain=0.5   with options of the engine
    python -m tests.bench.propagation --pictures out/      contact sheets of each case's worst frames

"x DIS" is the processor time of a frame over that of one DIS flow (medium preset) of the same frame in the
same run, all threads together, so that a busy machine hardly touches it; "s/fr" is what the clock says.
The movies that are held out run only when ``--held-out`` asks for them. Nothing is asserted: people read it.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.bench import propagation_footage, propagation_scenes
from tests.bench.shots import cases, drawn, report
from tests.bench.shots.measuring import Options, Result, measure
from tests.bench.shots.movies import MOVIES, Movie, MovieMissingError, folder_of_movies
from tests.bench.shots.scene import Scene

_QUICK_WIDTH, _QUICK_FRAMES = 384, 14
_DRAWN_WIDTH, _DRAWN_FROM_EACH = 240, 2


@dataclass(frozen=True, slots=True)
class _Job:
    group: str
    name: str
    movie: str
    kind: str
    make: cases.Make
    width: int
    height: int
    frames: int


def _drawn(arguments: argparse.Namespace) -> Iterator[_Job]:
    """Jobs of drawn shots; each is named by the seed that draws it again, with ``--drawn 1 --seed``."""
    width = arguments.width or _DRAWN_WIDTH

    def make(seed: int, choice: list[Movie]) -> cases.Make:
        def one(width: int, height: int, frames: int) -> Scene:
            shot = drawn.draw(seed, choice, width=width)
            print(f"  {shot.movie}: {shot.what}")
            return shot.scene

        return one

    if arguments.footage:
        for movie in folder_of_movies(arguments.footage):
            for seed in range(arguments.seed, arguments.seed + (arguments.drawn or _DRAWN_FROM_EACH)):
                name = f"seed {seed}"
                yield _Job("footage", name, movie.name, "drawn", make(seed, [movie]), width, 0, 0)
        return
    choice = [movie for movie in MOVIES.values() if movie.held_out == arguments.held_out]
    for seed in range(arguments.seed, arguments.seed + arguments.drawn):
        name = f"seed {seed}"
        yield _Job("drawn", name, "", "drawn", make(seed, choice), width, 0, 0)


def _jobs(arguments: argparse.Namespace) -> Iterator[_Job]:
    if arguments.drawn or arguments.footage:
        yield from _drawn(arguments)
        return
    width = arguments.width or (_QUICK_WIDTH if arguments.quick else 672)
    most = arguments.frames or (_QUICK_FRAMES if arguments.quick else 0)
    height = round(width * 384 / 672 / 8) * 8

    def frames(wanted: int) -> int:
        return min(wanted, most) if most else wanted

    if arguments.group in ("real", "all"):
        for case in cases.CASES:
            if case.held_out == arguments.held_out and (case.quick or not arguments.quick):
                count = frames(case.most_frames)
                yield _Job("real", case.name, case.movie, case.kind, case.make, width, height, count)
    if arguments.group in ("virtual", "all"):
        for still in propagation_scenes.CASES:
            if still.held_out == arguments.held_out:
                across = still.width or width
                down = 1080 if across == 1920 else height
                count = frames(still.frames)
                yield _Job("virtual", still.name, still.footage, "virtual", still.make, across, down, count)


def _run(job: _Job, options: Options, arguments: argparse.Namespace) -> Result | None:
    try:
        scene = job.make(job.width, job.height, job.frames)
    except (MovieMissingError, propagation_footage.FootageMissingError) as missing:
        print(f"{job.name:22s} {job.movie:11s} left out: {missing}", flush=True)
        return None
    result, clean = measure(scene, options, baselines=not arguments.no_baselines)
    print(report.line(job.name, job.movie, result), flush=True)
    if arguments.pictures:
        name = f"{job.name}-{job.movie}.png".replace(" ", "_").replace(",", "")
        report.sheet(arguments.pictures / name, scene, clean)
    return result


def _options(words: list[str]) -> dict[str, float | str]:
    found: dict[str, float | str] = {}
    for word in words:
        name, _, value = word.partition("=")
        try:
            found[name] = float(value)
        except ValueError:
            found[name] = value
    return found


def _compare(path: Path, rows: dict[str, dict[str, Result]]) -> None:
    """Print by how much each case differs from a saved run: dB, SSIM, p99, temporal error."""
    before = json.loads(path.read_text())
    print(f"against {path}:")
    total: list[float] = []
    for group, results in rows.items():
        for name, result in results.items():
            old = before.get(group, {}).get(name)
            if old is None:
                continue
            now = asdict(result.engine)
            names = ("psnr_db", "ssim", "p99", "temporal", "flicker")
            change = {key: now[key] - old["engine"][key] for key in names}
            total.append(change["psnr_db"])
            print(
                f"  {name:22s} {change['psnr_db']:+6.2f} dB  SSIM {change['ssim']:+.3f}  "
                f"p99 {change['p99']:+.3f}  temporal {change['temporal']:+.2f}  "
                f"flicker {change['flicker']:+.2f}  time x{result.busy / max(old['busy'], 1e-9):.2f}"
            )
    if total:
        print(f"  mean {sum(total) / len(total):+.2f} dB over {len(total)} cases")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="a part of the real shots, small")
    parser.add_argument("--only", default="", help="name, movie or kind contains this; bars separate")
    parser.add_argument("--group", choices=("real", "virtual", "all"), default="real")
    parser.add_argument("--held-out", action="store_true", help="only what is kept aside for the end")
    parser.add_argument("--drawn", type=int, default=0, help="so many shots drawn at random")
    parser.add_argument("--seed", type=int, default=0, help="the first drawn shot's seed")
    parser.add_argument("--footage", type=Path, default=None, help="draw from the movies in this folder")
    parser.add_argument("--width", type=int, default=0)
    parser.add_argument("--frames", type=int, default=0, help="at most so many frames")
    parser.add_argument("--option", action="append", default=[], help="NAME=VALUE, an option of the engine")
    parser.add_argument("--no-baselines", action="store_true")
    parser.add_argument("--pictures", type=Path, default=None)
    parser.add_argument("--save", type=Path, default=None, help="write the figures as JSON")
    parser.add_argument("--compare", type=Path, default=None, help="a file that --save wrote")
    arguments = parser.parse_args()
    options = _options(arguments.option)
    words = [word for word in arguments.only.split("|") if word]
    rows: dict[str, dict[str, Result]] = {}
    print(report.HEADER)
    for job in _jobs(arguments):
        if words and not any(word in text for word in words for text in (job.name, job.movie, job.kind)):
            continue
        result = _run(job, options, arguments)
        if result is not None:
            rows.setdefault(job.group, {})[f"{job.name} / {job.movie}"] = result
    for group, results in rows.items():
        print(report.summary(group, list(results.values())))
    print(report.NOTE)
    if arguments.save:
        saved = {
            group: {name: asdict(result) for name, result in results.items()}
            for group, results in rows.items()
        }
        arguments.save.write_text(json.dumps(saved, indent=1))
    if arguments.compare:
        _compare(arguments.compare, rows)


if __name__ == "__main__":
    main()
