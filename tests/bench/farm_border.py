"""Measures whether one sees where the parts of a shot are joined.

Usage: python -m tests.bench.farm_border [--frames 72] [--width 256]

A shot with known truth is propagated in three parts as a farm does it: prepared once, each part by itself,
joined across the frames that neighbours have in common. Beside it, the shot as one piece, and three parts as
if they were shots of their own. The *temporal error* of a pair of frames is how much the error against the
truth changes from one to the next along the true motion, inside the matte (root mean square, percent of
display white). A border's figure is the worst pair from the last frame that one part makes alone to the first
frame that the next one makes alone.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from tests.bench import propagation_scenes as scenes
from tests.bench.propagation_metrics import display, true_flows
from void_engine.arrays import Float32Array
from void_engine.engines.interface import CleanFrame, EngineRequest, PartOfShot, ShotFrame
from void_engine.engines.registry import part_overlap
from void_engine.propagation.engine import PropagationEngine
from void_engine.propagation.in_memory import SilentMonitor
from void_server.farm.merge import faded
from void_server.farm.planning import PlannedJob, ShotRange, plan

FIRST = 1001


class Source:
    """A scene as an engine sees it: all of its frames, or those of ``numbers``."""

    def __init__(self, scene: scenes.Scene, numbers: range | None = None) -> None:
        self.scene = scene
        self.frame_numbers = numbers or range(FIRST, FIRST + len(scene.plate))
        self.height, self.width = scene.matte.shape[1:]
        self.pixel_aspect = 1.0

    def frame(self, number: int) -> ShotFrame:
        index = number - FIRST
        matte = self.scene.matte[index]
        nothing = np.zeros_like(matte)
        replaced = (matte > 0).astype(np.float32)
        quadmask = np.where(matte > 0, 0, 255).astype(np.uint8)
        return ShotFrame(number, self.scene.plate[index], matte, nothing, replaced, quadmask)

    def anchor(self, number: int) -> Float32Array | None:
        return None


def whole(scene: scenes.Scene, numbers: range | None = None) -> dict[int, Float32Array]:
    answers = PropagationEngine().remove(Source(scene, numbers), EngineRequest(), SilentMonitor())
    return {clean.number: clean.picture for clean in answers}


def in_parts(scene: scenes.Scene, job: PlannedJob) -> dict[int, Float32Array]:
    """Propagate the scene in parts, as the farm's steps do it."""
    parts: list[dict[int, Float32Array]] = []
    with tempfile.TemporaryDirectory(prefix="farm-border-") as folder:
        engine, request = PropagationEngine(), EngineRequest()
        engine.prepare_parts(Source(scene), job.starts, Path(folder), request, SilentMonitor())
        for start in job.starts:
            wanted = frozenset(job.part(start))
            asked = replace(request, wanted=wanted, part=PartOfShot(start, Path(folder)))
            answers: list[CleanFrame] = list(
                PropagationEngine().remove(Source(scene), asked, SilentMonitor())
            )
            parts.append({clean.number: clean.picture for clean in answers if clean.number in wanted})
    made: dict[int, Float32Array] = {}
    for start, part in zip(job.starts, parts, strict=True):
        for number, picture in part.items():
            share = np.float32((number - start + 1) / (job.overlap + 1))
            made[number] = faded(made[number], picture, share) if number in made else picture
    return made


def cut_up(scene: scenes.Scene, job: PlannedJob) -> dict[int, Float32Array]:
    """Propagate each part as a shot of its own, which knows nothing of the others."""
    made: dict[int, Float32Array] = {}
    for start in job.starts:
        made |= whole(scene, job.part(start))
    return made


def temporal(scene: scenes.Scene, made: dict[int, Float32Array]) -> Float32Array:
    """The temporal error of each pair of frames, (T - 1,)."""
    clean = np.stack([made[number] for number in sorted(made)])
    truth = display(scene.truth)
    error = display(clean) - truth
    rows, columns = scene.matte.shape[1:]
    x, y = np.meshgrid(np.arange(columns, dtype=np.float32), np.arange(rows, dtype=np.float32))
    found = []
    for index, flow in enumerate(true_flows(truth)):
        later = cv2.remap(error[index + 1], x + flow[..., 0], y + flow[..., 1], cv2.INTER_LINEAR)
        inside = scene.matte[index] > 0
        found.append(100 * float(np.sqrt(np.square(error[index] - later)[inside].mean())))
    return np.array(found, np.float32)


def cases(width: int, height: int, frames: int) -> dict[str, scenes.Scene]:
    still = scenes.handheld("rocket", width, height, frames)
    panned = scenes.pan("coffee", width, height, frames, 0.6)
    held = np.repeat(scenes.pan("chelsea", width, height, 1, 0.0), frames, axis=0)
    made = {
        "handheld, fixed logo (some never shown)": scenes.over(still, scenes.logo(width, height, frames)),
        "pan, wobbling blob (much comes and goes)": scenes.over(panned, scenes.blob(width, height, frames)),
        "locked, fixed logo (nothing ever shown)": scenes.over(held, scenes.logo(width, height, frames)),
    }
    return {name: replace(scene, plate=scenes.grain(scene.plate, 0.01)) for name, scene in made.items()}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--frames", type=int, default=72)
    parser.add_argument("--width", type=int, default=256)
    arguments = parser.parse_args()
    width, frames = arguments.width, arguments.frames
    height = width * 9 // 16 // 2 * 2
    shot = ShotRange(file="", name="", engine="propagation", first_frame=FIRST, last_frame=FIRST + frames - 1)
    job = plan([shot], part_overlap, part_frames=frames // 3).jobs[0]
    borders = [range(start - 1 - FIRST, start + job.overlap - FIRST) for start in job.starts[1:]]
    at_border = {pair for border in borders for pair in border}
    print(f"{frames} frames {width}x{height}, parts from {job.starts}, {job.overlap} in common")
    columns = ["case", "made", "inside, mean", "inside, 95 %", "border 1", "border 2", "worst / 95 %"]
    print("| " + " | ".join([*columns, "frames equal to the one piece"]) + " |")
    print("| --- " * (len(columns) + 1) + "|")
    ways: dict[str, Callable[[scenes.Scene], dict[int, Float32Array]]] = {
        "in one piece": whole,
        "in parts, joined": lambda scene: in_parts(scene, job),
        "as shots of their own": lambda scene: cut_up(scene, job),
    }
    for name, scene in cases(width, height, frames).items():
        first: dict[int, Float32Array] = {}
        for way, make in ways.items():
            made = make(scene)
            first = first or made
            errors = temporal(scene, made)
            inside = np.array([error for pair, error in enumerate(errors) if pair not in at_border])
            worst = [float(errors[list(border)].max()) for border in borders]
            high = float(np.percentile(inside, 95))
            same = sum(np.array_equal(made[number], first[number]) for number in first)
            print(
                f"| {name} | {way} | {inside.mean():.2f} | {high:.2f} | "
                + " | ".join(f"{value:.2f}" for value in worst)
                + f" | {max(worst) / high:.2f} | {same} of {frames} |"
            )


if __name__ == "__main__":
    main()
