"""OpenCue: the steps as layers of a pyoutline outline, serialised to the specification that Cuebot takes."""

from __future__ import annotations

import math
import os
import re
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from void_server.farm.bundle import Bundle
from void_server.farm.commands import StepCommand, step_commands
from void_server.farm.errors import FarmError
from void_server.farm.order import FarmSettings

FRAME_TOKEN = "#IFRAME#"  # noqa: S105 - Cuebot replaces it with the frame's number
RANGE_TOKEN = "%{RANGE}"  # noqa: S105 - pyoutline replaces it where it executes a layer itself
_TOKENS = (FRAME_TOKEN, RANGE_TOKEN)
SPEC_NAME = "opencue.xml"
WORDS = ("priority", "pool", "retries", "limits", "tags")
_UNSAFE = re.compile(r"[^A-Za-z0-9_]+")


def outline_of(bundle: Bundle, *, token: str = FRAME_TOKEN) -> Any:
    """Make the outline: a layer for each step, a frame of it for each task, each layer after the one before.

    Args:
        token: the text that becomes a frame's number: Cuebot's, or :data:`RANGE_TOKEN` (pyoutline does not
            replace its own token for a frame when that is 0).

    Raises:
        FarmError: when pyoutline is not installed.
    """
    outline, shell = _needed()
    made = outline.Outline(f"void_{_UNSAFE.sub('_', bundle.name).lower()}", current=False)
    for name, value in bundle.environment.items():
        made.set_env(name, value, pre=True)
    layers: dict[str, Any] = {}
    for command in step_commands(bundle, token):
        layer = shell.Shell(command.name, **_arguments(command, bundle.order))
        made.add_layer(layer)
        if command.after is not None:
            layer.depend_all(layers[command.after])
        layers[command.name] = layer
    return made


def specification(bundle: Bundle) -> str:
    """Return the job in Cuebot's XML, by pyoutline's own serialisation."""
    made = outline_of(bundle)
    from outline.cuerun import OutlineLauncher

    launcher = _told(OutlineLauncher(made, pause=False), bundle.order)
    launcher.set_flag("backend", "cue")
    return str(launcher.serialize(use_pycuerun=False))


def write(bundle: Bundle) -> Path:
    """Write the specification and return its path."""
    path = bundle.folder / SPEC_NAME
    path.write_text(specification(bundle), encoding="utf-8")
    return path


def obstacle() -> str:
    """Return why nothing can be submitted from here; empty when it can."""
    if not os.environ.get("CUEBOT_HOSTS") and not os.environ.get("OPENCUE_CONFIG_FILE"):
        return "no Cuebot is named here; set CUEBOT_HOSTS"
    return ""


def submit(bundle: Bundle) -> str:
    """Launch the outline on the Cuebot of ``CUEBOT_HOSTS``.

    Raises:
        FarmError: when Cuebot cannot be reached or refuses.
    """
    made = outline_of(bundle)
    import opencue  # type: ignore[import-untyped]
    from outline.cuerun import OutlineLauncher

    try:
        launcher = _told(OutlineLauncher(made, pause=False, backend="cue"), bundle.order)
        jobs = launcher.launch(use_pycuerun=False)
    except (opencue.CueException, RuntimeError) as error:
        raise FarmError(f"Cuebot did not take {bundle.name}: {error}") from error
    return f"{bundle.name}: OpenCue job {jobs[0].data.name}"


def _told(launcher: Any, order: FarmSettings) -> Any:
    """Tell pyoutline's launcher what counts for the whole job."""
    flags = {"priority": order.priority, "maxretries": order.retries, "facility": order.pool or None}
    for name, value in flags.items():
        if value is not None:
            launcher.set_flag(name, value)
    return launcher


def _arguments(command: StepCommand, order: FarmSettings) -> dict[str, Any]:
    arguments: dict[str, Any] = {
        "command": quoted(command.words),
        "range": f"0-{command.tasks - 1}",
        "chunk": 1,
        "cores": command.needs.cores,
        "threadable": True,
        "memory": _memory(command.needs.memory_mib),
        "timeout": math.ceil(command.needs.timeout_s / 60),
        "type": "Render" if command.name == "remove" else "Util",
    }
    if command.needs.gpus:
        arguments["gpus"] = command.needs.gpus
        arguments["gpu_memory"] = _memory(command.needs.gpu_memory_mib)
    if tags := order.tags_for(command.needs.gpus):
        arguments["tags"] = tags  # as a list: of a text, pyoutline drops every tag with a sign in it
    if order.limits:
        arguments["limits"] = list(order.limits)
    return arguments


def _memory(mebibytes: int) -> str:
    """A size as Cuebot reads it, in whole gigabytes where it is one."""
    return f"{mebibytes // 1024}g" if mebibytes % 1024 == 0 else f"{mebibytes}m"


def quoted(words: Sequence[str]) -> list[str]:
    """Quote words so that they survive being joined by blanks and read by a shell. Tokens stay as they
    are."""
    return [word if word in _TOKENS else shlex.quote(word) for word in words]


def _needed() -> tuple[Any, Any]:
    try:
        import outline
        import outline.modules.shell
    except ModuleNotFoundError as error:
        raise FarmError(
            f"OpenCue needs pyoutline ({error.name} is not here); install the extra 'opencue'"
        ) from error
    return outline, outline.modules.shell
