"""From the host's words to the engine's."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import msgspec
import numpy as np
import pytest

from void_engine.geometry import Box
from void_engine.region import RegionMode
from void_protocol.job import (
    Anchors,
    Format,
    Matte,
    MatteSettings,
    Output,
    QuadmaskSettings,
    RegionSettings,
    RemovalJob,
    RotoPoint,
    RotoShape,
    Settings,
    ShapeFrame,
    Shot,
)
from void_server.translate import removal_request, shot_mattes

WIDTH, HEIGHT = 100, 60


@pytest.fixture
def files() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def shape(role: Any = "remove", name: str = "s", **attributes: Any) -> RotoShape:
    points = [RotoPoint(10, 5), RotoPoint(30, 5), RotoPoint(30, 20), RotoPoint(10, 20)]
    frames = [ShapeFrame(frame=number, points=points, **attributes) for number in (1, 2)]
    return RotoShape(name=name, role=role, frames=frames)


def job(**changes: Any) -> RemovalJob:
    made = RemovalJob(
        job_id="id",
        shot=Shot(
            name="sh",
            plate="/p.%04d.exr",
            first_frame=1,
            last_frame=2,
            format=Format(width=WIDTH, height=HEIGHT),
            layer="beauty",
        ),
        shapes=[shape()],
        output=Output(pattern="/o_{version}.%04d.exr", version=3, compression="piz", layers=["clean"]),
    )
    return msgspec.structs.replace(made, **changes)


FULL = Box.from_size(WIDTH, HEIGHT)


def test_shapes_are_turned_over(files: ExitStack) -> None:
    matte = shot_mattes(job(), files).at(1, FULL).remove
    expected = np.zeros((HEIGHT, WIDTH), np.float32)
    expected[HEIGHT - 20 : HEIGHT - 5, 10:30] = 1.0
    assert np.array_equal(matte, expected)


def test_offsets_are_turned_over_too(files: ExitStack) -> None:
    # A lens: two points whose tangents bulge it upwards only.
    points = [RotoPoint(20, 10, 0, 0, 0, 20), RotoPoint(60, 10, 0, 20, 0, 0)]
    lens = RotoShape(
        name="l", role="remove", frames=[ShapeFrame(frame=number, points=points) for number in (1, 2)]
    )
    matte = shot_mattes(job(shapes=[lens]), files).at(1, FULL).remove
    rows = np.flatnonzero(matte.any(axis=1))
    assert rows[-1] == HEIGHT - 10 - 1  # nothing below the chord
    assert rows[0] == HEIGHT - 10 - 15  # a cubic rises to 3/4 of its handles


def test_feather_goes_where_the_host_says(files: ExitStack) -> None:
    points = [
        RotoPoint(10, 5, feather_x=0, feather_y=0),
        RotoPoint(30, 5),
        RotoPoint(30, 20, feather_y=10),
        RotoPoint(10, 20, feather_y=10),
    ]
    feathered = RotoShape(
        name="f", role="remove", frames=[ShapeFrame(frame=number, points=points) for number in (1, 2)]
    )
    matte = shot_mattes(job(shapes=[feathered]), files).at(1, FULL).remove
    above, below = matte[HEIGHT - 25, 20], matte[HEIGHT - 3, 20]
    assert 0.2 < above < 0.8
    assert below == 0


def test_roles_and_hold_outs(files: ExitStack) -> None:
    hold_out = RotoShape(
        name="h",
        role="ignore",
        frames=[
            ShapeFrame(
                frame=n, points=[RotoPoint(0, 0), RotoPoint(20, 0), RotoPoint(20, 60), RotoPoint(0, 60)]
            )
            for n in (1, 2)
        ],
    )
    roles = shot_mattes(job(shapes=[shape(), shape("affected"), hold_out]), files).at(2, FULL)
    for matte in (roles.remove, roles.affected):
        assert matte[HEIGHT - 10, 25] == 1
        assert matte[HEIGHT - 10, 15] == 0


@pytest.mark.parametrize(
    ("attributes", "inside", "outside"),
    [({"opacity": 0.5}, 0.5, 0), ({"visible": False}, 0, 0), ({"inverted": True}, 0, 1)],
)
def test_attributes_are_heard(
    files: ExitStack, attributes: dict[str, Any], inside: float, outside: float
) -> None:
    matte = shot_mattes(job(shapes=[shape(**attributes)]), files).at(1, FULL).remove
    assert matte[HEIGHT - 10, 20] == pytest.approx(inside)
    assert matte[5, 90] == pytest.approx(outside)


def test_a_proxy_shrinks_the_shapes(files: ExitStack) -> None:
    half = job(settings=Settings(proxy_scale=0.5))
    matte = shot_mattes(half, files).at(1, Box.from_size(WIDTH // 2, HEIGHT // 2)).remove
    assert matte.sum() == pytest.approx(20 * 15 / 4)


def test_settings_reach_the_engine(files: ExitStack) -> None:
    settings = Settings(
        prompt="A lime falls.",
        negative_prompt="blur",
        seed=2**40,
        proxy_scale=0.25,
        region=RegionSettings(mode="box", box=(10, 5, 60, 40)),
        matte=MatteSettings(growth_px=3, softness_px=7),
        quadmask=QuadmaskSettings(snap_affected_to_grid=False, clear_affected_on_first_frame=False),
        match_seam=False,
        engine_options={"steps": 10},
    )
    request = removal_request(
        job(
            settings=settings,
            mattes=[Matte(role="affected", pattern="/m.exr", channel="x", inverted=True)],
            anchors=Anchors(pattern="/a.%04d.exr", frames=[2]),
        ),
        files,
        engine_name="void",
        resume=True,
    )
    assert request.engine.prompt == "A lime falls."
    assert request.engine.negative_prompt == "blur"
    assert request.engine.seed == 2**40
    assert request.engine.proxy_scale == 0.25
    assert dict(request.engine.options) == {"steps": 10}
    assert request.region.mode is RegionMode.BOX
    assert request.region.box == Box(10, HEIGHT - 40, 60, HEIGHT - 5)
    assert (request.look.growth_px, request.look.softness_px) == (3, 7)
    assert not request.look.snap_affected_to_grid
    assert not request.look.clear_affected_on_first_frame
    assert not request.match_seam
    assert request.resume
    assert request.layer == "beauty"
    assert request.display_size == (WIDTH, HEIGHT)
    assert request.anchors is not None
    assert request.anchors.numbers == {2}
    matte = request.mattes.files[0]
    assert (matte.role, matte.channel, matte.inverted) == ("affected", "x", True)
    assert str(request.output.pattern) == "/o_v003.%04d.exr"
    assert request.output.compression == "piz"
    assert request.output.layers == {"clean"}
    assert request.output.metadata is not None
    assert request.output.metadata["void/engine"] == "void"
    assert request.output.metadata["void/seed"] == str(2**40)


@pytest.mark.parametrize(("mode", "expected"), [("auto", None), ("full", RegionMode.FRAME)])
def test_regions(files: ExitStack, mode: Any, expected: RegionMode | None) -> None:
    settings = Settings(region=RegionSettings(mode=mode, margin=0.75))
    request = removal_request(job(settings=settings), files, engine_name="identity")
    assert request.region.mode is expected
    assert request.region.margin == 0.75
