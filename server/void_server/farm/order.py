"""What the person who sends jobs to a farm decides, whatever kind of farm it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from msgspec import Meta

from void_engine.engines.info import MachineNeeds
from void_engine.engines.registry import engine_info
from void_server.errors import ServerSettingError
from void_server.farm.dispatch import DispatchSettings
from void_server.farm.planning import DEFAULT_CHUNK_FRAMES, DEFAULT_PART_FRAMES
from void_server.settings.declaration import option, settings_of
from void_server.settings.kinds import Count
from void_server.settings.server_settings import CACHE_VARIABLE, MODELS_VARIABLE


@dataclass(frozen=True)
class NukeExport:
    """A script whose Write nodes make the plates and mattes that the jobs name."""

    script: Path
    writes: Sequence[str]
    """Names of Write nodes, rendered in this order for each chunk of frames."""
    command: str
    """The nuke command on the machines."""


_Mebibytes = Annotated[int, Meta(ge=1, extra={"unit": "mebibytes"})]


@dataclass(frozen=True, kw_only=True)
class FarmSettings(DispatchSettings):
    """How jobs are laid out and run: the options of ``void farm bundle``.

    Raises:
        ServerSettingError: when a value is not allowed; it names the setting.
    """

    folder: Annotated[
        Path,
        Meta(description="Folder for the bundles: one in it for each shot, or the only one itself."),
        option("--folder", "-o"),
    ]
    scratch: Annotated[
        Path | None,
        Meta(description="Folder that all machines see."),
        option("--scratch", otherwise="'scratch' beside the bundles"),
    ] = None
    part_frames: Annotated[
        Count, Meta(description="Wanted frames of a removal task."), option("--part-frames")
    ] = DEFAULT_PART_FRAMES
    chunk_frames: Annotated[
        Count, Meta(description="Most frames of a merging task."), option("--chunk-frames")
    ] = DEFAULT_CHUNK_FRAMES
    together: Annotated[
        bool, Meta(description="One bundle for all jobs; short shots share tasks."), option("--together")
    ] = False
    gpus: Annotated[
        Annotated[int, Meta(ge=0)] | None,
        Meta(description="Devices of a removal task; above 1 they share one shot."),
        option("--gpus", otherwise="what the engine needs"),
    ] = None
    gpu_memory_mib: Annotated[
        _Mebibytes | None,
        Meta(description="Memory of each device."),
        option("--gpu-memory-mib", otherwise="what the engine needs"),
    ] = None
    gpu_group: Annotated[
        str,
        Meta(description="The group or tag that the machines with GPUs have on the farm."),
        option("--gpu-group"),
    ] = ""
    memory_mib: Annotated[
        _Mebibytes | None,
        Meta(description="Memory of a removal task."),
        option("--memory-mib", otherwise="what the engine needs"),
    ] = None
    timeout_s: Annotated[
        int,
        Meta(
            ge=1,
            description="Seconds after which a removal task is taken for stuck; the others have a quarter.",
        ),
        option("--timeout-s"),
    ] = 24 * 3600
    grace_s: Annotated[
        int,
        Meta(ge=1, le=600, description="Seconds between asking a task to stop and killing it."),
        option("--grace-s"),
    ] = 120
    void_command: Annotated[str, Meta(description="The void command on the machines."), option("--void")] = (
        "void"
    )
    ocio: Annotated[
        str | None,
        Meta(description="OCIO configuration of every task."),
        option("--ocio", variable="OCIO", otherwise="none"),
    ] = None
    models: Annotated[
        str | None,
        Meta(description="Model folder of every task."),
        option("--models", variable=MODELS_VARIABLE, otherwise="none"),
    ] = None
    cache: Annotated[
        str | None,
        Meta(description="Cache folder of every task."),
        option("--cache", variable=CACHE_VARIABLE, otherwise="none"),
    ] = None
    nuke_script: Annotated[
        Path | None,
        Meta(description="Script whose Write nodes render the plates and mattes first."),
        option("--nuke-script"),
    ] = None
    nuke_writes: Annotated[
        tuple[str, ...],
        Meta(description="A Write node of that script; may be repeated."),
        option("--nuke-write"),
    ] = ()
    nuke_command: Annotated[str, Meta(description="The nuke command on the machines."), option("--nuke")] = (
        "nuke"
    )
    image: Annotated[
        str, Meta(description="Kubernetes: the container image that has the void command."), option("--image")
    ] = ""
    claims: Annotated[
        tuple[str, ...],
        Meta(description="Kubernetes: NAME=/PATH, a volume claim and where it is mounted; may be repeated."),
        option("--claim"),
    ] = ()
    assets: Annotated[
        tuple[Path, ...],
        Meta(description="A file or folder outside the jobs that machines need; may be repeated."),
        option("--asset"),
    ] = ()

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "folder", self.folder.absolute())
        if (self.nuke_script is None) != (not self.nuke_writes):
            raise ServerSettingError(
                "nuke_script", "a script and its Write nodes go together: --nuke-script and --nuke-write"
            )

    @property
    def scratch_folder(self) -> Path:
        """The folder in which tasks leave files for each other, on storage that all machines see."""
        return (self.scratch or self.folder / "scratch").absolute()

    @property
    def export(self) -> NukeExport | None:
        """What Nuke renders before the jobs can run; None where it renders nothing."""
        if self.nuke_script is None:
            return None
        return NukeExport(self.nuke_script.absolute(), self.nuke_writes, self.nuke_command)

    @property
    def environment(self) -> dict[str, str]:
        """The variables that every task gets."""
        values = ((one.named.variable, getattr(self, one.name)) for one in settings_of(FarmSettings))
        return {variable: value for variable, value in values if variable and value}

    def needs(self, engine: str) -> MachineNeeds:
        """Return what the removal step needs of a machine."""
        usual = engine_info(engine).needs
        return MachineNeeds(
            gpus=usual.gpus if self.gpus is None else self.gpus,
            gpu_memory_mib=self.gpu_memory_mib or usual.gpu_memory_mib,
            memory_mib=self.memory_mib or usual.memory_mib,
            cores=usual.cores,
        )

    def tags_for(self, gpus: int) -> list[str]:
        """Return the properties that a machine must have: the tags, and the group of those with GPUs where
        a task needs some."""
        return [*self.tags, *([self.gpu_group] if gpus and self.gpu_group else [])]

    @property
    def light_timeout_s(self) -> int:
        """The limit, in seconds, of the tasks that need no GPU."""
        return max(600, self.timeout_s // 4)
