"""Which files of the hub the models of segmentation and reasoning need."""

from __future__ import annotations

from typing import Any

from void_engine.diffusion.model.fetch import HubFile, listed_files
from void_engine.segmentation.errors import ModelMissingError
from void_engine.segmentation.model_folders import ModelRole

LICENCES = {
    "tracker": "SAM 2.1 is under the Apache License 2.0",
    "finder": "SAM 3 is under Meta's SAM License; access is asked for on the hub, and needs its token",
    "reasoner": "Qwen3-VL is under the Apache License 2.0",
}
_ENDINGS = (".safetensors", ".json", ".txt", ".jinja", ".model")
_LICENCE_FILES = ("LICENSE", "LICENSE.md", "NOTICE", "README.md")


def plan_model(role: ModelRole, name: str | None = None, api: Any = None) -> list[HubFile]:
    """Ask the hub for the files of a model, which go into a folder of the model's name.

    Args:
        role: what the model is for.
        name: another model than the role's first, by its name on the hub.
        api: a ``huggingface_hub.HfApi``; None makes one.

    Raises:
        ModelFolderError: when the hub cannot be asked.
        ModelMissingError: when the model has no weights in the form that is loaded.
    """
    if api is None:
        from huggingface_hub import HfApi

        api = HfApi()
    repository = name or role.repositories[0]
    folder = repository.rpartition("/")[2]
    files = listed_files(api, repository, f"{folder}/", _is_wanted)
    if not any(file.name.endswith(".safetensors") for file in files):
        raise ModelMissingError(f"{repository} has no *.safetensors, and nothing else is loaded")
    return files


def _is_wanted(name: str) -> bool:
    return "/" not in name and (name.endswith(_ENDINGS) or name in _LICENCE_FILES)
