"""The model folder and the paths of its files, laid out as on the hubs."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from void_engine.diffusion.errors import ModelFolderError

MODELS_VARIABLE = "VOID_MODELS"
"""The environment variable that names the folder of VOID's models."""
BASE_NAME = "CogVideoX-Fun-V1.5-5b-InP"
BASE_REPOSITORY = "alibaba-pai/CogVideoX-Fun-V1.5-5b-InP"
VOID_REPOSITORY = "netflix/void-model"
RECORD_NAME = "void-models.json"
"""The file that records size and SHA-256 of each model file, as the hub states them or as they were made."""
MAGNITUDES_NAME = "void-magnitudes.json"


@dataclass(frozen=True, slots=True)
class ModelFolder:
    """The paths of one model folder; making one reads nothing."""

    root: Path

    @property
    def base(self) -> Path:
        """The folder of the base model: VAE, text encoder, tokenizer and configurations."""
        return self.root / BASE_NAME

    @property
    def vae(self) -> Path:
        return self.base / "vae"

    @property
    def text_encoder(self) -> Path:
        return self.base / "text_encoder"

    @property
    def tokenizer(self) -> Path:
        return self.base / "tokenizer"

    @property
    def transformer_config(self) -> Path:
        return self.base / "transformer" / "config.json"

    @property
    def scheduler_config(self) -> Path:
        return self.base / "scheduler" / "scheduler_config.json"

    @property
    def record(self) -> Path:
        return self.root / RECORD_NAME

    @property
    def magnitudes(self) -> Path:
        """The file that ``void models calibrate`` writes for the step cache ``mag``."""
        return self.root / MAGNITUDES_NAME

    @property
    def raft(self) -> Path:
        """The optional ONNX file of RAFT, for the warped noise of pass 2."""
        return self.root / "raft" / "raft.onnx"

    def pass_weights(self, pass_number: int) -> Path:
        """The denoiser's weights of pass 1 or 2."""
        return self.root / f"void_pass{pass_number}.safetensors"

    def require(self, passes: int) -> None:
        """Check that every file that ``passes`` passes need is there, without reading any.

        Raises:
            ModelFolderError: when files are missing; the message names them.
        """
        needed = [
            self.transformer_config,
            self.scheduler_config,
            self.vae / "config.json",
            self.text_encoder / "config.json",
            *(self.pass_weights(number) for number in range(1, passes + 1)),
        ]
        for weights in (
            self.vae / "diffusion_pytorch_model.safetensors",
            self.text_encoder / "model.safetensors",
        ):
            index = weights.with_name(weights.name + ".index.json")
            needed.append(index if index.is_file() else weights)
        missing = [path for path in needed if not path.is_file()]
        if not any((self.tokenizer / name).is_file() for name in ("spiece.model", "tokenizer.json")):
            missing.append(self.tokenizer / "spiece.model")
        if missing:
            names = ", ".join(str(path.relative_to(self.root)) for path in missing)
            raise ModelFolderError(
                f"{self.root}: the model folder lacks {names}; `void models fetch {self.root}` brings it"
            )


def find_models(explicit: str | Path | None = None) -> ModelFolder:
    """Find the model folder: ``explicit``, or else the one that VOID_MODELS names.

    Raises:
        ModelFolderError: when none is named, or when it is no folder.
    """
    named = explicit or os.environ.get(MODELS_VARIABLE, "")
    if not named:
        raise ModelFolderError(
            f"no model folder is named; give --models DIR or set {MODELS_VARIABLE} "
            "(`void models fetch DIR` gets one)"
        )
    root = Path(named).expanduser()
    if not root.is_dir():
        raise ModelFolderError(f"{root}: no such model folder; `void models fetch {root}` makes it")
    return ModelFolder(root)
