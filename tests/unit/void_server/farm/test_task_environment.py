"""A task's variables, with the paths of its own machine."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from unittest import mock

import pytest

from void_server.farm.errors import FarmError
from void_server.farm.path_mapping import PathRule
from void_server.farm.task_environment import settle_environment


@pytest.fixture(autouse=True)
def _own_environment() -> Iterator[None]:
    with mock.patch.dict(os.environ, {"OCIO": "/etc/other.ocio"}):
        yield


def test_the_submitters_values_count_with_this_machines_paths(tmp_path: Path) -> None:
    (tmp_path / "a.ocio").write_text("")
    rules = [PathRule(PurePosixPath("/mnt/colour"), tmp_path)]
    settle_environment({"OCIO": "/mnt/colour/a.ocio", "VOID_MODELS": "/mnt/models"}, rules)
    assert os.environ["OCIO"] == str(tmp_path / "a.ocio")
    assert os.environ["VOID_MODELS"] == "/mnt/models"


def test_a_configuration_of_the_library_needs_no_file() -> None:
    settle_environment({"OCIO": "ocio://default"}, [])
    assert os.environ["OCIO"] == "ocio://default"


def test_a_configuration_that_is_not_here_is_an_error() -> None:
    with pytest.raises(FarmError, match=r"/mnt/colour/a\.ocio.*VOID_PATH_MAPPING"):
        settle_environment({"OCIO": "/mnt/colour/a.ocio"}, [])
    assert os.environ["OCIO"] == "/etc/other.ocio"


def test_a_submitter_without_a_configuration_leaves_the_machines_own() -> None:
    settle_environment({}, [])
    assert os.environ["OCIO"] == "/etc/other.ocio"
