"""What ``docs/examples`` shows, run as it says."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import OpenImageIO as oiio  # noqa: N813 - its customary name
import pytest

from tests.integration.command_case import edit, void
from tests.integration.server_case import CHECKOUT, server_for
from void_protocol.job_file import read_job
from void_server.operation.server_process import ServerProcess
from void_server.settings import DEFAULT_RUNNER

EXAMPLES = CHECKOUT / "docs" / "examples"
FRAMES = range(1001, 1007)
MARKER = (slice(28, 40), slice(36, 48))
REACH = 6
"""Pixels beside the marker that growth, softness and the antialiasing of the shape may change."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    with server_for(tmp_path_factory.mktemp("home"), runner=DEFAULT_RUNNER) as running:
        yield running


def pixels(path: Path) -> np.ndarray:
    return np.asarray(oiio.ImageBuf(str(path)).get_pixels(oiio.FLOAT))[..., :3]


def test_the_script_removes_the_marker_and_a_run_without_a_server_makes_the_same(
    server: ServerProcess, tmp_path: Path
) -> None:
    folder = tmp_path / "marker"
    ran = subprocess.run(
        [sys.executable, str(EXAMPLES / "remove_marker.py"), str(folder)],
        env={**os.environ, "VOID_HOME": str(server.settings.home)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr + ran.stdout
    assert ran.stdout.splitlines()[-1].strip() == "done"

    edit(folder / "job.json", "output", "version", value=2)
    alone = void("run", folder / "job.json")
    assert alone.code == 0, alone.err

    outside = np.ones((64, 96), bool)
    outside[28 - REACH : 40 + REACH, 36 - REACH : 48 + REACH] = False
    for frame in FRAMES:
        plate, clean = pixels(folder / f"plate.{frame}.exr"), pixels(folder / f"clean_v001.{frame}.exr")
        assert plate[MARKER].min(axis=(0, 1)) == pytest.approx([3.0, 0.2, 0.1], rel=1e-3)
        assert clean[MARKER].max() < 0.8  # the wall's brightest is 0.6
        assert np.array_equal(clean[outside], plate[outside])
        assert np.array_equal(clean, pixels(folder / f"clean_v002.{frame}.exr"))


def test_the_job_is_one_that_void_run_takes_as_it_is() -> None:
    job = read_job(EXAMPLES / "job.json")
    assert range(job.shot.first_frame, job.shot.last_frame + 1) == FRAMES
