"""What a script remembers."""

from __future__ import annotations

import msgspec
import pytest

from void_nuke.host.host import FrameRange
from void_nuke.jobs.script_notes import JobRecord, decode_notes, encode_notes, plan_read_back

RECORD = JobRecord(
    job_id="a1",
    name="shot",
    plate="Plate",
    first_frame=1001,
    last_frame=1010,
    result_pattern="/out/clean_v003.%04d.exr",
    version=3,
    engine="void",
    seed=7,
    colour_space="raw",
    width=1920,
    height=1080,
    created_at=5.0,
)


def test_round_trip() -> None:
    assert decode_notes(encode_notes([RECORD])) == [RECORD]
    assert decode_notes("") == []


def test_the_newest_are_kept() -> None:
    many = [
        msgspec.structs.replace(RECORD, job_id=str(index), created_at=float(index)) for index in range(300)
    ]
    kept = decode_notes(encode_notes(many))
    assert [record.job_id for record in kept] == [str(index) for index in range(100, 300)]


@pytest.mark.parametrize("text", ["{", "[]", '{"jobs": [{"job_id": 5}]}'])
def test_broken_notes_do_not_keep_a_script_from_opening(text: str, caplog: pytest.LogCaptureFixture) -> None:
    assert decode_notes(text) == []
    assert "cannot be read" in caplog.text


def test_read_back() -> None:
    read = plan_read_back(RECORD)
    assert (read.frames, read.is_proxy, read.beside) == (FrameRange(1001, 1010), False, "Plate")
    assert read.label == "VOID void\nseed 7\nv003"
    proxy = plan_read_back(msgspec.structs.replace(RECORD, proxy_scale=0.25))
    assert (proxy.is_proxy, proxy.label.splitlines()[0]) == (True, "VOID void 1/4")
