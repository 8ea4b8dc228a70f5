"""Chooses the device that runs the model, and the precision it computes in."""

from __future__ import annotations

import torch

from void_engine.diffusion.errors import DeviceError
from void_engine.diffusion.torchrun import local_rank

PRECISIONS = {"float32": torch.float32, "float16": torch.float16, "bfloat16": torch.bfloat16}


def pick_device(name: str) -> torch.device:
    """The device that ``name`` asks for; ``auto`` takes an accelerator where there is one.

    Raises:
        DeviceError: when the device does not exist.
    """
    if name == "auto":
        if torch.cuda.is_available():
            return own_cuda_device()
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError:
        raise DeviceError(f"device {name!r} is not known; choose auto, cpu, cuda, cuda:1 or mps") from None
    if device.type == "cuda":
        if name == "cuda":
            device = own_cuda_device()
        count = torch.cuda.device_count() if torch.cuda.is_available() else 0
        if (device.index or 0) >= count:
            raise DeviceError(f"device {name!r} is not there ({count} CUDA devices); choose auto or cpu")
    elif device.type == "mps" and not torch.backends.mps.is_available():
        raise DeviceError("device 'mps' is not there; choose auto or cpu")
    elif device.type not in ("cpu", "cuda", "mps"):
        raise DeviceError(f"device {name!r} cannot run the model; choose auto, cpu, cuda or mps")
    return device


def own_cuda_device() -> torch.device:
    """The CUDA device of this process; torchrun's processes on one machine have one each."""
    local = local_rank()
    return torch.device("cuda") if local is None else torch.device("cuda", local)


def precisions(name: str, device: torch.device) -> list[torch.dtype]:
    """The precisions to compute in, best first; the next one is tried when one overflows.

    ``auto`` is float32 on the CPU. Elsewhere it is float16, whose ten bits of mantissa keep more than the
    seven of bfloat16, and then bfloat16, whose range is that of float32.
    """
    if name != "auto":
        return [PRECISIONS[name]]
    if device.type == "cpu":
        return [torch.float32]
    return [torch.float16, torch.bfloat16]


def free_bytes(device: torch.device) -> int | None:
    """The bytes of the device's memory that are free now; None where that is not known."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    return None
