"""The file of a verdict: where it lies, that it comes back as it was, and what is not read as one."""

from __future__ import annotations

from pathlib import Path

import pytest

from void_protocol.verdict import (
    VERDICT_VERSION,
    Finding,
    FrameEntry,
    Verdict,
    read_verdict,
    verdict_path,
    write_verdict,
)


def _verdict(*statuses: str, missing: tuple[int, ...] = ()) -> Verdict:
    frames = [
        FrameEntry(
            frame=1001 + place,
            status=status,
            flags=["seam"] if status == "red" else [],
            severity={"seam": 1.5 if status == "red" else 0.2},
            measures={"matte.gap1": 3.0},
            touched=(4, 5),
        )
        for place, status in enumerate(statuses)
    ]
    finding = Finding(flag="seam", frames="1002", worst=1002, text="a seam", remedy="grow")
    return Verdict(
        shot="sh010",
        first_frame=1001,
        last_frame=1003,
        frames=frames,
        missing=list(missing),
        findings=[finding],
    )


@pytest.mark.parametrize(
    ("pattern", "name"),
    [
        ("out/shot_v002.%04d.exr", "shot_v002.check.json"),
        ("out/shot_v002_####.exr", "shot_v002.check.json"),
        ("out/%d.exr", "%d.check.json"),
        ("out/still.exr", "still.check.json"),
        ("out/a.b-%04d.exr", "a.b.check.json"),
    ],
)
def test_the_file_lies_beside_the_result(pattern: str, name: str) -> None:
    assert verdict_path(pattern) == Path("out") / name


def test_a_verdict_comes_back_as_it_was(tmp_path: Path) -> None:
    verdict = _verdict("green", "red", "amber")
    write_verdict(verdict, tmp_path / "v.json")
    assert read_verdict(tmp_path / "v.json") == verdict


@pytest.mark.parametrize(
    ("statuses", "missing", "status", "summary"),
    [
        (("green", "green"), (), "green", "2 of 2 frames good"),
        (("green", "amber"), (), "amber", "1 of 2 frames good, 1 worth a look"),
        (("red", "green"), (), "red", "1 of 2 frames good, 1 at fault (seam)"),
        (("green",), (1002,), "red", "1 of 1 frames good, 1 missing"),
        ((), (), "amber", "0 of 0 frames good"),
    ],
)
def test_the_worst_frame_is_the_shots_status(
    statuses: tuple[str, ...], missing: tuple[int, ...], status: str, summary: str
) -> None:
    verdict = _verdict(*statuses, missing=missing)
    assert (verdict.status, verdict.summary) == (status, summary)


@pytest.mark.parametrize("content", [b"", b"{}", b"[1, 2]", b"\xff\xfe", b'{"frames": 3}'])
def test_what_is_no_verdict_is_none(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "v.json").write_bytes(content)
    assert read_verdict(tmp_path / "v.json") is None
    assert read_verdict(tmp_path / "absent.json") is None


def test_a_later_version_is_not_guessed_at(tmp_path: Path) -> None:
    verdict = _verdict("green")
    verdict.verdict_version = VERDICT_VERSION + 1
    write_verdict(verdict, tmp_path / "v.json")
    assert read_verdict(tmp_path / "v.json") is None
