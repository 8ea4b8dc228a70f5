"""The report on a proposal: gathered from headers of frames, whatever lies there."""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np
import pytest

from void_engine.plates.exr.file import write_frame
from void_engine.plates.frame.frame import Frame
from void_protocol.proposal import (
    PROPOSAL_KEY,
    FrameNote,
    FrameReport,
    Thing,
    note_of_frame,
    note_text,
    proposal_path,
    read_proposal,
    report_of_frames,
    write_proposal,
)


def _write(path: Path, number: int, things: list[Thing]) -> FrameNote:
    note = FrameNote(
        release="1",
        shot="s",
        job_id="j",
        sources=["reason"],
        frame=FrameReport(frame=number, share=0.25, kinds={"shadow": 0.25}),
        things=things,
    )
    frame = Frame.from_pixels(number, ("A",), np.zeros((4, 6, 1), np.float16))
    write_frame(frame.with_metadata({PROPOSAL_KEY: msgspec.json.encode(note).decode(), "zzz": "last"}), path)
    return note


def test_the_report_is_gathered_from_the_frames(tmp_path: Path) -> None:
    """The library that writes the files is another than the one that reads their headers here."""
    pattern = str(tmp_path / "a.%04d.exr")
    # Words of people, and more than fit into a short attribute.
    things = [
        Thing(number=1, words="Schatten, größer „als“ er", kind="shadow"),
        Thing(number=2, words="x" * 9000, kind="moved"),
    ]
    notes = [_write(tmp_path / f"a.{number:04d}.exr", number, things) for number in (1, 2)]
    assert note_of_frame(tmp_path / "a.0001.exr") == notes[0]
    report = report_of_frames(pattern, range(1, 5))
    assert report is not None
    assert [each.frame for each in report.frames] == [1, 2]
    assert report.things == things
    path = proposal_path(pattern)
    write_proposal(report, path)
    assert read_proposal(path) == report


def test_the_outlines_of_specks_never_drive_the_report_out_of_a_header(tmp_path: Path) -> None:
    def ring(left: float, size: float) -> list[float]:
        return [left, 0.0, left + size, 0.0, left + size, size, left, size]

    specks = [ring(0.1 * number, 1.5) for number in range(30000)]
    note = FrameNote(
        job_id="j",
        frame=FrameReport(frame=1),
        outlines={
            "thing1": [ring(1234.5, 900.0), *specks],
            "thing2": [ring(7.5, 40.0)],
            "thing3": [ring(0, 1)],
        },
    )
    assert len(msgspec.json.encode(note)) > 1 << 20
    frame = Frame.from_pixels(1, ("A",), np.zeros((4, 6, 1), np.float16))
    write_frame(frame.with_metadata({PROPOSAL_KEY: note_text(note)}), tmp_path / "a.exr")
    read = note_of_frame(tmp_path / "a.exr")
    assert read is not None
    assert read.outlines["thing1"][0] == ring(1234.5, 900.0)
    assert 5000 < len(read.outlines["thing1"]) < 30000
    assert read.outlines["thing2"] == note.outlines["thing2"]
    assert "thing3" not in read.outlines, "it is smaller than the specks"
    small = msgspec.structs.replace(note, outlines={"thing3": [ring(0, 1)], "thing4": []})
    assert msgspec.json.decode(note_text(small), type=FrameNote) == small


def test_files_that_tell_nothing_are_passed_over(tmp_path: Path) -> None:
    good = tmp_path / "good.exr"
    _write(good, 1, [])
    data = good.read_bytes()
    at = data.index(PROPOSAL_KEY.encode())
    size = at + len(PROPOSAL_KEY) + 1 + len("string") + 1
    hostile = {
        "empty": b"",
        "short": data[:9],
        "cut": data[: at + 40],
        "no exr": b"x" * 4000,
        "longer than the file": data[:size] + (2**31 - 1).to_bytes(4, "little") + data[size + 4 :],
        "negative": data[:size] + b"\xff\xff\xff\xff" + data[size + 4 :],
        "no json": data.replace(b'{"release"', b'{{release"'),
        "another form": data.replace(b'"frame":{', b'"framf":{'),
    }
    for name, content in hostile.items():
        path = tmp_path / "bad.exr"
        path.write_bytes(content)
        assert note_of_frame(path) is None, name
    assert note_of_frame(tmp_path / "none.exr") is None
    assert report_of_frames(str(tmp_path / "bad.%04d.exr"), [1, 2]) is None


@pytest.mark.parametrize("text", ["", "[]", "{", '{"frames": 3}', "[" * 100_000])
def test_a_file_that_is_no_report_is_none(tmp_path: Path, text: str) -> None:
    path = tmp_path / "a.proposal.json"
    path.write_text(text)
    assert read_proposal(path) is None
    assert read_proposal(tmp_path) is None
