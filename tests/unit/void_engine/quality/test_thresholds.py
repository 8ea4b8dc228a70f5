"""How near measures are to being faults."""

from __future__ import annotations

import pytest

from void_engine.quality.thresholds import FLAGS, NEARLY, THRESHOLDS, severities


def test_every_limit_is_of_a_known_kind_and_none_is_twice() -> None:
    assert {one.flag for one in THRESHOLDS} < set(FLAGS)
    names = [one.measure for one in THRESHOLDS]
    assert len(names) == len(set(names))


def test_a_face_that_speaks_is_worth_a_look_and_no_fault() -> None:
    # Measured on real footage, in a hole with nothing wrong in it.
    assert NEARLY < severities({"swing.whole.near": 2.07, "swing.whole.power": 2.57})["flicker"] < 1


def test_a_measure_is_a_fault_on_its_own_side_of_zero_only() -> None:
    assert severities({"fine.mean.most": -0.9}) == {"soft": pytest.approx(2.0)}
    assert severities({"fine.mean.most": 0.9}) == {"soft": 0.0}


def test_what_counts_beside_a_seam_alone_is_no_more_than_the_seam() -> None:
    alone = severities({"matte.step4.near": 60.0})
    assert alone["colour"] == 0.0
    beside = severities({"matte.step4.near": 60.0, "matte.gap1": 14.4})
    assert beside["colour"] == pytest.approx(beside["seam"])
