from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import msgspec
import pytest

from void_server.review.errors import ReviewError
from void_server.review.notes import COLUMNS, Note, Review, as_csv, read_review, review_path, write_review


def test_notes_are_kept_beside_the_result(tmp_path: Path) -> None:
    result = str(tmp_path / "shot_v002.%04d.exr")
    assert review_path(result) == tmp_path / "shot_v002.review.json"
    assert read_review(result) == Review()
    note = Note(
        frame=1003, text="a seam", box=(0.1, 0.2, 0.3, 0.4), author="anna", time="2026-01-02T03:04:05+00:00"
    )
    kept = write_review(result, Review(decision="redo", reason="the seam", notes=[note]))
    assert kept.revision == 1
    assert read_review(result) == kept
    assert json.loads(review_path(result).read_text())["notes"][0]["box"] == [0.1, 0.2, 0.3, 0.4]


def test_two_reviewers_do_not_overwrite_each_other(tmp_path: Path) -> None:
    result = str(tmp_path / "r.%04d.exr")
    first = write_review(result, Review(decision="approved"))
    with pytest.raises(ReviewError, match="somebody else"):
        write_review(result, Review(decision="redo"))
    assert read_review(result) == first
    assert write_review(result, msgspec.structs.replace(first, decision="")).revision == 2


@pytest.mark.parametrize(
    "text", [b"", b"{", b'{"review_version": 2}', b"[" * 100_000, b'{"notes": [{"frame": 1, "text": ""}]}']
)
def test_a_file_that_is_none_of_ours_is_named_and_stays(tmp_path: Path, text: bytes) -> None:
    path = review_path(str(tmp_path / "r.%04d.exr"))
    path.write_bytes(text)
    with pytest.raises(ReviewError, match=r"r\.review\.json"):
        write_review(str(tmp_path / "r.%04d.exr"), Review())
    assert path.read_bytes() == text


def test_csv_has_a_row_for_each_note_and_no_formulas() -> None:
    notes = [
        Note(frame=7, text='=HYPERLINK("x")\nnext', box=(0, 0, 0.5, 1)),
        Note(frame=8, text="ok", author="@b"),
    ]
    rows = [
        ("s1", "v001", Review(decision="redo", reason="-1", notes=notes)),
        ("s2", "v002", Review(decision="approved")),
        ("s3", "v001", Review()),
    ]
    table = list(csv.reader(io.StringIO(as_csv(rows))))
    assert table[0] == list(COLUMNS)
    assert table[1] == [
        "s1",
        "v001",
        "redo",
        "'-1",
        "7",
        "0.0000",
        "0.0000",
        "0.5000",
        "1.0000",
        '\'=HYPERLINK("x")\nnext',
        "",
        "",
    ]
    assert table[2] == ["s1", "v001", "redo", "'-1", "8", "", "", "", "", "ok", "'@b", ""]
    assert table[3] == ["s2", "v002", "approved", *[""] * 9]
    assert len(table) == 4
