"""What the engine takes of the device: in each memory mode, where it is short, on long shots, overnight."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from typing import Any
from unittest import mock

import torch

from tests.bench.gpu.children import in_child
from tests.bench.gpu.random_models import drawn_on
from tests.bench.gpu.rig import GIB, MIB, Rig, Row, gib, resident_bytes
from void_engine.diffusion import engine as engine_module
from void_engine.diffusion.engine import VoidEngine
from void_engine.diffusion.errors import DeviceError
from void_engine.diffusion.framing import padded_length
from void_engine.diffusion.memory_plan import MODES, ModelNeeds, plan_mode
from void_engine.diffusion.model.offload import LoadedModels
from void_engine.diffusion.run import VoidRun

_LIMITS = (24, 16, 12)
"""GiB to which a process is limited, the size of common cards."""
_GROWTH_BYTES = 32 * MIB
"""What a process may grow by between its first and its last removals: libraries fill their caches late."""


def modes(rig: Rig) -> Iterator[Row]:
    """The peak of a whole removal in each memory mode beside what the planner says."""
    needs = rig.needs()
    precision = str(rig.dtype).removeprefix("torch.")
    for mode in (*MODES, "fp8"):
        planned = needs.device_bytes(mode)
        engine = VoidEngine(rig.folder.root)
        with drawn_on(rig.device):
            peak = rig.peak(
                lambda engine=engine, mode=mode: rig.removal(  # type: ignore[misc]
                    engine, rig.scale.window, memory=mode, precision=precision
                )
            )
            engine.release()
        rig.clear()
        if rig.on_gpu:
            yield Row(
                f"peak, mode {mode}", f"{gib(peak)}, planned {gib(planned)}: {peak / planned:.3f}",
                "within 5 %", abs(peak / planned - 1) <= 0.05,
            )  # fmt: skip
        else:
            yield Row(
                f"peak, mode {mode}", f"{gib(peak)} of live tensors without weights; planned {gib(planned)}"
            )


def ladder(rig: Rig) -> Iterator[Row]:
    """Processes with little memory: the planner's choice works, and so does the fall when memory ends."""
    needs = rig.needs()
    if rig.on_gpu:
        limits = [limit * GIB for limit in _LIMITS]
    else:
        # Between the needs of two modes each.
        planned = [needs.device_bytes(mode) for mode in MODES]
        limits = [(larger + smaller) // 2 for larger, smaller in pairwise(planned)]
    for limit in limits:
        for told in (True, False):
            outcome = in_child(limited, rig, limit, told) if rig.on_gpu else limited(rig, limit, told)
            wanted = expected(needs, limit, told)
            who = "told to the planner" if told else "unknown to the planner"
            # Reserves make the planner's numbers a little larger than what is used.
            fits = outcome == wanted or (not told and outcome.startswith("made"))
            yield Row(f"limited to {gib(limit)}, {who}", outcome, wanted, fits)


def expected(needs: ModelNeeds, limit: int, told: bool) -> str:
    """How a removal in ``limit`` bytes must end: in the mode that fits, or in the one after ``full``."""
    if told:
        mode = plan_mode(needs, limit)
        return f"made in mode {mode}" if needs.device_bytes(mode) <= limit else "refused"
    fitting = [mode for mode in MODES[:2] if needs.device_bytes(mode) <= limit]
    return f"made in mode {fitting[0]}" if fitting else "refused"


def limited(rig: Rig, limit: int, told: bool) -> str:
    """Make a removal in a process that may use ``limit`` bytes of the device, and say how it ended.

    Args:
        rig: the rig.
        limit: the most bytes.
        told: whether the planner knows; else it believes that all of the device is free.
    """
    precision = str(rig.dtype).removeprefix("torch.")
    free = limit if told else 1 << 50
    modes_used: list[str] = []
    latents = VoidRun.latents

    def watched(run: VoidRun, models: LoadedModels) -> Any:
        modes_used.append(models.mode)
        if not rig.on_gpu and rig.needs().device_bytes(models.mode) > limit:
            raise torch.OutOfMemoryError("the bench's limit")
        return latents(run, models)

    engine = VoidEngine(rig.folder.root)
    options: dict[str, Any] = {"precision": precision}
    if told and not rig.on_gpu:
        # On a CPU the planner is not asked, so its answer is given by hand.
        options["memory"] = plan_mode(rig.needs(), limit)
    with (
        drawn_on(rig.device),
        at_most(rig, limit),
        mock.patch.object(engine_module, "free_bytes", return_value=free),
        mock.patch.object(VoidRun, "latents", watched),
    ):
        try:
            rig.removal(engine, rig.scale.window, **options)
        except DeviceError:
            return "refused"
        finally:
            engine.release()
            rig.clear()
    return f"made in mode {modes_used[-1]}"


@contextmanager
def at_most(rig: Rig, limit: int) -> Iterator[None]:
    """Within this context the allocator refuses to hold more than ``limit`` bytes of the GPU."""
    if not rig.on_gpu:
        yield
        return
    total = torch.cuda.mem_get_info(rig.device)[1]
    torch.cuda.set_per_process_memory_fraction(min(1.0, limit / total), rig.device)
    try:
        yield
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0, rig.device)


def length(rig: Rig) -> Iterator[Row]:
    """The peak on shots of several lengths, which must not grow with them."""
    peaks = []
    engine = VoidEngine(rig.folder.root)
    precision = str(rig.dtype).removeprefix("torch.")
    with drawn_on(rig.device):
        rig.removal(engine, rig.scale.window, precision=precision)  # This loads the models.
        for frames in rig.scale.lengths:
            peak = rig.peak(
                lambda frames=frames: rig.removal(engine, frames, precision=precision)  # type: ignore[misc]
            )
            latents = 0 if rig.on_gpu else _latent_bytes(rig, frames)
            peaks.append(peak - latents)
            beyond = "" if rig.on_gpu else f", {gib(latents)} of it latents, which lie on the CPU"
            yield Row(f"peak of {frames} frames", f"{gib(peak)}{beyond}")
        engine.release()
    rig.clear()
    growth = peaks[-1] / peaks[0] - 1
    yield Row(
        f"growth from {rig.scale.lengths[0]} to {rig.scale.lengths[-1]} frames", f"{growth:+.1%}",
        "at most 2 %", growth <= 0.02 if rig.on_gpu else growth <= 0.1,
    )  # fmt: skip


def _latent_bytes(rig: Rig, frames: int) -> int:
    """What noise, codes and condition of a shot take: 80 channels of float32."""
    rows, columns = (side // 8 for side in rig.scale.canvas)
    padded = padded_length(frames, rig.scale.window)
    return ((padded - 1) // 4 + 1) * rows * columns * 80 * 4


def growth(rig: Rig) -> Iterator[Row]:
    """Many removals of the tiny model by one engine, as by a worker in a night."""
    engine = VoidEngine(rig.tiny.root)
    device: list[int] = []
    resident: list[int] = []
    for _ in range(rig.scale.removals):
        rig.removal(engine, 5, (32, 48), window_frames=5, overlap_frames=0)
        device.append(torch.cuda.memory_allocated(rig.device) if rig.on_gpu else 0)
        resident.append(resident_bytes() or 0)
    engine.release()
    settled = max(0, min(len(device) - 2, max(1, len(device) // 10)))
    if rig.on_gpu:
        more = device[-1] - device[settled]
        yield Row(f"{len(device)} removals: growth on the device", f"{more} bytes", "none", more <= 0)
    if resident[-1]:
        more = resident[-1] - resident[settled]
        yield Row(
            f"{len(device)} removals: growth of the process after {settled + 1}", gib(more),
            f"at most {gib(_GROWTH_BYTES)}", more <= _GROWTH_BYTES,
        )  # fmt: skip
