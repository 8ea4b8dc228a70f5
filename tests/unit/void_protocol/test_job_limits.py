"""Jobs that want too much are refused early: time and memory are measured in a process with hard limits."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from tests.fakes.measured import measure
from void_protocol.errors import JobError, WireError
from void_protocol.job import (
    MAX_COORDINATE_PX,
    MAX_MATTES,
    MAX_SHAPES,
    Format,
    Matte,
    Output,
    RemovalJob,
    RotoPoint,
    RotoShape,
    Settings,
    ShapeFrame,
    Shot,
)
from void_protocol.job_check import MAX_DIGITS, MAX_INPUT_FILES, check_job
from void_protocol.job_file import MAX_CONTAINERS, decode_job
from void_protocol.wire import MAX_MANIFEST_FILES, decode_manifest

_PREPARE = """
import json
JOB = {"schema_version": 1, "job_id": "a", "output": {"pattern": "/o.%04d.exr"}, "shot": {
    "name": "s", "plate": "/p.%04d.exr", "first_frame": 1, "last_frame": 2,
    "format": {"width": 8, "height": 8}}}
SHAPE = '{"name":"a","role":"remove","frames":[]}'
MATTE = '{"role":"remove","pattern":"/m.%d.exr"}'
def job(rest="", **shot):
    text = json.dumps({**JOB, "shot": {**JOB["shot"], **shot}})
    return (text[:-1] + rest + "}").encode()
def shapes(count, **shot):
    return job(',"shapes":[' + ','.join([SHAPE] * count) + ']', **shot)
"""
_ATTACK = """
from void_protocol.job_file import decode_job
from void_protocol.errors import JobError
try:
    decode_job(text)
    outcome = "accepted"
except JobError as error:
    outcome = str(error)[:300]
"""
_POINTS = """[SHAPE[:-2] + '{"frame":1,"points":[' + ','.join(['[0,0]'] * 11_000_000) + ']}]}']"""
ATTACKS = {
    "ten million shapes": ("shapes(10_000_000)", "bytes; at most"),
    "as many shapes as fit": ("shapes(1_600_000)", "lists and objects"),
    "more shapes than allowed": ("shapes(500_000)", "$.shapes"),
    "eleven million points": (f"job(',\"shapes\":[' + {_POINTS}[0] + ']')", "lists and objects"),
    "deep lists": ("b'[' * 60_000_000", "lists and objects"),
    "deep lists in a job": ("job(',\"shapes\":' + '[' * 1_900_000)", "not readable"),
    "deep objects": ("job(',\"x\":{' * 1_900_000)", "not readable"),
    "a long number": ("job(',\"shapes\":' + '9' * 60_000_000)", "$"),
    "a long name": ("job(name='s' * 60_000_000)", "$.shot.name"),
    "a billion frames": ("job(last_frame=10**9)", "$.shot.last_frame"),
    "ten million frames": ("job(last_frame=9_999_999)", "$.shot.last_frame"),
    "a frame number of a billion digits": ("job(plate='/p.%0999999999d')", "$.shot.plate"),
    "millions of matte files": (
        "job(',\"mattes\":[' + ','.join([MATTE] * 200) + ']', last_frame=100_000)",
        "$.mattes",
    ),
    "shapes without frames in a long shot": ("shapes(9999, last_frame=100_000)", "no geometry"),
}


@pytest.mark.slow
@pytest.mark.parametrize(("text", "reason"), ATTACKS.values(), ids=ATTACKS.keys())
def test_a_job_that_wants_too_much_is_refused_in_bounded_time_and_memory(text: str, reason: str) -> None:
    measured = measure(f"{_PREPARE}\ntext = {text}", _ATTACK, limit_bytes=3 << 30)
    assert reason in measured.outcome
    assert measured.seconds < 10.0, measured
    assert measured.grown_bytes < 300 << 20, measured


def job(**changes: Any) -> RemovalJob:
    values: dict[str, Any] = {
        "shot": Shot(
            name="s", plate="/p.%04d.exr", first_frame=1, last_frame=1, format=Format(width=8, height=8)
        ),
        "mattes": [Matte(role="remove", pattern="/m.exr")],
        "output": Output(pattern="/o.%04d.exr"),
        **changes,
    }
    return RemovalJob(**values)


def shape(*points: RotoPoint) -> RotoShape:
    return RotoShape(name="ball", role="remove", frames=[ShapeFrame(frame=1, points=list(points))])


@pytest.mark.parametrize(
    "value", [float("nan"), float("inf"), -float("inf"), MAX_COORDINATE_PX * 1.1, -1e300]
)
def test_coordinates_that_no_picture_has(value: float) -> None:
    points = (RotoPoint(0.0, 0.0), RotoPoint(5.0, 5.0, feather_right_x=value))
    with pytest.raises(JobError, match=r"^\$\.shapes\[0\]\.frames\[0\]\.points\[1\]\.feather_right_x"):
        check_job(job(shapes=[shape(*points)]))
    check_job(job(shapes=[shape(points[0], RotoPoint(MAX_COORDINATE_PX, 0.0))]))


def test_the_limits_themselves_are_allowed() -> None:
    frames = MAX_INPUT_FILES // 5
    long = Shot(
        name="s", plate="/p.%04d.exr", first_frame=1, last_frame=frames, format=Format(width=8, height=8)
    )
    mattes = [Matte(role="remove", pattern="/m.%04d.exr")] * 4
    check_job(job(shot=long, mattes=mattes))
    with pytest.raises(JobError, match=rf"{frames * 6} files, more than {MAX_INPUT_FILES}"):
        check_job(job(shot=long, mattes=[*mattes, mattes[0]]))
    text = msgspec.json.encode(
        job(mattes=mattes[:1] * MAX_MATTES, shapes=[shape(*[RotoPoint(0, 0)] * 9)] * 99)
    )
    assert len(decode_job(text).mattes) == MAX_MATTES
    assert text.count(b"[") + text.count(b"{") < MAX_CONTAINERS
    with pytest.raises(JobError, match=r"\$\.mattes"):
        decode_job(msgspec.json.encode(job(mattes=mattes[:1] * (MAX_MATTES + 1))))
    with pytest.raises(JobError, match=r"\$\.shapes"):
        decode_job(msgspec.json.encode(job(shapes=[shape()] * (MAX_SHAPES + 1))))


def test_a_frame_number_may_be_wide_but_not_endless() -> None:
    check_job(job(output=Output(pattern=f"/o.%0{MAX_DIGITS}d.exr")))
    for token in (f"%0{MAX_DIGITS + 1}d", "#" * (MAX_DIGITS + 1), "%" + "9" * 4000 + "d", "%99d"):
        with pytest.raises(JobError, match=r"\$\.output\.pattern: a frame number of"):
            check_job(job(output=Output(pattern=f"/o.{token}.exr")))


@pytest.mark.parametrize(
    "name", ["models", "checkpoint", "model_path", "runner", "python", "weights", "module"]
)
def test_a_job_chooses_neither_models_nor_code(name: str) -> None:
    with pytest.raises(JobError, match=rf"\$\.settings\.engine_options\.{name}: a job may not say where"):
        decode_job(msgspec.json.encode(job(settings=Settings(engine_options={name: "/tmp/mine"}))))


@pytest.mark.parametrize(
    ("field", "text"),
    [("shot.name", "a\nb"), ("shot.name", "\x1b[2J"), ("shot.plate", "/p\0.exr"), ("shot.name", "a\n"),
     ("job_id", "a\n"), ("settings.engine", "void\n"), ("output.pattern", "/o.%04d.exr\n")],
)  # fmt: skip
def test_names_and_paths_have_no_control_characters(field: str, text: str) -> None:
    value = msgspec.to_builtins(job())
    inner = value
    *folders, last = field.split(".")
    for name in folders:
        inner = inner[name]
    inner[last] = text
    with pytest.raises(JobError, match=rf"^\$\.{field}"):
        decode_job(msgspec.json.encode(value))


def test_a_manifest_of_too_many_files_is_refused_before_it_is_read() -> None:
    with pytest.raises(WireError, match=f"more than {MAX_MANIFEST_FILES} files"):
        decode_manifest(b"[" * (MAX_MANIFEST_FILES + 2))
