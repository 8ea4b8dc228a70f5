"""The description of the VOID engine, with which the registry finds it without loading torch."""

from __future__ import annotations

from void_engine.diffusion.errors import ModelFolderError
from void_engine.diffusion.model.folder import MODELS_VARIABLE, find_models
from void_engine.diffusion.settings import OPTIONS, read_settings
from void_engine.engines.info import EngineInfo, MachineNeeds, missing_packages

_PACKAGES = ("torch", "diffusers", "transformers", "safetensors")


def why_unavailable() -> str:
    """Say what this machine lacks to run the model; empty when it lacks nothing. No weights are read."""
    missing = missing_packages(_PACKAGES, "diffusion")
    if missing:
        return missing
    try:
        folder = find_models()
    except ModelFolderError as error:
        return str(error)
    if folder.pass_weights(1).is_file():
        return ""
    return (
        f"{folder.root}: the model folder lacks {folder.pass_weights(1).name}; "
        f"`void models fetch {folder.root}` brings it"
    )


INFO = EngineInfo(
    name="void",
    title="VOID model",
    summary="Imagines with a diffusion model what the shot would show without the object and its effects.",
    factory="void_engine.diffusion.engine:VoidEngine",
    unavailable=why_unavailable,
    needs=MachineNeeds(gpus=1, memory_mib=32 * 1024),
    # A shot cannot be cut into parts, because the model's windows are coupled at every step.
    part_overlap=None,
    torchrun="void_engine.diffusion.sampling.torchrun_main:run_together",
    reads_prompt=True,
    needs_prompt=True,
    options=OPTIONS,
    check=read_settings,
    presets={"preview": {"speed": "draft"}, "finest": {"passes": 2}},
    auto_rank=20,
    variables=(MODELS_VARIABLE,),
)
