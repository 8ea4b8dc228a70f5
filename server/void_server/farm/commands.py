"""Writes a task's command line for farms that know nothing but commands and frame numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from void_server.farm.bundle import Bundle, export_chunks
from void_server.farm.nuke_export import CHUNKS_NAME, EXPORT_NAME, write_export
from void_server.farm.planning import LIGHT_MEMORY_MIB, STEP_ORDER

TORCHRUN = "torchrun"
"""The command that starts several processes on one machine."""


@dataclass(frozen=True)
class StepCommand:
    """The command of one step. Its tasks are numbered from 0."""

    name: str
    words: Sequence[str]
    """The command and its arguments. One of them is the token for the task's number."""
    tasks: int
    timeout_s: int
    gpus: int
    gpu_memory_mib: int
    memory_mib: int
    cores: int
    after: str | None
    """The step that must be done before this one; None for the first."""


def torchrun_words(devices: int) -> list[str]:
    """Return the arguments by which ``torchrun`` starts ``void`` once for each device of a machine."""
    return ["--standalone", f"--nproc-per-node={devices}", "-m", "void_server"]


def step_commands(bundle: Bundle, token: str) -> list[StepCommand]:
    """Return all steps in order.

    Args:
        token: the text that the dispatcher replaces with a task's number.
    """
    order = bundle.order
    needs = order.needs(bundle.engine)
    commands = []
    before: str | None = None
    if order.export is not None:
        chunks = export_chunks(bundle)
        write_export(bundle.folder, chunks)
        script = bundle.folder / EXPORT_NAME
        words = [order.export.command, "-t", str(script), f"--script={order.export.script}"]
        words += [f"--write={name}" for name in order.export.writes]
        words += [f"--chunks={bundle.folder / CHUNKS_NAME}", f"--task={token}"]
        commands.append(
            StepCommand(
                name="export",
                words=words,
                tasks=len(chunks),
                timeout_s=order.light_timeout_s,
                gpus=0,
                gpu_memory_mib=0,
                memory_mib=LIGHT_MEMORY_MIB,
                cores=needs.cores,
                after=None,
            )
        )
        before = "export"
    for name in STEP_ORDER:
        heavy = name == "remove"
        start = [order.void_command]
        if heavy and needs.gpus > 1:
            start = [TORCHRUN, *torchrun_words(needs.gpus)]
        words = [
            *start, "farm", "step", name, "--plan", str(bundle.plan_file), "--task", token,
            "--scratch", str(order.scratch_folder), "--dialect", "plain",
        ]  # fmt: skip
        commands.append(
            StepCommand(
                name=name,
                words=words,
                tasks=len(bundle.plan.tasks(name)),
                timeout_s=order.timeout_s if heavy else order.light_timeout_s,
                gpus=needs.gpus if heavy else 0,
                gpu_memory_mib=needs.gpu_memory_mib if heavy and needs.gpus else 0,
                memory_mib=needs.memory_mib if heavy else LIGHT_MEMORY_MIB,
                cores=needs.cores,
                after=before,
            )
        )
        before = name
    return commands
