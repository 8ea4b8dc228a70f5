"""Marks tests by the folder they lie in, and skips what this machine cannot run.

The marks are registered in ``pyproject.toml``; ``tests/README.md`` says what each means. ``slow`` is set by
hand on tests that take seconds.
"""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import pytest

# The pictures of tests are small. More threads of OpenBLAS, which numpy starts when it is imported, would
# only spin beside them, which on busy cores takes several times the processor time of the work itself.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

TESTS = Path(__file__).parent
MARKED_FOLDERS = ("integration", "golden")


@pytest.hookimpl(tryfirst=True)  # before pytest chooses by ``-m``
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        folder = item.path.relative_to(TESTS).parts[0]
        if folder in MARKED_FOLDERS:
            item.add_marker(folder)


def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.get_closest_marker("gpu") is not None and not has_cuda_device():
        pytest.skip("needs a CUDA device")


@cache
def has_cuda_device() -> bool:
    if find_spec("torch") is None:
        return False
    import torch

    return torch.cuda.is_available()


@pytest.fixture(scope="module")
def only_new_garbage_is_collected() -> Iterator[None]:
    """The engine collects garbage whenever it gives models back: what was imported before the module's tests
    need not be looked through every time."""
    gc.freeze()
    yield
    gc.unfreeze()
