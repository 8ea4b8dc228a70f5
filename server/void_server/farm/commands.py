"""Writes a task's command line for farms that know nothing but commands and frame numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from void_server.farm.bundle import Bundle, export_chunks
from void_server.farm.monitor import Dialect
from void_server.farm.nuke_export import CHUNKS_NAME, EXPORT_NAME, write_export
from void_server.farm.planning import STEP_ORDER
from void_server.farm.step_needs import StepNeeds, step_needs

TORCHRUN = "torchrun"
"""The command that starts several processes on one machine."""


@dataclass(frozen=True)
class StepCommand:
    """The command of one step. Its tasks are numbered from 0."""

    name: str
    words: Sequence[str]
    """The command and its arguments. One of them is the token for the task's number, or ends in ``=`` and the
    token."""
    tasks: int
    needs: StepNeeds
    after: str | None
    """The step that must be done before this one; None for the first."""

    def words_of(self, task: int, token: str) -> list[str]:
        """Return the command of one task, with its number for the token."""
        return [
            word.removesuffix(token) + str(task) if is_for_task(word, token) else word for word in self.words
        ]


def is_for_task(word: str, token: str) -> bool:
    """Whether a word of a command takes the task's number at its end, in place of the token."""
    return word == token or word.endswith(f"={token}")


def torchrun_words(devices: int) -> list[str]:
    """Return the arguments by which ``torchrun`` starts ``void`` once for each device of a machine."""
    return ["--standalone", f"--nproc-per-node={devices}", "-m", "void_server"]


def step_commands(bundle: Bundle, token: str, dialect: Dialect = Dialect.PLAIN) -> list[StepCommand]:
    """Return all steps in order.

    Args:
        token: the text that the dispatcher replaces with a task's number.
        dialect: which dispatcher's progress lines the steps print.
    """
    order = bundle.order
    commands = []
    before: str | None = None
    if order.export is not None:
        chunks = export_chunks(bundle)
        write_export(bundle.folder, chunks)
        script = bundle.folder / EXPORT_NAME
        words = [order.export.command, "-t", str(script), f"--script={order.export.script}"]
        words += [f"--write={name}" for name in order.export.writes]
        words += [f"--chunks={bundle.folder / CHUNKS_NAME}", f"--task={token}"]
        commands.append(StepCommand("export", words, len(chunks), step_needs(bundle, "export"), None))
        before = "export"
    for name in STEP_ORDER:
        needs = step_needs(bundle, name)
        start = [order.void_command]
        if needs.gpus > 1:
            start = [TORCHRUN, *torchrun_words(needs.gpus)]
        words = [
            *start, "farm", "step", name, "--plan", str(bundle.plan_file), "--task", token,
            "--scratch", str(order.scratch_folder), "--dialect", dialect.value,
        ]  # fmt: skip
        commands.append(StepCommand(name, words, len(bundle.plan.tasks(name)), needs, before))
        before = name
    return commands
