from __future__ import annotations

import json
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="the diffusion extra is not installed")
pytest.importorskip("diffusers", reason="the diffusion extra is not installed")

from safetensors.torch import load_file, save_file  # noqa: E402

from void_engine.diffusion.errors import ModelFolderError  # noqa: E402
from void_engine.diffusion.model.fetch import fetch_models, plan_fetch  # noqa: E402
from void_engine.diffusion.model.folder import BASE_NAME, BASE_REPOSITORY, ModelFolder, find_models  # noqa: E402
from void_engine.diffusion.model.folder_check import check_models, weights_fingerprint  # noqa: E402
from void_engine.diffusion.model.tiny import make_tiny  # noqa: E402
from void_engine.diffusion.model.weights import (  # noqa: E402
    load_text_encoder,
    load_transformer,
    load_vae,
    transformer_config,
    weight_files,
)


@pytest.fixture
def folder(tiny_root: Path, tmp_path: Path) -> ModelFolder:
    """A copy of the model folder that a test may break."""
    return ModelFolder(Path(shutil.copytree(tiny_root, tmp_path / "models")))


def bad_lines(folder: ModelFolder, **kwargs: Any) -> dict[str, str]:
    return {f.subject: f.detail for f in check_models(folder, **kwargs) if not f.ok}


def rewrite(path: Path, **changes: Any) -> None:
    """Replace tensors of a file; the value None removes one."""
    tensors = load_file(path)
    for name, value in changes.items():
        if value is None:
            del tensors[name]
        else:
            tensors[name] = value
    save_file(tensors, path)


def test_a_fresh_folder_is_good_to_the_last_hash(tiny_root: Path) -> None:
    findings = list(check_models(ModelFolder(tiny_root), hashes=True))
    assert [finding for finding in findings if not finding.ok] == []
    assert any("SHA-256" in finding.detail for finding in findings)


def test_the_layout_is_the_hubs(tiny_root: Path) -> None:
    names = {path.relative_to(tiny_root).as_posix() for path in tiny_root.rglob("*") if path.is_file()}
    assert {
        "void_pass1.safetensors",
        "void_pass2.safetensors",
        "CogVideoX-Fun-V1.5-5b-InP/model_index.json",
        "CogVideoX-Fun-V1.5-5b-InP/transformer/config.json",
        "CogVideoX-Fun-V1.5-5b-InP/vae/diffusion_pytorch_model.safetensors",
        "CogVideoX-Fun-V1.5-5b-InP/text_encoder/model.safetensors",
        "CogVideoX-Fun-V1.5-5b-InP/tokenizer/spiece.model",
        "CogVideoX-Fun-V1.5-5b-InP/scheduler/scheduler_config.json",
    } <= names


def test_tiny_models_are_not_written_over(tiny_root: Path) -> None:
    with pytest.raises(ModelFolderError, match="holds models already"):
        make_tiny(tiny_root)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"proj_out.bias": None}, "missing proj_out.bias"),
        ({"proj_out.extra": torch.zeros(2)}, "unexpected proj_out.extra"),
        ({"proj_out.bias": torch.zeros(3)}, r"misshapen proj_out.bias is \[3\], not"),
    ],
)
def test_loading_names_the_key_that_does_not_fit(
    folder: ModelFolder, change: dict[str, Any], words: str
) -> None:
    rewrite(folder.pass_weights(1), **change)
    with pytest.raises(ModelFolderError, match=words):
        load_transformer(transformer_config(folder.base), folder.pass_weights(1))
    assert "void_pass1.safetensors" in bad_lines(folder)


def test_integer_weights_are_found(folder: ModelFolder) -> None:
    shape = load_file(folder.pass_weights(2))["proj_out.bias"].shape
    rewrite(folder.pass_weights(2), **{"proj_out.bias": torch.zeros(shape, dtype=torch.int32)})
    folder.record.unlink()
    assert "I32" in bad_lines(folder)["void_pass2.safetensors"]
    assert bad_lines(folder, passes=(1,)) == {}


def test_a_truncated_file_is_named(folder: ModelFolder) -> None:
    path = folder.vae / "diffusion_pytorch_model.safetensors"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(ModelFolderError, match="no whole safetensors file"):
        load_vae(folder.vae)
    assert any("bytes, not" in detail for detail in bad_lines(folder).values())


def test_a_changed_byte_is_found_by_its_hash(folder: ModelFolder) -> None:
    path = folder.pass_weights(1)
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(bytes(data))
    assert bad_lines(folder) == {}
    assert "differs" in bad_lines(folder, hashes=True)["void_pass1.safetensors"]


def test_a_foreign_tokenizer_is_found(folder: ModelFolder) -> None:
    config = json.loads((folder.text_encoder / "config.json").read_text())
    (folder.text_encoder / "config.json").write_text(json.dumps({**config, "vocab_size": 4}))
    assert "does not fit the text encoder" in bad_lines(folder)["CogVideoX-Fun-V1.5-5b-InP/tokenizer"]


def test_missing_files_are_listed_before_anything_is_read(folder: ModelFolder) -> None:
    folder.pass_weights(2).unlink()
    folder.require(1)
    with pytest.raises(ModelFolderError, match=r"lacks void_pass2\.safetensors"):
        folder.require(2)
    (folder.tokenizer / "spiece.model").unlink()
    with pytest.raises(ModelFolderError, match=r"tokenizer.spiece\.model"):
        folder.require(1)


def test_folders_are_found_by_name_or_variable(tiny_root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ModelFolderError, match="no model folder is named"):
        find_models()
    monkeypatch.setenv("VOID_MODELS", str(tiny_root))
    assert find_models().root == tiny_root
    with pytest.raises(ModelFolderError, match="no such model folder"):
        find_models(tiny_root / "elsewhere")


def test_shards_are_read_through_their_index(folder: ModelFolder) -> None:
    whole = folder.text_encoder / "model.safetensors"
    tensors = load_file(whole)
    names = sorted(tensors)
    parts = {"model-00001-of-00002.safetensors": names[::2], "model-00002-of-00002.safetensors": names[1::2]}
    for part, held in parts.items():
        save_file({name: tensors[name] for name in held}, folder.text_encoder / part)
    index = {"weight_map": {name: part for part, held in parts.items() for name in held}}
    (folder.text_encoder / "model.safetensors.index.json").write_text(json.dumps(index))
    before = load_text_encoder(folder.text_encoder).state_dict()
    whole.unlink()
    assert len(weight_files(whole)) == 2
    folder.require(2)
    after = load_text_encoder(folder.text_encoder).state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_fingerprints_tell_weights_apart(folder: ModelFolder) -> None:
    recorded = weights_fingerprint(folder, 1)
    assert recorded != weights_fingerprint(folder, 2)
    folder.record.unlink()
    unrecorded = weights_fingerprint(folder, 1)
    assert len(unrecorded) == 16
    assert unrecorded != recorded


class Hub:
    """A stand-in for huggingface_hub's API that answers from a list."""

    FILES = (
        "LICENSE",
        "README.md",
        "demo.mp4",
        "model_index.json",
        "transformer/config.json",
        "transformer/diffusion_pytorch_model.safetensors",
        "vae/config.json",
        "vae/diffusion_pytorch_model.safetensors",
        "tokenizer/spiece.model",
        "void_pass1.safetensors",
        "void_pass2.safetensors",
    )

    def __init__(self, *, bare: bool = False) -> None:
        """``bare`` says that there are only weights, without licences."""
        self.bare = bare

    def model_info(self, repository: str, files_metadata: bool) -> Any:
        own = [
            n
            for n in self.FILES
            if (n in ("LICENSE", "README.md") and not self.bare)
            or n.startswith("void_") == (repository != BASE_REPOSITORY)
        ]
        files = [
            SimpleNamespace(rfilename=name, size=10, lfs=SimpleNamespace(sha256="ab" * 32)) for name in own
        ]
        return SimpleNamespace(siblings=files)


def test_only_what_is_needed_is_fetched() -> None:
    targets = {file.target for file in plan_fetch(api=Hub())}
    assert "CogVideoX-Fun-V1.5-5b-InP/vae/diffusion_pytorch_model.safetensors" in targets
    assert not any("transformer/diffusion" in target for target in targets)
    assert {"void_pass1.safetensors", "void_pass2.safetensors"} <= targets
    assert "void_pass2.safetensors" not in {file.target for file in plan_fetch((1,), api=Hub())}


def test_licences_are_fetched_where_there_are_some_and_nothing_else_is() -> None:
    targets = {file.target for file in plan_fetch(api=Hub())}
    assert {"LICENSE", "README.md", f"{BASE_NAME}/LICENSE", f"{BASE_NAME}/README.md"} <= targets
    assert not any("demo" in target for target in targets)
    bare = {file.target for file in plan_fetch(api=Hub(bare=True))}
    assert "LICENSE" not in bare
    assert {target for target in bare if target.startswith("void_")} == {
        "void_pass1.safetensors", "void_pass2.safetensors",
    }  # fmt: skip


def test_fetching_writes_into_the_layout_and_leaves_a_record(tmp_path: Path) -> None:
    def download(repo_id: str, filename: str, local_dir: str) -> None:
        path = Path(local_dir) / filename
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"0123456789")

    folder = fetch_models(tmp_path / "models", plan_fetch(api=Hub()), download=download)
    assert (folder.vae / "diffusion_pytorch_model.safetensors").is_file()
    record = json.loads(folder.record.read_text())["files"]
    assert record["void_pass1.safetensors"] == {"size": 10, "sha256": "ab" * 32}


def test_a_broken_download_says_that_it_can_be_resumed(tmp_path: Path) -> None:
    def download(**kwargs: Any) -> None:
        raise ConnectionError("cut")

    with pytest.raises(ModelFolderError, match="run it again to go on"):
        fetch_models(tmp_path, plan_fetch(api=Hub()), download=download)


def test_a_silent_hub_is_explained() -> None:
    class Silent:
        def model_info(self, *args: Any, **kwargs: Any) -> Any:
            raise ConnectionError("no route")

    with pytest.raises(ModelFolderError, match="cannot be asked"):
        plan_fetch(api=Silent())
