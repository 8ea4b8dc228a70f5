from __future__ import annotations

import os
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="the diffusion extra is not installed")
pytest.importorskip("diffusers", reason="the diffusion extra is not installed")

from safetensors import SafetensorError  # noqa: E402

from void_engine.caches import cache_folder  # noqa: E402
from void_engine.diffusion.model import prompt_cache  # noqa: E402
from void_engine.diffusion.model.folder import ModelFolder  # noqa: E402
from void_engine.diffusion.model.prompt_cache import PromptCache  # noqa: E402


class Encoder:
    def __init__(self) -> None:
        self.asked: list[list[str]] = []

    def __call__(self, prompts: list[str]) -> list[torch.Tensor]:
        self.asked.append(prompts)
        return [torch.full((1, 4, 8), float(len(prompt))) for prompt in prompts]


def test_a_prompt_is_encoded_once(tiny_root: Path) -> None:
    encoder = Encoder()
    for _ in range(2):
        cache = PromptCache(ModelFolder(tiny_root), torch.float32)
        long, short, again = cache.get(["A table.", "", "A table."], encoder)
        assert torch.equal(long, again)
        assert short.max() == 0
    assert encoder.asked == [["A table.", ""]]


def test_a_use_leaves_its_time(tiny_root: Path, tmp_path: Path) -> None:
    cache = PromptCache(ModelFolder(tiny_root), torch.float32, tmp_path)
    cache.get(["x"], Encoder())
    (file,) = (tmp_path / "prompts").iterdir()
    os.utime(file, (1000, 1000))
    cache.get(["x"], Encoder())
    assert file.stat().st_mtime > 1_000_000


def test_another_precision_is_another_embedding(tiny_root: Path) -> None:
    encoder = Encoder()
    PromptCache(ModelFolder(tiny_root), torch.float32).get(["x"], encoder)
    PromptCache(ModelFolder(tiny_root), torch.float16).get(["x"], encoder)
    assert encoder.asked == [["x"], ["x"]]


def test_a_broken_file_is_made_again(tiny_root: Path) -> None:
    encoder = Encoder()
    cache = PromptCache(ModelFolder(tiny_root), torch.float32)
    cache.get(["x"], encoder)
    (file,) = (cache_folder() / "prompts").glob("*.safetensors")
    file.write_bytes(b"broken")
    assert cache.get(["x"], encoder)[0].max() == 1
    assert len(encoder.asked) == 2


def test_a_cache_that_cannot_be_written_is_no_error(tiny_root: Path, tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    cache = PromptCache(ModelFolder(tiny_root), torch.float32, blocked)
    assert cache.get(["ab"], Encoder())[0].max() == 2
    assert blocked.read_text() == "not a folder"


def test_a_full_volume_is_no_error(tiny_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fill(tensors: dict[str, torch.Tensor], path: Path) -> None:
        path.write_bytes(b"the first part")
        raise SafetensorError("Error while serializing: I/O error: No space left on device (os error 28)")

    monkeypatch.setattr(prompt_cache, "save_file", fill)
    cache = PromptCache(ModelFolder(tiny_root), torch.float32, tmp_path)
    assert cache.get(["ab"], Encoder())[0].max() == 2
    assert list((tmp_path / "prompts").iterdir()) == []


def test_the_folder_can_be_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VOID_CACHE", os.sep + "there")
    assert cache_folder() == Path(os.sep + "there")
    monkeypatch.delenv("VOID_CACHE")
    assert cache_folder().name == "void-nuke"
