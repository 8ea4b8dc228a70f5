"""The description of an engine, which is known before anything of the engine is loaded.

Each engine's own folder holds one :class:`EngineInfo` named ``INFO``, in a module that imports no heavy
package, and an entry point of the group ``void_nuke.engines`` names it. The registry, the farm, the command
line, the server and, through the protocol, the hosts ask it; none of them knows an engine by name.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from void_engine.engines.options import EngineOption, Scalar, check_values
from void_engine.errors import SettingError

if TYPE_CHECKING:
    from void_engine.engines.interface import Engine, Monitor

_NAME = re.compile("[a-z][a-z0-9_-]{0,31}")

TorchrunMain = Callable[[Callable[[], None], Sequence[Mapping[str, Scalar]], "Monitor"], None]
"""A function that each of the processes that ``torchrun`` started calls with the function that runs the jobs,
the jobs' engine options and a monitor: the first process calls the function, the others help it."""

MemoryPlan = Callable[[int, int, int, int], int]
"""A function that gives the bytes of main memory that a shot needs at most, from its width and height in
pixels at the scale of the work, its number of frames, and how many cores its process may use."""


@dataclass(frozen=True, slots=True)
class MachineNeeds:
    """The resources of a machine that an engine needs."""

    gpus: int = 0
    """How many devices of one machine a farm gives to a shot; more than 1 share its windows."""
    gpu_memory_mib: int = 24 * 1024
    """The memory of each device in MiB."""
    memory_mib: int = 8 * 1024
    """The main memory in MiB."""
    cores: int = 2
    """The number of processor cores."""

    @property
    def rank(self) -> tuple[int, int, int]:
        """A sort key that grows with the demands of the engine."""
        return self.gpus, self.memory_mib, self.cores


def _is_available() -> str:
    return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineInfo:
    """The description of an engine: everything that other code needs to know of it.

    Raises:
        ValueError: when the name is not allowed, or a preset names options that are not declared or gives one
            a value that it does not take.
    """

    name: str
    """The name in jobs: 1 to 32 lower-case letters, digits, ``-`` and ``_``, beginning with a letter."""
    title: str
    """The name that people read."""
    summary: str = ""
    """One line that says what the engine is for."""
    factory: str | Callable[[], Engine]
    """The class as ``module:Class``, which is imported when an engine is made, or a function that makes an
    engine and does its own imports."""
    unavailable: Callable[[], str] = _is_available
    """A function that says why the engine cannot run on this machine, with the remedy; empty when it can. It
    must import nothing heavy."""
    needs: MachineNeeds = MachineNeeds()
    """What a farm reserves for it."""
    memory_plan: str = ""
    """A :data:`MemoryPlan` as ``module:function``; empty where every shot needs what ``needs`` says."""
    part_overlap: int | None = None
    """How many frames two neighbouring parts of a shot have in common when several machines make it; None
    where a shot must be made in one piece."""
    torchrun: str = ""
    """A :data:`TorchrunMain` as ``module:function``, by which several devices of one machine share the
    windows of a shot; empty where they cannot."""
    reads_prompt: bool = False
    """Whether the engine uses the prompt."""
    needs_prompt: bool = False
    """Whether the engine refuses a job with an empty prompt."""
    options: tuple[EngineOption, ...] = ()
    """The options that a job may set."""
    check: Callable[[Mapping[str, Scalar]], object] | None = None
    """A function that checks a job's options beyond each one's own type and range, and raises SettingError;
    None checks only those."""
    presets: Mapping[str, Mapping[str, Scalar]] = field(default_factory=dict)
    """The options of each quality that a host offers: ``preview``, ``final``, ``finest``. A quality that is
    missing here takes the defaults."""
    auto_rank: int | None = None
    """The rank among the engines of ``auto``, which takes the available one of the highest rank; None keeps
    the engine out of ``auto``."""
    variables: tuple[str, ...] = ()
    """Environment variables that the engine reads. Farm tasks get them with the submitter's values."""
    is_for_artists: bool = True
    """Whether hosts offer the engine to artists."""

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise ValueError(
                f"the engine's name {self.name!r} is not 1 to 32 lower-case letters, digits, '-' and '_'"
            )
        known = {one.name for one in self.options}
        for quality, options in self.presets.items():
            unknown = sorted(options.keys() - known)
            if unknown:
                raise ValueError(f"the preset {quality!r} names options that are not declared: {unknown}")
            try:
                check_values(self.name, self.options, options)
            except SettingError as error:
                raise ValueError(f"the preset {quality!r} is not allowed: {error}") from error

    @property
    def shares_windows(self) -> bool:
        """Whether several devices of one machine can share the windows of a shot."""
        return bool(self.torchrun)

    def main_memory(self, width: int, height: int, frames: int, threads: int) -> int:
        """Return the bytes of main memory that a shot needs at most, by the engine's own plan; see
        :data:`MemoryPlan`."""
        if not self.memory_plan:
            return self.needs.memory_mib * 2**20
        planned: MemoryPlan = load(self.memory_plan)
        return planned(width, height, frames, threads)

    def problem(self) -> str:
        """Say why the engine cannot run here, with the remedy; empty when it can. This never raises."""
        try:
            return self.unavailable()
        except (Exception, SystemExit) as error:  # noqa: BLE001 - a foreign engine's fault is not the others'
            return f"its look at this machine failed ({type(error).__name__}: {error}); see to its package"

    def check_options(self, given: Mapping[str, Scalar]) -> None:
        """Refuse options that the engine cannot honour, before any work is spent.

        Raises:
            SettingError: when an option is unknown or its value is wrong; the message says what is allowed.
        """
        if self.check is not None:
            self.check(given)
        else:
            check_values(self.name, self.options, given)

    def make(self) -> Engine:
        """Make a fresh engine.

        Raises:
            ImportError: when its module cannot be imported.
            AttributeError: when the module does not have the class.
        """
        factory = load(self.factory) if isinstance(self.factory, str) else self.factory
        return factory()


def load(path: str) -> Any:
    """Import the object that ``module:name`` names."""
    module, _, name = path.partition(":")
    return getattr(import_module(module), name)


def missing_packages(modules: Iterable[str], extra: str) -> str:
    """Say which of these modules are not installed, with the remedy; empty when none is missing.

    None of them is imported.

    Args:
        modules: the modules' import names.
        extra: the extra of ``void-nuke`` that installs them.
    """
    missing = [name for name in modules if not _is_installed(name)]
    if not missing:
        return ""
    many = "packages" if len(missing) > 1 else "package"
    return (
        f"it needs the Python {many} {', '.join(missing)}, which {'are' if len(missing) > 1 else 'is'} not "
        f"installed; install the extra '{extra}': pip install 'void-nuke[{extra}]'"
    )


def _is_installed(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except (ImportError, ValueError):  # The module is a stand-in without a spec, or its import is blocked.
        return False
