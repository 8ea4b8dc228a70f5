"""One of several processes that denoise together, as the tests of ``distributed.py`` start them."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import torch
from safetensors.torch import save_file

from void_engine.diffusion.errors import PeerError
from void_engine.diffusion.model.folder import ModelFolder
from void_engine.diffusion.model.offload import LoadedModels, PrecisionOverflow
from void_engine.diffusion.sampling.denoise import DenoiseInputs
from void_engine.diffusion.sampling.denoise_pass import Follower, Pass, denoise_pass
from void_engine.diffusion.sampling.distributed import joined_processes
from void_engine.diffusion.sampling.process_group import ProcessGroup
from void_engine.diffusion.sampling.windows import plan_windows
from void_engine.errors import RemovalCancelled

STEPS = 3


class Breaking:
    """A monitor that raises at a given call, as a stop, a bug or an overflow between two layers would."""

    def __init__(self, how: str, looks: int) -> None:
        self._how, self._left = how, looks

    def progress(self, stage: str, step: int, steps: int, frame: int | None = None) -> None: ...

    def preview(self, frame: int, picture: object) -> None: ...

    def log(self, message: str) -> None: ...

    def check_cancelled(self) -> None:
        self._left -= 1
        if self._how and self._left < 0:
            raise {
                "cancel": RemovalCancelled("stopped"),
                "fail": RuntimeError("a bug of the test's"),
                "overflow": PrecisionOverflow(),
            }[self._how]


def made_input(latents: int) -> DenoiseInputs:
    draw = torch.Generator().manual_seed(7)
    return DenoiseInputs(
        torch.randn(1, latents, 16, 4, 6, generator=draw),
        torch.randn(1, latents, 32, 4, 6, generator=draw),
        [torch.randn(1, 226, 32, generator=draw)],
    )


def denoised(models: Path, latents: int, group: ProcessGroup, how: str = "") -> torch.Tensor:
    """Denoise the shot; every process that has all latents returns the same."""
    windows = tuple(plan_windows(latents, 4, 2, full_last=True))
    order = Pass(1, STEPS, 0, windows, 1.0, True, False, keep_every=2)
    offload = LoadedModels(ModelFolder(models), torch.device("cpu"), torch.float32, "full", False)
    with torch.inference_mode():
        return denoise_pass(offload, order, made_input(latents), group, Breaking(how, 9))


def member(
    rank: int, size: int, port: int, said: Path, models: Path, latents: int, out: Path, how: str
) -> None:
    """Run as process ``rank``, as torchrun would start it; the leader writes latents or an error to ``out``.

    In the second step ``how`` stops the leader (``cancel``), or makes the last follower raise (``fail``) or
    overflow (``overflow``). The output of the process goes to ``said``.
    """
    os.environ |= {"RANK": str(rank), "WORLD_SIZE": str(size), "LOCAL_RANK": str(rank)}
    os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    torch.set_num_threads(1)
    sys.stderr = said.open("w")
    with joined_processes("cpu") as group:
        if group.leads:
            try:
                result = denoised(models, latents, group, how if how == "cancel" else "")
            except (RemovalCancelled, PrecisionOverflow, PeerError) as error:
                out.write_text(type(error).__name__)
                raise
            save_file({"latents": result.contiguous()}, out)
        else:
            breaks = group.rank == group.size - 1 and how != "cancel"
            Follower(group, Breaking(how if breaks else "", 9)).serve()
