"""The licences that commands tell are those of README and docs, and they cover every file that is fetched."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("torch", reason="the diffusion extra is not installed")

from void_engine.diffusion.model.folder import BASE_NAME
from void_engine.diffusion.model.licences import LICENCES, licence_lines

ROOT = Path(__file__).parents[5]


def words(text: str) -> str:
    """The text without marks of Markdown and line breaks."""
    return " ".join(text.replace("`", "").split())


def test_the_page_on_the_engine_names_every_file_licence_and_address() -> None:
    page = words((ROOT / "docs" / "engine.md").read_text(encoding="utf-8"))
    for one in LICENCES:
        for text in (one.files, one.licence, *one.read_at):
            assert text in page


def test_every_fetched_folder_has_a_licence() -> None:
    named = ", ".join(one.files for one in LICENCES)
    for part in ("vae", "text_encoder", "tokenizer", "scheduler", "transformer/config.json"):
        assert f"{BASE_NAME}/{part}" in named
    for number in (1, 2):
        assert f"void_pass{number}.safetensors" in named


@pytest.mark.parametrize(
    "fact",
    ["CogVideoX License", "registration", "million visits", "your decision", "no legal advice", "fine-tune"],
)
def test_what_studios_must_know_is_said_everywhere(fact: str) -> None:
    told = [words("\n".join(licence_lines()))]
    told += [words((ROOT / name).read_text(encoding="utf-8")) for name in ("README.md", "docs/engine.md")]
    for text in told:
        assert fact in text
