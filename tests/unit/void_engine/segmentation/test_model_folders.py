"""Which models this machine has, and what is fetched of them."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")

from void_engine.diffusion.model.fetch import fetch_models
from void_engine.segmentation.errors import ModelMissingError
from void_engine.segmentation.fetch import LICENCES, plan_model
from void_engine.segmentation.model_folders import (
    FINDER,
    REASONER,
    ROLES,
    TRACKER,
    check_models,
    model_folder,
)


def _model(folder: Path, kind: str = "sam2_video") -> Path:
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps({"model_type": kind}))
    (folder / "model.safetensors").write_bytes(b"x")
    return folder


def test_the_best_known_model_is_taken_or_the_one_that_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VOID_MODELS", str(tmp_path))
    monkeypatch.delenv("VOID_TRACKER", raising=False)
    small = _model(tmp_path / "sam2.1-hiera-tiny")
    assert model_folder(TRACKER) == small
    large = _model(tmp_path / "sam2.1-hiera-large")
    assert model_folder(TRACKER) == large
    own = _model(tmp_path / "elsewhere" / "own")
    for name in ("elsewhere/own", str(own)):
        monkeypatch.setenv("VOID_TRACKER", name)
        assert model_folder(TRACKER) == own


def test_what_is_missing_is_said_with_the_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("VOID_MODELS", raising=False)
    monkeypatch.delenv("VOID_FINDER", raising=False)
    with pytest.raises(ModelMissingError, match="VOID_MODELS names no folder"):
        model_folder(FINDER)
    monkeypatch.setenv("VOID_MODELS", str(tmp_path))
    with pytest.raises(ModelMissingError, match="void models fetch DIR --for finder"):
        model_folder(FINDER)
    found = _model(tmp_path / "sam3", "bert")
    with pytest.raises(ModelMissingError, match="type 'bert'"):
        model_folder(FINDER)
    (found / "config.json").write_text("[" * 9)
    with pytest.raises(ModelMissingError, match="cannot be read"):
        model_folder(FINDER)
    (found / "config.json").write_text(json.dumps({"model_type": "sam3_video"}))
    (found / "model.safetensors").rename(found / "sam3.pt")
    with pytest.raises(ModelMissingError, match="safetensors"):
        model_folder(FINDER)


def test_missing_packages_are_said_with_their_extra_and_what_the_model_is_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    for by_words in (False, True):
        with pytest.raises(ModelMissingError, match=r"follows an .*: it needs .*torch.*\[segment\]"):
            check_models(by_words=by_words)
    monkeypatch.setitem(sys.modules, "jsonschema", None)
    with pytest.raises(ModelMissingError, match=r"says what .*jsonschema.*void-nuke\[reason\]"):
        model_folder(REASONER)


def test_weights_are_fetched_in_the_form_that_runs_no_code(tmp_path: Path) -> None:
    wanted = ("config.json", "model.safetensors", "merges.txt", "LICENSE")
    names = (*wanted, "sam3.pt", "modeling.py", "a/b.json")

    class Hub:
        def model_info(self, repository: str, files_metadata: bool) -> Any:
            assert repository == "facebook/sam3"
            files = [SimpleNamespace(rfilename=name, size=9, lfs=None) for name in names]
            return SimpleNamespace(siblings=files)

    files = plan_model(FINDER, api=Hub())
    assert [file.target for file in files] == [f"sam3/{name}" for name in wanted]
    record = tmp_path / "void-models.json"
    record.write_text(json.dumps({"files": {"void_pass1.safetensors": {"size": 3, "sha256": "a"}}}))
    got: list[str] = []

    def download(repo_id: str, filename: str, local_dir: str) -> None:
        got.append(f"{local_dir}/{filename}")

    fetch_models(tmp_path, files, download=download)
    assert f"{tmp_path}/sam3/config.json" in got
    # What another fetch has recorded stays.
    assert {"void_pass1.safetensors", "sam3/config.json"} <= set(json.loads(record.read_text())["files"])


def test_every_role_has_its_licence() -> None:
    assert {role.word for role in ROLES} == set(LICENCES)
