from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

pytest.importorskip("torch", reason="the diffusion extra is not installed")
pytest.importorskip("diffusers", reason="the diffusion extra is not installed")

from typer.testing import CliRunner

from void_engine.diffusion.model import fetch as fetch_module
from void_engine.diffusion.model.licences import LICENCES
from void_server.cli.exit_codes import ExitCode
from void_server.cli.models import app


def void_models(*arguments: str, answer: str | None = None) -> Any:
    return CliRunner().invoke(app, list(arguments), input=answer)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "models"
    result = void_models("make-tiny", str(root))
    assert result.exit_code == 0, result.output
    return root


def test_a_made_folder_passes_the_check(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert void_models("check", str(folder), "--hashes").exit_code == 0
    monkeypatch.setenv("VOID_MODELS", str(folder))
    assert void_models("check").exit_code == 0


def test_a_bad_file_is_named_and_fails_the_check(folder: Path) -> None:
    (folder / "void_pass2.safetensors").write_bytes(b"cut")
    result = void_models("check", str(folder))
    assert result.exit_code == ExitCode.FAILED
    assert "BAD void_pass2.safetensors" in result.output
    (folder / "void_pass2.safetensors").unlink()
    (folder / "void-models.json").unlink()
    assert void_models("check", str(folder), "--pass-1-only").exit_code == 0


@pytest.fixture
def fetched(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """A hub of one file; lists the folders that were fetched into."""
    folders: list[Path] = []
    files = [fetch_module.HubFile("hub/it", "a.safetensors", "a.safetensors", 12_500_000, None)]
    monkeypatch.setattr(fetch_module, "plan_fetch", lambda passes: files)

    def fetch_models(root: Path, files: Any, on_file: Any) -> Any:
        folders.append(root)
        return SimpleNamespace(root=root)

    monkeypatch.setattr(fetch_module, "fetch_models", fetch_models)
    return folders


def test_sizes_are_told_before_anything_is_fetched(fetched: list[Path], tmp_path: Path) -> None:
    result = void_models("fetch", str(tmp_path), answer="n\n")
    assert "12.5 MB" in result.output
    assert result.exit_code == ExitCode.CANCELLED
    assert fetched == []


def test_licences_are_told_before_the_question_and_without_it(fetched: list[Path], tmp_path: Path) -> None:
    asked = void_models("fetch", str(tmp_path), answer="n\n").output
    told, question = asked[: asked.index("Fetch them?")], asked[asked.index("Fetch them?") :]
    for one in LICENCES:
        for text in (one.files, one.licence, *one.read_at):
            assert text in told
            assert text not in question
    assert "commercial use needs a registration" in told.lower()
    assert "your decision" in told
    assert void_models("fetch", str(tmp_path), "--yes").output.startswith(told)
    assert void_models("licences").output.strip() in told


def test_a_yes_fetches(fetched: list[Path], tmp_path: Path) -> None:
    assert void_models("fetch", str(tmp_path), answer="y\n").exit_code == 0
    assert void_models("fetch", str(tmp_path), "--yes").exit_code == 0
    assert fetched == [tmp_path, tmp_path]


@pytest.mark.slow
def test_needs_are_told_for_each_mode(folder: Path) -> None:
    result = void_models("needs", "--models", str(folder), "--canvas", "48x32", "--frames", "13")
    assert result.exit_code == 0, result.output
    assert [line.split(":")[0].strip() for line in result.output.splitlines()[1:]] == [
        "full", "model", "group", "fp8",
    ]  # fmt: skip
    assert void_models("needs", "--models", str(folder), "--canvas", "50x32").exit_code == 2
