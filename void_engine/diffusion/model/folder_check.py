"""Checks a model folder: every file, tensor name, shape, number type and hash (``void models check``)."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from void_engine.diffusion.errors import ModelFolderError
from void_engine.diffusion.model.folder import ModelFolder
from void_engine.diffusion.model.optical_flow import Raft
from void_engine.diffusion.model.text import PromptTokenizer
from void_engine.diffusion.model.weights import (
    T5_ALIASES,
    build_text_encoder,
    build_transformer,
    build_vae,
    check_shapes,
    read_header,
    read_json,
    transformer_config,
    weight_files,
)

FLOATING = frozenset({"F32", "F16", "BF16"})
_CHUNK_BYTES = 8 << 20


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding of a check, which is shown as one line."""

    subject: str
    """The file or part that was checked, relative to the model folder."""
    ok: bool
    detail: str
    """A description of the part, or of what is wrong with it and the remedy."""


def sha256_of(path: Path) -> str:
    """The hexadecimal SHA-256 of a file."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def check_models(
    folder: ModelFolder, *, passes: tuple[int, ...] = (1, 2), hashes: bool = False
) -> Iterator[Finding]:
    """Check a model folder part by part, without loading weights.

    Args:
        folder: the model folder.
        passes: the passes whose weights must be there.
        hashes: whether every recorded file is also read and its SHA-256 compared, which takes minutes for the
            real models.
    """
    parts: list[tuple[str, Callable[[], str]]] = [
        ("transformer", lambda: _configured(folder.transformer_config)),
        ("scheduler", lambda: _configured(folder.scheduler_config)),
        ("tokenizer", lambda: _tokenizer(folder)),
        (
            "vae",
            lambda: _weights(
                build_vae, folder.vae / "config.json", folder.vae / "diffusion_pytorch_model.safetensors"
            ),
        ),
        (
            "text_encoder",
            lambda: _weights(
                build_text_encoder,
                folder.text_encoder / "config.json",
                folder.text_encoder / "model.safetensors",
            ),
        ),
    ]
    for subject, part in parts:
        yield _finding(f"{folder.base.name}/{subject}", part)
    for number in passes:
        yield _finding(folder.pass_weights(number).name, lambda n=number: _pass_weights(folder, n))  # type: ignore[misc]
    if folder.raft.is_file():
        yield _finding(folder.raft.relative_to(folder.root).as_posix(), lambda: _flow(folder))
    yield from _recorded(folder, hashes)


def _finding(subject: str, part: Callable[[], str]) -> Finding:
    try:
        return Finding(subject, True, part())
    except ModelFolderError as error:
        return Finding(subject, False, str(error))


def _configured(path: Path) -> str:
    return f"{len(read_json(path))} settings"


def _tokenizer(folder: ModelFolder) -> str:
    length = int(read_json(folder.transformer_config).get("max_text_seq_length", 0))
    ids = PromptTokenizer(folder.tokenizer).tokenize("The table.", length or 8)
    vocabulary = int(read_json(folder.text_encoder / "config.json").get("vocab_size", 0))
    if int(ids.max()) >= vocabulary or 1 not in ids.tolist()[0]:
        raise ModelFolderError(f"{folder.tokenizer}: does not fit the text encoder; fetch it again")
    return f"{ids.shape[1]} tokens a prompt"


def _weights(build: Callable[[Any], Any], config: Path, weights: Path) -> str:
    model = build(read_json(config))
    return _compared(model, weight_files(weights))


def _pass_weights(folder: ModelFolder, number: int) -> str:
    path = folder.pass_weights(number)
    return _compared(build_transformer(transformer_config(folder.base)), weight_files(path))


def _compared(model: Any, files: list[Path]) -> str:
    shapes, dtypes = read_header(files)
    check_shapes(shapes, model, str(files[0]), T5_ALIASES)
    odd = sorted(name for name, dtype in dtypes.items() if dtype not in FLOATING)
    if odd:
        raise ModelFolderError(
            f"{files[0]}: {odd[0]} is {dtypes[odd[0]]}, not a floating-point type; fetch it again"
        )
    kinds = "/".join(sorted(set(dtypes.values())))
    size = sum(path.stat().st_size for path in files)
    return f"{len(shapes)} tensors, {kinds}, {size / 2**30:.2f} GiB"


def _flow(folder: ModelFolder) -> str:
    still = np.zeros((64, 64, 3), np.float32)
    Raft(folder.raft).between(still, still)
    return f"runs, {folder.raft.stat().st_size / 2**20:.1f} MiB"


def _recorded(folder: ModelFolder, hashes: bool) -> Iterator[Finding]:
    """Compare sizes, and on request hashes, with the record that the download has left."""
    if not folder.record.is_file():
        if hashes:
            yield Finding(
                folder.record.name, False, "no record of hashes; `void models fetch` writes one from the hub"
            )
        return
    files = read_json(folder.record).get("files", {})
    for name, stated in sorted(files.items()):
        path = folder.root / name
        if not path.is_file():
            yield Finding(name, False, "recorded, but not there; fetch it again")
        elif path.stat().st_size != stated["size"]:
            yield Finding(
                name, False, f"has {path.stat().st_size} bytes, not {stated['size']}; fetch it again"
            )
        elif hashes and stated.get("sha256"):
            found = sha256_of(path)
            ok = found == stated["sha256"]
            yield Finding(name, ok, f"SHA-256 {found[:16]}" if ok else "SHA-256 differs; fetch it again")


def weights_fingerprint(folder: ModelFolder, number: int) -> str:
    """A short name of a pass' weights for the result's metadata.

    It is the beginning of the recorded SHA-256. Without a record it is made from the file's size and header,
    which holds every name, shape and offset, but not the values.
    """
    path = folder.pass_weights(number)
    if folder.record.is_file():
        stated = read_json(folder.record).get("files", {}).get(path.name, {})
        if stated.get("sha256"):
            return str(stated["sha256"])[:16]
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        header = file.read(min(length, _CHUNK_BYTES))
    return hashlib.sha256(str(path.stat().st_size).encode() + header).hexdigest()[:16]
