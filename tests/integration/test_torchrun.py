"""``torchrun -m void_server run``: one shot's windows shared by several processes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the diffusion extra is not installed")
pytest.importorskip("diffusers", reason="the diffusion extra is not installed")
if not torch.distributed.is_available():
    pytest.skip("this PyTorch has no torch.distributed", allow_module_level=True)

from tests.integration.command_case import FIRST, LAST, edit, new_job, void, write_shot  # noqa: E402
from void_engine.diffusion.model.tiny import make_tiny  # noqa: E402
from void_engine.plates.exr.file import read_frame  # noqa: E402
from void_server.cli.exit_codes import ExitCode  # noqa: E402

FRAMES = 29
"""Ten latents: four windows of four."""
OPTIONS = {"max_tokens": 6, "window_frames": 13, "overlap_frames": 8, "steps": 2, "device": "cpu"}


def torchrun(count: int, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [
            *(sys.executable, "-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={count}"),
            *("-m", "void_server", *map(str, arguments)),
        ],
        env=os.environ | {"OMP_NUM_THREADS": "1", "COLUMNS": "400"},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


@pytest.fixture
def job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("VOID_CACHE", str(tmp_path / "cache"))
    path = new_job(tmp_path, engine="void")
    write_shot(tmp_path / "shot", range(LAST + 1, FIRST + FRAMES))
    edit(path, "shot", "last_frame", value=FIRST + FRAMES - 1)
    edit(path, "settings", "prompt", value="A grey wall.")
    edit(path, "settings", "engine_options", value=OPTIONS)
    return path


def test_two_processes_write_what_one_writes(job: Path, tmp_path: Path) -> None:
    models = make_tiny(tmp_path / "models").root
    together = torchrun(2, "run", job, "--models", models)
    assert together.returncode == 0, together.stderr
    torch.set_num_threads(1)
    assert void("run", job, "--models", models, "--version", "2").code == 0
    for number in range(FIRST, FIRST + FRAMES):
        one, other = (
            read_frame(tmp_path / "out" / f"r_{version}.{number:04d}.exr", number)
            for version in ("v001", "v002")
        )
        assert one.channel_names == other.channel_names
        for name in one.channel_names:
            assert np.array_equal(one.native(name), other.native(name)), (number, name)


def test_a_job_of_another_engine_is_refused_and_nobody_hangs(job: Path) -> None:
    ran = torchrun(2, "run", job, "--engine", "identity")
    assert ran.returncode != 0
    assert "run it without torchrun" in ran.stderr


def test_a_job_that_is_refused_sends_all_processes_home(job: Path, tmp_path: Path) -> None:
    models = make_tiny(tmp_path / "models").root
    edit(job, "settings", "prompt", value="")
    ran = torchrun(2, "run", job, "--models", models)
    assert ran.returncode != 0
    assert "prompt is empty" in ran.stderr
    assert f"exitcode: {int(ExitCode.INVALID_JOB)}".replace(" ", "") in ran.stderr.replace(" ", "")
