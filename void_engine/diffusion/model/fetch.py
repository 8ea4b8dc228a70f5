"""Downloads the models from their hubs, and only when somebody asks for it (``void models fetch``)."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from void_engine.diffusion.errors import ModelFolderError
from void_engine.diffusion.model.folder import BASE_NAME, BASE_REPOSITORY, VOID_REPOSITORY, ModelFolder

# VOID's files hold the whole denoiser, so the 11 GB of the base model's transformer weights are not needed.
_BASE_FOLDERS = ("scheduler/", "text_encoder/", "tokenizer/", "vae/")
# The licences lie beside the weights, as the CogVideoX License asks of every copy.
_LICENCE_FILES = ("LICENSE", "LICENSE.md", "LICENSE.txt", "NOTICE", "README.md")
_BASE_FILES = ("model_index.json", "transformer/config.json", *_LICENCE_FILES)
_VOID_FILES = ("void_pass1.safetensors", "void_pass2.safetensors")


@dataclass(frozen=True, slots=True)
class HubFile:
    """One file of a hub to download."""

    repository: str
    name: str
    """The file's name in the repository."""
    target: str
    """The path to write, relative to the model folder."""
    size: int
    sha256: str | None


def plan_fetch(passes: tuple[int, ...] = (1, 2), api: Any = None) -> list[HubFile]:
    """Ask the hubs for the files to download and their sizes.

    Args:
        passes: the passes whose weights are wanted.
        api: a ``huggingface_hub.HfApi``; None makes one.

    Raises:
        ModelFolderError: when the hub cannot be asked or lacks a file.
    """
    if api is None:
        from huggingface_hub import HfApi

        api = HfApi()
    wanted_passes = [name for number, name in enumerate(_VOID_FILES, 1) if number in passes]
    files = [
        *listed_files(api, BASE_REPOSITORY, f"{BASE_NAME}/", _is_wanted_of_base),
        *listed_files(api, VOID_REPOSITORY, "", [*wanted_passes, *_LICENCE_FILES].__contains__),
    ]
    found = {file.target for file in files}
    if missing := [name for name in wanted_passes if name not in found]:
        raise ModelFolderError(f"{VOID_REPOSITORY}: the hub has no {', '.join(missing)}")
    return files


def _is_wanted_of_base(name: str) -> bool:
    return name in _BASE_FILES or name.startswith(_BASE_FOLDERS)


def listed_files(api: Any, repository: str, prefix: str, wanted: Callable[[str], bool]) -> list[HubFile]:
    """The files of a hub's repository that are wanted; their targets begin with ``prefix``.

    Raises:
        ModelFolderError: when the hub cannot be asked.
    """
    try:
        info = api.model_info(repository, files_metadata=True)
    except Exception as error:  # the hub's client raises whatever its transport raises
        raise ModelFolderError(
            f"{repository}: the hub cannot be asked ({error}); check the network or copy the folder here"
        ) from error
    return [
        HubFile(
            repository,
            file.rfilename,
            prefix + file.rfilename,
            int(file.size or 0),
            file.lfs.sha256 if file.lfs else None,
        )
        for file in info.siblings
        if wanted(file.rfilename)
    ]


def fetch_models(
    root: Path,
    files: list[HubFile],
    on_file: Callable[[HubFile], None] | None = None,
    download: Callable[..., Any] | None = None,
) -> ModelFolder:
    """Download files. Interrupted downloads are resumed, and complete files are not downloaded again.

    Args:
        root: the model folder; it is made if necessary.
        files: the files that :func:`plan_fetch` found.
        on_file: called before each file.
        download: ``huggingface_hub.hf_hub_download`` or a replacement; None for the former.

    Raises:
        ModelFolderError: when a download fails; the next call resumes it.
    """
    if download is None:
        from huggingface_hub import hf_hub_download

        download = hf_hub_download
    folder = ModelFolder(root)
    root.mkdir(parents=True, exist_ok=True)
    for file in files:
        if on_file is not None:
            on_file(file)
        below = root if file.target == file.name else root / file.target[: -len(file.name)]
        try:
            download(repo_id=file.repository, filename=file.name, local_dir=str(below))
        except Exception as error:  # the hub's client raises whatever its transport raises
            raise ModelFolderError(
                f"{file.name}: the download from {file.repository} failed ({error}); run it again to go on"
            ) from error
    write_record(folder, {file.target: (file.size, file.sha256) for file in files})
    return folder


def write_record(folder: ModelFolder, files: dict[str, tuple[int, str | None]]) -> None:
    """Write sizes and hashes of the files beside the models, for ``void models check``; those of files that
    another fetch has brought stay."""
    try:
        known = json.loads(folder.record.read_text("utf-8"))["files"]
    except (OSError, ValueError, KeyError, TypeError):
        known = {}
    there = {name: (each["size"], each["sha256"]) for name, each in known.items() if name not in files}
    files = {**there, **files}
    record = {"files": {name: {"size": size, "sha256": sha} for name, (size, sha) in sorted(files.items())}}
    folder.record.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
