"""Which tests are marked by where they lie, and which are skipped here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests import conftest

TESTS = Path(__file__).parents[1]


class Item:
    """As much of a collected test as the hooks look at."""

    def __init__(self, path: str, *marks: str) -> None:
        self.path = TESTS / path
        self.marks = list(marks)

    def add_marker(self, mark: str) -> None:
        self.marks.append(mark)

    def get_closest_marker(self, mark: str) -> str | None:
        return mark if mark in self.marks else None


@pytest.mark.parametrize(
    ("path", "marks"),
    [
        ("integration/test_server.py", ["integration"]),
        ("golden/test_replay.py", ["golden"]),
        ("unit/void_engine/test_merge.py", []),
        ("unit/integration/test_something.py", []),
    ],
)
def test_a_folder_marks_its_tests(path: str, marks: list[str]) -> None:
    item: Any = Item(path)
    conftest.pytest_collection_modifyitems([item])
    assert item.marks == marks


def test_what_needs_a_gpu_is_skipped_without_one(monkeypatch: pytest.MonkeyPatch) -> None:
    on_gpu: Any = Item("unit/test_x.py", "gpu")
    anywhere: Any = Item("unit/test_x.py")
    monkeypatch.setattr(conftest, "has_cuda_device", lambda: False)
    conftest.pytest_runtest_setup(anywhere)
    with pytest.raises(pytest.skip.Exception, match="needs a CUDA device"):
        conftest.pytest_runtest_setup(on_gpu)
    monkeypatch.setattr(conftest, "has_cuda_device", lambda: True)
    conftest.pytest_runtest_setup(on_gpu)
