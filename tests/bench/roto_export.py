"""What baking and encoding shapes costs beside the host's own calls: ``python -m tests.bench.roto_export``.

50 shapes of 20 points over 200 frames in the fake Nuke, ten to a layer, shapes and layers with
animated transforms. Printed is the processor time of baking and encoding the job over that of one pass of
the ``getPosition`` calls alone, which nobody who wants the geometry is spared. The aim is below 1.3.
"""

from __future__ import annotations

import argparse
import gc
import statistics
import time
from collections.abc import Callable
from typing import Any

import msgspec

from tests.fakes.fake_nuke import curves
from tests.fakes.nuke_session import fresh_nuke
from void_nuke.roto_export import CurveTypes, bake_shapes, walk
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
    """The root layer of a roto node: ten shapes to a layer, all of it moving."""
    nuke = fresh_nuke(gui=False)
    root = nuke.nodes.Roto()["curves"].rootLayer
    for number in range(shapes):
        if number % 10 == 0:
            layer = curves.Layer()
            layer.name = f"layer{number}"
            layer.getTransform().addRotationKey(1, 0.0, 0.0, 0.0)
            layer.getTransform().addRotationKey(frames, 0.0, 0.0, 30.0)
            root.append(layer)
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
    """One pass of the calls, keeping nothing."""
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


def export(root: Any, frames: range) -> RemovalJob:
    """Bake frame by frame, as the export does, and encode."""
    paths = [found.path for found in walk(root, TYPES)]
    baked: dict[str, list[ShapeFrame]] = {path: [] for path in paths}
    for frame in frames:
        for shape in bake_shapes(root, TYPES, paths, frame, "main"):
            baked[shape.path].append(shape.at)
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
    gc.collect()
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
    job = export(root, frames)
    ratios = []
    for _ in range(asked.rounds):
        calls, whole = timed(lambda: positions(root, frames)), timed(lambda: export(root, frames))
        check = timed(lambda: check_job(job))
        ratios.append(whole / calls)
        print(
            f"getPosition alone {calls:.2f} s, baked and encoded {whole:.2f} s, ratio {ratios[-1]:.2f}; "
            f"the protocol's check of the job takes {check / calls:.2f} more"
        )
    print(f"median ratio {statistics.median(ratios):.2f} (aim: below 1.3)")


if __name__ == "__main__":
    main()
