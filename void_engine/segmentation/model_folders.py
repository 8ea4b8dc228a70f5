"""Where the models of segmentation and reasoning lie: folders as on their hub, in VOID's model folder.

A job cannot name a model; the machine that runs it does, by these folders and by environment variables.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

from void_engine.diffusion.model.folder import MODELS_VARIABLE
from void_engine.engines.info import missing_packages
from void_engine.segmentation.errors import ModelMissingError


@dataclass(frozen=True, slots=True)
class ModelRole:
    """What a model is needed for."""

    word: str
    purpose: str
    variable: str
    """The environment variable that names a model: a folder in VOID's model folder, or a path."""
    repositories: tuple[str, ...]
    """The models that are looked for, the best first, by their names on the hub."""
    types: tuple[str, ...]
    """The ``model_type`` of their configurations."""
    extra: str
    packages: tuple[str, ...] = ("torch", "transformers", "safetensors")

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the folders."""
        return tuple(name.rpartition("/")[2] for name in self.repositories)


TRACKER = ModelRole(
    "tracker",
    "follows an object through a shot",
    "VOID_TRACKER",
    (
        "facebook/sam2.1-hiera-large",
        "facebook/sam2.1-hiera-base-plus",
        "facebook/sam2.1-hiera-small",
        "facebook/sam2.1-hiera-tiny",
        "facebook/sam3",
    ),
    ("sam2_video", "sam2", "sam3_video", "sam3_tracker_video"),
    "segment",
)
FINDER = ModelRole(
    "finder",
    "finds objects by words",
    "VOID_FINDER",
    ("facebook/sam3",),
    ("sam3", "sam3_video"),
    "segment",
)
REASONER = ModelRole(
    "reasoner",
    "says what an object affected",
    "VOID_REASONER",
    (
        "Qwen/Qwen3-VL-8B-Instruct",
        "Qwen/Qwen3-VL-4B-Instruct",
        "Qwen/Qwen3-VL-32B-Instruct",
        "Qwen/Qwen3-VL-2B-Instruct",
    ),
    ("qwen3_vl",),
    "reason",
    ("torch", "transformers", "safetensors", "jsonschema", "PIL"),
)
ROLES = (TRACKER, FINDER, REASONER)


def model_folder(role: ModelRole) -> Path:
    """The folder of the model that has a role on this machine; nothing of it is loaded.

    Raises:
        ModelMissingError: when a package or the model is missing, or the folder holds another kind of model.
    """
    missing = missing_packages(role.packages, role.extra)
    if missing:
        raise ModelMissingError(f"no model here {role.purpose}: {missing}")
    root = os.environ.get(MODELS_VARIABLE, "")
    named = os.environ.get(role.variable, "")
    if named:
        folder = Path(root, named).expanduser() if root else Path(named).expanduser()
        if not folder.is_dir():
            raise ModelMissingError(f"{role.variable} names {folder}, which is no folder")
    else:
        found = [Path(root).expanduser() / name for name in role.names if root]
        folder = next((each for each in found if each.is_dir()), Path())
        if folder == Path():
            where = f"{root} has none" if root else f"{MODELS_VARIABLE} names no folder"
            raise ModelMissingError(
                f"no model here {role.purpose}: {where} of {', '.join(role.names)}; "
                f"`void models fetch DIR --for {role.word}` brings one"
            )
    _check(role, folder)
    return folder


def _check(role: ModelRole, folder: Path) -> None:
    config = folder / "config.json"
    try:
        found = json.loads(config.read_text("utf-8"))
        kind = found.get("model_type") if isinstance(found, dict) else None
    except (OSError, ValueError) as error:
        raise ModelMissingError(f"{config} cannot be read: {error}; fetch the model again") from error
    if kind not in role.types:
        raise ModelMissingError(
            f"{folder} holds a model of the type {kind!r}; what {role.purpose} is {' or '.join(role.types)}"
        )
    if not any(folder.glob("*.safetensors")):
        raise ModelMissingError(f"{folder} has no *.safetensors; fetch the model again")


def weight_bytes(folder: Path) -> int:
    """How large the weights of a model are on the disk."""
    return sum(path.stat().st_size for path in folder.glob("*.safetensors"))


def check_models(*, by_words: bool) -> None:
    """Make sure that this machine has the models of mattes and their packages, before anything is read.

    Args:
        by_words: whether an object is named, and not only clicked or boxed.

    Raises:
        ModelMissingError: when one is not here.
    """
    model_folder(TRACKER)
    if by_words:
        model_folder(FINDER)
