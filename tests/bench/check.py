"""Calibrates the verdict: which share of faults it finds, and of good frames it flags, on real footage.

    python -m tests.bench.check --footage DIR [--seeds 1,2] [--aside] [--measures FILE]

DIR holds movies, or folders of pictures ``plate.*``; those in its folder ``aside`` are judged only with
``--aside``. Without it, the shared clips are taken. A result counts as found when a quarter of its faulty
frames are flagged. The table is printed as Markdown, for docs/check.md.
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

from tests.bench.check_shots import EVERY_OTHER, FAULTS, make_shot
from tests.reference_data import CLIPS
from void_engine.quality import judge
from void_engine.quality.verdict import FrameVerdict

_MOVIES = (".mp4", ".avi", ".mov", ".mkv")
_FOUND = 0.25
_Row = tuple[str, str, list[FrameVerdict]]


def clips(footage: Path | None, *, aside: bool) -> dict[str, Path]:
    """The clips by name."""
    if footage is None:
        folders = [path for path in sorted(CLIPS.iterdir()) if path.is_dir()]
        return {
            path.name: path / "plate.mp4" if (path / "plate.mp4").exists() else path
            for path in folders
            if any(path.glob("plate*"))
        }
    folder = footage / "aside" if aside else footage
    return {
        path.stem: path
        for path in sorted(folder.iterdir())
        if path.suffix in _MOVIES or (path.is_dir() and any(path.glob("plate*")))
    }


def judged(seed: int, clip: tuple[str, Path]) -> list[_Row]:
    """Judge the good results and the faults of one shot."""
    name, path = clip
    shot = make_shot(name, path, seed)
    rows = [("", kind, judge(shot.plate, shot.matte, result)) for kind, result in shot.good.items()]
    for kind, fault in FAULTS.items():
        rows.append((kind, kind, judge(shot.plate, shot.matte, shot.with_hole(fault(shot)))))
    return [(fault, f"{name}/{seed} {kind}", verdicts) for fault, kind, verdicts in rows]


def _all(footage: Path | None, seeds: list[int], *, aside: bool, processes: int) -> Iterator[_Row]:
    found = list(clips(footage, aside=aside).items())
    with ProcessPoolExecutor(processes) as pool:
        for seed in seeds:
            for rows in pool.map(partial(judged, seed), found):
                yield from rows


def table(rows: list[_Row]) -> str:
    """The table of detection and false alarms, in Markdown."""
    by_fault: dict[str, list[_Row]] = defaultdict(list)
    for row in rows:
        by_fault[row[0]].append(row)
    lines = ["| fault | frames | results | told as |", "| --- | --- | --- | --- |"]
    for fault, found in by_fault.items():
        step = 2 if fault == EVERY_OTHER else 1
        faulty = [[one for one in verdicts if one.measures][::step] for _, _, verdicts in found]
        faulty = [frames for frames in faulty if frames]
        frames = [one for result in faulty for one in result]
        flagged = sum(bool(one.flags) for one in frames) / len(frames)
        shares = [sum(bool(one.flags) for one in result) / len(result) for result in faulty]
        results = sum(share >= _FOUND for share in shares) / len(faulty)
        words: dict[str, int] = defaultdict(int)
        for one in frames:
            for flag in one.flags:
                words[flag] += 1
        told = ", ".join(
            f"{flag} {100 * count / len(frames):.0f} %"
            for flag, count in sorted(words.items(), key=lambda item: -item[1])[:4]
            if count / len(frames) >= 0.05 or not fault
        )
        name = fault or f"none: {len(frames)} good frames of {len(faulty)} results"
        lines.append(f"| {name} | {100 * flagged:.1f} % | {100 * results:.0f} % | {told} |")
    return "\n".join(lines)


def main() -> None:
    """Run the bench."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--footage", type=Path)
    parser.add_argument("--aside", action="store_true")
    parser.add_argument("--seeds", default="1")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--measures", type=Path, help="write all measures to this file, as JSON lines")
    arguments = parser.parse_args()
    seeds = [int(seed) for seed in arguments.seeds.split(",")]
    rows = list(_all(arguments.footage, seeds, aside=arguments.aside, processes=arguments.processes))
    if arguments.measures is not None:
        with arguments.measures.open("w", encoding="utf-8") as file:
            for fault, name, verdicts in rows:
                for one in verdicts:
                    entry: dict[str, Any] = {"fault": fault, "shot": name, "frame": one.frame}
                    file.write(json.dumps({**entry, "flags": sorted(one.flags), **one.measures}) + "\n")
    print(table(rows))


if __name__ == "__main__":
    main()
