from __future__ import annotations

import msgspec
import pytest

from tests.unit.void_protocol.test_job_file import make_job
from void_protocol.job import Anchors, Matte
from void_protocol.job_file import decode_job
from void_protocol.view_pattern import for_view, names_view, result_for_view, with_view_filled


@pytest.mark.parametrize(
    ("pattern", "result"),
    [
        ("/s/%V/a_%v_{version}.exr", "/s/right/a_r_{version}.exr"),
        ("/s/a_{version}/a_{version}.%04d.exr", "/s/a_right_{version}/a_right_{version}.%04d.exr"),
        ("/s.x/a.%04d.exr", "/s.x/a_right.%04d.exr"),
        ("a.%04d.exr", "a_right.%04d.exr"),
    ],
)
def test_results_of_two_views_have_two_names(pattern: str, result: str) -> None:
    assert result_for_view(pattern, "right") == result
    assert not names_view(result)


def test_a_plate_without_tokens_is_the_same_for_all_views() -> None:
    assert for_view("/s/a.%04d.exr", "right") == "/s/a.%04d.exr"


def test_a_job_is_read_with_its_view_in_its_patterns() -> None:
    job = make_job()
    assert with_view_filled(job) is job
    replace = msgspec.structs.replace
    job = replace(
        job,
        shot=replace(job.shot, view="left", plate="/%V/plate.%04d.exr"),
        mattes=[Matte(role="remove", pattern="/m_%v.%04d.exr")],
        anchors=Anchors(pattern="/%v/anchor.%04d.exr", frames=[job.shot.first_frame]),
        output=replace(job.output, pattern="/out/%V.%04d.exr"),
    )
    read = decode_job(msgspec.json.encode(job))
    assert (read.shot.plate, read.mattes[0].pattern) == ("/left/plate.%04d.exr", "/m_l.%04d.exr")
    assert read.output.pattern == "/out/left.%04d.exr"
    assert read.anchors is not None
    assert read.anchors.pattern == "/l/anchor.%04d.exr"
