"""What the tests of the broker's rooms share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from void_server.broker.jobs.store import Store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """A new job store. What a test has written is committed at its end, so that a fault of that shows."""
    opened = Store(tmp_path / "jobs.sqlite")
    yield opened
    opened.commit()
    opened.close()
