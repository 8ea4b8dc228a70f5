"""What whoever sends jobs to a farm decides, whatever the farm is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from void_engine.engines.info import MachineNeeds
from void_engine.engines.registry import engine_info
from void_server.farm.planning import DEFAULT_CHUNK_FRAMES, DEFAULT_PART_FRAMES

STEP_ORDER = ("prepare", "remove", "merge", "check")
"""Each depends on the one before it."""


@dataclass(frozen=True)
class NukeExport:
    """A script whose Write nodes make the plates and mattes that the jobs name."""

    script: Path
    writes: Sequence[str]
    """Names of Write nodes, rendered in this order for each chunk of frames."""
    command: str = "nuke"


@dataclass(frozen=True)
class FarmSettings:
    """How jobs are laid out and run."""

    folder: Path
    """Where the bundles go; one in it for each shot, or the only one itself."""
    scratch: Path
    """On storage that all machines see."""
    part_frames: int = DEFAULT_PART_FRAMES
    chunk_frames: int = DEFAULT_CHUNK_FRAMES
    together: bool = False
    """All jobs in one bundle, short shots sharing tasks."""
    gpus: int | None = None
    """None leaves it to the engine."""
    gpu_memory_mib: int | None = None
    gpu_group: str = ""
    """The farm's name for its machines with such devices, where it knows them by a name only."""
    memory_mib: int | None = None
    timeout_s: int = 24 * 3600
    """Of a removal task; the others have a quarter."""
    grace_s: int = 120
    """Between asking a task to stop and killing it."""
    void_command: str = "void"
    export: NukeExport | None = None
    environment: dict[str, str] = field(default_factory=dict)
    """Variables of every task: OCIO, VOID_MODELS, VOID_CACHE and the like."""
    assets: Sequence[Path] = ()
    """Files and folders outside the jobs that machines need."""

    def needs(self, engine: str) -> MachineNeeds:
        """What the removal step asks of a machine."""
        usual = engine_info(engine).needs
        return MachineNeeds(
            gpus=usual.gpus if self.gpus is None else self.gpus,
            gpu_memory_mib=self.gpu_memory_mib or usual.gpu_memory_mib,
            memory_mib=self.memory_mib or usual.memory_mib,
            cores=usual.cores,
        )

    @property
    def light_timeout_s(self) -> int:
        """Of the tasks that need no GPU."""
        return max(600, self.timeout_s // 4)
