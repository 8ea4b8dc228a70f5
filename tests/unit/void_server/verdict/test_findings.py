"""What is said of faults: one sentence and one remedy for each kind, with the frames as people write them."""

from __future__ import annotations

import pytest

from void_engine.quality.thresholds import FLAGS
from void_protocol.verdict import FrameEntry
from void_server.verdict.findings import findings_of


def _frame(number: int, **severity: float) -> FrameEntry:
    flags = sorted(flag for flag, value in severity.items() if value > 1)
    return FrameEntry(
        frame=number, status="red" if flags else "green", flags=flags, severity=severity, measures={}
    )


def test_the_fault_of_most_frames_comes_first_with_its_worst_frame() -> None:
    frames = [
        _frame(1011, seam=2.0),
        *(_frame(number, outline=number - 1010.5) for number in range(1012, 1016)),
    ]
    found = findings_of([*frames, _frame(1020, outline=1.5)])
    assert [(one.flag, one.frames, one.worst) for one in found] == [
        ("outline", "1012-1015, 1020", 1015),
        ("seam", "1011", 1011),
    ]
    assert found[0].text.startswith(
        "outline left behind: the result still follows the object's edge in frames"
    )
    assert "in frame 1011" in found[1].text
    assert "grow" in found[0].remedy


def test_good_frames_have_no_findings() -> None:
    assert findings_of([_frame(1, seam=0.9)]) == []


def test_the_first_touched_pixel_is_told() -> None:
    frame = _frame(7, outside=99.0)
    frame.touched, frame.touched_pixels = (17, 11), 3
    assert "x 17, y 11 from the top left in 7" in findings_of([frame])[0].text


def test_light_that_drifts_is_told_as_that_too() -> None:
    assert "or drifts away from them, in frame 4" in findings_of([_frame(4, colour=1.2)])[0].text


@pytest.mark.parametrize("flag", FLAGS)
def test_every_kind_of_fault_has_words(flag: str) -> None:
    finding = findings_of([_frame(3, **{flag: 2.0})])[0]
    assert "frame 3" in finding.text
    assert finding.remedy
