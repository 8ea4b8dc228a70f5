"""What the tasks of each step need of a machine, and how long they may take, whatever kind of farm it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from void_server.farm.planning import LIGHT_MEMORY_MIB, FarmStep

if TYPE_CHECKING:
    from void_server.farm.bundle import Bundle


@dataclass(frozen=True)
class StepNeeds:
    """The resources and the time limit of one task."""

    cores: int
    memory_mib: int
    timeout_s: int
    gpus: int = 0
    gpu_memory_mib: int = 0
    """The memory of each device; 0 where none is needed."""


def step_needs(bundle: Bundle, step: str) -> StepNeeds:
    """Return the needs of a step by its name: only ``remove`` needs what the engine needs."""
    order = bundle.order
    engine = order.needs(bundle.engine)
    if step != FarmStep.REMOVE.value:
        return StepNeeds(cores=engine.cores, memory_mib=LIGHT_MEMORY_MIB, timeout_s=order.light_timeout_s)
    return StepNeeds(
        cores=engine.cores,
        memory_mib=engine.memory_mib,
        timeout_s=order.timeout_s,
        gpus=engine.gpus,
        gpu_memory_mib=engine.gpu_memory_mib if engine.gpus else 0,
    )
