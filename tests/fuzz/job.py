"""Fuzzes jobs, from JSON to what the engine is asked and its mattes. ``python -m tests.fuzz.job``"""

from __future__ import annotations

from contextlib import ExitStack
from itertools import islice

import msgspec

from tests.fuzz.driver import explained, main
from void_engine.errors import EngineError
from void_engine.geometry import Box
from void_protocol.errors import JobError
from void_protocol.job import (
    Anchors,
    Format,
    Matte,
    Output,
    RegionSettings,
    RemovalJob,
    RotoPoint,
    RotoShape,
    Settings,
    ShapeFrame,
    Shot,
)
from void_protocol.job_file import decode_job, encode_job
from void_protocol.manifest import input_files
from void_server.translate import removal_request

_BOX = Box(-4, -4, 44, 36)


def seeds() -> list[bytes]:
    """Jobs with something of everything."""
    points = [
        RotoPoint(5, 5, -2, 0, 2, 0, 3, 3, 1, 1, 1, 1),
        RotoPoint(30, 6, 0, -2, 0, 2),
        RotoPoint(20, 25, feather_x=4.0),
    ]
    shape = RotoShape(
        name="ball",
        role="remove",
        frames=[
            ShapeFrame(frame=1, points=points, opacity=0.5, feather_x_px=3, feather_y_px=-2, falloff=2.5),
            ShapeFrame(frame=2, points=points[:2], inverted=True),
        ],
    )
    shot = Shot(
        name="s", plate="/p.%04d.exr", first_frame=1, last_frame=2, format=Format(width=40, height=32)
    )
    whole = RemovalJob(
        job_id="a",
        shot=shot,
        shapes=[shape],
        mattes=[Matte(role="affected", pattern="/m.####.exr", channel="r.A", inverted=True)],
        anchors=Anchors(pattern="/a.#.exr", frames=[1]),
        settings=Settings(
            engine="identity",
            proxy_scale=0.5,
            region=RegionSettings(mode="box", box=(1, 2, 30, 20)),
            engine_options={"steps": 3, "mode": "default", "x": 1.5, "y": True},
        ),
        output=Output(pattern="/o_{version}.%04d.exr", layers=["clean", "matte"]),
    )
    small = RemovalJob(job_id="b", shot=shot, shapes=[shape], output=Output(pattern="/o.%04d.exr"))
    return [msgspec.json.encode(job) for job in (whole, small)]


def target(data: bytes) -> None:
    """Any bytes give a job or a JobError; a job survives a round trip and can be drawn."""
    try:
        job = decode_job(data)
    except JobError as error:
        explained(error)
        return
    assert decode_job(encode_job(job)) == job
    for file in islice(input_files(job), 50):
        assert len(str(file.path)) < 10_000
    # The engine "identity" has no options and refuses any.
    plain = msgspec.structs.replace(job, settings=msgspec.structs.replace(job.settings, engine_options={}))
    with ExitStack() as files:
        try:
            request = removal_request(plain, files, engine_name="identity")
            drawn = [
                mattes
                for role, shapes_at in request.mattes.shapes.items()
                for mattes in [shapes_at(job.shot.first_frame)]
            ]
        except EngineError as error:
            explained(error)
            return
        for shapes in drawn:
            _draw(shapes)


def _draw(shapes: object) -> None:
    from void_engine.roto.matte import bounds, rasterise

    try:
        matte = rasterise(shapes, _BOX)  # type: ignore[arg-type]
        bounds(shapes, _BOX)  # type: ignore[arg-type]
    except EngineError as error:
        explained(error)
        return
    assert matte.shape == _BOX.shape
    assert 0.0 <= float(matte.min()) <= float(matte.max()) <= 1.0  # also: no NaN


if __name__ == "__main__":
    main(target, seeds(), "job")
