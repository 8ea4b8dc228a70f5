"""Proposals of two sources."""

from __future__ import annotations

import numpy as np
import pytest

from void_engine.effects import Kind, Proposal, joined


def _proposal(matte: list[float], confidence: list[float], kind: Kind, source: str) -> Proposal:
    values = np.array(matte, np.float32).reshape(1, 1, -1)
    kinds = np.where(values > 0, kind, 0).astype(np.uint8)
    sure = np.array(confidence, np.float32).reshape(1, 1, -1)
    return Proposal(values, sure, kinds, (), (source,))


def test_what_both_see_is_surer_and_what_one_sees_is_kept_and_counted() -> None:
    first = _proposal([1, 1, 0, 0], [0.6, 0.7, 0.9, 0.8], Kind.SHADOW, "evidence")
    second = _proposal([1, 0, 1, 0], [0.8, 0.2, 0.5, 0.2], Kind.CARRIED, "reason")
    both = joined(first, second)
    assert both.matte.ravel().tolist() == [1, 1, 1, 0]
    assert both.agreed is not None
    assert both.agreed.ravel().tolist() == [2, 1, 1, 0]
    np.testing.assert_allclose(both.confidence.ravel(), [0.92, 0.7, 0.5, 0.8], atol=1e-6)
    assert both.kinds.ravel().tolist() == [Kind.CARRIED, Kind.SHADOW, Kind.CARRIED, 0]
    assert both.sources == ("evidence", "reason")
    assert both.only(Kind.SHADOW).ravel().tolist() == [0, 1, 0, 0]


def test_proposals_of_different_sizes_are_refused() -> None:
    first, second = (_proposal([1] * n, [1] * n, Kind.SHADOW, "x") for n in (3, 4))
    with pytest.raises(ValueError, match="size"):
        joined(first, second)
