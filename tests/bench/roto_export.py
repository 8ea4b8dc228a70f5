"""Measures what baking and encoding shapes cost beside the host's own calls.

    python -m tests.bench.roto_export

The fake Nuke has 50 shapes of 20 points over 200 frames, ten to a layer; shapes and layers have animated
transforms. The bench prints the processor time of baking and encoding the job over that of one pass of the
``getPosition`` calls alone, which anybody who wants the geometry must make. The aim is below 1.3.
"""

from __future__ import annotations

import argparse
import gc
import statistics
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import msgspec

from tests.fakes.fake_nuke import curves
from tests.fakes.nuke_session import fresh_nuke
from void_nuke.host.roto_export import CurveTypes, bake_shapes, walk
from void_protocol.job import Format, Output, RemovalJob, RotoShape, ShapeFrame, Shot
from void_protocol.job_check import check_job

TYPES = CurveTypes(curves.Layer, curves.Shape, curves.Stroke, curves.FlagType.eOpenFlag)
_MEMBERS = (
    "center",
    "leftTangent",
    "rightTangent",
    "featherCenter",
    "featherLeftTangent",
    "featherRightTangent",
)


def build(shapes: int, points: int, frames: int) -> Any:
    """Build the root layer of a roto node with ten shapes to a layer, all of them moving."""
    nuke = fresh_nuke(gui=False)
    root = nuke.nodes.Roto()["curves"].rootLayer
    for number in range(shapes):
        if number % 10 == 0:
            layer = curves.Layer()
            layer.name = f"layer{number}"
            layer.getTransform().addRotationKey(1, 0.0, 0.0, 0.0)
            layer.getTransform().addRotationKey(frames, 0.0, 0.0, 30.0)
            root.append(layer)
            layer = root[len(root) - 1]
        shape = curves.Shape()
        shape.name = f"shape{number}"
        shape.getTransform().addTranslationKey(1, 0.0, 0.0, 0.0)
        shape.getTransform().addTranslationKey(frames, 100.0, 50.0, 0.0)
        for index in range(points):
            point = curves.ShapeControlPoint()
            for member in _MEMBERS:
                for frame in (1, frames // 2, frames):
                    getattr(point, member).addPositionKey(frame, (index * 10.0 + frame, number * 10.0))
            shape.append(point)
        layer.append(shape)
    return root


def positions(root: Any, frames: range) -> None:
    """Make one pass of the calls, and keep nothing."""
    shapes = [found.curve for found in walk(root, TYPES)]
    for frame in frames:
        for shape in shapes:
            for point in shape:
                point.center.getPosition(frame)
                point.leftTangent.getPosition(frame)
                point.rightTangent.getPosition(frame)
                point.featherCenter.getPosition(frame)
                point.featherLeftTangent.getPosition(frame)
                point.featherRightTangent.getPosition(frame)


Baked = dict[str, list[ShapeFrame]]


def bake(root: Any, frames: range, baked: Baked) -> None:
    """Bake the shapes frame by frame, as the export does."""
    paths = list(baked)
    for frame in frames:
        for shape in bake_shapes(root, TYPES, paths, frame, "main"):
            baked[shape.path].append(shape.at)


def encode(frames: range, baked: Baked) -> RemovalJob:
    job = RemovalJob(
        shot=Shot(
            name="bench",
            plate="p.%d.exr",
            first_frame=frames[0],
            last_frame=frames[-1],
            format=Format(width=1920, height=1080),
        ),
        shapes=[RotoShape(name=path, role="remove", frames=at) for path, at in baked.items()],
        output=Output(pattern="o.%d.exr"),
    )
    msgspec.json.encode(job)
    return job


def timed(function: Callable[[], object]) -> float:
    begin = time.process_time()
    function()
    return time.process_time() - begin


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shapes", type=int, default=50)
    parser.add_argument("--points", type=int, default=20)
    parser.add_argument("--frames", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    root = build(asked.shapes, asked.points, asked.frames)
    frames = range(1, asked.frames + 1)
    paths = [found.path for found in walk(root, TYPES)]
    ratios = []
    for _ in range(asked.rounds):
        gc.collect()
        baked: Baked = {path: [] for path in paths}
        calls = whole = 0.0
        # The two take turns of a few frames, so that other work of the machine slows both alike.
        for first in range(0, asked.frames, 5):
            turn = frames[first : first + 5]
            calls += timed(partial(positions, root, turn))
            whole += timed(partial(bake, root, turn, baked))
        whole += timed(partial(encode, frames, baked))
        check = timed(partial(check_job, encode(frames, baked)))
        ratios.append(whole / calls)
        print(
            f"getPosition alone {calls:.2f} s, baked and encoded {whole:.2f} s, ratio {ratios[-1]:.2f}; "
            f"the protocol's check of the job takes {check / calls:.2f} more"
        )
    print(f"median ratio {statistics.median(ratios):.2f} (aim: below 1.3)")


if __name__ == "__main__":
    main()
