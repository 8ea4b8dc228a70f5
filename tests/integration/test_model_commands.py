"""The command line and the model folder: it is the machine's to name, never a job's."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="the diffusion extra is not installed")
pytest.importorskip("diffusers", reason="the diffusion extra is not installed")

from tests.integration.command_case import edit, new_job, void, write_shot
from void_engine.diffusion.model.tiny import make_tiny
from void_engine.plates.exr.file import read_header
from void_server.cli.exit_codes import ExitCode

SMALL = {"max_tokens": 6, "window_frames": 13, "overlap_frames": 8, "steps": 4}


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("VOID_MODELS", raising=False)
    monkeypatch.setenv("VOID_CACHE", str(tmp_path / "cache"))
    return make_tiny(tmp_path / "models").root


@pytest.fixture
def job(tmp_path: Path) -> Path:
    path = new_job(tmp_path, engine="void")
    write_shot(tmp_path / "shot", range(1004, 1006))
    edit(path, "shot", "last_frame", value=1005)
    edit(path, "settings", "prompt", value="A grey wall.")
    edit(path, "settings", "engine_options", value=SMALL)
    return path


def test_run_takes_the_models_from_the_command_line(job: Path, models: Path, tmp_path: Path) -> None:
    ran = void("run", job)
    assert ran.code == ExitCode.FAILED
    assert "no model folder is named; give --models DIR or set VOID_MODELS" in ran.err
    assert void("run", job, "--models", models).code == 0
    made = sorted((tmp_path / "out").iterdir())
    assert len(made) == 5
    assert len(str(read_header(made[0], 1001).metadata["void/weights_pass1"])) == 16


def test_batch_takes_the_models_from_the_command_line(job: Path, tmp_path: Path) -> None:
    """A folder that is not there is told by its name; without the option, none is named."""
    ran = void("batch", job, "--models", tmp_path / "not there")
    assert ran.code == ExitCode.SOME_FAILED
    assert str(tmp_path / "not there") in ran.out
    assert "no model folder is named" in void("batch", job).out


@pytest.mark.parametrize("name", ["models", "checkpoint"])
def test_a_job_that_names_files_of_the_machine_is_refused(job: Path, models: Path, name: str) -> None:
    edit(job, "settings", "engine_options", value={**SMALL, name: str(models)})
    ran = void("run", job, "--models", models)
    assert ran.code == ExitCode.INVALID_JOB
    assert f"engine_options.{name}" in ran.err
    assert "--models" in ran.err


def test_calibrating_lets_jobs_use_the_measured_cache(job: Path, models: Path, tmp_path: Path) -> None:
    edit(job, "settings", "engine_options", value={**SMALL, "speed": "fast", "step_cache": "mag"})
    ran = void("run", job, "--models", models)
    assert ran.code == ExitCode.INVALID_JOB
    assert "void models calibrate" in ran.err
    ran = void("models", "calibrate", job, "--models", models)
    assert ran.code == 0, ran.err
    assert "pass 1: 4 steps" in ran.out
    assert list((tmp_path / "out").iterdir()) == []
    assert len(json.loads((models / "void-magnitudes.json").read_text())["1"]["ratios"]) == 4
    assert void("run", job, "--models", models).code == 0
