"""Names devices, and makes the environment in which a worker sees its own device and no other.

An engine need not know which device is its own: a worker for ``cuda:1`` is started with
``CUDA_VISIBLE_DEVICES`` so that the second GPU is the only one that it finds.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence

from void_server.errors import ServerSettingError

_CUDA = re.compile(r"cuda:([0-9]{1,3})")
_THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "OPENIMAGEIO_THREADS")


def worker_environments(
    devices: Sequence[str], environment: Mapping[str, str], cores: int | None = None
) -> list[tuple[str, dict[str, str]]]:
    """Return, for each of the server's devices, its name and the variables that its worker gets beside the
    server's.

    Workers on the same machine share its cores: each gets its share of them, unless the environment of the
        server
    says otherwise. ``cuda:1`` counts among the GPUs that the server itself may see.

    Raises:
        ServerSettingError: when a GPU is not visible here.
    """
    share = str(max(1, (cores or os.cpu_count() or 1) // max(1, len(devices))))
    threads = {name: share for name in _THREADS if name not in environment} if len(devices) > 1 else {}
    return [(device, {**threads, **_visibility(device, environment)}) for device in devices]


def _visibility(device: str, environment: Mapping[str, str]) -> dict[str, str]:
    if device == "cpu":
        return {"CUDA_VISIBLE_DEVICES": ""}
    match = _CUDA.fullmatch(device)
    if match is None:
        return {}
    return {"CUDA_VISIBLE_DEVICES": _visible(int(match[1]), environment.get("CUDA_VISIBLE_DEVICES"))}


def _visible(index: int, visible: str | None) -> str:
    """Return GPU ``index`` of those that are visible here, in CUDA's own words."""
    if not visible:
        return str(index)
    names = [name.strip() for name in visible.split(",")]
    if index >= len(names):
        raise ServerSettingError(
            "devices",
            f"there is no cuda:{index}; CUDA_VISIBLE_DEVICES lets the server see {len(names)} GPUs",
        )
    return names[index]
