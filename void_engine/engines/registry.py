"""Engines by name. Each is imported only when it is asked for, so none drags its packages into the others."""

from __future__ import annotations

import os
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import cast

from void_engine.engines.interface import Engine
from void_engine.errors import SettingError

AUTO = "auto"
"""Not an engine: the best one that this machine can run."""

MODELS_VARIABLE = "VOID_MODELS"
"""The environment variable that names the folder of VOID's models."""

_FACTORIES = {
    "identity": "void_engine.engines.identity:IdentityEngine",
    "propagation": "void_engine.propagation.engine:PropagationEngine",
    "void": "void_engine.diffusion.engine:VoidEngine",
}

_PART_OVERLAPS = {"identity": 0, "propagation": 8}
"""Frames that two neighbouring parts of a shot both make. The windows of the diffusion model are coupled at
every step, so its shots are not cut."""


def part_overlap(name: str) -> int | None:
    """How many frames the parts of one shot have in common when several machines make it; None where a shot
    must be made in one piece. Loads nothing."""
    return _PART_OVERLAPS.get(name)


def engine_names() -> tuple[str, ...]:
    """The names that a job may ask for, without ``auto``."""
    return tuple(sorted(_FACTORIES))


def make_engine(name: str) -> Engine:
    """A fresh engine. It may be kept and used for one job after another.

    Raises:
        SettingError: for a name that is not known, or packages that are not installed.
    """
    if name == AUTO:
        name = best_engine_here()
    try:
        module_name, _, class_name = _FACTORIES[name].partition(":")
    except KeyError:
        known = ", ".join((AUTO, *engine_names()))
        raise SettingError(f"settings.engine: there is no engine {name!r}; choose one of {known}") from None
    try:
        module = import_module(module_name)
    except ModuleNotFoundError as error:
        raise SettingError(
            f"settings.engine: {name!r} needs the Python package {error.name!r}, which is not here; "
            "install the extra 'diffusion', or choose 'propagation'"
        ) from error
    return cast(Engine, getattr(module, class_name)())


def best_engine_here() -> str:
    """What ``auto`` means here: ``void`` where its models and packages are, else ``propagation``."""
    folder = os.environ.get(MODELS_VARIABLE, "")
    has_models = bool(folder) and (Path(folder) / "void_pass1.safetensors").is_file()
    return "void" if has_models and find_spec("diffusers") is not None else "propagation"
