"""The job's schema, its checks and its JSON."""

from __future__ import annotations

import copy
import json
import math
import re
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from void_protocol.errors import JobError, JobFileError
from void_protocol.job import (
    MAX_FRAMES,
    Anchors,
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
from void_protocol.job_check import check_job
from void_protocol.job_file import (
    decode_job,
    encode_job,
    format_job,
    job_schema,
    read_job,
    with_content_id,
    write_job,
)


def make_job(**changes: Any) -> RemovalJob:
    points = [RotoPoint(10, 10), RotoPoint(20.5, 10, -1, 0, 1, 0), RotoPoint(15, 20, 0, 0, 0, 0, 2, 2)]
    job = RemovalJob(
        job_id="abc",
        shot=Shot(
            name="sh010",
            plate="/plates/sh010.%04d.exr",
            first_frame=1001,
            last_frame=1003,
            format=Format(width=1920, height=1080),
        ),
        shapes=[
            RotoShape(
                name="hand",
                role="remove",
                frames=[ShapeFrame(frame=number, points=points) for number in (1001, 1002, 1003)],
            )
        ],
        output=Output(pattern="/out/sh010_{version}.####.exr"),
    )
    return msgspec.structs.replace(job, **changes)


def as_dict() -> dict[str, Any]:
    value: dict[str, Any] = json.loads(encode_job(make_job()))
    return value


def put(path: list[str | int], value: Any) -> bytes:
    tree = as_dict()
    at: Any = tree
    for key in path[:-1]:
        at = at[key]
    at[path[-1]] = value
    return json.dumps(tree).encode()


def test_a_job_survives_its_json() -> None:
    job = make_job(
        mattes=[Matte(role="affected", pattern="/m.%04d.exr", channel="shadow.A", inverted=True)],
        anchors=Anchors(pattern="/a.%04d.exr", frames=[1002]),
    )
    assert decode_job(encode_job(job)) == job
    assert decode_job(format_job(job)) == job


def test_readable_json_keeps_a_point_on_a_line() -> None:
    lines = format_job(make_job()).decode().splitlines()
    assert any(line.strip().startswith("[20.5, 10, -1, 0, 1, 0,") for line in lines)


def test_a_point_may_leave_out_its_tail() -> None:
    tree = as_dict()
    tree["shapes"][0]["frames"][0]["points"] = [[1, 2], [3, 4], [5, 6]]
    job = decode_job(json.dumps(tree))
    assert job.shapes[0].frames[0].points[1] == RotoPoint(3, 4)


@pytest.mark.parametrize(("path", "value", "field", "says"), [
    (["schema_version"], 2, "$.schema_version", "release that wrote"),
    (["schema_version"], None, "$.schema_version", "missing"),
    (["schema_version"], True, "$.schema_version", "not known"),
    (["shot", "name"], 7, "$.shot.name", "Expected `str`"),
    (["shot", "name"], "", "$.shot.name", "length >= 1"),
    (["shot", "format", "width"], 0, "$.shot.format.width", ">= 1"),
    (["shot", "format", "width"], 1920.5, "$.shot.format.width", "Expected `int`"),
    (["shot", "format", "pixel_aspect"], 0, "$.shot.format.pixel_aspect", "> 0"),
    (["shot", "first_frame"], 1010, "$.shot.last_frame", "swap them"),
    (["shot", "last_frame"], 1004, "$.shapes[0].frames", "no geometry for frame 1004"),
    (["shot", "last_frame"], 1001 + MAX_FRAMES, "$.shot.last_frame", "split the shot"),
    (["shot", "plate"], "/p.exr", "$.shot.plate", "no frame token"),
    (["shot", "plate"], "/p.%04d.####.exr", "$.shot.plate", "2 frame tokens"),
    (["shot", "fps"], 24, "$.shot", "unknown field `fps`"),
    (["shapes"], [], "$.shapes", "nothing to remove"),
    (["shapes", 0, "role"], "keep", "$.shapes[0].role", "Invalid enum value"),
    (["shapes", 0, "frames", 1, "points", 2, 0], None, "$.shapes[0].frames[1].points[2][0]", "`float`"),
    (["shapes", 0, "frames", 1, "points", 2], [1], "$.shapes[0].frames[1].points[2]", "at least length 2"),
    (["shapes", 0, "frames", 1, "points"], [[1, 2]], "$.shapes[0].frames[1].points", "at least 2"),
    (["shapes", 0, "frames", 1, "frame"], 1001, "$.shapes[0].frames[1].frame", "twice"),
    (["shapes", 0, "frames", 1, "opacity"], 1.5, "$.shapes[0].frames[1].opacity", "<= 1"),
    (["settings", "proxy_scale"], 0.3, "$.settings.proxy_scale", "0.125"),
    (["settings", "seed"], -1, "$.settings.seed", ">= 0"),
    (["settings", "engine"], "../evil", "$.settings.engine", "regex"),
    (["settings", "region"], {"mode": "box"}, "$.settings.region.box", "left, bottom"),
    (["settings", "region"], {"mode": "box", "box": [9, 0, 3, 5]}, "$.settings.region.box", "empty"),
    (["settings", "region"], {"box": [0, 0, 3, 5]}, "$.settings.region.mode", "a box is given"),
    (["settings", "matte"], {"growth_px": 1e9}, "$.settings.matte.growth_px", "<= 256"),
    (["mattes"], [{"role": "remove", "pattern": "/m.exr", "frames": [9, 3]}], "$.mattes[0].frames", "swap"),
    (["output", "pattern"], "/out.mov", "$.output.pattern", ".exr"),
    (["output", "pattern"], "/out.exr", "$.output.pattern", "no frame token"),
    (["output", "pattern"], "/plates/sh010.%04d.exr", "$.output.pattern", "overwrite the plate"),
    (["output", "layers"], ["clean", "clean"], "$.output.layers", "twice"),
    (["output", "compression"], "jpeg", "$.output.compression", "Invalid enum value"),
    (["job_id"], "../../etc", "$.job_id", "regex"),
    (["anchors"], {"pattern": "/a.%04d.exr", "frames": [7]}, "$.anchors.frames", "outside the shot"),
])  # fmt: skip
def test_what_is_wrong_is_named(path: list[str | int], value: Any, field: str, says: str) -> None:
    with pytest.raises(JobError) as caught:
        decode_job(put(path, value))
    assert any(line.startswith(f"{field}: ") and says in line for line in str(caught.value).splitlines())


@pytest.mark.parametrize(
    "text", [b"", b"{", b"[]", b'{"schema_version": NaN}', b"\xff\xfe", b"null", b"[" * 5000]
)
def test_text_that_is_no_job(text: bytes) -> None:
    with pytest.raises(JobError, match=r"^\$"):
        decode_job(text)


@given(
    st.sampled_from([math.nan, math.inf, -math.inf]), st.integers(0, 2), st.sampled_from(["x", "feather_y"])
)
def test_a_coordinate_that_is_no_number_is_named(value: float, index: int, field: str) -> None:
    job = make_job()
    frames = list(job.shapes[0].frames)
    points = list(frames[1].points)
    points[index] = msgspec.structs.replace(points[index], **{field: value})
    frames[1] = msgspec.structs.replace(frames[1], points=points)
    broken = msgspec.structs.replace(job, shapes=[msgspec.structs.replace(job.shapes[0], frames=frames)])
    with pytest.raises(JobError, match=rf"points\[{index}\]\.{field}: .*'hand', frame 1002"):
        check_job(broken)
    with pytest.raises(JobError):
        encode_job(broken)


def test_many_problems_are_counted_not_listed() -> None:
    bad = RotoPoint(math.nan, math.nan)
    shape = RotoShape(name="s", role="remove", frames=[ShapeFrame(frame=1001, points=[bad] * 50)])
    with pytest.raises(JobError) as caught:
        check_job(make_job(shapes=[shape]))
    lines = str(caught.value).splitlines()
    assert len(lines) == 9
    assert lines[-1] == "... and 25 or more problems"


def test_an_invisible_frame_needs_no_points() -> None:
    tree = as_dict()
    tree["shapes"][0]["frames"][1].update(points=[], visible=False)
    decode_job(json.dumps(tree))


def test_a_still_matte_holds_for_the_whole_shot() -> None:
    job = make_job(shapes=[], mattes=[Matte(role="remove", pattern="/static.exr")])
    check_job(job)


def test_an_id_follows_from_all_the_rest() -> None:
    first = with_content_id(make_job(job_id="one"))
    assert with_content_id(make_job(job_id="two")) == first
    assert with_content_id(first) == first
    assert re.fullmatch(r"[0-9a-f]{32}", first.job_id)
    other = with_content_id(make_job(settings=Settings(seed=43)))
    assert other.job_id != first.job_id


def test_files(tmp_path: Path) -> None:
    path = tmp_path / "job.json"
    write_job(make_job(), path)
    assert read_job(path) == make_job()
    with pytest.raises(JobFileError, match="exists already"):
        write_job(make_job(), path)
    write_job(make_job(job_id="other"), path, overwrite=True)
    assert read_job(path).job_id == "other"
    assert [entry.name for entry in tmp_path.iterdir()] == ["job.json"]


def test_file_errors_name_the_file(tmp_path: Path) -> None:
    with pytest.raises(JobFileError, match="nothing"):
        read_job(tmp_path / "nothing.json")
    broken = tmp_path / "broken.json"
    broken.write_bytes(put(["shot", "last_frame"], 1))
    with pytest.raises(JobFileError, match=r"(?s)broken\.json.*\$\.shot\.last_frame"):
        read_job(broken)
    with pytest.raises(JobFileError, match="cannot write"):
        write_job(make_job(), tmp_path / "no" / "folder.json")


def test_the_schema_describes_every_field() -> None:
    schema = job_schema()
    assert schema["$ref"] == "#/$defs/RemovalJob"
    written = copy.deepcopy(as_dict())
    properties = schema["$defs"]["RemovalJob"]["properties"]
    assert {*written, "task"} == set(properties)
    assert schema["$defs"]["RotoPoint"]["type"] == "array"


def test_versions_are_put_into_the_pattern() -> None:
    assert make_job().output.versioned_pattern == "/out/sh010_v001.####.exr"


@pytest.mark.parametrize(
    "plate", ["/shots/sh#1/c.%04d.exr", "/shots/#/c.####.exr", "P:\\\\s#1\\\\c.%04d.exr"]
)
def test_a_hash_in_a_folder_is_part_of_its_name(plate: str) -> None:
    text = encode_job(make_job()).decode()
    job = decode_job(text.replace(make_job().shot.plate, plate))
    assert job.shot.plate == plate.replace("\\\\", "\\")


def test_a_printf_token_in_a_folder_is_refused() -> None:
    text = encode_job(make_job()).decode()
    with pytest.raises(JobError, match=r"^\$\.shot\.plate: .*frame token in its folder \(%04d\); rename"):
        decode_job(text.replace(make_job().shot.plate, "/shots/%04d/c.%04d.exr"))


@pytest.mark.parametrize("index", [0, 7])
@pytest.mark.parametrize("constant", ["NaN", "Infinity", "-Infinity"])
def test_what_json_has_no_number_for_is_named(index: int, constant: str) -> None:
    tree = json.loads(encode_job(make_job()))
    tree["shapes"][0]["frames"][0]["points"][1][index] = float(constant)
    with pytest.raises(JobError) as caught:
        decode_job(json.dumps(tree).encode())
    place = f"$.shapes[0].frames[0].points[1][{index}]"
    assert str(caught.value) == f"{place}: {constant} is not a finite number"
