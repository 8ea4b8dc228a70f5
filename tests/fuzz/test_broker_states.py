"""Some thousand random steps of clients, workers and disks against a real broker; hours of it by hand."""

from __future__ import annotations

import sys

import pytest

from tests.fuzz.broker_states import run


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="descriptors of both sides are polled in one process")
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_whatever_clients_do_the_broker_keeps_its_promises(seed: int) -> None:
    steps = run(seed, 1000)
    assert steps["jobs"] > 10
    ended = [steps[f"jobs that ended as JobState.{state}"] for state in ("DONE", "CANCELLED", "FAILED")]
    assert sum(ended) > 5, steps
    assert steps["restart"] + steps["revoke"] + steps["volume"] > 3, steps
