"""What the tests of what a process may touch share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from void_engine.plates.storage.policy import current_policy, set_policy


@pytest.fixture(autouse=True)
def _policy_afterwards() -> Iterator[None]:
    """A test that restricts this process restricts no other test."""
    before = current_policy()
    yield
    set_policy(before)
