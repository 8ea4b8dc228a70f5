"""``void roto`` and ``void new --script`` as people type them."""

from __future__ import annotations

import json
from pathlib import Path

from tests.integration.command_case import void, write_shot
from void_protocol.job_file import read_job

CURVES = (
    "{{{v x3f99999a} {f 0} {n {layer Root {f 0} {t 0 0} {a} {curvegroup ball1 512 bezier {{cc {f 8192} "
    "{px {1001 1002} {} {{{4 -} {6 -}} 3} {} {} {12 3} {} {} {12 9} {}}} idem} {t 0 0} {a mbo 1}} "
    "{cubiccurve Brush1 512 catmullrom {cc {f 2080} {p {1 2 1} {3 4 1}}} {t 0} {a}}}}}}"
)


def script(folder: Path, plate: str) -> Path:
    path = folder / "shot.nk"
    path.write_text(
        f"Read {{\n inputs 0\n file {plate}\n first 1001\n last 1002\n name Read1\n}}\nDot {{\n}}\n"
        f"Roto {{\n output alpha\n curves {CURVES}\n name Roto3\n}}\n"
    )
    return path


def test_a_removal_from_a_script_alone(tmp_path: Path) -> None:
    plate = write_shot(tmp_path)
    file = script(tmp_path, plate)
    job_file = tmp_path / "job.json"
    ran = void(
        "new", job_file, "--script", file, "--roto", "Roto3", "--remove", "ball*", "--engine", "identity"
    )
    assert ran.code == 0, ran.err
    assert "motion blur" in ran.err
    job = read_job(job_file)
    assert (job.shot.plate, job.shot.first_frame, job.shot.last_frame) == (plate, 1001, 1002)
    assert [at.points[0].x for at in job.shapes[0].frames] == [4.0, 6.0]
    assert void("run", job_file).code == 0
    assert len(list((tmp_path / "clean").glob("*.exr"))) == 2


def test_a_listing_for_programs_has_every_curve(tmp_path: Path) -> None:
    ran = void("roto", "list", script(tmp_path, "/p.%04d.exr"), "--json")
    assert json.loads(ran.out) == {
        "nodes": [
            {
                "name": "Roto3",
                "class": "Roto",
                "shapes": [
                    {
                        "name": "ball1", "kind": "bezier", "points": 3, "keys": 2, "carried": True,
                        "why": "its motion blur is not carried",
                    },
                    {
                        "name": "Brush1", "kind": "stroke", "points": 2, "keys": 0, "carried": False,
                        "why": "a paint stroke has no area",
                    },
                ],
            }
        ]
    }  # fmt: skip


def test_a_listing_for_people_and_its_errors(tmp_path: Path) -> None:
    ran = void("roto", "list", script(tmp_path, "/p.%04d.exr"))
    assert "Roto3 (Roto)" in ran.out
    assert "Root/ball1" in ran.out
    assert void("roto", "list", tmp_path / "missing.nk").code == 3
    (tmp_path / "cut.nk").write_text("Roto {\n curves {{{")
    ran = void("roto", "list", tmp_path / "cut.nk")
    assert (ran.code, "cut.nk, line 1" in ran.err) == (3, True)
    ran = void(
        "new", tmp_path / "job.json", "--roto", "Roto3", "--plate", "/p.%04d.exr", "--remove", "a.%04d.exr"
    )
    assert (ran.code, "--script" in ran.err, "--roto" in ran.err) == (2, True, True)
