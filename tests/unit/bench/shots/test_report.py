"""The bench's table marks what a simple removal does better."""

from __future__ import annotations

from tests.bench.propagation_metrics import Score
from tests.bench.shots.measuring import Result
from tests.bench.shots.report import line, summary


def _result(engine: float, simple: float) -> Result:
    def score(psnr: float) -> Score:
        return Score(psnr, psnr, 0.9, 1, 1, 1, 0, 0.1, 1, 1, 1)

    return Result(score(engine), {"telea": score(simple), "nearest visible": score(10)}, 0.1, 0.2, 0.01)


def test_a_case_below_the_best_simple_removal_is_marked_by_how_far() -> None:
    assert line("case", "movie", _result(30, 25)).rstrip().endswith("20.0")
    assert line("case", "movie", _result(24.9, 25)).endswith("below")
    assert line("case", "movie", _result(24, 25)).endswith("BELOW")


def test_the_summary_counts_them() -> None:
    text = summary("real", [_result(30, 25), _result(24.9, 25), _result(24, 25)])
    assert "below it in 2, by more than 0.3 dB in 1 of 3, at worst -1.00 dB" in text
    assert summary("none", []) == "none: no case"
