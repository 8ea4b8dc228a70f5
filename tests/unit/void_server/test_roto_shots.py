"""Jobs made of a script's shapes and of the plate that feeds them."""

from __future__ import annotations

from pathlib import Path

import pytest

from void_protocol.job import Role
from void_protocol.job_file import decode_job, encode_job
from void_server.roto_files.errors import RotoFileError
from void_server.roto_shots import RotoJob, RotoWanted, job_from_roto
from void_server.shot_files import ShotFiles

SHAPE = (
    "{curvegroup %s 512 bezier {{cc {f 8192} {px {1001 1003} {} {{{0 -} {20 -}} 0} {} "
    "{} {10 0} {} {} {10 10} {}}} idem} {t 0 0} {a}}"
)
STROKE = "{cubiccurve ball_brush 512 catmullrom {cc {f 2080} {p {1 2 1}}} {t 0} {a}}"


def script(folder: Path, *shapes: str, between: str = "", read: str = "", name: str = "Roto3") -> Path:
    curves = "{{{v 1} {f 0} {n {layer Root {f 0} {t 0 0} {a} " + " ".join(shapes) + "}}}}"
    path = folder / "shot.nk"
    path.write_text(
        "Read {\n inputs 0\n file /nowhere/sh010_plate.%04d.exr\n first 1001\n last 1005\n"
        f' colorspace linear\n format "640 480 0 0 640 480 1 x"\n name Read1\n{read}}}\n{between}'
        f"Roto {{\n curves {curves}\n name {name}\n}}\n"
    )
    return path


def made(file: Path, *, node: str | None = None, **roles: tuple[str, ...]) -> RotoJob:
    wanted: dict[Role, tuple[str, ...]] = {"remove": (), "affected": (), "ignore": (), **roles}
    files = ShotFiles(plate="", output=str(file.parent / "o_{version}.%04d.exr"))
    return job_from_roto(RotoWanted(file=file, node=node, roles=wanted), files)


def test_shapes_become_roles_and_the_plate_is_the_reads(tmp_path: Path) -> None:
    file = script(tmp_path, SHAPE % "ball1", SHAPE % "ball2", SHAPE % "shadow1")
    job = made(file, remove=("ball*",), affected=("shadow1",)).job
    assert [(shape.name, shape.role) for shape in job.shapes] == [
        ("ball1", "remove"), ("ball2", "remove"), ("shadow1", "affected"),
    ]  # fmt: skip
    assert (job.shot.plate, job.shot.name) == ("/nowhere/sh010_plate.%04d.exr", "sh010_plate")
    assert (job.shot.first_frame, job.shot.last_frame, job.shot.colour_space) == (1001, 1005, "scene_linear")
    assert (job.shot.format.width, job.shot.format.height) == (640, 480)
    assert [at.points[0].x for at in job.shapes[0].frames] == [0.0, 10.0, 20.0, 20.0, 20.0]
    assert decode_job(encode_job(job)) == job


def test_a_shifted_read_moves_the_keys_with_it(tmp_path: Path) -> None:
    file = script(tmp_path, SHAPE % "ball", read=' frame_mode "start at"\n frame 1000\n')
    frames = made(file, remove=("ball",)).job.shapes[0].frames
    assert [at.frame for at in frames] == [1001, 1002, 1003, 1004, 1005]
    assert [at.points[0].x for at in frames] == [0.0, 0.0, 10.0, 20.0, 20.0]


def test_shapes_after_a_reformat_lie_on_the_plate(tmp_path: Path) -> None:
    file = script(tmp_path, SHAPE % "ball", between='Reformat {\n format "320 240 0 0 320 240 1 x"\n}\n')
    point = made(file, remove=("ball",)).job.shapes[0].frames[2].points[0]
    assert (point.x, point.y) == (40.0, 0.0)


def test_wild_cards_leave_out_what_cannot_be_carried_and_say_so(tmp_path: Path) -> None:
    result = made(script(tmp_path, SHAPE % "ball1", STROKE), remove=("ball*",))
    assert [shape.name for shape in result.job.shapes] == ["ball1"]
    assert any("ball_brush" in remark and "stroke" in remark for remark in result.remarks)


def test_two_shapes_of_one_name_get_two_names(tmp_path: Path) -> None:
    job = made(script(tmp_path, SHAPE % "ball", SHAPE % "ball"), remove=("ball",)).job
    assert [shape.name for shape in job.shapes] == ["ball", "ball#2"]


@pytest.mark.parametrize(
    ("roles", "node", "words"),
    [
        ({}, None, "--remove"),
        ({"remove": ("nothing*",)}, None, "no shape 'nothing.*ball1"),
        ({"remove": ("ball_brush",)}, None, "ball_brush: a paint stroke"),
        ({"remove": ("ball1",), "affected": ("b*",)}, None, "both remove and affected"),
        ({"remove": ("ball1",)}, "Roto9", "no roto node 'Roto9'; it has Roto3"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_what_there_is(
    tmp_path: Path, roles: dict[str, tuple[str, ...]], node: str | None, words: str
) -> None:
    file = script(tmp_path, SHAPE % "ball1", STROKE)
    with pytest.raises(RotoFileError, match=words):
        made(file, node=node, **roles)


def test_of_several_nodes_one_has_to_be_named(tmp_path: Path) -> None:
    file = script(tmp_path, SHAPE % "a")
    text = file.read_text()
    file.write_text(text + "Group {\n name G\n}\n" + text.replace("Roto3", "Roto4") + "end_group\n")
    with pytest.raises(RotoFileError, match=r"2 roto nodes.*Roto3, G\.Roto4"):
        made(file, remove=("a",))
    assert made(file, node="Roto4", remove=("a",)).job.shapes
    assert made(file, node="G.Roto4", remove=("a",)).job.shapes


def test_a_plate_that_is_no_exr_is_refused(tmp_path: Path) -> None:
    file = script(tmp_path, SHAPE % "a")
    file.write_text(file.read_text().replace(".exr", ".dpx"))
    with pytest.raises(RotoFileError, match=r"Read1 reads .*\.dpx.*void ingest"):
        made(file, remove=("a",))


def test_too_many_points_are_refused_before_they_are_made(tmp_path: Path) -> None:
    file = script(tmp_path, SHAPE % "a")
    text = file.read_text().replace("last 1005", "last 100000")
    file.write_text(text.replace("{} {10 0} {}", "{} {10 0} {} " * 30))
    with pytest.raises(RotoFileError, match="control points over 99000 frames"):
        made(file, remove=("a",))


@pytest.mark.parametrize("plate", ["X:/show/plate.%04d.exr", "C:\\\\show\\\\plate.%04d.exr"])
def test_a_windows_path_stays_as_it_is_and_a_read_without_a_range_reads_one_frame(
    tmp_path: Path, plate: str
) -> None:
    file = script(tmp_path, SHAPE % "a")
    text = file.read_text().replace(" first 1001\n last 1005\n", "")
    file.write_text(text.replace("/nowhere/sh010_plate.%04d.exr", plate))
    shot = made(file, remove=("a",)).job.shot
    assert (shot.plate, shot.first_frame, shot.last_frame) == (plate.replace("\\\\", "\\"), 1, 1)


@pytest.mark.parametrize(("view", "plate"), [(None, "/p/left/l.%04d.exr"), ("right", "/p/right/r.%04d.exr")])
def test_the_plate_is_that_of_the_view(tmp_path: Path, view: str | None, plate: str) -> None:
    file = script(tmp_path, SHAPE % "a")
    text = file.read_text().replace("/nowhere/sh010_plate.%04d.exr", "/p/%V/%v.%04d.exr")
    file.write_text('Root {\n views "left #ff0000\\nright #00ff00"\n}\n' + text)
    wanted: dict[Role, tuple[str, ...]] = {"remove": ("a",)}
    files = ShotFiles(plate="", output=str(tmp_path / "o_{version}.%04d.exr"))
    job = job_from_roto(RotoWanted(file=file, view=view, roles=wanted), files).job
    assert (job.shot.plate, job.shot.view) == (plate, view or "left")
