"""What an engine says about itself before anything of it is loaded.

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

if TYPE_CHECKING:
    from void_engine.engines.interface import Engine, Monitor

_NAME = re.compile("[a-z][a-z0-9_-]{0,31}")

TorchrunMain = Callable[[Callable[[], None], Sequence[Mapping[str, Scalar]], "Monitor"], None]
"""What several processes that ``torchrun`` started call, each with the function that runs the jobs, the jobs'
engine options and a monitor: the first one calls the function, the others help it until it is done."""


@dataclass(frozen=True, slots=True)
class MachineNeeds:
    """What a machine must have to run an engine."""

    gpus: int = 0
    """How many devices of one machine a farm gives to a shot; more than 1 share its windows."""
    gpu_memory_mib: int = 24 * 1024
    """Memory of each device."""
    memory_mib: int = 8 * 1024
    cores: int = 2

    @property
    def rank(self) -> tuple[int, int, int]:
        """Compares how demanding engines are."""
        return self.gpus, self.memory_mib, self.cores


def _is_available() -> str:
    return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineInfo:
    """All that others need to know of an engine.

    Raises:
        ValueError: when made with a name that a job cannot say, or with a preset of options that it does not
            have.
    """

    name: str
    """What a job calls it: 1 to 32 lower-case letters, digits, ``-`` and ``_``, a letter first."""
    title: str
    """What people read."""
    summary: str = ""
    """One line: what it is for."""
    factory: str | Callable[[], Engine]
    """Makes an engine: ``module:Class``, imported when an engine is wanted, or a function that imports what
    it needs itself."""
    unavailable: Callable[[], str] = _is_available
    """Looks at this machine and says why the engine cannot run here, with the remedy; empty when it can.
    Imports nothing heavy."""
    needs: MachineNeeds = MachineNeeds()
    part_overlap: int | None = None
    """How many frames two neighbouring parts of a shot have in common when several machines make it; None
    where a shot must be made in one piece."""
    torchrun: str = ""
    """``module:function``, a :data:`TorchrunMain`, by which several devices of one machine share the windows
    of a shot; empty where they cannot."""
    reads_prompt: bool = False
    options: tuple[EngineOption, ...] = ()
    check: Callable[[Mapping[str, Scalar]], object] | None = None
    """Checks a job's options where there is more to them than each one's own kind and range; raises
    SettingError."""
    presets: Mapping[str, Mapping[str, Scalar]] = field(default_factory=dict)
    """Options by the name of a quality that a host offers: ``preview``, ``final``, ``finest``. A quality that
    is not here takes the defaults."""
    auto_rank: int | None = None
    """``auto`` takes the available engine of the highest rank; None is never taken by ``auto``."""
    variables: tuple[str, ...] = ()
    """Environment variables that tell it where things are. The tasks of a farm get them as whoever submits
    has them."""
    is_for_artists: bool = True
    """Whether a host offers it to artists."""

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

    @property
    def shares_windows(self) -> bool:
        """Whether several devices of one machine can share the windows of a shot."""
        return bool(self.torchrun)

    def problem(self) -> str:
        """Why the engine cannot run here, with the remedy; empty when it can. Never raises."""
        try:
            return self.unavailable()
        except Exception as error:  # noqa: BLE001 - a foreign engine's fault is not the others'
            return f"its look at this machine failed ({type(error).__name__}: {error}); see to its package"

    def check_options(self, given: Mapping[str, Scalar]) -> None:
        """Refuse options of a job that the engine cannot honour, before any work is spent.

        Raises:
            SettingError: naming the option and what it takes, or one of a similar name.
        """
        if self.check is not None:
            self.check(given)
        else:
            check_values(self.name, self.options, given)

    def make(self) -> Engine:
        """A fresh engine.

        Raises:
            ImportError: when its module cannot be imported.
            AttributeError: when the module does not have the class.
        """
        factory = load(self.factory) if isinstance(self.factory, str) else self.factory
        return factory()


def load(path: str) -> Any:
    """What ``module:name`` stands for."""
    module, _, name = path.partition(":")
    return getattr(import_module(module), name)


def missing_packages(modules: Iterable[str], extra: str) -> str:
    """Which of these modules are not installed, with the remedy; empty when none is missing. Imports none.

    Args:
        modules: names as they are imported.
        extra: the extra of ``void-nuke`` that brings them.
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
    except (ImportError, ValueError):  # a stand-in, or one that was forbidden
        return False
